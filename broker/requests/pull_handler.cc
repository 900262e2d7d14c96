// SPDX-License-Identifier: Apache-2.0
#include "broker/requests/pull_handler.h"

#include <algorithm>
#include <utility>

#include "broker/replication/standby_rules.h"
#include "common/limits.h"
#include "common/planted_bug.h"
#include "common/strings.h"
#include "common/sys_flag.h"
#include "remoting/replies.h"
#include "remoting/typed_reply.h"

namespace orbitmq::broker {
namespace {

using proto::ResponseCode;
using store::ReadStatus;

// Values of forbiddenType (remoting.md 5.3).
constexpr int32_t kBrokerForbidden = 1;
constexpr int32_t kGroupForbidden = 2;
constexpr int32_t kTopicForbidden = 3;
constexpr int32_t kBroadcastForbidden = 4;
constexpr int32_t kSubscriptionForbidden = 5;

// Nobody waits longer, whatever a peer asks for; clients ask for 15 to 30 s.
constexpr int64_t kWaitMsMax = 600'000;

std::string_view StatusName(ReadStatus status) {
  switch (status) {
    case ReadStatus::kFound:
      return "FOUND";
    case ReadStatus::kNoMatchedMessage:
      return "NO_MATCHED_MESSAGE";
    case ReadStatus::kMessageWasRemoving:
      return "MESSAGE_WAS_REMOVING";
    case ReadStatus::kOffsetFoundNull:
      return "OFFSET_FOUND_NULL";
    case ReadStatus::kOffsetOverflowBadly:
      return "OFFSET_OVERFLOW_BADLY";
    case ReadStatus::kOffsetOverflowOne:
      return "OFFSET_OVERFLOW_ONE";
    case ReadStatus::kOffsetTooSmall:
      return "OFFSET_TOO_SMALL";
    case ReadStatus::kNoMatchedLogicQueue:
      return "NO_MATCHED_LOGIC_QUEUE";
    case ReadStatus::kNoMessageInQueue:
      return "NO_MESSAGE_IN_QUEUE";
  }
  return "UNKNOWN";
}

store::ReadLimits LimitsOf(const PullJob& job, const BrokerOptions& options) {
  return {.messages_max = job.messages_max,
          .bytes_max_hot = options.max_transfer_bytes_in_memory,
          .bytes_max_cold = options.max_transfer_bytes_in_disk,
          .messages_max_cold = options.max_transfer_count_in_disk};
}

// store.md 8.1.
int32_t CodeOf(ReadStatus status, int64_t asked) {
  switch (status) {
    case ReadStatus::kFound:
      return ResponseCode::kSuccess;
    case ReadStatus::kNoMatchedMessage:
    case ReadStatus::kMessageWasRemoving:
      return ResponseCode::kPullRetryImmediately;
    case ReadStatus::kNoMatchedLogicQueue:
    case ReadStatus::kNoMessageInQueue:
      return asked != 0 ? ResponseCode::kPullOffsetMoved : ResponseCode::kPullNotFound;
    case ReadStatus::kOffsetFoundNull:
    case ReadStatus::kOffsetOverflowOne:
      return ResponseCode::kPullNotFound;
    case ReadStatus::kOffsetOverflowBadly:
    case ReadStatus::kOffsetTooSmall:
      return ResponseCode::kPullOffsetMoved;
  }
  return ResponseCode::kSystemError;
}

}  // namespace

void PullHandler::Refuse(net::ServerRequest& request, Refusal refusal) const {
  // The C++ client throws without a header, whatever the code.
  proto::PullMessageResponseHeader header;
  header.forbidden_type = refusal.forbidden_type;
  net::Response response{.code = refusal.code, .remark = std::move(refusal.remark), .ext = {}, .body = {}};
  proto::EncodeHeader(header, response.ext);
  request.Reply(std::move(response));
}

void PullHandler::Handle(net::ServerRequest request) {
  auto decoded = proto::DecodeHeader<Header>(request.command());
  if (!decoded.ok()) {
    return Refuse(request, {ResponseCode::kSystemError, std::string(decoded.status().text()), {}});
  }
  const Header& header = *decoded;
  GroupRef group;
  TopicRef topic;
  if (auto refusal = CheckPull(header, request, group, topic)) return Refuse(request, *std::move(refusal));
  std::shared_ptr<const TagFilter> filter;
  if (auto refusal = FindFilter(header, *group, filter)) return Refuse(request, *std::move(refusal));

  const OffsetKey key{header.consumer_group, header.topic, header.queue_id};
  const auto reset = parts_.offsets.TakeReset(key);
  if (!reset && (header.sys_flag & pull_flag::kCommitOffset) != 0) {
    parts_.offsets.Commit(key, header.commit_offset);
  }
  parts_.offsets.NotePull(key, header.queue_offset);
  const int32_t most = parts_.options.Get()->max_transfer_count_in_memory;
  const auto bound = std::min(most, static_cast<int32_t>(limits::kPullMessagesMax));
  PullJob job{.request = std::move(request),
              .queue = QueueKey{std::string(header.topic), header.queue_id},
              .group = std::string(header.consumer_group),
              .offset = header.queue_offset,
              .messages_max = std::clamp(header.max_msg_nums, 1, bound),
              .may_wait = (header.sys_flag & pull_flag::kSuspend) != 0,
              .deadline = WaitUntil(header),
              .filter = std::move(filter),
              .topic_sys_flag = topic->config.topic_sys_flag,
              .group_sys_flag = group->group_sys_flag,
              .of_group = group->broker_id,
              .when_slow = group->which_broker_when_consume_slowly};
  if (reset) return AnswerReset(std::move(job), *reset);
  ReadSomewhere(std::move(job));
}

MonoTime PullHandler::WaitUntil(const Header& header) const {
  const auto options = parts_.options.Get();
  const int64_t asked = std::clamp<int64_t>(header.suspend_timeout_millis, 0, kWaitMsMax);
  const Millis wait = options->long_polling_enable ? Millis(asked) : options->short_polling_time;
  return parts_.env.clock().Monotonic() + wait;
}

std::optional<PullHandler::Refusal> PullHandler::CheckBroker(const BrokerOptions& options) {
  if (perm::Readable(options.broker_permission)) return std::nullopt;
  return Refusal{ResponseCode::kNoPermission,
                 StrCat("the broker[", options.broker_ip1, "] pulling message is forbidden"),
                 kBrokerForbidden};
}

std::optional<PullHandler::Refusal> PullHandler::CheckPull(const Header& header,
                                                           const net::ServerRequest& request, GroupRef& group,
                                                           TopicRef& topic) const {
  const auto options = parts_.options.Get();
  if (auto refusal = CheckBroker(*options)) return refusal;
  if (request.command().code == proto::RequestCode::kLitePullMessage && !options->lite_pull_message_enable) {
    return Refusal{ResponseCode::kNoPermission,
                   StrCat("the broker[", options->broker_ip1, "] for lite pull consumer is forbidden"),
                   kBrokerForbidden};
  }
  group = parts_.groups.FindOrCreate(header.consumer_group);
  if (group == nullptr) {
    return Refusal{ResponseCode::kSubscriptionGroupNotExist,
                   StrCat("subscription group [", header.consumer_group, "] does not exist, ", net::kFaq),
                   {}};
  }
  if (!group->consume_enable) {
    return Refusal{ResponseCode::kNoPermission,
                   StrCat("subscription group no permission, ", header.consumer_group), kGroupForbidden};
  }
  topic = parts_.topics.Find(header.topic);
  if (topic == nullptr) {
    return Refusal{ResponseCode::kTopicNotExist,
                   StrCat("topic[", header.topic, "] not exist, apply first please! ", net::kFaq),
                   {}};
  }
  if (!perm::Readable(topic->config.perm)) {
    return Refusal{ResponseCode::kNoPermission,
                   StrCat("the topic[", header.topic, "] pulling message is forbidden"), kTopicForbidden};
  }
  if (header.queue_id < 0 || header.queue_id >= topic->config.read_queue_nums) {
    return Refusal{ResponseCode::kInvalidParameter,
                   StrCat("queueId[", header.queue_id, "] is illegal, topic:[", header.topic,
                          "] topicConfig.readQueueNums:[", topic->config.read_queue_nums, "] consumer:[",
                          request.peer()->remote().ToString(), "]"),
                   {}};
  }
  return std::nullopt;
}

std::optional<PullHandler::Refusal> PullHandler::FindFilter(const Header& header,
                                                            const proto::SubscriptionGroupConfig& group,
                                                            std::shared_ptr<const TagFilter>& filter) const {
  const auto unsupported = [](std::string_view type) {
    return Refusal{ResponseCode::kSystemError,
                   StrCat("The broker does not support consumer to filter message by ", type),
                   {}};
  };
  if ((header.sys_flag & pull_flag::kSubscription) != 0) {
    if (!IsTagExpression(header.expression_type)) return unsupported(header.expression_type);
    // Takes everything, which null says too.
    if (header.subscription == kSubscribeAll) return std::nullopt;
    auto subscription = BuildSubscription(header.topic, header.subscription, header.expression_type);
    if (!subscription.ok()) {
      return Refusal{ResponseCode::kSubscriptionParseFailed,
                     StrCat("parse the consumer's subscription failed: ", subscription.status().text()),
                     {}};
    }
    filter = std::make_shared<const TagFilter>(*subscription);
    return std::nullopt;
  }
  const GroupView view = parts_.clients.View(header.consumer_group, header.topic);
  if (!view.online) {
    return Refusal{
        ResponseCode::kSubscriptionNotExist, StrCat("the consumer's group info not exist", net::kFaq), {}};
  }
  if (!group.consume_broadcast_enable && view.message_model == proto::MessageModel::kBroadcasting) {
    return Refusal{ResponseCode::kNoPermission,
                   StrCat("the consumer group[", header.consumer_group, "] can not consume by broadcast way"),
                   kBroadcastForbidden};
  }
  if (!parts_.groups.Readable(header.consumer_group, header.topic)) {
    return Refusal{
        ResponseCode::kNoPermission,
        StrCat("the consumer group[", header.consumer_group, "] is forbidden for topic[", header.topic, "]"),
        kSubscriptionForbidden};
  }
  if (view.subscription == nullptr) {
    return Refusal{
        ResponseCode::kSubscriptionNotExist, StrCat("the consumer's subscription not exist", net::kFaq), {}};
  }
  if (view.subscription->data.sub_version < header.sub_version.value_or(0)) {
    // A Java client names a new version after each rebalance, and when its heartbeat with it falls together
    // with the periodic one it is not sent: Apache's broker then refuses these pulls for up to 30 s. Clients
    // look at tags again themselves, so an unfiltered answer is right until the heartbeat comes; with SQL92
    // it is not.
    if (IsTagExpression(header.expression_type)) return std::nullopt;
    return Refusal{ResponseCode::kSubscriptionNotLatest, "the consumer's subscription not latest", {}};
  }
  if (!IsTagExpression(view.subscription->data.expression_type)) {
    return unsupported(view.subscription->data.expression_type);
  }
  filter = view.subscription->filter;
  return std::nullopt;
}

void PullHandler::ReadSomewhere(PullJob job) {
  const auto options = parts_.options.Get();
  // A pull that is served here needs no other thread; one that may wait for the disk must not hold up this
  // one, which sends and heartbeats of other clients need.
  if (auto slice = parts_.queues.ReadInMemory(job.queue, QueueOffset{job.offset}, LimitsOf(job, *options),
                                              job.filter.get())) {
    return Conclude(std::move(job), *std::move(slice), *options);
  }
  if (cold_pending_.fetch_add(1, std::memory_order_relaxed) >= limits::kColdPullsMax) {
    cold_pending_.fetch_sub(1, std::memory_order_relaxed);
    return Refuse(job.request,
                  {ResponseCode::kSystemBusy, "[OVERLOAD]system busy, start flow control for a while", {}});
  }
  Executor* reader = parts_.read[QueueKeyHash()(job.queue) % parts_.read.size()];
  reader->Post([this, job = std::move(job)]() mutable {
    cold_pending_.fetch_sub(1, std::memory_order_relaxed);
    const auto latest = parts_.options.Get();  // A while has passed.
    auto slice =
        parts_.queues.Read(job.queue, QueueOffset{job.offset}, LimitsOf(job, *latest), job.filter.get());
    Conclude(std::move(job), std::move(slice), *latest);
  });
}

void PullHandler::Conclude(PullJob job, store::QueueSlice slice, const BrokerOptions& options) {
  const Verdict verdict = Judge(job, options, slice);
  const MonoTime now = parts_.env.clock().Monotonic();
  if (!verdict.wait || !job.may_wait || now >= job.deadline) {
    return Answer(std::move(job), std::move(slice), verdict);
  }
  if (verdict.wait_max) job.deadline = std::min(job.deadline, now + *verdict.wait_max);
  if (auto back = parts_.parked.Park(std::move(job), parts_.queues)) {
    Answer(*std::move(back), std::move(slice), verdict);
  }
}

PullHandler::Verdict PullHandler::Judge(const PullJob& job, const BrokerOptions& options,
                                        store::QueueSlice& slice) const {
  Verdict verdict{.code = CodeOf(slice.status, job.offset)};
  const bool slave = options.broker_id != kMasterId;
  if (slave || options.slave_read_enable) {
    static const ReplicaView kUnasked;
    const std::shared_ptr<const ReplicaView> group = slave ? parts_.replicas.Get() : nullptr;
    const PullAdvice advice = AdvisePull(options, group ? *group : kUnasked,
                                         {.found = verdict.code == ResponseCode::kSuccess,
                                          .bytes_behind = BytesBehind(job.queue, slice),
                                          .bytes_behind_max = MemoryBytesMax(options),
                                          .of_group = job.of_group,
                                          .when_slow = job.when_slow});
    verdict.suggested = advice.broker;
    if (advice.go_now) {
      if (verdict.code == ResponseCode::kPullOffsetMoved) slice.next_begin = QueueOffset{job.offset};
      verdict.code = ResponseCode::kPullRetryImmediately;
      // A client that does not know the master's address yet (Java looks every 30 s) comes back here at once.
      verdict.wait_max = kSentOnHold;
      verdict.wait = true;
      return verdict;
    }
  }
  if (slave && !options.offset_check_in_slave && verdict.code == ResponseCode::kPullOffsetMoved &&
      !Planted(Bug::kSlaveMovesConsumers)) {
    // What is not here yet, or not here any more, may be at the master: a slave moves nobody. Apache answers
    // with its own end, to which the consumer then jumps.
    verdict.code = ResponseCode::kPullRetryImmediately;
    verdict.suggested = job.of_group;
    slice.next_begin = QueueOffset{job.offset};
    verdict.wait = true;
    return verdict;
  }
  verdict.wait = verdict.code == ResponseCode::kPullNotFound;
  return verdict;
}

// From the last record of the slice to the end of the log.
int64_t PullHandler::BytesBehind(const QueueKey& queue, const store::QueueSlice& slice) const {
  if (slice.offsets.empty()) return 0;
  const auto units = parts_.queues.ReadUnits(queue, slice.offsets.back(), 1);
  return units.empty() ? 0 : parts_.queues.watermarks().appended - units[0].log_offset;
}

int64_t PullHandler::MemoryBytesMax(const BrokerOptions& options) {
  return options.machine_memory_bytes / 100 * options.access_message_in_memory_max_ratio;
}

void PullHandler::Wake(PullJob job, ParkedPulls::Reason reason) {
  if (job.request.peer()->closed()) return job.request.Abandon();
  // As Apache, which checks a held pull anew: the permission may have been taken away meanwhile.
  if (auto refusal = CheckBroker(*parts_.options.Get())) return Refuse(job.request, *std::move(refusal));
  // After its time a pull looks once more: messages that do not match may have moved its offset on.
  if (reason != ParkedPulls::Reason::kArrived) job.may_wait = false;
  const OffsetKey key{job.group, job.queue.topic, job.queue.queue_id};
  if (const auto reset = parts_.offsets.TakeReset(key)) return AnswerReset(std::move(job), *reset);
  ReadSomewhere(std::move(job));
}

void PullHandler::Answer(PullJob job, store::QueueSlice slice, const Verdict& verdict) {
  proto::PullMessageResponseHeader header;
  header.suggest_which_broker_id = verdict.suggested;
  header.next_begin_offset = slice.next_begin.value;
  header.min_offset = slice.min.value;
  header.max_offset = slice.max.value;
  header.topic_sys_flag = job.topic_sys_flag;
  header.group_sys_flag = job.group_sys_flag;
  if (slice.record_count > 0) {
    parts_.stats.Got(job.queue.topic, job.group, slice.record_count,
                     static_cast<int64_t>(ChainBytes(slice.records)));
  } else {
    parts_.stats.GotNothing();
  }
  net::ReplyTyped(job.request, verdict.code, header, std::string(StatusName(slice.status)),
                  std::move(slice.records));
}

void PullHandler::AnswerReset(PullJob job, int64_t offset) {
  proto::PullMessageResponseHeader header;
  header.next_begin_offset = offset;
  if (const auto range = parts_.queues.Range(job.queue)) {
    header.min_offset = range->min.value;
    header.max_offset = range->max.value;
  }
  header.topic_sys_flag = job.topic_sys_flag;
  header.group_sys_flag = job.group_sys_flag;
  net::Response response;
  response.code = ResponseCode::kPullOffsetMoved;
  response.remark = "OFFSET_RESET";
  proto::EncodeHeader(header, response.ext);
  job.request.Reply(std::move(response));
}

}  // namespace orbitmq::broker
