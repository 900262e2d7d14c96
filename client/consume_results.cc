// SPDX-License-Identifier: Apache-2.0
// What becomes of messages after the listener has seen them.
#include <algorithm>
#include <utility>

#include "client/push_consumer_core.h"
#include "client/received_rep.h"
#include "common/message_properties.h"
#include "common/names.h"
#include "common/planted_bug.h"
#include "common/strings.h"
#include "common/sys_flag.h"

namespace orbitmq::client {
namespace {

// Java's figures (client.md 3.9).
constexpr Duration kSendBackTimeout = std::chrono::seconds(5);
constexpr Duration kRetryPublishTimeout = std::chrono::seconds(3);
constexpr Duration kLocalRetryDelay = std::chrono::seconds(5);
constexpr int32_t kReconsumeTimesDefault = 16;
constexpr int32_t kFirstRetryLevel = 3;
constexpr int32_t kTimedOutLevel = 3;
constexpr size_t kTimeoutScanCountMax = 16;
constexpr Duration kTimeoutScanPeriodMin = std::chrono::milliseconds(100);
constexpr Duration kTimeoutScanPeriodMax = std::chrono::seconds(60);

std::string QueueText(const MessageQueue& queue) {
  return StrCat(queue.topic, "/", queue.broker_name, "/", queue.queue_id);
}

}  // namespace

void PushConsumerCore::OnPulled(ConsumerQueue& queue, const std::vector<ReceivedMessage>& messages) {
  const auto found = queues_.find(queue.queue());
  if (found == queues_.end()) return;
  stats_.Pulled(queue.queue().topic, static_cast<int64_t>(messages.size()), instance_->Now());
  const auto batch = static_cast<size_t>(options_.consume_batch_size);
  for (size_t at = 0; at < messages.size(); at += batch) {
    const size_t end = std::min(at + batch, messages.size());
    SubmitTask(found->second, {messages.begin() + static_cast<ptrdiff_t>(at),
                               messages.begin() + static_cast<ptrdiff_t>(end)});
  }
}

void PushConsumerCore::SubmitTask(const QueuePtr& queue, std::vector<ReceivedMessage> messages) {
  auto task = std::make_shared<ConsumeTask>();
  task->queue = queue->queue();
  task->queue_serial = queue->serial();
  task->dropped = queue->dropped_flag();
  task->messages = std::move(messages);
  for (const ReceivedMessage& message : task->messages) {
    if (auto* entry = queue->window().Find(message.queue_offset())) entry->task = task;
  }
  ++tasks_out_;
  pool_->Submit(std::move(task));
}

void PushConsumerCore::OnTaskDone(const ConsumeTaskPtr& task) {
  if (task->queue_serial == 0) return EndDirectCall(*task);
  --tasks_out_;
  const auto found = queues_.find(task->queue);
  const bool current =
      found != queues_.end() && found->second->serial() == task->queue_serial && !found->second->dropped();
  if (!current || task->outcome == ConsumeTask::Outcome::kSkipped) return CheckDrained();
  const QueuePtr queue = found->second;
  if (!task->error.empty()) {
    instance_->log().Error(task->outcome == ConsumeTask::Outcome::kUnreadable
                               ? "a message cannot be decompressed"
                               : "the message listener threw",
                           {{"queue", QueueText(task->queue)},
                            {"offset", task->messages.front().queue_offset()},
                            {"what", task->error}});
  }
  const bool success = task->result == ConsumeResult::kSuccess;
  const size_t acked = success ? std::min(task->acked_count, task->messages.size()) : 0;
  stats_.Consumed(
      task->queue.topic,
      {static_cast<int64_t>(acked), static_cast<int64_t>(task->messages.size() - acked), task->took},
      instance_->Now());
  queue->NoteConsumed();
  for (size_t i = 0; i < acked; ++i) queue->Finish(task->messages[i].queue_offset());
  for (size_t i = acked; i < task->messages.size(); ++i)
    GiveBack(queue, task->messages[i], task->delay_level);
  CheckDrained();
}

int32_t PushConsumerCore::ReconsumeTimesMax() const {
  return options_.reconsume_times_max < 0 ? kReconsumeTimesDefault : options_.reconsume_times_max;
}

void PushConsumerCore::GiveBack(const QueuePtr& queue, const ReceivedMessage& message, int32_t delay_level) {
  ProcessQueue::Entry* entry = queue->window().Find(message.queue_offset());
  // Given back already, because its listener took too long.
  if (entry == nullptr || entry->giving_back) return;
  if (options_.model == MessageModel::kBroadcasting) {
    instance_->log().Warn("a broadcast message was not consumed and is dropped",
                          {{"queue", QueueText(queue->queue())}, {"offset", message.queue_offset()}});
    return queue->Finish(message.queue_offset());
  }
  entry->giving_back = true;
  ++giving_back_;
  const auto master = instance_->routes().Master(queue->queue().broker_name);
  if (!master) return PublishToRetryTopic(queue, message);
  proto::ConsumerSendMsgBackRequestHeader header;
  header.offset = message.log_offset();
  header.group = options_.group;
  header.delay_level = delay_level;
  header.origin_msg_id = message.offset_message_id();
  header.origin_topic = message.topic();
  header.max_reconsume_times = ReconsumeTimesMax();
  header.rpc.bname = queue->queue().broker_name;
  instance_->broker().SendBack(
      *master, header, kSendBackTimeout, [weak = weak_from_this(), queue, message](Result<Done> result) {
        const auto self = weak.lock();
        if (!self) return;
        if (result.ok() || Planted(Bug::kForgetGiveBack)) {
          queue->Finish(message.queue_offset());
          return self->EndGivingBack();
        }
        self->instance_->log().Warn(
            "a broker did not take a message back; publishing it to the retry topic",
            {{"queue", QueueText(queue->queue())}, {"why", result.status().ToString()}});
        self->PublishToRetryTopic(queue, message);
      });
}

void PushConsumerCore::PublishToRetryTopic(const QueuePtr& queue, const ReceivedMessage& message) {
  if (queue->dropped() || !retry_sender_ || phase_ == Phase::kClosed) return EndGivingBack();
  const ReceivedRep& rep = ReceivedRep::Of(message);
  OutgoingMessage retry;
  retry.topic = RetryTopic(options_.group);
  retry.message_id = message.message_id();
  retry.body = Bytes::Copy(rep.view.body);
  retry.flag = message.flag();
  retry.sys_flag = rep.view.sys_flag & (sys_flag::kCompressed | sys_flag::kCompressionMask);
  retry.reconsume_times = message.reconsume_times() + 1;
  retry.max_reconsume_times = ReconsumeTimesMax();
  retry.properties = rep.view.properties;
  if (!FindProperty(retry.properties, property::kOriginMessageId)) {
    AppendProperty(retry.properties, property::kOriginMessageId, message.offset_message_id());
  }
  SetProperty(retry.properties, property::kRetryTopic, message.topic());
  SetProperty(retry.properties, property::kDelayTimeLevel,
              StrCat(kFirstRetryLevel + message.reconsume_times()));
  RemoveProperty(retry.properties, property::kTransactionPrepared);
  RemoveProperty(retry.properties, property::kReconsumeTime);
  RemoveProperty(retry.properties, property::kMaxReconsumeTimes);
  const int64_t offset = message.queue_offset();
  retry_sender_->Send(std::move(retry), {}, kRetryPublishTimeout,
                      [weak = weak_from_this(), queue, offset](Result<SendResult> result) {
                        const auto self = weak.lock();
                        if (!self) return;
                        if (result.ok()) {
                          queue->Finish(offset);
                        } else {
                          self->instance_->log().Warn(
                              "a message could not be given back; its listener is called again later",
                              {{"queue", QueueText(queue->queue())},
                               {"offset", offset},
                               {"why", result.status().ToString()}});
                          self->RetryLocally(queue, offset);
                        }
                        self->EndGivingBack();
                      });
}

void PushConsumerCore::RetryLocally(const QueuePtr& queue, int64_t offset) {
  if (phase_ != Phase::kRunning) return;
  Timer timer =
      runtime_->loop().PostAt(instance_->Now() + kLocalRetryDelay, [weak = weak_from_this(), queue, offset] {
        const auto self = weak.lock();
        if (!self || self->phase_ != Phase::kRunning || queue->dropped()) return;
        ProcessQueue::Entry* entry = queue->window().Find(offset);
        if (entry == nullptr) return;
        entry->giving_back = false;
        entry->message = WithReconsumeTimes(entry->message, entry->message.reconsume_times() + 1);
        self->SubmitTask(queue, {entry->message});
      });
  timer.Detach();
}

void PushConsumerCore::EndGivingBack() {
  --giving_back_;
  CheckDrained();
}

void PushConsumerCore::ArmTimeoutScan() {
  const Duration period = std::clamp<Duration>(Duration(options_.consume_timeout) / 4, kTimeoutScanPeriodMin,
                                               kTimeoutScanPeriodMax);
  timeout_timer_ = runtime_->loop().PostAt(instance_->Now() + period, [this] {
    ScanTimeouts();
    ArmTimeoutScan();
  });
}

void PushConsumerCore::ScanTimeouts() {
  const int64_t now_ns = instance_->Now().time_since_epoch().count();
  const int64_t limit_ns = Duration(options_.consume_timeout).count();
  for (const auto& [name, queue] : std::map<MessageQueue, QueuePtr>(queues_)) {
    if (!queue->located() || queue->dropped()) continue;
    std::vector<ReceivedMessage> stuck;
    for (const auto& [offset, entry] : queue->window().entries()) {
      const int64_t started = entry.task ? entry.task->started_ns.load(std::memory_order_acquire) : 0;
      if (stuck.size() == kTimeoutScanCountMax || started == 0 || now_ns - started < limit_ns) break;
      if (!entry.giving_back) stuck.push_back(entry.message);
    }
    for (const ReceivedMessage& message : stuck) {
      instance_->log().Warn("a listener takes longer than consume_timeout; its message is given back",
                            {{"queue", QueueText(name)}, {"offset", message.queue_offset()}});
      GiveBack(queue, message, kTimedOutLevel);
    }
  }
}

}  // namespace orbitmq::client
