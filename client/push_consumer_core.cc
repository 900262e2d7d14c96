// SPDX-License-Identifier: Apache-2.0
#include "client/push_consumer_core.h"

#include <algorithm>
#include <utility>

#include "client/allocation.h"
#include "client/consumer_options.h"
#include "common/names.h"
#include "common/strings.h"

namespace orbitmq::client {
namespace {

constexpr Duration kRebalanceSpacing = std::chrono::milliseconds(100);
// Until the division is as it should be.
constexpr Duration kRebalanceRetry = std::chrono::seconds(1);
// A queue that another member had a moment ago: time for its last commit (client.md 3.4).
constexpr Duration kTakeoverDelay = std::chrono::milliseconds(500);
constexpr Duration kUnregisterTimeout = std::chrono::seconds(1);
constexpr Duration kLastCommitTimeout = std::chrono::seconds(2);

}  // namespace

PushConsumerCore::PushConsumerCore(std::shared_ptr<ClientRuntime> runtime,
                                   std::shared_ptr<ClientInstance> instance, PushConsumerOptions options)
    : runtime_(std::move(runtime)),
      instance_(std::move(instance)),
      options_(std::move(options)),
      key_{MemberKind::kConsumer, options_.group},
      start_time_(runtime_->env().clock().Wall()),
      random_(runtime_->env().NewRandom("rebalance")) {}

PushConsumerCore::~PushConsumerCore() {
  // Only a process that was killed comes here without a shutdown.
  if (phase_ != Phase::kClosed) instance_->Forget(this);
}

Result<std::shared_ptr<PushConsumerCore>> PushConsumerCore::Start(
    const std::shared_ptr<ClientRuntime>& runtime, PushConsumerOptions options, MessageListener listener) {
  if (!listener) return Status(StatusCode::kInvalidArgument, "the message listener is empty");
  Status valid = CheckConsumerOptions(options);
  if (!valid.ok()) return valid;
  std::vector<SubscriptionData> subscriptions;
  for (const Subscription& subscription : options.subscriptions) {
    auto parsed = ParseSubscription(subscription);
    if (!parsed.ok()) return parsed.status();
    subscriptions.push_back(*std::move(parsed));
  }
  auto instance = runtime->Join(options.client, {MemberKind::kConsumer, options.group});
  if (!instance.ok()) return instance.status();
  auto core = std::shared_ptr<PushConsumerCore>(
      new PushConsumerCore(runtime, *std::move(instance), std::move(options)));
  core->Open(std::move(listener));
  runtime->loop().Post([core, subscriptions = std::move(subscriptions)]() mutable {
    for (SubscriptionData& subscription : subscriptions) core->SetSubscription(std::move(subscription));
    if (core->options_.model == MessageModel::kClustering) {
      auto retry = BuildSubscription(RetryTopic(core->options_.group), kSubscribeAll);
      if (retry.ok()) core->SetSubscription(*std::move(retry));
    }
    SenderSettings settings;
    settings.group = names::kClientInnerProducerGroup;
    core->retry_sender_ = std::make_unique<Sender>(*core->instance_, std::move(settings));
    core->ArmTimeoutScan();
    core->instance_->Attach(core.get());
    core->RebalanceSoon(Duration::zero());
  });
  return core;
}

void PushConsumerCore::Open(MessageListener listener) {
  ConsumePoolOptions pool;
  pool.name = options_.group;
  pool.threads = options_.consume_threads;
  pool.listener = std::move(listener);
  pool.on_done = [weak = weak_from_this()](const ConsumeTaskPtr& task) {
    if (const auto self = weak.lock()) self->OnTaskDone(task);
  };
  pool_ = std::make_unique<ConsumePool>(runtime_->env(), runtime_->loop(), std::move(pool));
  pool_identity_ = pool_->identity();
}

bool PushConsumerCore::OnListenerThread() const {
  return pool_identity_ != nullptr && ConsumePool::CallingListenerOf() == pool_identity_;
}

void PushConsumerCore::SetSubscription(SubscriptionData subscription) {
  // Brokers take the newer of two by this number.
  const auto known = subscriptions_.find(subscription.topic);
  const int64_t before = known == subscriptions_.end() ? 0 : known->second.sub_version;
  subscription.sub_version = std::max(runtime_->env().clock().WallMillis(), before + 1);
  subscriptions_[subscription.topic] = std::move(subscription);
}

Status PushConsumerCore::Subscribe(const Subscription& subscription) {
  if (!open_.load()) return {StatusCode::kFailedPrecondition, "the consumer is shut down"};
  auto parsed = ParseSubscription(subscription);
  if (!parsed.ok()) return parsed.status();
  runtime_->loop().Post([self = shared_from_this(), parsed = *std::move(parsed)]() mutable {
    if (self->phase_ != Phase::kRunning) return;
    const std::string topic = parsed.topic;
    self->SetSubscription(std::move(parsed));
    self->instance_->RefreshRoute({topic});
    self->instance_->HeartbeatSoon();
    self->RebalanceSoon(Duration::zero());
  });
  return {};
}

Status PushConsumerCore::Unsubscribe(const std::string& topic) {
  if (!open_.load()) return {StatusCode::kFailedPrecondition, "the consumer is shut down"};
  runtime_->loop().Post([self = shared_from_this(), topic] {
    if (self->phase_ != Phase::kRunning || topic == RetryTopic(self->options_.group)) return;
    self->subscriptions_.erase(topic);
    self->DropUnsubscribed();
    self->instance_->HeartbeatSoon();
  });
  return {};
}

void PushConsumerCore::Suspend() {
  runtime_->loop().Post([self = shared_from_this()] { self->suspended_ = true; });
}

void PushConsumerCore::Resume() {
  runtime_->loop().Post([self = shared_from_this()] {
    self->suspended_ = false;
    for (const auto& [queue, consumer] : self->queues_) consumer->Pump();
    self->RebalanceSoon(Duration::zero());
  });
}

std::vector<MessageQueue> PushConsumerCore::Assignment() const {
  MutexLock lock(assignment_mutex_);
  return assignment_;
}

void PushConsumerCore::PublishAssignment() {
  std::vector<MessageQueue> mine;
  for (const auto& [queue, consumer] : queues_) {
    if (!IsRetryTopic(queue.topic)) mine.push_back(queue);
  }
  MutexLock lock(assignment_mutex_);
  assignment_ = std::move(mine);
}

void PushConsumerCore::AddTopics(std::set<std::string>& topics) const {
  for (const auto& [topic, subscription] : subscriptions_) topics.insert(topic);
}

const SubscriptionData* PushConsumerCore::SubscriptionOf(const std::string& topic) const {
  const auto found = subscriptions_.find(topic);
  return found == subscriptions_.end() ? nullptr : &found->second;
}

void PushConsumerCore::FillHeartbeat(proto::HeartbeatData& heartbeat) const {
  if (subscriptions_.empty()) return;
  proto::ConsumerData consumer;
  consumer.group_name = options_.group;
  consumer.consume_type = proto::ConsumeType::kConsumePassively;
  consumer.message_model = options_.model == MessageModel::kClustering ? proto::MessageModel::kClustering
                                                                       : proto::MessageModel::kBroadcasting;
  switch (options_.consume_from) {
    case ConsumeFrom::kLastOffset:
      consumer.consume_from_where = proto::ConsumeFromWhere::kConsumeFromLastOffset;
      break;
    case ConsumeFrom::kFirstOffset:
      consumer.consume_from_where = proto::ConsumeFromWhere::kConsumeFromFirstOffset;
      break;
    case ConsumeFrom::kTimestamp:
      consumer.consume_from_where = proto::ConsumeFromWhere::kConsumeFromTimestamp;
      break;
  }
  for (const auto& [topic, subscription] : subscriptions_) {
    consumer.subscription_data_set.push_back(subscription);
  }
  heartbeat.consumer_data_set.push_back(std::move(consumer));
}

void PushConsumerCore::OnRouteChanged(const std::string& topic) {
  if (subscriptions_.contains(topic)) RebalanceSoon(Duration::zero());
}

void PushConsumerCore::OnBrokerJoined() { RebalanceSoon(Duration::zero()); }

void PushConsumerCore::OnConnectionClosed(const Endpoint& broker) {
  // It may have been restarted and have lost the last commits.
  for (const auto& [queue, consumer] : queues_) {
    const auto address = instance_->routes().Nearest(queue.broker_name, kMasterId);
    if (address && address->endpoint == broker) consumer->ForgetPersisted();
  }
}

void PushConsumerCore::PersistOffsets() {
  for (const auto& [queue, consumer] : queues_) consumer->Persist({});
}

void PushConsumerCore::RebalanceSoon(Duration delay) {
  if (phase_ != Phase::kRunning) return;
  if (topics_left_ > 0) {
    pass_again_ = true;
    return;
  }
  const MonoTime due = std::max(instance_->Now() + delay, last_pass_ + kRebalanceSpacing);
  if (due >= rebalance_due_) return;
  rebalance_due_ = due;
  rebalance_timer_ = runtime_->loop().PostAt(due, [this] { RunRebalance(); });
}

void PushConsumerCore::RunRebalance() {
  rebalance_due_ = kNever;
  if (phase_ != Phase::kRunning) return;
  last_pass_ = instance_->Now();
  pass_balanced_ = true;
  pass_again_ = false;
  DropUnsubscribed();
  if (suspended_ || subscriptions_.empty()) return RebalanceSoon(options_.rebalance_interval);
  std::vector<std::string> topics;
  for (const auto& [topic, subscription] : subscriptions_) topics.push_back(topic);
  topics_left_ = topics.size();
  for (const std::string& topic : topics) RebalanceTopic(topic);
}

void PushConsumerCore::TopicDone(bool balanced) {
  pass_balanced_ = pass_balanced_ && balanced;
  if (--topics_left_ > 0) return;
  if (pass_again_) return RebalanceSoon(Duration::zero());
  RebalanceSoon(pass_balanced_ ? Duration(options_.rebalance_interval) : kRebalanceRetry);
}

void PushConsumerCore::RebalanceTopic(const std::string& topic) {
  const RoutePtr route = instance_->routes().Find(topic);
  // A retry topic appears when the broker has seen the group's heartbeat; the route poll finds it.
  if (!route || route->subscribe_queues.empty()) return TopicDone(IsRetryTopic(topic));
  if (options_.model == MessageModel::kBroadcasting) {
    Apply(topic, route->subscribe_queues, /*alone=*/true);
    return TopicDone(true);
  }
  // Any broker of the topic knows the whole group.
  auto broker = route->brokers.begin();
  std::advance(broker, static_cast<ptrdiff_t>(random_.Below(route->brokers.size())));
  const auto address = instance_->routes().Nearest(broker->first, kMasterId);
  if (!address) return TopicDone(false);
  instance_->broker().GetConsumerList(
      address->endpoint, options_.group, instance_->options().request_timeout,
      [weak = weak_from_this(), topic](Result<std::vector<std::string>> members) {
        if (const auto self = weak.lock()) self->OnMembers(topic, std::move(members));
      });
}

void PushConsumerCore::OnMembers(const std::string& topic, Result<std::vector<std::string>> members) {
  const RoutePtr route = instance_->routes().Find(topic);
  if (phase_ != Phase::kRunning || !route || !subscriptions_.contains(topic)) return TopicDone(false);
  if (!members.ok()) {
    // Who is in the group is not known: what this member has stays as it is.
    instance_->log().Debug("no list of the group's members",
                           {{"topic", topic}, {"why", members.status().ToString()}});
    instance_->HeartbeatSoon();
    return TopicDone(false);
  }
  const bool known = std::find(members->begin(), members->end(), client_id()) != members->end();
  if (!known) instance_->HeartbeatSoon();
  const bool alone = members->size() == 1;
  Apply(topic, Allocate(options_.allocation, route->subscribe_queues, *std::move(members), client_id()),
        alone);
  TopicDone(known);
}

void PushConsumerCore::Apply(const std::string& topic, const std::vector<MessageQueue>& mine, bool alone) {
  const std::set<MessageQueue> wanted(mine.begin(), mine.end());
  std::vector<QueuePtr> revoked;
  for (const auto& [queue, consumer] : queues_) {
    if (queue.topic == topic && !wanted.contains(queue)) revoked.push_back(consumer);
  }
  for (const QueuePtr& consumer : revoked) Revoke(consumer);
  size_t added = 0;
  for (const MessageQueue& queue : wanted) {
    if (queues_.contains(queue)) continue;
    Add(queue, std::nullopt, alone ? Duration::zero() : kTakeoverDelay);
    ++added;
  }
  if (revoked.empty() && added == 0) return;
  instance_->log().Info("queues assigned", {{"group", options_.group},
                                            {"topic", topic},
                                            {"have", static_cast<uint64_t>(wanted.size())},
                                            {"added", static_cast<uint64_t>(added)},
                                            {"revoked", static_cast<uint64_t>(revoked.size())}});
  PublishAssignment();
}

void PushConsumerCore::Add(const MessageQueue& queue, std::optional<int64_t> begin_offset, Duration delay) {
  auto consumer =
      std::make_shared<ConsumerQueue>(*this, ConsumerQueueOptions{queue, next_serial_++, begin_offset});
  queues_[queue] = consumer;
  consumer->Start(delay);
}

void PushConsumerCore::Revoke(const QueuePtr& queue) {
  // First what is finished, then nothing more.
  queue->Persist({});
  queue->Drop();
  queues_.erase(queue->queue());
}

void PushConsumerCore::DropUnsubscribed() {
  std::vector<QueuePtr> gone;
  for (const auto& [queue, consumer] : queues_) {
    if (!subscriptions_.contains(queue.topic)) gone.push_back(consumer);
  }
  for (const QueuePtr& consumer : gone) Revoke(consumer);
  if (!gone.empty()) PublishAssignment();
}

void PushConsumerCore::OnOffsetMoved(ConsumerQueue& queue, int64_t offset) {
  const auto found = queues_.find(queue.queue());
  if (found == queues_.end() || found->second.get() != &queue) return;
  const QueuePtr moved = found->second;
  instance_->log().Warn(
      "the broker moved the offset of a queue",
      {{"queue", StrCat(queue.queue().topic, "/", queue.queue().broker_name, "/", queue.queue().queue_id)},
       {"asked", moved->window().read_up_to()},
       {"moved", offset}});
  // Nothing that is still running may commit over the corrected offset.
  moved->Drop();
  const MessageQueue name = moved->queue();
  if (options_.model == MessageModel::kBroadcasting) return Add(name, offset, Duration::zero());
  const auto remove = [weak = weak_from_this(), moved](Result<Done>) {
    const auto self = weak.lock();
    if (!self) return;
    const auto still = self->queues_.find(moved->queue());
    if (still == self->queues_.end() || still->second != moved) return;
    self->queues_.erase(still);
    self->RebalanceSoon(Duration::zero());
  };
  const auto broker = instance_->routes().Nearest(name.broker_name, kMasterId);
  if (!broker) return remove(Done{});
  proto::UpdateConsumerOffsetRequestHeader header;
  header.consumer_group = options_.group;
  header.topic = name.topic;
  header.queue_id = name.queue_id;
  header.commit_offset = offset;
  header.rpc.bname = name.broker_name;
  instance_->broker().UpdateConsumerOffset(broker->endpoint, header, instance_->options().request_timeout,
                                           remove);
}

void PushConsumerCore::Shutdown(Duration drain, Completion<Done> done) {
  open_.store(false);
  runtime_->loop().Post([self = shared_from_this(), drain, done = std::move(done)]() mutable {
    if (self->phase_ == Phase::kClosed) return done(self->ShutdownResult());
    self->shutdown_waiters_.push_back(std::move(done));
    if (self->phase_ == Phase::kRunning) self->BeginDrain(drain);
  });
}

void PushConsumerCore::BeginDrain(Duration drain) {
  phase_ = Phase::kDraining;
  runtime_->Keep(shared_from_this());
  rebalance_timer_.Cancel();
  timeout_timer_.Cancel();
  for (const auto& [queue, consumer] : queues_) consumer->StopPulling();
  pool_->StopStarting();
  drain_timer_ = runtime_->loop().PostAt(instance_->Now() + drain, [this] {
    if (phase_ != Phase::kDraining) return;
    shutdown_status_ =
        Status(StatusCode::kTimeout, "a listener was still running; its messages will be delivered again");
    CloseQueues();
  });
  CheckDrained();
}

void PushConsumerCore::CheckDrained() {
  if (phase_ == Phase::kDraining && tasks_out_ == 0 && giving_back_ == 0) CloseQueues();
}

void PushConsumerCore::CloseQueues() {
  phase_ = Phase::kClosing;
  std::vector<QueuePtr> queues;
  for (const auto& [name, queue] : queues_) {
    queues.push_back(queue);
    queue->Drop();
  }
  queues_.clear();
  PublishAssignment();
  // The last commits are worth a moment, but a dead broker must not hold the application.
  drain_timer_ = runtime_->loop().PostAt(instance_->Now() + kLastCommitTimeout, [this] {
    if (phase_ == Phase::kClosing) Leave();
  });
  // Twice: one confirmation is not enough (ConsumerQueue::Told).
  PersistAll(queues, [weak = weak_from_this(), queues](Result<Done>) {
    const auto self = weak.lock();
    if (!self || self->phase_ != Phase::kClosing) return;
    PersistAll(queues, [weak](Result<Done>) {
      if (const auto still = weak.lock(); still && still->phase_ == Phase::kClosing) still->Leave();
    });
  });
}

void PushConsumerCore::PersistAll(const std::vector<QueuePtr>& queues, Completion<Done> done) {
  auto left = std::make_shared<size_t>(queues.size() + 1);
  auto shared = std::make_shared<Completion<Done>>(std::move(done));
  const auto one_less = [left, shared](Result<Done>) {
    if (--*left == 0) (*shared)(Done{});
  };
  for (const QueuePtr& queue : queues) queue->Persist(one_less);
  one_less(Done{});
}

void PushConsumerCore::Leave() {
  phase_ = Phase::kClosed;
  drain_timer_.Cancel();
  retry_sender_->CancelAll();
  instance_->Detach(this, kUnregisterTimeout, [weak = weak_from_this()](Result<Done>) {
    if (const auto self = weak.lock()) self->EndShutdown();
  });
}

void PushConsumerCore::EndShutdown() {
  // Not here: the caller may stand inside one of the sender's own completions.
  runtime_->loop().Post([self = shared_from_this()] { self->retry_sender_.reset(); });
  runtime_->RetirePool(std::move(pool_));
  auto waiters = std::exchange(shutdown_waiters_, {});
  for (auto& waiter : waiters) waiter(ShutdownResult());
  runtime_->Release(this);
}

Result<Done> PushConsumerCore::ShutdownResult() const {
  if (shutdown_status_.ok()) return Done{};
  return shutdown_status_;
}

}  // namespace orbitmq::client
