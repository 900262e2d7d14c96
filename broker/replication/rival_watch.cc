// SPDX-License-Identifier: Apache-2.0
#include "broker/replication/rival_watch.h"

#include <utility>

#include "common/planted_bug.h"
#include "common/strings.h"
#include "remoting/protocol/headers.h"
#include "remoting/stubs/stub_call.h"

namespace orbitmq::broker {

std::string Rival::SinceText() const { return leads_since_ms ? StrCat(*leads_since_ms) : "untold"; }

std::optional<Rival> RivalIn(const std::string& address, const proto::HARuntimeInfo& answer,
                             const BrokerIdentity& own) {
  if (!answer.master || answer.broker_address == own.address) return std::nullopt;
  return Rival{answer.broker_address.value_or(address), answer.leads_since,
               answer.master_commit_log_max_offset};
}

bool GivesWayTo(const Rival& rival, int64_t since_ms, const BrokerIdentity& own) {
  if (!rival.leads_since_ms) return true;
  if (*rival.leads_since_ms != since_ms) return *rival.leads_since_ms > since_ms;
  return rival.address > own.address;
}

void RivalWatch::Look(const Endpoint& nameserver, Completion<Done> done) {
  if (parts_.gate.state() == RoleGate::State::kSlave) {
    if (const auto view = parts_.replicas.Get(); !view->master.empty()) Check(view->master);
    return done(Done{});
  }
  if (Planted(Bug::kIgnoreRivals)) return done(Done{});
  parts_.replicas.AskAt(nameserver, kAskTimeout,
                        [this, nameserver, alive = std::weak_ptr<bool>(alive_),
                         done = std::move(done)](Result<proto::BrokerMemberGroup> group) mutable {
                          if (alive.expired()) return;
                          if (!group.ok() && !IsAnswer(group.status())) {
                            alone_since_.reset();
                            return done(group.status());
                          }
                          Looked(nameserver, group.ok() ? *group : proto::BrokerMemberGroup{},
                                 std::move(done));
                        });
}

void RivalWatch::Looked(const Endpoint& nameserver, const proto::BrokerMemberGroup& group,
                        Completion<Done> done) {
  const auto known = group.broker_addrs.find(kMasterId);
  const std::string master = known == group.broker_addrs.end() ? std::string() : known->second;
  if (parts_.gate.state() == RoleGate::State::kRival) {
    if (master == parts_.identity.address) TakeBack(nameserver);
    return done(Status(StatusCode::kFailedPrecondition, "another broker of this name leads"));
  }
  if (!suspect_.empty() && suspect_ != master) Check(suspect_);
  if (master.empty() || master == parts_.identity.address) {
    LedAlone();
    return done(Done{});
  }
  alone_since_.reset();
  // Such as a master that is gone for good, of which no NameServer knows that yet.
  if (master == silent_) {
    Check(master);
    return done(Done{});
  }
  Ask(master, [this, master, alive = std::weak_ptr<bool>(alive_),
               done = std::move(done)](Result<proto::HARuntimeInfo> answer) mutable {
    if (alive.expired()) return;
    Judge(master, answer);
    if (parts_.gate.state() == RoleGate::State::kRival) {
      return done(Status(StatusCode::kFailedPrecondition, "another broker of this name leads"));
    }
    done(Done{});
  });
}

void RivalWatch::LedAlone() {
  const MonoTime now = parts_.env.clock().Monotonic();
  if (!leads() || !suspect_.empty()) return alone_since_.reset();
  if (!alone_since_) alone_since_ = now;
  if (now - *alone_since_ >= kAloneMin) parts_.claim.RenewKept();
}

// Only where this broker's own address stands: Apache's NameServer 4.9 removes by the id, whoever has it.
void RivalWatch::TakeBack(const Endpoint& nameserver) {
  proto::UnRegisterBrokerRequestHeader header;
  header.broker_name = parts_.identity.name;
  header.broker_addr = parts_.identity.address;
  header.cluster_name = parts_.identity.cluster;
  header.broker_id = kMasterId;
  parts_.rpc.Call(nameserver, proto::MakeRequest(proto::RequestCode::kUnregisterBroker, header), kAskTimeout,
                  [](const Result<proto::Command>&) {});
}

void RivalWatch::Ask(const std::string& address, Completion<proto::HARuntimeInfo> done) {
  const auto at = ParseEndpoint(address);
  if (!at.ok()) {
    parts_.loop.Post([done = std::move(done), status = at.status()]() mutable { done(status); });
    return;
  }
  proto::GetBrokerHaStatusRequestHeader header;
  // Whom it gives way to tells of it, too.
  if (parts_.gate.state() != RoleGate::State::kSlave && parts_.claim.since_ms() > 0) {
    header.asker_address = parts_.identity.address;
    header.asker_leads_since = parts_.claim.since_ms();
  }
  parts_.rpc.Call(*at, proto::MakeRequest(proto::RequestCode::kGetBrokerHaStatus, header), kAskTimeout,
                  net::ExpectBody<proto::HARuntimeInfo>(
                      [this, address, alive = std::weak_ptr<bool>(alive_),
                       done = std::move(done)](Result<proto::HARuntimeInfo> answer) mutable {
                        if (alive.expired()) return;
                        if (answer.ok()) {
                          if (silent_ == address) silent_.clear();
                          parts_.claim.Heard(answer->leads_since.value_or(0));
                        } else {
                          silent_ = address;
                        }
                        done(std::move(answer));
                      }));
}

void RivalWatch::Check(const std::string& address) {
  if (asked_.size() >= kAskedMax || !asked_.insert(address).second) return;
  Ask(address,
      [this, address, alive = std::weak_ptr<bool>(alive_)](const Result<proto::HARuntimeInfo>& answer) {
        if (alive.expired()) return;
        asked_.erase(address);
        Judge(address, answer);
      });
}

void RivalWatch::Judge(const std::string& address, const Result<proto::HARuntimeInfo>& answer) {
  if (!answer.ok()) return;
  if (const auto rival = RivalIn(address, *answer, parts_.identity)) {
    suspect_ = address;
    if (!leads()) return;
    Note(*rival);
    if (GivesWayTo(*rival, parts_.claim.since_ms(), parts_.identity)) outranked_(*rival);
    return;
  }
  // While it gives way it says to whom.
  if (answer->rival) {
    if (leads() && *answer->rival == parts_.identity.address) {
      suspect_ = address;
      Note({.address = answer->broker_address.value_or(address),
            .leads_since_ms = answer->leads_since,
            .log_end = answer->master_commit_log_max_offset,
            .gives_way = true});
    }
    return;
  }
  if (suspect_ != address) return;
  suspect_.clear();
  Forget();
}

void RivalWatch::Note(const Rival& rival) {
  const auto before = noted_.Load();
  noted_.Store(std::make_shared<const std::optional<Rival>>(rival));
  if (before->has_value() && (*before)->address == rival.address &&
      (*before)->leads_since_ms == rival.leads_since_ms && (*before)->gives_way == rival.gives_way) {
    return;
  }
  if (rival.gives_way) {
    parts_.env.log().Warn(
        "another broker of this name was its master and gives way to this one; what only that has is in its "
        "log. Make it a slave: mqadmin switchMaster --rejoin",
        {{"broker", parts_.identity.name},
         {"other", rival.address},
         {"other_leads_since", rival.SinceText()},
         {"this", parts_.identity.address}});
    return;
  }
  if (GivesWayTo(rival, parts_.claim.since_ms(), parts_.identity)) return;  // Who stands down says more.
  parts_.env.log().Warn(
      "another broker of this name serves as master; it leads for longer, so it has to give way, and this "
      "one goes on. What it took meanwhile is in its log only; make it a slave: mqadmin switchMaster "
      "--rejoin",
      {{"broker", parts_.identity.name},
       {"other", rival.address},
       {"other_leads_since", rival.SinceText()},
       {"this", parts_.identity.address},
       {"this_leads_since", parts_.claim.since_ms()}});
}

void RivalWatch::Forget() { noted_.Store(std::make_shared<const std::optional<Rival>>()); }

void RivalWatch::Introduced(const std::string& address, int64_t since_ms) {
  parts_.loop.Post([this, address, since_ms, alive = std::weak_ptr<bool>(alive_)] {
    if (alive.expired() || !leads() || address == parts_.identity.address) return;
    const auto before = noted_.Load();
    const bool known =
        before->has_value() && (*before)->address == address && (*before)->leads_since_ms == since_ms;
    if (!known) Check(address);
  });
}

}  // namespace orbitmq::broker
