// SPDX-License-Identifier: Apache-2.0
#include "broker/replica_group.h"

#include <algorithm>
#include <utility>

#include "remoting/protocol/headers.h"
#include "remoting/stubs/stub_call.h"

namespace orbitmq::broker {

ReplicaGroup::ReplicaGroup(Parts parts) : parts_(std::move(parts)) {}

void ReplicaGroup::Start() { Tick(); }

void ReplicaGroup::Stop() {
  stopped_ = true;
  tick_.Cancel();
}

void ReplicaGroup::Tick() {
  if (stopped_) return;
  Ask(kAskTimeout, [this, alive = std::weak_ptr<bool>(alive_)](Result<proto::BrokerMemberGroup> group) {
    if (alive.expired() || stopped_) return;
    if (group.ok()) Answered(*group);
    tick_ = parts_.loop.PostAt(parts_.env.clock().Monotonic() + kAskEvery, [this] { Tick(); });
  });
}

void ReplicaGroup::Ask(Duration timeout, Completion<proto::BrokerMemberGroup> done) {
  AskOne(parts_.nameservers.size(), timeout, std::move(done));
}

void ReplicaGroup::AskOne(size_t tries_left, Duration timeout, Completion<proto::BrokerMemberGroup> done) {
  if (tries_left == 0) {
    // Never inside the caller.
    parts_.loop.Post([done = std::move(done)]() mutable {
      done(Status(StatusCode::kUnavailable, "no NameServer told who is alive in the group of this broker"));
    });
    return;
  }
  proto::GetBrokerMemberGroupRequestHeader header;
  header.cluster_name = parts_.identity.cluster;
  header.broker_name = parts_.identity.name;
  const Endpoint& at = parts_.nameservers[next_nameserver_ % parts_.nameservers.size()];
  using Body = proto::GetBrokerMemberGroupResponseBody;
  parts_.rpc.Call(at, proto::MakeRequest(proto::RequestCode::kGetBrokerMemberGroup, header), timeout,
                  net::ExpectBody<Body>([this, tries_left, timeout, alive = std::weak_ptr<bool>(alive_),
                                         done = std::move(done)](Result<Body> body) mutable {
                    if (body.ok()) {
                      return done(body->broker_member_group.value_or(proto::BrokerMemberGroup{}));
                    }
                    if (alive.expired()) return done(body.status());
                    ++next_nameserver_;
                    AskOne(tries_left - 1, timeout, std::move(done));
                  }));
}

void ReplicaGroup::Answered(const proto::BrokerMemberGroup& group) {
  // A NameServer that has just started knows nobody yet.
  if (group.broker_addrs.empty()) return;
  ReplicaView next = *view_.Load();
  next.members = group.broker_addrs;
  // It may not know this broker yet, which is alive all the same.
  next.members.emplace(parts_.identity.id, parts_.identity.address);
  next.min_id = next.members.begin()->first;
  const std::string master = next.master_alive() ? next.members.begin()->second : std::string();
  // Its address for replicas comes with the next registration, or the notice.
  if (master != next.master) next.master_ha.clear();
  next.master = master;
  Set(std::move(next));
}

void ReplicaGroup::Registered(const MasterAddresses& master) {
  // Nothing is said of the master when it is not known, and to a master never: the next question tells.
  if (master.remoting.empty()) return;
  ReplicaView next = *view_.Load();
  next.min_id = kMasterId;
  next.members[kMasterId] = master.remoting;
  next.master = master.remoting;
  next.master_ha = master.ha;
  Set(std::move(next));
}

void ReplicaGroup::MinIdChanged(const proto::NotifyMinBrokerIdChangeRequestHeader& header) {
  if (!header.min_broker_id || header.broker_name != parts_.identity.name) return;
  ReplicaView next = *view_.Load();
  next.min_id = std::min<BrokerId>(*header.min_broker_id, parts_.identity.id);
  std::erase_if(next.members, [&](const auto& member) {
    return member.first < next.min_id || member.second == header.offline_broker_addr;
  });
  if (!header.min_broker_addr.empty()) next.members[*header.min_broker_id] = header.min_broker_addr;
  if (next.master_alive()) {
    next.master = header.min_broker_addr;
    if (!header.ha_broker_addr.empty()) next.master_ha = header.ha_broker_addr;
  } else {
    next.master.clear();
    next.master_ha.clear();
  }
  Set(std::move(next));
}

void ReplicaGroup::Set(ReplicaView next) {
  const std::shared_ptr<const ReplicaView> before = view_.Load();
  if (*before == next) return;
  if (before->min_id != next.min_id || before->master != next.master) {
    parts_.env.log().Info("another broker has the smallest id of the group",
                          {{"broker", parts_.identity.name},
                           {"was", before->min_id},
                           {"is", next.min_id},
                           {"master", next.master.empty() ? "none" : next.master}});
  }
  view_.Store(std::make_shared<const ReplicaView>(next));
  for (Listener& listener : listeners_) listener(*before, next);
}

}  // namespace orbitmq::broker
