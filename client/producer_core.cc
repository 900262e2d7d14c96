// SPDX-License-Identifier: Apache-2.0
#include "client/producer_core.h"

#include <algorithm>
#include <utility>

#include "client/option_ranges.h"
#include "client/user_code.h"
#include "common/limits.h"
#include "common/names.h"
#include "common/strings.h"

namespace orbitmq::client {
namespace {

constexpr Duration kUnregisterTimeout = std::chrono::seconds(1);

Status CheckOptions(const ProducerOptions& options) {
  const Status group = CheckGroupName(options.group);
  if (!group.ok()) return group.Annotate("ProducerOptions::group");
  if (options.group == names::kDefaultProducerGroup) {
    return {StatusCode::kInvalidArgument,
            "ProducerOptions::group must not be DEFAULT_PRODUCER; choose a name of your own"};
  }
  constexpr int64_t kMillisMax = int64_t{24} * 3600 * 1000;
  const Status ranges = CheckRanges(
      "ProducerOptions", {{"send_timeout (ms)", options.send_timeout.count(), 1, kMillisMax},
                          {"attempt_timeout_max (ms)", options.attempt_timeout_max.count(), 0, kMillisMax},
                          {"retries", options.retries, 0, 15},
                          {"message_bytes_max", static_cast<int64_t>(options.message_bytes_max), 1,
                           static_cast<int64_t>(limits::kMessageBodyBytesMax)},
                          {"compression_level", options.compression_level, 1, 9},
                          {"default_topic_queue_count", options.default_topic_queue_count, 1, 128},
                          {"shutdown_drain (ms)", options.shutdown_drain.count(), 0, kMillisMax}});
  if (!ranges.ok()) return ranges;
  if (options.async_count_max == 0 || options.async_bytes_max == 0) {
    return {StatusCode::kInvalidArgument,
            "ProducerOptions::async_count_max and async_bytes_max must be at least 1"};
  }
  return {};
}

size_t BodyBytes(const std::vector<Message>& messages) {
  size_t bytes = 0;
  for (const Message& message : messages) bytes += message.body.size();
  return bytes;
}

Status Refused() {
  return Status(StatusCode::kFailedPrecondition, "the producer is shut down").WithPersisted(Persisted::kNo);
}

Status NotStored(const Status& status) { return status.WithPersisted(Persisted::kNo); }

}  // namespace

// Gives its share back when it is gone.
struct ProducerCore::Admission {
  std::shared_ptr<Pending> pending;
  size_t bytes = 0;
  Admission(std::shared_ptr<Pending> p, size_t n) : pending(std::move(p)), bytes(n) {}
  Admission(Admission&&) noexcept = default;
  Admission& operator=(Admission&&) = delete;
  ~Admission() {
    if (!pending) return;
    pending->count.fetch_sub(1, std::memory_order_relaxed);
    pending->bytes.fetch_sub(bytes, std::memory_order_relaxed);
  }
};

ProducerCore::ProducerCore(std::shared_ptr<ClientRuntime> runtime, std::shared_ptr<ClientInstance> instance,
                           ProducerOptions options)
    : runtime_(std::move(runtime)),
      instance_(std::move(instance)),
      options_(std::move(options)),
      rules_{options_.message_bytes_max, options_.compress_bytes_min, options_.compression,
             options_.compression_level},
      key_{MemberKind::kProducer, options_.group} {}

ProducerCore::~ProducerCore() {
  // Only a process that was killed comes here without a shutdown.
  if (phase_ != Phase::kClosed) instance_->Forget(this);
}

Result<std::shared_ptr<ProducerCore>> ProducerCore::Start(const std::shared_ptr<ClientRuntime>& runtime,
                                                          ProducerOptions options) {
  const Status valid = CheckOptions(options);
  if (!valid.ok()) return valid;
  auto instance = runtime->Join(options.client, {MemberKind::kProducer, options.group});
  if (!instance.ok()) return instance.status();
  auto core =
      std::shared_ptr<ProducerCore>(new ProducerCore(runtime, *std::move(instance), std::move(options)));
  runtime->loop().Post([core] {
    SenderSettings settings;
    settings.group = core->options_.group;
    settings.attempt_timeout_max = core->options_.attempt_timeout_max;
    settings.retries = core->options_.retries;
    settings.retry_when_not_stored_ok = core->options_.retry_when_not_stored_ok;
    settings.default_topic_queue_count = core->options_.default_topic_queue_count;
    settings.latency_fault_avoidance = core->options_.latency_fault_avoidance;
    core->sender_ = std::make_unique<Sender>(*core->instance_, std::move(settings));
    core->instance_->Attach(core.get());
  });
  return core;
}

Status ProducerCore::CheckOpen() const {
  return open_.load(std::memory_order_acquire) ? Status() : Refused();
}

Duration ProducerCore::TimeoutOf(const SendOptions& options) const {
  return options.timeout > Millis(0) ? options.timeout : options_.send_timeout;
}

Result<SendTarget> ProducerCore::TargetOf(SendOptions& options, const Message* message) const {
  const int targets =
      (options.queue ? 1 : 0) + (options.sharding_key.empty() ? 0 : 1) + (options.selector ? 1 : 0);
  if (targets > 1) {
    return NotStored({StatusCode::kInvalidArgument,
                      "SendOptions: at most one of queue, sharding_key and selector may be set"});
  }
  if (options.timeout < Millis(0)) {
    return NotStored({StatusCode::kInvalidArgument, "SendOptions::timeout is negative"});
  }
  SendTarget target{
      std::move(options.queue), std::move(options.sharding_key), std::move(options.selector), {}};
  if (target.selector && message != nullptr) target.message = std::make_shared<const Message>(*message);
  return target;
}

std::optional<ProducerCore::Admission> ProducerCore::Admit(size_t bytes) {
  const size_t count = pending_->count.fetch_add(1, std::memory_order_relaxed) + 1;
  const size_t total = pending_->bytes.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  Admission admission(pending_, bytes);
  if (count > options_.async_count_max || total > options_.async_bytes_max) return std::nullopt;
  return admission;
}

void ProducerCore::Enqueue(OutgoingMessage message, SendTarget target, Duration timeout,
                           Completion<SendResult> done) {
  runtime_->loop().Post([self = shared_from_this(), message = std::move(message), target = std::move(target),
                         timeout, done = std::move(done)]() mutable {
    if (self->phase_ != Phase::kRunning) return done(Refused());
    self->sender_->Send(std::move(message), std::move(target), timeout, std::move(done));
  });
}

void ProducerCore::Send(Message message, SendOptions options, Completion<SendResult> done) {
  const Status open = CheckOpen();
  if (!open.ok()) return done(open);
  auto target = TargetOf(options, &message);
  if (!target.ok()) return done(target.status());
  auto outgoing = EncodeMessage(std::move(message), rules_, runtime_->ids());
  if (!outgoing.ok()) return done(NotStored(outgoing.status()));
  Enqueue(*std::move(outgoing), *std::move(target), TimeoutOf(options), std::move(done));
}

void ProducerCore::SendBatch(std::vector<Message> messages, SendOptions options,
                             Completion<SendResult> done) {
  const Status open = CheckOpen();
  if (!open.ok()) return done(open);
  auto target = TargetOf(options, messages.empty() ? nullptr : &messages.front());
  if (!target.ok()) return done(target.status());
  auto outgoing = EncodeMessages(messages, rules_, runtime_->ids());
  if (!outgoing.ok()) return done(NotStored(outgoing.status()));
  Enqueue(*std::move(outgoing), *std::move(target), TimeoutOf(options), std::move(done));
}

Completion<SendResult> ProducerCore::OnCallbackThread(SendCallback callback) {
  // Nothing here may own this object: it owns the sender, which owns what is returned here.
  return [&callbacks = runtime_->callbacks(), instance = std::weak_ptr<ClientInstance>(instance_),
          callback = std::move(callback)](Result<SendResult> result) mutable {
    // A completion inside the task: if the executor drops it, the callback is called all the same.
    Completion<SendResult> user = [instance, callback = std::move(callback)](Result<SendResult> r) {
      if (!callback) return;
      const Status ran = RunUserCode([&] { callback(std::move(r)); });
      if (ran.ok()) return;
      if (const auto alive = instance.lock()) {
        alive->log().Error("a send callback threw", {{"what", ran.text()}});
      }
    };
    callbacks.Post(
        [user = std::move(user), result = std::move(result)]() mutable { user(std::move(result)); });
  };
}

void ProducerCore::SendAsync(Message message, SendOptions options, SendCallback callback) {
  const size_t bytes = message.body.size();
  Completion<SendResult> done = OnCallbackThread(std::move(callback));
  auto admission = Admit(bytes);
  if (!admission) {
    return done(NotStored(
        Status(StatusCode::kBusy, StrCat("more than ", options_.async_count_max, " sends or ",
                                         options_.async_bytes_max, " bytes are under way; send slower"))
            .WithRetriable(true)));
  }
  Send(std::move(message), std::move(options),
       [admission = *std::move(admission), done = std::move(done)](Result<SendResult> result) mutable {
         done(std::move(result));
       });
}

void ProducerCore::SendBatchAsync(std::vector<Message> messages, SendOptions options, SendCallback callback) {
  const size_t bytes = BodyBytes(messages);
  Completion<SendResult> done = OnCallbackThread(std::move(callback));
  auto admission = Admit(bytes);
  if (!admission) {
    return done(NotStored(
        Status(StatusCode::kBusy, "too many sends are under way; send slower").WithRetriable(true)));
  }
  SendBatch(std::move(messages), std::move(options),
            [admission = *std::move(admission), done = std::move(done)](Result<SendResult> result) mutable {
              done(std::move(result));
            });
}

Status ProducerCore::SendOneway(Message message, SendOptions options) {
  const Status open = CheckOpen();
  if (!open.ok()) return open;
  auto target = TargetOf(options, &message);
  if (!target.ok()) return target.status();
  auto admission = Admit(message.body.size());
  if (!admission) {
    return NotStored(
        Status(StatusCode::kBusy, "too many sends are under way; send slower").WithRetriable(true));
  }
  auto outgoing = EncodeMessage(std::move(message), rules_, runtime_->ids());
  if (!outgoing.ok()) return NotStored(outgoing.status());
  const bool posted = runtime_->loop().Post([self = shared_from_this(), message = *std::move(outgoing),
                                             target = *std::move(target), timeout = TimeoutOf(options),
                                             admission = *std::move(admission)]() mutable {
    if (self->phase_ != Phase::kRunning) return;
    self->sender_->SendOneway(
        std::move(message), std::move(target), timeout,
        [self, admission = std::move(admission)](Result<Done> sent) {
          if (!sent.ok()) self->instance_->log().Warn("oneway send", {{"why", sent.status().ToString()}});
        });
  });
  return posted ? Status() : Refused();
}

void ProducerCore::PublishQueues(const std::string& topic, Completion<std::vector<MessageQueue>> done) {
  runtime_->loop().Post([self = shared_from_this(), topic, done = std::move(done)]() mutable {
    if (self->phase_ != Phase::kRunning) return done(Refused());
    const RouteLookup lookup{topic, 0};
    self->instance_->Lookup(lookup, [done = std::move(done)](Result<RoutePtr> route) mutable {
      if (!route.ok()) return done(route.status());
      done((*route)->publish_queues);
    });
  });
}

void ProducerCore::Shutdown(Duration drain, Completion<Done> done) {
  open_.store(false, std::memory_order_release);
  runtime_->loop().Post([self = shared_from_this(), drain, done = std::move(done)]() mutable {
    if (self->phase_ == Phase::kClosed) return done(self->ShutdownResult());
    self->shutdown_waiters_.push_back(std::move(done));
    if (self->phase_ == Phase::kDraining) return;
    self->BeginDrain(drain);
  });
}

void ProducerCore::BeginDrain(Duration drain) {
  phase_ = Phase::kDraining;
  runtime_->Keep(shared_from_this());
  drain_timer_ = runtime_->loop().PostAt(instance_->Now() + drain, [this] {
    const size_t pending = sender_->pending();
    if (pending == 0) return;
    shutdown_status_ =
        Status(StatusCode::kTimeout, StrCat(pending, " sends had not ended and were cancelled"));
    sender_->CancelAll();
  });
  sender_->WhenIdle([weak = weak_from_this()](Result<Done>) {
    const auto self = weak.lock();
    if (!self) return;
    self->drain_timer_.Cancel();
    self->instance_->Detach(self.get(), kUnregisterTimeout, [weak](Result<Done>) {
      if (const auto still = weak.lock()) still->EndShutdown();
    });
  });
}

void ProducerCore::EndShutdown() {
  phase_ = Phase::kClosed;
  // Not here: the caller may stand inside one of the sender's own completions.
  runtime_->loop().Post([self = shared_from_this()] { self->sender_.reset(); });
  auto waiters = std::exchange(shutdown_waiters_, {});
  for (auto& waiter : waiters) waiter(ShutdownResult());
  runtime_->Release(this);
}

Result<Done> ProducerCore::ShutdownResult() const {
  if (shutdown_status_.ok()) return Done{};
  return shutdown_status_;
}

void ProducerCore::OnRouteChanged(const std::string&) {
  // Whatever the topic: it may have told who the master of a broker is.
  if (sender_) sender_->OnRouteChanged();
}

void ProducerCore::AddTopics(std::set<std::string>& topics) const {
  if (sender_) topics.insert(sender_->topics().begin(), sender_->topics().end());
}

void ProducerCore::FillHeartbeat(proto::HeartbeatData& heartbeat) const {
  heartbeat.producer_data_set.push_back({key_.group});
}

}  // namespace orbitmq::client
