// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "broker/broker_identity.h"
#include "broker/broker_options.h"
#include "broker/state/route_publisher.h"
#include "common/env.h"
#include "common/ids.h"
#include "common/snapshot_cell.h"
#include "remoting/protocol/headers_namesrv.h"
#include "remoting/protocol/route.h"
#include "remoting/rpc_client.h"

namespace orbitmq::broker {

// Who of this broker's group (the brokers of one name, told apart by their ids) is alive. A value.
struct ReplicaView {
  // The smallest id alive; kMasterId until a NameServer said otherwise, as in Apache.
  BrokerId min_id = kMasterId;
  // "ip:port" of the master, empty = none is alive or known: where clients reach it, and where replicas do.
  std::string master;
  std::string master_ha;
  // All that are alive, by id; empty until a NameServer was asked.
  std::map<BrokerId, std::string> members;
  friend bool operator==(const ReplicaView&, const ReplicaView&) = default;
  bool master_alive() const { return min_id == kMasterId; }
};

// Whether a failed question was answered all the same, with an error: Apache's NameServer 4.9 does not know
// it.
bool IsAnswer(const Status& failure);

// Asks NameServers who of this broker's group is alive: every kAskEvery (GET_BROKER_MEMBER_GROUP, Apache's
// syncBrokerMemberGroupPeriod), at a quicker pace for a while after AskSoon, and takes what they say by
// themselves: the replies to registrations and NOTIFY_MIN_BROKER_ID_CHANGE. One NameServer is asked until it
// fails, then the next; while none answers, the last view stays.
//
// Threads: Get from any; the rest on the loop of the RpcClient, listeners included.
class ReplicaGroup final {
 public:
  struct Parts {
    Env& env;
    Executor& loop;
    const LiveOptions& options;
    const BrokerIdentity& identity;
    net::RpcClient& rpc;
    std::vector<Endpoint> nameservers;
  };
  using Listener = UniqueFunction<void(const ReplicaView& before, const ReplicaView& now)>;

  explicit ReplicaGroup(Parts parts);

  // Called with every change; before Start.
  void OnChange(Listener listener) { listeners_.push_back(std::move(listener)); }
  // Begins to ask periodically, which only slaves need. Stop ends it and forgets what was said; both in
  // turns.
  void Start();
  void Stop();
  // Something happened: whoever notices it may need a moment.
  void AskSoon();
  std::shared_ptr<const ReplicaView> Get() const { return view_.Load(); }

  // One question to the first NameServer that tells; else what the last one said, kUnavailable when that did
  // not answer, kFailedPrecondition when none is configured. Does not change the view.
  void Ask(Duration timeout, Completion<proto::BrokerMemberGroup> done);

  // The same to one NameServer.
  void AskAt(const Endpoint& nameserver, Duration timeout, Completion<proto::BrokerMemberGroup> done);

  // What NameServers said by themselves.
  void Registered(const MasterAddresses& master);
  void MinIdChanged(const proto::NotifyMinBrokerIdChangeRequestHeader& header);

 private:
  void Tick();
  void AskOne(size_t tries_left, Status said, Duration timeout, Completion<proto::BrokerMemberGroup> done);
  void Answered(const proto::BrokerMemberGroup& group);
  void Set(ReplicaView next);

  static constexpr Duration kAskEvery = std::chrono::seconds(1);
  static constexpr Duration kAskSoon = std::chrono::milliseconds(20);
  static constexpr Duration kAskTimeout = std::chrono::seconds(3);
  Parts parts_;
  std::vector<Listener> listeners_;
  SnapshotCell<ReplicaView> view_{std::make_shared<const ReplicaView>()};
  size_t next_nameserver_ = 0;
  Timer tick_;
  Duration pace_ = kAskEvery;  // Between two questions; grows to that.
  bool asking_ = false;        // Between Start and Stop.
  bool under_way_ = false;     // A question.
  bool soon_ = false;          // The next question comes within kAskSoon.
  uint64_t turn_ = 0;          // Counts Start; answers of an earlier turn are not listened to.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace orbitmq::broker
