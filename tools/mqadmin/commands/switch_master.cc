// SPDX-License-Identifier: Apache-2.0
// Ours: makes another broker of a name its master, by brokers that change their role while they run.
#include <algorithm>
#include <map>
#include <ostream>

#include "common/strings.h"
#include "tools/mqadmin/commands/tables.h"
#include "tools/mqadmin/counted.h"
#include "tools/mqadmin/master_switch.h"
#include "tools/mqadmin/properties_view.h"
#include "tools/mqadmin/session.h"

namespace orbitmq::tools {
namespace {

constexpr Millis kLook{200};
// Until the target sees that nobody leads any more, and until the NameServers tell clients.
constexpr Duration kPatience = std::chrono::seconds(15);
// A change of role waits for slaves to fetch the rest, and for NameServers.
constexpr Duration kChangeTimeout = std::chrono::seconds(30);

constexpr char kFormat[] = "%-24s %-10s %-30s %16s%n";
constexpr TableShape kMembers = {"members", kFormat, kFormat, "#Address|#Id|#Role|#Log End"};

void Step(Session& session, std::string_view text) { session.errors() << text << "\n" << std::flush; }

Status Refuse(std::string_view text) { return {StatusCode::kFailedPrecondition, text}; }

// Asks those that were reached so far. One that does not answer is asked nothing more, since each question
// would take its whole time again.
void AskMembers(Session& session, std::vector<GroupMember>& members) {
  const auto ask = [&]<class Method>(Method method) {
    std::vector<Endpoint> servers;
    for (const GroupMember& member : members) {
      if (member.reached.ok()) servers.push_back(member.address);
    }
    auto answers = session.admin().CallAll(method, servers);
    std::vector<std::optional<AdminClient::ValueOf<Method>>> given(members.size());
    for (size_t i = 0, asked = 0; i < members.size(); ++i) {
      if (!members[i].reached.ok()) continue;
      auto& answer = answers[asked++];
      members[i].reached = answer.ok() ? Status() : answer.status();
      if (answer.ok()) given[i] = *std::move(answer);
    }
    return given;
  };
  auto replication = ask(&net::AdminStub::GetHaStatus);
  const auto configs = ask(&net::AdminStub::GetConfig);
  const auto runtime = ask(&net::AdminStub::GetRuntimeStats);
  for (size_t i = 0; i < members.size(); ++i) {
    GroupMember& member = members[i];
    if (!member.reached.ok()) continue;
    member.replication = *std::move(replication[i]);
    const auto config = ParseProperties(*configs[i]);
    if (const auto at = config.find("brokerName"); at != config.end()) member.name = at->second;
    if (const auto at = config.find("brokerRole"); at != config.end()) member.role = at->second;
    const auto& table = runtime[i]->table;
    member.changes_role = table.contains("haRole");
    if (const auto at = table.find("haMaster"); at != table.end()) member.follows = at->second;
  }
}

// What each NameServer knows of the broker, in their order; nothing when it knows none.
using View = std::map<BrokerId, std::string>;
std::vector<Result<View>> ViewsOf(Session& session, const std::string& broker) {
  AdminClient& admin = session.admin();
  std::vector<Result<View>> views;
  for (const auto& view : admin.CallAll(&net::NamesrvStub::GetClusterInfo, admin.name_servers())) {
    if (!view.ok()) {
      views.emplace_back(view.status());
      continue;
    }
    const auto at = view->broker_addr_table.find(broker);
    views.emplace_back(at == view->broker_addr_table.end() ? View() : at->second.broker_addrs);
  }
  return views;
}

// The members of a broker's name, by what all NameServers that answer know.
Result<std::vector<GroupMember>> FindMembers(Session& session, const std::string& broker) {
  Status unreached;
  bool asked = false;
  std::map<Endpoint, BrokerId> ids;
  std::map<BrokerId, Endpoint> addresses;
  const std::vector<Endpoint>& servers = session.admin().name_servers();
  const auto views = ViewsOf(session, broker);
  for (size_t i = 0; i < views.size(); ++i) {
    const Endpoint& server = servers[i];
    const auto& view = views[i];
    if (!view.ok()) {
      unreached = view.status();
      continue;
    }
    asked = true;
    for (const auto& [id, text] : *view) {
      const auto address = ParseEndpoint(text);
      if (!address.ok()) return address.status().Annotate(server.ToString());
      if (ids.emplace(*address, id).first->second != id ||
          addresses.emplace(id, *address).first->second != *address) {
        return Refuse(StrCat("the NameServers know different brokers of the name ", Printable(broker),
                             ". Nothing was changed; look again in ten seconds, then see mqadmin doctor"));
      }
    }
  }
  if (!asked) return unreached;
  if (ids.empty()) {
    return Status(StatusCode::kNotFound, StrCat("no NameServer knows a broker of the name '",
                                                Printable(broker), "'; see mqadmin clusterList"));
  }
  std::vector<GroupMember> members;
  for (auto& [id, address] : addresses) members.push_back({.id = id, .address = std::move(address)});
  return members;
}

// What one run does, step by step.
class MasterSwitch final {
 public:
  MasterSwitch(Session& session, std::string broker) : session_(session), broker_(std::move(broker)) {}

  Status Run() {
    if (Status found = Find(); !found.ok()) return found;
    const auto plan = PlanSwitch(broker_, members_, {.target = session_.args().Text("target"),
                                                     .role = session_.args().Text("role"),
                                                     .force = session_.args().Has("force")});
    if (!plan.ok()) return plan.status();
    const GroupMember& target = members_[plan->target];
    const GroupMember* master = plan->master ? &members_[*plan->master] : nullptr;
    std::string what = StrCat("make ", target.address.ToString(), " the ", plan->role, " of ", broker_);
    if (master != nullptr) StrAppend(what, " instead of ", master->address.ToString());
    if (!plan->loss.empty()) Step(session_, StrCat("warning: ", plan->loss));
    if (Status agreed = session_.Confirm(what); !agreed.ok()) return agreed;
    // From here on Ctrl-C must not leave the group without a master.
    (void)session_.Interrupted();
    const Status changed =
        master == nullptr ? TakeOver(target, plan->role) : HandOver(*master, target, plan->role);
    if (!changed.ok()) return changed;
    After(target).id = kMasterId;
    if (master != nullptr) After(*master).id = target.id;
    if (Status ended = End(); !ended.ok()) return ended;
    if (master == nullptr && !session_.dry_run()) TellRejoin(target.follows);
    return {};
  }

  Status Rejoin() {
    const auto address = session_.Address("rejoin");
    if (!address.ok()) return address.status();
    if (Status found = Find(); !found.ok()) return found;
    std::vector<GroupMember> asked = {{.id = kMasterId, .address = *address}};
    AskMembers(session_, asked);
    GroupMember& returning = asked.front();
    const auto id = PlanRejoin(broker_, members_, returning);
    if (!id.ok()) return id.status();
    if (Status agreed = session_.Confirm(StrCat("make ", address->ToString(), " a slave of ", broker_,
                                                "; what only it has in its log is dropped"));
        !agreed.ok()) {
      return agreed;
    }
    (void)session_.Interrupted();
    if (Status demoted = Demote(returning, *id); !demoted.ok()) return demoted;
    std::erase_if(members_, [&](const GroupMember& one) { return one.address == *address; });
    members_.push_back(returning);
    after_ = members_;
    after_.back().id = *id;
    return End();
  }

 private:
  Status Find() {
    auto found = FindMembers(session_, broker_);
    if (!found.ok()) return found.status();
    members_ = *std::move(found);
    AskMembers(session_, members_);
    after_ = members_;
    return {};
  }
  GroupMember& After(const GroupMember& member) {
    return after_[static_cast<size_t>(&member - members_.data())];
  }

  // A refusal that nevertheless left the broker in that role, such as one to write the file, is only told.
  Status ChangeRole(const GroupMember& member, const std::string& role, BrokerId id) {
    AdminClient& admin = session_.admin();
    const Duration before = admin.timeout();
    admin.set_timeout(std::max(before, kChangeTimeout));
    const auto answer = session_.Change(
        StrCat("set brokerRole=", role, ", brokerId=", id), &net::AdminStub::UpdateConfig, member.address,
        StrCat(PropertyLine("brokerRole", role), PropertyLine("brokerId", StrCat(id))));
    admin.set_timeout(before);
    // Such as that the file could not be written.
    if (answer.ok() && !answer->empty()) {
      session_.Warn(StrCat(member.address.ToString(), " has its new role, but: ", *answer));
    }
    const Status changed = answer.status();
    if (changed.ok() || RefusesForNow(changed)) return changed;
    std::vector<GroupMember> now = {{.address = member.address}};
    AskMembers(session_, now);
    if (!now.front().reached.ok() || now.front().role != role) return changed;
    session_.Warn(StrCat(member.address.ToString(), " has its new role, but: ", changed.text()));
    return {};
  }

  void TellStep(const GroupMember& member, const std::string& role, BrokerId id) {
    if (session_.dry_run()) return;
    Step(session_, StrCat("telling ", member.address.ToString(), ": brokerRole=", role, ", brokerId=", id));
  }

  Status Demote(const GroupMember& master, BrokerId id) {
    TellStep(master, kSlaveRole, id);
    return ChangeRole(master, kSlaveRole, id);
  }

  // Tries until the broker sees that nobody leads it any more.
  Status Promote(const GroupMember& target, const std::string& role) {
    TellStep(target, role, kMasterId);
    const MonoTime deadline = session_.env().clock().Monotonic() + kPatience;
    Status promoted = ChangeRole(target, role, kMasterId);
    while (RefusesForNow(promoted) && session_.env().clock().Monotonic() < deadline) {
      session_.admin().Pause(kLook);
      promoted = ChangeRole(target, role, kMasterId);
    }
    return promoted;
  }

  Status TakeOver(const GroupMember& target, const std::string& role) {
    const Status promoted = Promote(target, role);
    return promoted.ok() ? promoted : NotTakenOver(broker_, promoted);
  }

  Status HandOver(const GroupMember& master, const GroupMember& target, const std::string& role) {
    if (Status demoted = Demote(master, target.id); !demoted.ok()) return demoted;
    Status promoted = session_.dry_run() ? Status() : CheckHasAll(master, target);
    if (promoted.ok()) promoted = Promote(target, role);
    if (promoted.ok()) return {};
    Step(session_, StrCat("that failed: ", promoted.text()));
    if (Status back = Promote(master, master.role); !back.ok()) {
      return Refuse(StrCat(broker_, " has no master now: ", promoted.text(), "; and its old master ",
                           master.address.ToString(), " did not take its role back: ", back.text(),
                           ". Run the command again, with --force"));
    }
    return Refuse(StrCat(promoted.text(), "; ", master.address.ToString(), " is the master of ", broker_,
                         " again as before"));
  }

  // The old master takes nothing any more, and the slaves in sync were given the whole log.
  Status CheckHasAll(const GroupMember& master, const GroupMember& target) {
    const auto logs =
        session_.admin().CallAll(&net::AdminStub::GetHaStatus, {master.address, target.address});
    for (const auto& one : logs) {
      if (!one.ok()) return one.status();
    }
    const int64_t end = GroupMember{.replication = *logs[0]}.log_end();
    const int64_t has = GroupMember{.replication = *logs[1]}.log_end();
    if (has >= end) return {};
    return Refuse(StrCat(target.address.ToString(), " did not get the log's last ", CountedBytes(end - has)));
  }

  // Waits for the NameServers and shows what is now.
  Status End() {
    if (session_.dry_run()) return {};
    const Status shown = AwaitNameServers();
    for (const GroupMember& member : after_) {
      if (member.id != kMasterId && member.reached.ok()) AwaitFollowing(member.address);
    }
    std::vector<GroupMember> now;
    for (const GroupMember& member : after_) {
      now.push_back({.id = member.id, .address = member.address, .reached = member.reached});
    }
    AskMembers(session_, now);
    session_.out().Head(kMembers);
    for (size_t i = 0; i < now.size(); ++i) ShowRow(members_[i], now[i]);
    return shown;
  }

  // An old master looks for the new one, compares the logs, and drops what only it has.
  void AwaitFollowing(const Endpoint& slave) {
    const MonoTime deadline = session_.env().clock().Monotonic() + kPatience;
    for (;;) {
      const auto status = session_.admin().Call(&net::AdminStub::GetHaStatus, slave);
      if (status.ok() && status->ha_client_runtime_info.activated.value_or(false)) return;
      if (session_.env().clock().Monotonic() >= deadline) break;
      session_.admin().Pause(kLook);
    }
    session_.Warn(StrCat("the slave ", slave.ToString(),
                         " does not follow the master yet; mqadmin brokerStatus and its log tell why"));
  }

  Status AwaitNameServers() {
    Step(session_, "waiting until the NameServers tell clients");
    const MonoTime deadline = session_.env().clock().Monotonic() + kPatience;
    for (;;) {
      const Status known = LookAtNameServers();
      if (known.ok() || session_.env().clock().Monotonic() >= deadline) return known;
      session_.admin().Pause(kLook);
    }
  }

  // Those that do not answer hear it from the brokers later.
  Status LookAtNameServers() {
    const auto views = ViewsOf(session_, broker_);
    for (size_t i = 0; i < views.size(); ++i) {
      if (!views[i].ok()) continue;
      for (const GroupMember& member : after_) {
        if (!member.reached.ok() || Knows(*views[i], member)) continue;
        return Refuse(StrCat("the roles are changed, but the NameServer ",
                             session_.admin().name_servers()[i].ToString(), " does not know ",
                             member.address.ToString(), " with the id ", member.id,
                             "; does that broker reach it?"));
      }
    }
    return {};
  }
  static bool Knows(const View& view, const GroupMember& member) {
    const auto at = view.find(member.id);
    if (at == view.end()) return false;
    const auto address = ParseEndpoint(at->second);
    return address.ok() && *address == member.address;
  }

  void ShowRow(const GroupMember& before, const GroupMember& now) {
    const auto change = [](const Cell& was, const Cell& is) {
      return Cell(was.text == is.text ? is.text : StrCat(was.text, " -> ", is.text),
                  StrCat("{\"before\":", was.json, ",\"after\":", is.json, "}"));
    };
    const auto known = [](const GroupMember& member, const Cell& cell) {
      return member.reached.ok() ? cell : Cell("-", "null");
    };
    session_.out().Row(kMembers, {now.address.ToString(), change(before.id, known(now, now.id)),
                                  change(known(before, before.role), known(now, now.role)),
                                  known(now, now.log_end())});
  }

  void TellRejoin(const std::string& follows) {
    std::string address = "ADDRESS";
    for (const GroupMember& member : members_) {
      if (member.id == kMasterId) address = member.address.ToString();
    }
    std::vector<std::string> servers;
    for (const Endpoint& server : session_.admin().name_servers()) servers.push_back(server.ToString());
    const std::string command = StrCat("mqadmin switchMaster -n '", Join(servers, ";"), "' -b ", broker_,
                                       " --rejoin ", address);
    std::string text = "The old master serves nobody when it comes back, until it is told to be a slave";
    if (address == "ADDRESS") {
      StrAppend(text, " (ADDRESS is where it listens",
                follows.empty() ? "" : StrCat("; slaves reached it at ", follows), ")");
    }
    session_.out().Fact("rejoin", command, StrCat(text, ":\n  ", command));
  }

  Session& session_;
  const std::string broker_;
  std::vector<GroupMember> members_;  // As they were; the same order in after_.
  std::vector<GroupMember> after_;    // With the ids that they shall have.
};

Status RunSwitchMaster(Session& session) {
  MasterSwitch run(session, session.args().Text("brokerName"));
  if (!session.args().Has("rejoin")) return run.Run();
  for (const char* option : {"target", "role", "force"}) {
    if (session.args().Has(option)) return UsageError(StrCat("--rejoin goes without --", option));
  }
  return run.Rejoin();
}

constexpr OptionSpec kSwitchMaster[] = {
    {"b", "brokerName", ValueKind::kBroker, Need::kRequired, "the name that master and slaves share"},
    {"t", "target", ValueKind::kText, Need::kOptional,
     "the slave that is to lead, by brokerId or host:port; else the one that has most of the log"},
    {"", "role", ValueKind::kChoice, Need::kOptional,
     "what it becomes; else what the old master is, or ASYNC_MASTER when that is dead",
     "ASYNC_MASTER|SYNC_MASTER"},
    {"", "force", ValueKind::kFlag, Need::kOptional,
     "go on although the master does not answer: what only it has is lost"},
    {"", "rejoin", ValueKind::kAddress, Need::kOptional,
     "make this old master, which came back after a switch and serves nobody, a slave"}};

constexpr CommandSpec kCommands[] = {
    {"switchMaster", "replication", "Makes a slave the master, while both run or after a crash",
     kSwitchMaster, "mqadmin switchMaster -b broker-a --dry-run", Effect::kDestroys, Needs::kNameServer,
     RunSwitchMaster},
};

}  // namespace

std::span<const CommandSpec> SwitchMasterCommands() { return kCommands; }

}  // namespace orbitmq::tools
