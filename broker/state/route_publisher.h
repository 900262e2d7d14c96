// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "broker/broker_identity.h"
#include "broker/broker_options.h"
#include "broker/state/topic_table.h"
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
// Threads: Start, Publish, Leave and the destructor on the given loop (or after it was stopped); Changed from
// any thread. Invariants: (1) at most one registration per NameServer is under way; a change meanwhile causes
// another one after it, so the last table wins; (2) the table is taken when the request is made, never
// earlier; (3) nothing is registered before Start.
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
    // Asked before each registration whether it may be: kFailedPrecondition = this broker must not be found
    // now; another failure counts as the registration's own. On `loop`, its answer, too.
    UniqueFunction<void(const Endpoint& nameserver, Completion<Done> may)> look_first{};
  };
  explicit RoutePublisher(Parts parts);

  // `first` is called once every NameServer has answered or failed the first registration.
  void Start(Completion<Done> first);
  void Changed() { pulse_.Signal(); }
  // Registers anew, or starts; `done` is called, on the loop, once every NameServer has answered or failed.
  void Publish(Completion<Done> done);
  // Stops registering and unregisters; `done` is called when every NameServer has answered or `timeout` is
  // over.
  void Leave(Duration timeout, Completion<Done> done);

 private:
  // Ends with the answer of the last NameServer.
  struct Round {
    size_t left = 0;
    Completion<Done> done;
  };
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
    std::vector<std::shared_ptr<Round>> asked;      // Wait for the next registration,
    std::vector<std::shared_ptr<Round>> under_way;  // or for the one under way.
  };
  bool Await(Completion<Done> done);
  void RegisterAll();
  void Register(size_t index);
  void MayRegister(size_t index, const Result<Done>& may);
  void Send(size_t index);
  void Registered(size_t index, Result<proto::Command> reply);
  void RegistrationEnded(size_t index);
  void TellMaster(const proto::Command& reply);
  void RetrySoon(size_t index);
  void ConnectionClosed(const Endpoint& at);
  proto::Command MakeRegistration() const;
  void Tick();
  void Heartbeat();

  Parts parts_;
  std::vector<Target> targets_;
  bool started_ = false;
  bool leaving_ = false;
  Timer tick_;
  Timer heartbeat_;
  Pulse pulse_;
  // Tells completions of calls that outlive this object to do nothing.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace orbitmq::broker
