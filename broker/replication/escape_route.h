// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "broker/broker_identity.h"
#include "broker/broker_options.h"
#include "common/env.h"
#include "orbitmq/message_queue.h"
#include "remoting/protocol/route.h"
#include "remoting/rpc_client.h"
#include "store/message_store.h"

namespace orbitmq::broker {

// Where a slave that acts for its master puts the messages which that produces: its own log is closed to it,
// so they go to the master of another broker group that has the topic, as with Apache's enableRemoteEscape.
// Without that option every append is refused, and its owner tries again until the master is back.
//
// Threads: Append from any; the rest on the loop of the RpcClient.
// Invariants: (1) `done` is OK only after the other broker has answered that it stored the message; (2)
// routes are at most kRouteAge old.
class EscapeRoute final : public store::LogAppender {
 public:
  struct Parts {
    Env& env;
    Executor& loop;
    const LiveOptions& options;
    const BrokerIdentity& identity;
    net::RpcClient& rpc;
    std::vector<Endpoint> nameservers;
  };
  explicit EscapeRoute(Parts parts) : parts_(std::move(parts)) {}

  void Append(store::AppendRequest request) override;

 private:
  struct Target {
    Endpoint at;
    std::string broker_name;
    int32_t queues = 0;
  };
  struct Route {
    MonoTime asked{};
    std::vector<Target> targets;
  };
  void Send(store::AppendRequest request);
  void SendTo(const Target& target, store::AppendRequest request);
  void FindRoute(size_t tries_left, store::AppendRequest request);
  std::vector<Target> TargetsOf(const proto::TopicRouteData& data) const;

  static constexpr Duration kRouteAge = std::chrono::seconds(10);
  static constexpr Duration kTimeout = std::chrono::seconds(3);
  static constexpr size_t kRoutesMax = 10'000;
  Parts parts_;
  std::map<std::string, Route> routes_;  // By topic.
  size_t next_nameserver_ = 0;
  uint64_t turn_ = 0;  // Spreads the messages over brokers and queues.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace orbitmq::broker
