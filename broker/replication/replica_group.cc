// SPDX-License-Identifier: Apache-2.0
#include "broker/replication/replica_group.h"

#include <algorithm>
#include <utility>

#include "remoting/protocol/headers.h"
#include "remoting/stubs/stub_call.h"

namespace orbitmq::broker {

bool IsAnswer(const Status& failure) {
  return failure.code() != StatusCode::kUnavailable && failure.code() != StatusCode::kUnknown &&
         failure.code() != StatusCode::kTimeout;
}

ReplicaGroup::ReplicaGroup(Parts parts) : parts_(std::move(parts)) {}

void ReplicaGroup::Start() {
  asking_ = true;
  ++turn_;
  Tick();
}

void ReplicaGroup::Stop() {
  asking_ = soon_ = under_way_ = false;
  tick_.Cancel();
  view_.Store(std::make_shared<const ReplicaView>());
}

void ReplicaGroup::AskSoon() {
  if (!asking_) return;
  pace_ = kAskSoon;
  // A question that is under way is followed by the next one at that pace.
  if (under_way_ || std::exchange(soon_, true)) return;
  tick_ = parts_.loop.PostAt(parts_.env.clock().Monotonic() + kAskSoon, [this] { Tick(); });
}

void ReplicaGroup::Tick() {
  soon_ = false;
  if (!asking_ || parts_.nameservers.empty()) return;
  under_way_ = true;
  Ask(kAskTimeout,
      [this, turn = turn_, alive = std::weak_ptr<bool>(alive_)](Result<proto::BrokerMemberGroup> group) {
        if (alive.expired() || !asking_ || turn != turn_) return;
        under_way_ = false;
        if (group.ok()) Answered(*group);
        tick_ = parts_.loop.PostAt(parts_.env.clock().Monotonic() + pace_, [this] { Tick(); });
        soon_ = pace_ <= kAskSoon;
        pace_ = std::min<Duration>(2 * pace_, kAskEvery);
      });
}

void ReplicaGroup::Ask(Duration timeout, Completion<proto::BrokerMemberGroup> done) {
  AskOne(parts_.nameservers.size(), Status(StatusCode::kFailedPrecondition, "no NameServer is configured"),
         timeout, std::move(done));
}

void ReplicaGroup::AskOne(size_t tries_left, Status said, Duration timeout,
                          Completion<proto::BrokerMemberGroup> done) {
  if (tries_left == 0) {
    // Never inside the caller.
    parts_.loop.Post([said = std::move(said), done = std::move(done)]() mutable { done(std::move(said)); });
    return;
  }
  AskAt(parts_.nameservers[next_nameserver_ % parts_.nameservers.size()], timeout,
        [this, tries_left, timeout, alive = std::weak_ptr<bool>(alive_),
         done = std::move(done)](Result<proto::BrokerMemberGroup> group) mutable {
          if (group.ok() || alive.expired()) return done(std::move(group));
          ++next_nameserver_;
          AskOne(tries_left - 1, group.status(), timeout, std::move(done));
        });
}

void ReplicaGroup::AskAt(const Endpoint& nameserver, Duration timeout,
                         Completion<proto::BrokerMemberGroup> done) {
  proto::GetBrokerMemberGroupRequestHeader header;
  header.cluster_name = parts_.identity.cluster;
  header.broker_name = parts_.identity.name;
  using Body = proto::GetBrokerMemberGroupResponseBody;
  parts_.rpc.Call(nameserver, proto::MakeRequest(proto::RequestCode::kGetBrokerMemberGroup, header), timeout,
                  net::ExpectBody<Body>([done = std::move(done)](Result<Body> body) mutable {
                    if (!body.ok()) return done(body.status());
                    done(body->broker_member_group.value_or(proto::BrokerMemberGroup{}));
                  }));
}

void ReplicaGroup::Answered(const proto::BrokerMemberGroup& group) {
  // A NameServer that has just started knows nobody yet.
  if (group.broker_addrs.empty()) return;
  ReplicaView next = *view_.Load();
  next.members = group.broker_addrs;
  // It may not know this broker yet, which is alive all the same, or by the id that it had before.
  std::erase_if(next.members, [&](const auto& member) { return member.second == parts_.identity.address; });
  next.members.emplace(parts_.options.Get()->broker_id, parts_.identity.address);
  next.min_id = next.members.begin()->first;
  const std::string master = next.master_alive() ? next.members.begin()->second : std::string();
  // Its address for replicas comes with the next registration, or the notice.
  if (master != next.master) next.master_ha.clear();
  next.master = master;
  Set(std::move(next));
}

void ReplicaGroup::Registered(const MasterAddresses& master) {
  // Nothing is said of the master when it is not known, and to a master never: the next question tells.
  if (!asking_ || master.remoting.empty() || master.remoting == parts_.identity.address) return;
  ReplicaView next = *view_.Load();
  next.min_id = kMasterId;
  next.members[kMasterId] = master.remoting;
  next.master = master.remoting;
  next.master_ha = master.ha;
  Set(std::move(next));
}

void ReplicaGroup::MinIdChanged(const proto::NotifyMinBrokerIdChangeRequestHeader& header) {
  if (!asking_ || !header.min_broker_id || header.broker_name != parts_.identity.name) return;
  ReplicaView next = *view_.Load();
  next.min_id = std::min<BrokerId>(*header.min_broker_id, parts_.options.Get()->broker_id);
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
