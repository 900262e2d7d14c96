// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "broker/replication/replica_group.h"
#include "common/env.h"
#include "remoting/rpc_client.h"
#include "remoting/rpc_server.h"

namespace orbitmq::broker {

// Hands on what producers send to a broker that led until a moment ago (RoleGate::HandsOver): they look at
// the routes every 30 s only, and a planned change of the master should cost them a hop and not an error. A
// request waits here until the other broker leads, kPatience at most, which is below the time-out that
// clients have by default; then it is refused as by any slave. What the master stores names this broker as
// the host that the message was born at.
//
// Threads: Handle from any; the rest on the loop of the RpcClient.
// Invariant: a request is handed on again only if the master refused it, or never got it.
class SendRelay final {
 public:
  struct Parts {
    Env& env;
    Executor& loop;
    const BrokerIdentity& identity;
    ReplicaGroup& replicas;
    net::RpcClient& rpc;
  };
  explicit SendRelay(Parts parts) : parts_(parts) {}

  // A send or a send-back.
  void Handle(net::ServerRequest request);

 private:
  struct Job {
    net::ServerRequest request;
    MonoTime deadline;
    Timer timer;
  };
  using Ref = std::shared_ptr<Job>;
  void Try(const Ref& job);
  void TryAgain(const Ref& job);
  void Answered(const Ref& job, Result<proto::Command> reply);

  static constexpr Duration kPatience = std::chrono::milliseconds(2500);
  static constexpr Duration kTryEvery = std::chrono::milliseconds(20);
  Parts parts_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace orbitmq::broker
