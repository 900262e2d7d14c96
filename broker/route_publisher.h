// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "broker/broker_identity.h"
#include "broker/broker_options.h"
#include "broker/topic_table.h"
#include "common/env.h"
#include "common/pulse.h"
#include "remoting/rpc_client.h"

namespace orbitmq::broker {

// Where the master of this broker's name is, as a NameServer tells a slave.
struct MasterAddresses {
  std::string remoting;  // "ip:port" of its listenPort: metadata.
  std::string ha;        // "ip:port" of its haListenPort: the log.
};

// Tells every NameServer of this broker and its topics: at start, periodically, at once after a change, soon
// after the connection to it ended (a NameServer that was restarted knows nothing), and that it leaves.
//
// Threads: Start, Leave and the destructor on the given loop (or after it was stopped); Changed from any
// thread. Invariants: (1) at most one registration per NameServer is under way; a change meanwhile causes
// another one after it, so the last table wins; (2) the table is taken when the request is made, never
// earlier.
class RoutePublisher final {
 public:
  struct Parts {
    Env& env;
    Executor& loop;  // Of the RpcClient.
    const LiveOptions& options;
    const BrokerIdentity& identity;
    const TopicTable& topics;
    net::RpcClient& rpc;
    std::vector<Endpoint> nameservers;
    // A slave's: what a NameServer answered, which knows the master of its name. Called on `loop` with every
    // answer; both are empty while no master is registered.
    UniqueFunction<void(const MasterAddresses&)> on_master{};
  };
  explicit RoutePublisher(Parts parts);

  // `first` is called once every NameServer has answered or failed the first registration.
  void Start(Completion<Done> first);
  void Changed() { pulse_.Signal(); }
  // Stops registering and unregisters; `done` is called when every NameServer has answered or `timeout` is
  // over.
  void Leave(Duration timeout, Completion<Done> done);

 private:
  struct Target {
    Endpoint at;
    // Runs while another attempt is due before the period is over; the wait grows while attempts fail.
    Timer retry;
    bool retry_due = false;
    Duration retry_after{0};
    bool in_flight = false;
    bool again = false;
    bool registered = false;
    bool failed_before = false;
  };
  void RegisterAll();
  void Register(size_t index);
  void Registered(size_t index, Result<proto::Command> reply);
  void TellMaster(const proto::Command& reply);
  void RetrySoon(size_t index);
  void ConnectionClosed(const Endpoint& at);
  proto::Command MakeRegistration() const;
  void Tick();
  void Heartbeat();

  Parts parts_;
  std::vector<Target> targets_;
  bool leaving_ = false;
  size_t first_left_ = 0;
  Completion<Done> first_;
  Timer tick_;
  Timer heartbeat_;
  Pulse pulse_;
  // Tells completions of calls that outlive this object to do nothing.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace orbitmq::broker
