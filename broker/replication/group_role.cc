// SPDX-License-Identifier: Apache-2.0
#include "broker/replication/group_role.h"

#include <algorithm>
#include <utility>

#include "common/strings.h"
#include "remoting/protocol/admin_bodies.h"
#include "remoting/protocol/subscription_group.h"
#include "remoting/stubs/stub_call.h"

namespace orbitmq::broker {

using proto::RequestCode;

GroupRole::GroupRole(Parts parts)
    : parts_(std::move(parts)),
      slave_(parts_.options.Get()->broker_role == BrokerRole::kSlave),
      replicas_({parts_.env, parts_.loop, parts_.options, parts_.identity, parts_.rpc, parts_.nameservers}),
      rivals_({parts_.env, parts_.loop, parts_.identity, parts_.rpc, replicas_, parts_.gate, parts_.claim}),
      escape_({parts_.env, parts_.loop, parts_.options, parts_.identity, parts_.rpc, parts_.nameservers}),
      sync_({parts_.env, parts_.loop, parts_.worker, parts_.rpc, parts_.topics, parts_.groups, parts_.offsets,
             parts_.delay, parts_.store, parts_.ha}),
      adoption_({parts_.loop, parts_.worker, parts_.rpc, kAdoptTimeout}) {
  copies_.To(parts_.store);
  parts_.delay.Attach(parts_.store, copies_);
  duties_.Add(parts_.delay);
  replicas_.OnChange(
      [this](const ReplicaView& before, const ReplicaView& now) { GroupChanged(before, now); });
  rivals_.OnOutranked([this](const Rival& rival) { StandDown(rival); });
  parts_.rpc.HandleIncoming(
      RequestCode::kNotifyMinBrokerIdChange,
      [this, alive = std::weak_ptr<bool>(alive_)](net::RpcClient::Incoming incoming) {
        if (alive.expired()) return;
        const auto header =
            proto::DecodeHeader<proto::NotifyMinBrokerIdChangeRequestHeader>(incoming.command);
        if (header.ok()) replicas_.MinIdChanged(*header);
      });
}

void GroupRole::Open(Completion<Done> ready) {
  if (stopped_) return;
  slave_ = parts_.options.Get()->broker_role == BrokerRole::kSlave;
  if (!slave_) {
    copies_.To(parts_.store);
    return AskForSlaves(std::move(ready));
  }
  parts_.claim.End();
  rivals_.Forget();
  gives_way_to_.clear();
  copies_.To(escape_);
  parts_.ha.OnMasterLost([this, &loop = parts_.loop, alive = std::weak_ptr<bool>(alive_)] {
    loop.Post([this, alive] {
      if (!alive.expired()) replicas_.AskSoon();
    });
  });
  replicas_.Start();
  open_ = true;
  ready(Done{});
}

void GroupRole::Leave(Completion<Done> done) {
  ++turn_;
  open_ = false;
  was_slave_ = slave_;
  duties_.Set(false);
  probe_.Cancel();
  probing_ = false;
  replicas_.Stop();
  adoption_.Stop();
  sync_.SetMaster({});
  // Behind whatever was taken from the master on the worker.
  parts_.worker.Post([this, alive = std::weak_ptr<bool>(alive_), d = std::move(done)]() mutable {
    parts_.loop.Post([this, alive, d = std::move(d)]() mutable {
      if (!alive.expired() && !stopped_) d(Done{});
    });
  });
}

void GroupRole::FollowNow() {
  parts_.loop.Post([this, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.expired()) sync_.LookNow();
  });
}

void GroupRole::Stop() {
  stopped_ = true;
  probe_.Cancel();
  replicas_.Stop();
  adoption_.Stop();
  sync_.Stop();
  duties_.Set(false);
}

void GroupRole::AskForSlaves(Completion<Done> ready) {
  replicas_.Ask(kAdoptTimeout, [this, turn = turn_, alive = std::weak_ptr<bool>(alive_),
                                ready = std::move(ready)](Result<proto::BrokerMemberGroup> group) mutable {
    if (alive.expired() || stopped_ || turn != turn_) return;
    std::vector<Endpoint> slaves;
    std::string rival;
    if (group.ok()) {
      for (const auto& [id, address] : group->broker_addrs) {
        if (address == parts_.identity.address) continue;
        if (id == kMasterId) rival = address;
        if (auto at = ParseEndpoint(address); at.ok() && id != kMasterId) slaves.push_back(*std::move(at));
      }
    }
    // The one that was followed until now may not be known as a slave yet, or is gone.
    if (was_slave_ && last_master_.port != 0 &&
        std::find(slaves.begin(), slaves.end(), last_master_) == slaves.end()) {
      slaves.push_back(last_master_);
    }
    const bool unregistered = rival.empty() && (group.ok() || IsAnswer(group.status()));
    if (rival.empty()) rival = gives_way_to_;
    if (!rival.empty()) return YieldTo(rival, unregistered, std::move(slaves), std::move(ready));
    AdoptFrom(std::move(slaves), std::move(ready));
  });
}

// A NameServer knows a master of our name elsewhere. It may be this one's old address, or dead: it is asked.
void GroupRole::YieldTo(const std::string& rival, bool unregistered, std::vector<Endpoint> slaves,
                        Completion<Done> ready) {
  rivals_.Ask(
      rival, [this, turn = turn_, rival, unregistered, slaves = std::move(slaves), ready = std::move(ready),
              alive = std::weak_ptr<bool>(alive_)](Result<proto::HARuntimeInfo> status) mutable {
        if (alive.expired() || stopped_ || turn != turn_) return;
        if (!status.ok() && RivalMayLead(unregistered)) return ProbeAgain(std::move(ready));
        const auto found = status.ok() ? RivalIn(rival, *status, parts_.identity) : std::nullopt;
        if (!found) return AdoptFrom(std::move(slaves), std::move(ready));
        if (was_slave_) {
          return ready(Status(StatusCode::kFailedPrecondition,
                              StrCat("the master is alive at ", rival, ", which this slave has lost")));
        }
        rivals_.Note(*found);
        if (!GivesWayTo(*found, parts_.claim.since_ms(), parts_.identity)) {
          return AdoptFrom(std::move(slaves), std::move(ready));
        }
        parts_.gate.Set(RoleGate::State::kRival);
        gives_way_to_ = rival;
        rival_answered_ = parts_.env.clock().Monotonic();
        if (!std::exchange(rival_told_, true)) {
          parts_.env.log().Error(
              "another broker of this name is alive as master; this one takes and gives no message until "
              "that is gone. Stop one of the two, or make this one a slave: mqadmin switchMaster "
              "--rejoin, or brokerRole=SLAVE and a brokerId above 0 in its configuration file",
              {{"broker", parts_.identity.name}, {"other", rival}, {"this", parts_.identity.address}});
        }
        ProbeAgain(std::move(ready));
      });
}

// Whoever is cut off from it cannot tell that from its end; NameServers can, which drop who is gone. To lead
// with a newer claim would take from it what it serves meanwhile.
bool GroupRole::RivalMayLead(bool unregistered) const {
  if (gives_way_to_.empty()) return false;
  return !unregistered || parts_.env.clock().Monotonic() - rival_answered_ < kRivalGone;
}

void GroupRole::ProbeAgain(Completion<Done> ready) {
  probe_ = parts_.loop.PostAt(parts_.env.clock().Monotonic() + kProbeEvery,
                              [this, ready = std::move(ready)]() mutable { AskForSlaves(std::move(ready)); });
}

// A partition is over, say, amid which a slave was made the master: from here on as a master that finds such
// a one at its start.
void GroupRole::StandDown(const Rival& rival) {
  if (stopped_ || slave_ || !open_ || parts_.gate.state() != RoleGate::State::kMaster) return;
  parts_.gate.Set(RoleGate::State::kRival);
  ++turn_;
  open_ = false;
  duties_.Set(false);
  parts_.parked.SendOn();
  const HaStatus status = parts_.ha.status();
  parts_.env.log().Error(
      "another broker of this name was made the master later than this one; this one takes and gives no "
      "message from now on, and is not registered. What it stored since the other one leads, and what no "
      "slave had by then, is in this one's log only and will be dropped when it becomes a slave: copy its "
      "store first to look for it. Make it a slave: mqadmin switchMaster --rejoin",
      {{"broker", parts_.identity.name},
       {"this", parts_.identity.address},
       {"this_leads_since", parts_.claim.since_ms()},
       {"this_log_end", status.log_end.value},
       {"other", rival.address},
       {"other_leads_since", rival.SinceText()},
       {"other_log_end", rival.log_end}});
  rival_told_ = true;
  gives_way_to_ = rival.address;
  rival_answered_ = parts_.env.clock().Monotonic();
  lead_changed_();
  ProbeAgain([this](const Result<Done>& leads) {
    if (leads.ok()) lead_changed_();
  });
}

void GroupRole::AdoptFrom(std::vector<Endpoint> slaves, Completion<Done> ready) {
  if (slaves.empty()) return Lead(std::move(ready));
  const Endpoint slave = std::move(slaves.back());
  slaves.pop_back();
  std::vector<TableFetch::Table> tables;
  using Self = GroupRole;
  // What was changed at the last master within its last seconds has not come by itself.
  if (was_slave_) {
    tables.push_back(TakenBy(&Self::AdoptTopics, RequestCode::kGetAllTopicConfig, slave));
    tables.push_back(TakenBy(&Self::AdoptGroups, RequestCode::kGetAllSubscriptiongroupConfig, slave));
  }
  tables.push_back(TakenBy(&Self::AdoptOffsets, RequestCode::kGetAllConsumerOffset, slave));
  tables.push_back(TakenBy(&Self::AdoptDelay, RequestCode::kGetAllDelayOffset, slave));
  adoption_.Start(slave, std::move(tables),
                  [this, slave, rest = std::move(slaves), ready = std::move(ready)](
                      const Status& status, std::string_view /*table*/) mutable {
                    if (!status.ok()) {
                      parts_.env.log().Warn("a slave cannot be asked for what it holds for this master",
                                            {{"slave", slave.ToString()}, {"error", status.ToString()}});
                    }
                    AdoptFrom(std::move(rest), std::move(ready));
                  });
}

TableFetch::Table GroupRole::TakenBy(Step step, int32_t code, const Endpoint& slave) {
  return {
      code, "", [this, step, code, slave](const proto::Command& reply) {
        const size_t taken = (this->*step)(reply);
        if (taken > 0) {
          parts_.env.log().Info(
              "what a slave held for this master was taken back",
              {{"slave", slave.ToString()}, {"request", code}, {"entries", static_cast<uint64_t>(taken)}});
        }
        return Status();
      }};
}

void GroupRole::Lead(Completion<Done> ready) {
  was_slave_ = false;
  last_master_ = {};
  duties_.Set(true);
  open_ = true;
  // Not before: if it is started anew while it gives way, it is to give way again.
  if (!gives_way_to_.empty()) parts_.claim.End();
  parts_.claim.Begin();
  parts_.gate.Set(RoleGate::State::kMaster);
  gives_way_to_.clear();
  if (std::exchange(rival_told_, false)) {
    rivals_.Forget();
    parts_.env.log().Info("no other broker of this name leads any more; this one does",
                          {{"broker", parts_.identity.name}});
  }
  ready(Done{});
}

size_t GroupRole::AdoptTopics(const proto::Command& reply) {
  const auto table =
      proto::DecodeBody<proto::TopicConfigAndMappingSerializeWrapper>(reply.JoinedBody().view());
  if (!table.ok() || CompareVersions(table->data_version, parts_.topics.All().data_version) <= 0) return 0;
  parts_.topics.Follow(*table);
  return table->topic_config_table.size();
}

size_t GroupRole::AdoptGroups(const proto::Command& reply) {
  const auto table = proto::DecodeBody<proto::SubscriptionGroupWrapper>(reply.JoinedBody().view());
  if (!table.ok() || CompareVersions(table->data_version, parts_.groups.All().data_version) <= 0) return 0;
  parts_.groups.Follow(*table);
  return table->subscription_group_table.size();
}

size_t GroupRole::AdoptOffsets(const proto::Command& reply) {
  const auto table = proto::DecodeBody<proto::ConsumerOffsetSerializeWrapper>(reply.JoinedBody().view());
  return table.ok() ? parts_.offsets.Adopt(*table, parts_.store) : 0;
}

size_t GroupRole::AdoptDelay(const proto::Command& reply) {
  const auto levels = proto::DecodeBody<proto::DelayOffsetSerializeWrapper>(reply.JoinedBody().view());
  const auto header = proto::DecodeHeader<proto::GetAllDelayOffsetResponseHeader>(reply);
  return levels.ok() && header.ok() ? parts_.delay.Adopt(*levels, *header) : 0;
}

void GroupRole::GroupChanged(const ReplicaView& before, const ReplicaView& now) {
  if (!slave_ || !open_) return;
  if (!now.master.empty()) {
    if (auto at = ParseEndpoint(now.master); at.ok()) last_master_ = *std::move(at);
  }
  sync_.SetMaster(now.master);
  if (now.master_alive()) {
    duties_.Set(false);
    if (!before.master_alive()) parts_.parked.SendOn();
    return;
  }
  if (now.min_id != parts_.options.Get()->broker_id) return duties_.Set(false);
  MakeSureMasterIsGone();
}

void GroupRole::MakeSureMasterIsGone() {
  if (stopped_ || !slave_ || !open_ || probing_ || duties_.active() ||
      !parts_.options.Get()->enable_slave_acting_master)
    return;
  if (last_master_.port == 0) return duties_.Set(true);
  probing_ = true;
  parts_.rpc.Call(last_master_, net::BareRequest(RequestCode::kGetAllDelayOffset), kAdoptTimeout,
                  [this, alive = std::weak_ptr<bool>(alive_)](Result<proto::Command> reply) {
                    if (alive.expired() || stopped_ || !slave_ || !open_) return;
                    probing_ = false;
                    const auto group = replicas_.Get();
                    if (group->min_id != parts_.options.Get()->broker_id) return;
                    if (!reply.ok()) {
                      parts_.env.log().Warn("the master is gone; this slave does its duties until it returns",
                                            {{"master", last_master_.ToString()}});
                      return duties_.Set(true);
                    }
                    probe_ = parts_.loop.PostAt(parts_.env.clock().Monotonic() + kProbeEvery,
                                                [this] { MakeSureMasterIsGone(); });
                  });
}

}  // namespace orbitmq::broker
