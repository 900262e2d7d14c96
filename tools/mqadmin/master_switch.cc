// SPDX-License-Identifier: Apache-2.0
#include "tools/mqadmin/master_switch.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "common/strings.h"
#include "remoting/protocol/codes.h"
#include "tools/mqadmin/counted.h"
#include "tools/mqadmin/session.h"

namespace orbitmq::tools {
namespace {

using Members = std::span<const GroupMember>;

Status Refuse(std::string_view text) { return {StatusCode::kFailedPrecondition, text}; }

// Whether a broker can be asked and changes its role while it runs.
Status CheckOurs(const GroupMember& member) {
  if (!member.reached.ok()) return member.reached.Annotate("nothing was changed");
  if (member.changes_role) return {};
  return Refuse(StrCat(member.address.ToString(),
                       " is no broker of OrbitMQ (its runtime figures have no haRole): it would store the "
                       "new role and go on as before. Nothing was changed; change brokerRole and brokerId in "
                       "its configuration file and start it anew"));
}

// What the master says of the slave's connection. Its port is any one, so that the address alone must tell;
// null when it does not.
const proto::HAConnectionRuntimeInfo* ConnectionOf(const GroupMember& master, Members members,
                                                   const GroupMember& slave) {
  const auto shares_host = [&slave](const GroupMember& one) {
    return one.id != kMasterId && one.address.host == slave.address.host;
  };
  if (std::count_if(members.begin(), members.end(), shares_host) != 1) return nullptr;
  const proto::HAConnectionRuntimeInfo* found = nullptr;
  for (const proto::HAConnectionRuntimeInfo& one : master.replication.ha_connection_info) {
    const auto from = ParseEndpoint(one.addr);
    if (!from.ok() || from->host != slave.address.host) continue;
    if (found != nullptr) return nullptr;
    found = &one;
  }
  return found;
}

Status CheckInStep(const GroupMember& master, Members members, const GroupMember& slave) {
  const std::string remedy =
      StrCat("Nothing was changed; wait until mqadmin haStatus -b ", master.address.ToString(),
             " no longer says that a slave is not in step, and look into the slave's log if it goes on");
  if (!slave.replication.ha_client_runtime_info.activated.value_or(false)) {
    return Refuse(StrCat("the slave ", slave.address.ToString(), " does not follow its master ",
                         master.address.ToString(), " now. ", remedy));
  }
  const proto::HAConnectionRuntimeInfo* seen = ConnectionOf(master, members, slave);
  // Without its connection the two ends of the logs must tell.
  const proto::HAConnectionRuntimeInfo known =
      seen != nullptr
          ? *seen
          : proto::HAConnectionRuntimeInfo{.diff = std::max<int64_t>(0, master.log_end() - slave.log_end()),
                                           .in_sync = true};
  if (proto::InStep(known)) return {};
  return Refuse(StrCat("the slave ", slave.address.ToString(), " is not in step with its master ",
                       master.address.ToString(), ": ", LagText(known), " behind. ", remedy));
}

// The slave that -t names.
Result<size_t> Named(const std::string& broker, Members members, const std::string& target) {
  const auto id = ParseInt<int64_t>(target);
  const auto address = ParseEndpoint(target);
  if (!id && !address.ok()) {
    return UsageError(StrCat("-t/--target: '", Printable(target), "' is neither a brokerId nor host:port"));
  }
  std::vector<std::string> known;
  for (size_t i = 0; i < members.size(); ++i) {
    if (id ? members[i].id == *id : members[i].address == *address) {
      if (members[i].id != kMasterId) return i;
      return Refuse(StrCat(members[i].address.ToString(), " is the master of ", broker, " already"));
    }
    if (members[i].id == kMasterId) continue;
    known.push_back(StrCat(members[i].id, " ", members[i].address.ToString()));
  }
  return Status(StatusCode::kNotFound,
                StrCat(broker, " has no slave '", Printable(target), "'; it has: ", Join(known, ", ")));
}

// The first by `better` of those that `check` lets through. Of an only one the refusal is told as it is.
template <class Check>
Result<size_t> Best(const std::string& broker, Members members, Check check) {
  std::optional<size_t> best;
  std::vector<std::string> refusals;
  Status first;
  for (size_t i = 0; i < members.size(); ++i) {
    if (members[i].id == kMasterId) continue;
    if (Status fits = check(members[i]); !fits.ok()) {
      refusals.emplace_back(fits.text());
      if (first.ok()) first = fits;
    } else if (!best || members[i].log_end() > members[*best].log_end()) {
      best = i;
    }
  }
  if (best) return *best;
  if (refusals.size() == 1) return first;
  return Refuse(StrCat("none of the slaves of ", broker, " can lead: ", Join(refusals, "; ")));
}

template <class Check>
Result<size_t> Choose(const std::string& broker, Members members, const SwitchWish& wish, Check check) {
  if (wish.target.empty()) return Best(broker, members, check);
  const auto named = Named(broker, members, wish.target);
  if (!named.ok()) return named;
  if (Status fits = check(members[*named]); !fits.ok()) return fits;
  return named;
}

std::string WhatMayBeLost(Members members, const GroupMember* master, const GroupMember& target) {
  std::string loss = StrCat(
      "what the old master ", master == nullptr ? "" : StrCat(master->address.ToString(), " "), "took and ",
      target.address.ToString(), " (its log ends at ", target.log_end(),
      ") did not get is lost: after ASYNC_MASTER the last moment before the crash, after SYNC_MASTER only "
      "what was not answered OK; a topic that was made in its last 5 s and got no message may be unknown");
  for (const GroupMember& other : members) {
    if (other.id == kMasterId || !other.reached.ok() || other.log_end() <= target.log_end()) continue;
    StrAppend(loss, "; the slave ", other.address.ToString(), " has more, up to ", other.log_end(),
              ", and drops it");
  }
  return loss;
}

}  // namespace

std::string LagText(const proto::HAConnectionRuntimeInfo& slave) {
  const std::string time = slave.lag_millis ? StrCat(" and ", *slave.lag_millis, " ms") : std::string();
  return StrCat(CountedBytes(slave.diff), time);
}

int64_t GroupMember::log_end() const {
  // One of the two is 0, whatever it says it is.
  return std::max(replication.master_commit_log_max_offset, replication.ha_client_runtime_info.max_offset);
}

Result<SwitchPlan> PlanSwitch(const std::string& broker, Members members, const SwitchWish& wish) {
  const auto at = std::find_if(members.begin(), members.end(),
                               [](const GroupMember& one) { return one.id == kMasterId; });
  const GroupMember* master = at == members.end() ? nullptr : &*at;
  const bool alive = master != nullptr && master->reached.ok();
  if (alive && !master->leads()) {
    return Refuse(StrCat(master->address.ToString(), " is registered as the master of ", broker,
                         ", but says that it does not lead. Nothing was changed; look again in ten seconds "
                         "(mqadmin clusterList)"));
  }
  if (members.size() == (master == nullptr ? 0u : 1u)) {
    return Refuse(StrCat(broker, " has no slave. Nothing was changed; start one: brokerName=", broker,
                         ", brokerRole=SLAVE and a brokerId above 0"));
  }
  const auto target = Choose(broker, members, wish, [&](const GroupMember& one) -> Status {
    if (Status ours = CheckOurs(one); !ours.ok()) return ours;
    if (one.leads()) {
      return Refuse(StrCat(one.address.ToString(), " leads already; the NameServers will know in a moment"));
    }
    return alive ? CheckInStep(*master, members, one) : Status();
  });
  if (!target.ok()) return target.status();
  SwitchPlan plan{.target = *target, .role = wish.role};
  if (alive) {
    if (Status ours = CheckOurs(*master); !ours.ok()) return ours;
    plan.master = static_cast<size_t>(master - members.data());
    if (plan.role.empty()) plan.role = master->role;
    return plan;
  }
  plan.loss = WhatMayBeLost(members, master, members[*target]);
  if (plan.role.empty()) plan.role = "ASYNC_MASTER";
  if (wish.force) return plan;
  const std::string why =
      master == nullptr ? StrCat("no NameServer knows a master of ", broker)
                        : StrCat("the master of ", broker, " does not answer: ", master->reached.text());
  return Refuse(StrCat(why, ". Nothing was changed; start it, or make the slave ",
                       members[*target].address.ToString(), " the master with --force: ", plan.loss));
}

Result<BrokerId> PlanRejoin(const std::string& broker, Members members, const GroupMember& returning) {
  if (Status ours = CheckOurs(returning); !ours.ok()) return ours;
  const std::string address = returning.address.ToString();
  if (returning.name != broker) {
    return Refuse(StrCat(address, " is called ", Printable(returning.name), ", not ", broker));
  }
  if (returning.role == kSlaveRole) return Refuse(StrCat(address, " is a slave already"));
  if (returning.leads()) {
    return Refuse(StrCat(address, " leads ", broker, "; switchMaster without --rejoin changes that"));
  }
  std::set<BrokerId> taken{kMasterId};
  bool led = false;
  for (const GroupMember& member : members) {
    if (member.address == returning.address) continue;
    taken.insert(member.id);
    led = led || (member.id == kMasterId && member.leads());
  }
  if (!led) return Refuse(StrCat("no other master of ", broker, " answers that ", address, " could follow"));
  BrokerId id = kMasterId;
  while (taken.contains(id)) ++id;
  return id;
}

Status NotTakenOver(const std::string& broker, const Status& refusal) {
  const std::string text = StrCat(refusal.text(), ". ", broker, " has no new master");
  if (!RefusesForNow(refusal)) return Refuse(text);
  return Refuse(StrCat(text,
                       ". Its master does not answer here, but its slave hears it: if that master is well, "
                       "mend the way to it from here and run this command without --force; if it is to be "
                       "replaced all the same, end its process first and run this command again"));
}

bool RefusesForNow(const Status& refusal) {
  if (refusal.wire_code() == proto::ResponseCode::kSystemBusy) return true;
  for (const std::string_view passing :
       {"follows a master that is alive", "heals its log", "is still starting", "changes its role already"}) {
    if (refusal.text().find(passing) != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace orbitmq::tools
