// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

#include "client/broker_health.h"
#include "client/client_instance.h"
#include "client/outgoing_message.h"
#include "client/queue_selector.h"
#include "common/completion.h"
#include "orbitmq/producer.h"
#include "orbitmq/send_result.h"

namespace orbitmq::client {

struct SenderSettings {
  std::string group;
  Duration attempt_timeout_max{0};  // 0 = a share for each broker that may still be tried.
  int retries = 2;
  bool retry_when_not_stored_ok = false;
  int32_t default_topic_queue_count = 4;
  bool latency_fault_avoidance = false;
};

// Which queue a message is to go to; at most one of the three.
struct SendTarget {
  std::optional<MessageQueue> queue;
  std::string sharding_key;
  QueueSelector selector;
  std::shared_ptr<const Message> message;  // What the selector is shown.

  // Such a send is not repeated: another queue would break what the target is for.
  bool fixed() const { return queue || !sharding_key.empty() || selector; }
};

// Sends messages for one producer group: finds the route, picks queues, retries within the time budget.
//
// Threads: owned by the client's loop; completions come on the loop too.
// Invariants: (1) a send ends exactly once; (2) its try never begins after its deadline; (3) a send that ends
// in a failure tells the worst that can have happened in any of its tries (Status::persisted).
class Sender final {
 public:
  Sender(ClientInstance& instance, SenderSettings settings);
  ~Sender();
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;

  void Send(OutgoingMessage message, SendTarget target, Duration timeout, Completion<SendResult> done);
  // Finds a route and writes; `done` tells of local failures only.
  void SendOneway(OutgoingMessage message, SendTarget target, Duration timeout, Completion<Done> done);

  size_t pending() const { return operations_.size(); }
  // Called when nothing is pending (any more); replaces an earlier one.
  void WhenIdle(Completion<Done> done);
  // Ends everything with kCancelled.
  void CancelAll();
  // Some route changed: sends that wait for a master look again.
  void OnRouteChanged();
  // Topics that were sent to.
  const std::set<std::string>& topics() const { return topics_; }

 private:
  struct Operation;
  using OperationPtr = std::shared_ptr<Operation>;

  void Begin(const OperationPtr& op);
  void WithRoute(const OperationPtr& op, const Result<RoutePtr>& route);
  void RunSelector(const OperationPtr& op, RoutePtr route);
  void PickQueue(const OperationPtr& op, const RoutePtr& route, std::optional<size_t> selected);
  void Try(const OperationPtr& op, const MessageQueue& queue);
  // Until a route has a master for the queues that this send may go to, or its time is used up. A message
  // that is stored already does not wait for more.
  void AwaitMaster(const OperationPtr& op);
  // Those topics whose turn it is.
  void AskForMasters();
  // Of topics that nobody waits for.
  void ForgetMasterPolls();
  void OnReply(const OperationPtr& op, Result<net::SendReply> reply, MonoTime began);
  void RetryOrFail(const OperationPtr& op, const Status& why);
  void Succeed(const OperationPtr& op, SendResult result);
  void Fail(const OperationPtr& op, const Status& why);
  void Forget(const OperationPtr& op);
  proto::SendMessageRequestHeader HeaderOf(const Operation& op, const MessageQueue& queue);
  RouteLookup LookupOf(const std::string& topic) const;
  // Whether another broker can take it now.
  bool Elsewhere(const Operation& op, const std::string& broker) const;
  // Whether the topic's route knows that broker, as a slave at least.
  bool InRoute(const Operation& op, const std::string& broker) const;
  static Status NoMaster(const Operation& op);
  Duration Left(const Operation& op);
  // For a try at `broker`, so that a hung one leaves time for the others.
  Duration AttemptTimeout(const Operation& op, const std::string& broker);
  void NoteHealth(const std::string& broker, const Status& outcome, Duration took);

  ClientInstance& instance_;
  const SenderSettings settings_;
  Random random_;
  BrokerHealth health_;
  QueueRotation rotation_;
  std::set<std::string> topics_;
  uint64_t next_serial_ = 1;
  std::unordered_map<uint64_t, OperationPtr> operations_;  // By serial.
  std::map<uint64_t, OperationPtr> awaiting_master_;       // By serial: in the order of the calls.
  // How often a topic was asked for since sends began to wait for its master.
  struct MasterPolls {
    int count = 0;
    MonoTime next;
  };
  std::map<std::string, MasterPolls> master_polls_;  // By topic, of those in awaiting_master_.
  Timer master_timer_;
  Completion<Done> idle_;
  // Cleared by the destructor, so that late replies find nobody.
  std::shared_ptr<Sender*> self_;
};

}  // namespace orbitmq::client
