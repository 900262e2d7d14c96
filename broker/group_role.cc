// SPDX-License-Identifier: Apache-2.0
#include "broker/group_role.h"

#include <utility>

#include "remoting/stubs/stub_call.h"

namespace orbitmq::broker {

using proto::RequestCode;

GroupRole::GroupRole(Parts parts)
    : parts_(std::move(parts)),
      slave_(parts_.options.Get()->broker_role == BrokerRole::kSlave),
      replicas_({parts_.env, parts_.loop, parts_.identity, parts_.rpc, parts_.nameservers}),
      escape_({parts_.env, parts_.loop, parts_.options, parts_.identity, parts_.rpc, parts_.nameservers}),
      sync_({parts_.env, parts_.loop, parts_.worker, parts_.rpc, parts_.topics, parts_.groups, parts_.offsets,
             parts_.delay, parts_.store, parts_.ha}) {
  store::LogAppender* copies = &parts_.store;
  if (slave_) copies = &escape_;
  parts_.delay.Attach(parts_.store, *copies);
  duties_.Add(parts_.delay);
  if (!slave_) return;
  replicas_.OnChange(
      [this](const ReplicaView& before, const ReplicaView& now) { GroupChanged(before, now); });
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
  if (!slave_) return AskForSlaves(std::move(ready));
  if (!parts_.nameservers.empty()) replicas_.Start();
  ready(Done{});
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
  sync_.Stop();
  duties_.Set(false);
}

void GroupRole::AskForSlaves(Completion<Done> ready) {
  replicas_.Ask(kAdoptTimeout, [this, alive = std::weak_ptr<bool>(alive_),
                                ready = std::move(ready)](Result<proto::BrokerMemberGroup> group) mutable {
    if (alive.expired() || stopped_) return;
    std::vector<Endpoint> slaves;
    if (group.ok()) {
      for (const auto& [id, address] : group->broker_addrs) {
        if (id == kMasterId || address == parts_.identity.address) continue;
        if (auto at = ParseEndpoint(address); at.ok()) slaves.push_back(*std::move(at));
      }
    }
    AdoptFrom(std::move(slaves), std::move(ready));
  });
}

// One after the other, the last first.
void GroupRole::AdoptFrom(std::vector<Endpoint> slaves, Completion<Done> ready) {
  if (stopped_) return;
  if (slaves.empty()) {
    duties_.Set(true);
    return ready(Done{});
  }
  const Endpoint slave = slaves.back();
  slaves.pop_back();
  const std::weak_ptr<bool> alive(alive_);
  parts_.rpc.Call(
      slave, net::BareRequest(RequestCode::kGetAllConsumerOffset), kAdoptTimeout,
      [this, alive, slave, slaves = std::move(slaves),
       ready = std::move(ready)](Result<proto::Command> offsets) mutable {
        if (alive.expired() || stopped_) return;
        if (!offsets.ok()) {
          parts_.env.log().Warn("a slave cannot be asked for the offsets that it holds for this master",
                                {{"slave", slave.ToString()}, {"error", offsets.status().ToString()}});
          return AdoptFrom(std::move(slaves), std::move(ready));
        }
        parts_.rpc.Call(slave, net::BareRequest(RequestCode::kGetAllDelayOffset), kAdoptTimeout,
                        [this, alive, slave, slaves = std::move(slaves), ready = std::move(ready),
                         offsets = *std::move(offsets)](Result<proto::Command> delay) mutable {
                          if (alive.expired() || stopped_) return;
                          parts_.worker.Post([this, alive, slave, slaves = std::move(slaves),
                                              ready = std::move(ready), offsets = std::move(offsets),
                                              delay = delay.ok() ? *std::move(delay)
                                                                 : proto::Command{}]() mutable {
                            Adopt(offsets, delay, slave);
                            parts_.loop.Post([this, alive, slaves = std::move(slaves),
                                              ready = std::move(ready)]() mutable {
                              if (!alive.expired()) AdoptFrom(std::move(slaves), std::move(ready));
                            });
                          });
                        });
      });
}

void GroupRole::Adopt(const proto::Command& offsets, const proto::Command& delay, const Endpoint& slave) {
  const auto table =
      proto::DecodeBody<proto::ConsumerOffsetSerializeWrapper>(offsets.JoinedBody().view());
  const auto levels = proto::DecodeBody<proto::DelayOffsetSerializeWrapper>(delay.JoinedBody().view());
  const size_t offsets_taken = table.ok() ? parts_.offsets.Adopt(*table, parts_.store) : 0;
  const size_t levels_taken = levels.ok() ? parts_.delay.Adopt(*levels) : 0;
  parts_.env.log().Info("what a slave held for this master was taken back",
                        {{"slave", slave.ToString()},
                         {"consumer_offsets", static_cast<uint64_t>(offsets_taken)},
                         {"delay_levels", static_cast<uint64_t>(levels_taken)}});
}

void GroupRole::GroupChanged(const ReplicaView& before, const ReplicaView& now) {
  if (!now.master.empty()) {
    if (auto at = ParseEndpoint(now.master); at.ok()) last_master_ = *std::move(at);
  }
  sync_.SetMaster(now.master);
  if (now.master_alive()) {
    duties_.Set(false);
    if (!before.master_alive()) parts_.parked.SendOn();
    return;
  }
  if (now.min_id != parts_.identity.id) return duties_.Set(false);
  MakeSureMasterIsGone();
}

void GroupRole::MakeSureMasterIsGone() {
  if (stopped_ || probing_ || duties_.active() || !parts_.options.Get()->enable_slave_acting_master) return;
  if (last_master_.port == 0) return duties_.Set(true);
  probing_ = true;
  parts_.rpc.Call(last_master_, net::BareRequest(RequestCode::kGetAllDelayOffset), kAdoptTimeout,
                  [this, alive = std::weak_ptr<bool>(alive_)](Result<proto::Command> reply) {
                    if (alive.expired() || stopped_) return;
                    probing_ = false;
                    const auto group = replicas_.Get();
                    if (group->min_id != parts_.identity.id) return;
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
