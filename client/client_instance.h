// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "client/client_runtime.h"
#include "client/route_cache.h"
#include "common/completion.h"
#include "common/env.h"
#include "orbitmq/client_options.h"
#include "remoting/protocol/heartbeat.h"
#include "remoting/rpc_client.h"
#include "remoting/stubs/broker_stub.h"
#include "remoting/stubs/namesrv_stub.h"

namespace orbitmq::client {

// What an instance is made with. Prepare() checks it and makes what can fail.
struct InstanceSettings {
  ClientOptions options;
  std::string namesrv_addr;
  std::string client_id;
  std::vector<Endpoint> namesrvs;
  std::shared_ptr<net::TlsContext> tls;

  Status Prepare();
};

// A request that a broker sent to this client, for the member of `group`.
struct BrokerRequest {
  const proto::CommandView& command;
  std::string_view group;
  // Empty when the broker wants no answer.
  UniqueFunction<void(proto::Command)> reply;
};

// What an instance needs from the producers and consumers on it. Called on the loop.
class InstanceMember {
 public:
  virtual ~InstanceMember() = default;
  virtual const MemberKey& key() const = 0;
  // Topics whose routes are to be kept fresh, and those that this member waits for.
  virtual void AddTopics(std::set<std::string>& topics) const = 0;
  virtual void FillHeartbeat(proto::HeartbeatData& heartbeat) const = 0;
  virtual void OnRouteChanged(const std::string& topic) = 0;
  // A broker knows this client for the first time, or again after its connection was lost.
  virtual void OnBrokerJoined() = 0;
  virtual void OnConnectionClosed(const Endpoint& broker) = 0;
  virtual void PersistOffsets() = 0;
  virtual void OnBrokerRequest(BrokerRequest request) = 0;
};

// Whether a topic that the NameServer does not know may be taken for one that the broker will make.
struct RouteLookup {
  std::string topic;
  // Above 0: fall back to TBW102's route with at most that many queues a broker.
  int32_t template_queue_count = 0;
};

// One client as brokers see it, by its client id: connections, routes, heartbeats and the calls that come
// back.
//
// Threads: owned by the runtime's loop, where every method without another remark must be called.
// Invariants: (1) a lookup ends exactly once; (2) after Close nothing is called on members any more.
class ClientInstance final : public std::enable_shared_from_this<ClientInstance> {
 public:
  ClientInstance(std::shared_ptr<ClientRuntime> runtime, InstanceSettings settings);
  ~ClientInstance();

  // Any thread, once: begins with what needs the loop.
  void Open();

  // Immutable; any thread.
  const std::string& client_id() const { return settings_.client_id; }
  const std::string& namesrv_addr() const { return settings_.namesrv_addr; }
  const ClientOptions& options() const { return settings_.options; }
  ClientRuntime& runtime() { return *runtime_; }
  Env& env() { return runtime_->env(); }
  Executor& loop() { return runtime_->loop(); }
  Logger& log() { return *log_; }

  MonoTime Now() { return env().clock().Monotonic(); }
  net::BrokerStub& broker() { return *broker_stub_; }
  const RouteCache& routes() const { return routes_; }
  bool closed() const { return rpc_ == nullptr; }

  // `member` must stay alive until Detach has ended.
  void Attach(InstanceMember* member);
  // Tells every broker that the member is gone; ends when they know or after `timeout`, and for the last
  // member when the connections are closed.
  void Detach(InstanceMember* member, Duration timeout, Completion<Done> done);
  // The member is gone without a goodbye; any thread, when the loop does not run any more.
  void Forget(const InstanceMember* member);

  // From the cache if it is there, else from a NameServer: every address is tried once.
  void Lookup(const RouteLookup& lookup, Completion<RoutePtr> done);
  // Asks the NameServer although the cache has a route; the change arrives at the members.
  void RefreshRoute(const RouteLookup& lookup);
  // Heartbeats to every known broker at once (several calls before the next turn are one).
  void HeartbeatSoon();

 private:
  struct PendingLookup {
    int32_t template_queue_count = 0;
    std::vector<Completion<RoutePtr>> waiters;
  };
  // One walk over the NameServers for one topic.
  struct Ask {
    std::string topic;  // What the caller wants.
    std::string asked;  // What is asked for: the topic, or the template's name.
    size_t tries_left = 0;
  };

  void Start();
  void InstallHandlers();
  // Ends when nothing of this instance runs any more: no log line comes after it.
  void Close(Completion<Done> done);
  void CloseConnections();
  // `done` may be empty.
  void AskFor(const RouteLookup& lookup, Completion<RoutePtr> done);
  void StartAsk(const std::string& topic, const std::string& asked);
  void AskNext(Ask ask);
  void OnRouteReply(Ask ask, Result<proto::TopicRouteData> reply);
  void EndLookup(const std::string& topic, Result<RoutePtr> result);
  void StoreRoute(TopicRoute route);

  void ArmRoutePoll(Duration delay);
  void PollRoutes(bool only_missing);
  void ArmHeartbeat(Duration delay);
  void SendHeartbeats();
  void ArmPersist();
  void OnClosed(const Endpoint& endpoint);
  void OnIncoming(net::RpcClient::Incoming incoming);
  std::vector<Endpoint> BrokerEndpoints() const;
  // Calls `tell` with every member that is still there when its turn comes: a member may leave in the call of
  // another.
  template <class Tell>
  void TellMembers(Tell tell);

  const std::shared_ptr<ClientRuntime> runtime_;
  const InstanceSettings settings_;
  std::unique_ptr<Logger> own_log_;
  Logger* log_;
  std::unique_ptr<net::RpcClient> rpc_;
  std::unique_ptr<net::NamesrvStub> namesrv_stub_;
  std::unique_ptr<net::BrokerStub> broker_stub_;
  RouteCache routes_;
  size_t namesrv_index_ = 0;
  std::map<std::string, PendingLookup> lookups_;
  // By name, so that their order is the same in every run.
  std::map<MemberKey, InstanceMember*> members_;
  std::set<Endpoint> joined_;      // Brokers that have answered a heartbeat on the present connection.
  std::set<Endpoint> heartbeats_;  // Heartbeats under way.
  bool heartbeat_again_ = false;   // Something changed while one was under way.
  MonoTime last_full_poll_{};
  Timer route_timer_;
  Timer heartbeat_timer_;
  Timer persist_timer_;
};

}  // namespace orbitmq::client
