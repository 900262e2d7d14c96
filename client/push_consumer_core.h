// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "client/client_instance.h"
#include "client/client_runtime.h"
#include "client/consume_pool.h"
#include "client/consume_stats.h"
#include "client/consumer_queue.h"
#include "client/sender.h"
#include "common/mutex.h"
#include "orbitmq/push_consumer.h"

namespace orbitmq::client {

// What stands behind a PushConsumer: membership in the group, the division of the queues, and what becomes of
// messages after the listener has seen them. The asynchronous methods never wait, so that the simulator can
// use them.
//
// Threads: public methods from any thread unless a remark says otherwise; the rest is owned by the loop.
// Invariants: (1) an offset is committed only when every message below it is finished: the listener took it,
// the broker took it back, or it was filtered out; (2) what a revoked queue's listeners still return changes
// nothing; (3) one pass of rebalance at a time.
class PushConsumerCore final : public InstanceMember,
                               public ConsumerQueueOwner,
                               public std::enable_shared_from_this<PushConsumerCore> {
 public:
  static Result<std::shared_ptr<PushConsumerCore>> Start(const std::shared_ptr<ClientRuntime>& runtime,
                                                         PushConsumerOptions options,
                                                         MessageListener listener);
  ~PushConsumerCore() override;

  Status Subscribe(const Subscription& subscription);
  Status Unsubscribe(const std::string& topic);
  void Suspend();
  void Resume();
  std::vector<MessageQueue> Assignment() const;
  // Ends on the loop; a second call ends with the first.
  void Shutdown(Duration drain, Completion<Done> done);
  // Whether the caller stands in a listener of this consumer.
  bool OnListenerThread() const;

  const std::string& client_id() const { return instance_->client_id(); }
  ClientRuntime& runtime() const { return *runtime_; }

  // InstanceMember and ConsumerQueueOwner, on the loop.
  const MemberKey& key() const override { return key_; }
  void AddTopics(std::set<std::string>& topics) const override;
  void FillHeartbeat(proto::HeartbeatData& heartbeat) const override;
  void OnRouteChanged(const std::string& topic) override;
  void OnBrokerJoined() override;
  void OnConnectionClosed(const Endpoint& broker) override;
  void PersistOffsets() override;
  void OnBrokerRequest(BrokerRequest request) override;
  ClientInstance& instance() override { return *instance_; }
  const PushConsumerOptions& options() const override { return options_; }
  const SubscriptionData* SubscriptionOf(const std::string& topic) const override;
  bool suspended() const override { return suspended_; }
  WallTime start_time() const override { return start_time_; }
  void OnPulled(ConsumerQueue& queue, const std::vector<ReceivedMessage>& messages) override;
  void OnOffsetMoved(ConsumerQueue& queue, int64_t offset) override;

 private:
  using QueuePtr = std::shared_ptr<ConsumerQueue>;
  enum class Phase : uint8_t { kRunning, kDraining, kClosing, kClosed };

  PushConsumerCore(std::shared_ptr<ClientRuntime> runtime, std::shared_ptr<ClientInstance> instance,
                   PushConsumerOptions options);
  void Open(MessageListener listener);

  // Membership and rebalance (push_consumer_core.cc).
  void SetSubscription(SubscriptionData subscription);
  void RebalanceSoon(Duration delay);
  void RunRebalance();
  void RebalanceTopic(const std::string& topic);
  void OnMembers(const std::string& topic, Result<std::vector<std::string>> members);
  void TopicDone(bool balanced);
  void Apply(const std::string& topic, const std::vector<MessageQueue>& mine, bool alone);
  void Add(const MessageQueue& queue, std::optional<int64_t> begin_offset, Duration delay);
  void Revoke(const QueuePtr& queue);
  void DropUnsubscribed();
  void PublishAssignment();

  // After the listener (consume_results.cc).
  void OnTaskDone(const ConsumeTaskPtr& task);
  void SubmitTask(const QueuePtr& queue, std::vector<ReceivedMessage> messages);
  void GiveBack(const QueuePtr& queue, const ReceivedMessage& message, int32_t delay_level);
  void PublishToRetryTopic(const QueuePtr& queue, const ReceivedMessage& message);
  void RetryLocally(const QueuePtr& queue, int64_t offset);
  void EndGivingBack();
  void ArmTimeoutScan();
  void ScanTimeouts();
  int32_t ReconsumeTimesMax() const;

  // What brokers ask (consumer_requests.cc).
  void AnswerRunningInfo(BrokerRequest request);
  void AnswerStatus(BrokerRequest request);
  void ConsumeDirectly(BrokerRequest request);
  void EndDirectCall(const ConsumeTask& task);
  void ResetOffsets(const BrokerRequest& request);

  // Shutdown (push_consumer_core.cc).
  void BeginDrain(Duration drain);
  void EndShutdown();
  Result<Done> ShutdownResult() const;
  void CheckDrained();
  void CloseQueues();
  // `done` once each broker has confirmed, or refused.
  static void PersistAll(const std::vector<QueuePtr>& queues, Completion<Done> done);
  void Leave();

  const std::shared_ptr<ClientRuntime> runtime_;
  const std::shared_ptr<ClientInstance> instance_;
  const PushConsumerOptions options_;
  const MemberKey key_;
  const WallTime start_time_;
  std::unique_ptr<ConsumePool> pool_;    // Set in Start, given away by the loop at the end.
  const void* pool_identity_ = nullptr;  // Compared only.
  std::atomic<bool> open_{true};
  mutable Mutex assignment_mutex_;
  std::vector<MessageQueue> assignment_ ORBITMQ_GUARDED_BY(assignment_mutex_);

  // Owned by the loop.
  Phase phase_ = Phase::kRunning;
  bool suspended_ = false;
  std::map<std::string, SubscriptionData> subscriptions_;
  std::map<MessageQueue, QueuePtr> queues_;
  uint64_t next_serial_ = 1;
  Random random_;
  std::unique_ptr<Sender> retry_sender_;
  ConsumeStats stats_;
  size_t tasks_out_ = 0;    // Submitted to the pool and not back.
  size_t giving_back_ = 0;  // Messages on their way back to a broker.
  std::map<ConsumeTask*, UniqueFunction<void(proto::Command)>> direct_calls_;

  Timer rebalance_timer_;
  MonoTime rebalance_due_ = kNever;
  MonoTime last_pass_{};
  size_t topics_left_ = 0;  // Of the pass that runs.
  bool pass_balanced_ = true;
  bool pass_again_ = false;

  Timer timeout_timer_;
  Timer drain_timer_;
  std::vector<Completion<Done>> shutdown_waiters_;
  Status shutdown_status_;
};

}  // namespace orbitmq::client
