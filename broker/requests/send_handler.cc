// SPDX-License-Identifier: Apache-2.0
#include "broker/requests/send_handler.h"

#include <algorithm>
#include <utility>

#include "common/limits.h"
#include "common/message_properties.h"
#include "common/names.h"
#include "common/planted_bug.h"
#include "common/strings.h"
#include "common/sys_flag.h"
#include "remoting/replies.h"
#include "remoting/typed_reply.h"

namespace orbitmq::broker {
namespace {

using proto::ResponseCode;

// From this frame version on (3.4.9) the header's maxReconsumeTimes counts.
constexpr int32_t kVersionMaxReconsumeTimes = 121;

// What only brokers write.
constexpr std::string_view kOurs[] = {property::kPopCk, property::kCrc32, property::kCluster,
                                      property::kMsgRegion, property::kTraceSwitch};

std::optional<PutRefusal> Refusal(int32_t code, std::string remark) {
  return PutRefusal{code, std::move(remark)};
}

PutRefusal TooLong(int32_t body_bytes_max) {
  return {
      ResponseCode::kMessageIllegal,
      StrCat(
          "the message is illegal, maybe msg body or properties length not matched. msg body length limit ",
          body_bytes_max, "B, msg properties length limit 32KB.")};
}

// Both failures mean "stored, and kept": clients take them as a status of a success.
int32_t CodeOf(store::Replicas replicas) {
  switch (replicas) {
    case store::Replicas::kEnough:
      return ResponseCode::kSuccess;
    case store::Replicas::kNotAvailable:
      return ResponseCode::kSlaveNotAvailable;
    case store::Replicas::kTimeout:
      return ResponseCode::kFlushSlaveTimeout;
  }
  return ResponseCode::kSystemError;
}

}  // namespace

struct SendHandler::Glance {
  std::string_view given_key;
  std::string unique_key;
  bool has_ours = false;  // Holds what only brokers may write.
  bool eventful = false;  // Holds what a put hook may act upon.
  bool no_wait = false;   // WAIT=false.
};

struct SendHandler::Outcome {
  QueueId queue_id = 0;  // What the producer is told; delayed messages lie elsewhere.
  TopicRef topic;        // What is counted.
  std::string unique_key;
  MonoTime began;
  int64_t draft_bytes = 0;
  std::shared_ptr<const BrokerOptions> options;
};

PutRefusal RefusalOf(const Status& status, int32_t message_bytes_max) {
  // Written, but a failed sync leaves open whether it lasts: SERVICE_NOT_AVAILABLE would say "not stored".
  if (!status.ok() && status.code() != StatusCode::kUnknown && status.persisted() == Persisted::kMaybe) {
    return {ResponseCode::kSystemError, std::string(status.text())};
  }
  switch (status.code()) {
    case StatusCode::kOk:
      return {ResponseCode::kSuccess, {}};
    case StatusCode::kUnknown:
      return {ResponseCode::kFlushDiskTimeout, std::string(status.text())};
    case StatusCode::kBusy:
      return {
          ResponseCode::kSystemBusy,
          // The store's refusal of what waited too long has Apache's words already.
          status.text().starts_with("[")
              ? std::string(status.text())
              : StrCat("[TIMEOUT_CLEAN_QUEUE]broker busy, start flow control for a while, ", status.text())};
    case StatusCode::kInvalidArgument:
      return TooLong(message_bytes_max);
    case StatusCode::kResourceExhausted:
    case StatusCode::kIoError:
    case StatusCode::kUnavailable:
    case StatusCode::kFailedPrecondition:
    case StatusCode::kCancelled:
      return {
          ResponseCode::kServiceNotAvailable,
          StrCat("service not available now. It may be caused by one of the following reasons: the broker's "
                 "disk is full [",
                 status.text(), "], messages are put to the slave, message store has been shut down, etc.")};
    default:
      return {ResponseCode::kSystemError, std::string(status.text())};
  }
}

SendHandler::SendHandler(Parts parts)
    : parts_(parts),
      unique_ids_({.ip = parts_.identity.ip, .pid = parts_.env.identity().pid},
                  parts_.env.NewRandom("broker-unique-ids"), parts_.env.clock()),
      queue_seed_(parts_.env.NewRandom("broker-send-queue").Next()) {}

QueueId SendHandler::AnyQueue(int32_t queues) {
  if (queues <= 1) return 0;
  Random random(queue_seed_.fetch_add(0x9E3779B97F4A7C15ULL, std::memory_order_relaxed));
  return static_cast<QueueId>(random.Below(static_cast<uint64_t>(queues)));
}

void SendHandler::Refuse(net::ServerRequest& request, PutRefusal refusal) const {
  const auto options = parts_.options.Get();
  net::Response response{.code = refusal.code, .remark = std::move(refusal.remark), .ext = {}, .body = {}};
  // Java puts these on errors too, and its client reads extFields without a look.
  response.ext.Set(property::kMsgRegion, options->region_id);
  response.ext.Set(property::kTraceSwitch, options->trace_on ? "true" : "false");
  request.Reply(std::move(response));
}

void SendHandler::Handle(net::ServerRequest request) {
  auto decoded = proto::DecodeHeader<Header>(request.command(), proto::SendNameForm(request.command().code));
  if (!decoded.ok()) {
    return Refuse(request, {ResponseCode::kSystemError, std::string(decoded.status().text())});
  }
  const Header& header = *decoded;
  auto options = parts_.options.Get();
  if (auto refusal = CheckSend(header, request, *options)) return Refuse(request, *std::move(refusal));
  TopicRef topic = FindOrCreateTopic(header);
  if (topic == nullptr) {
    return Refuse(request, {ResponseCode::kTopicNotExist,
                            StrCat("topic[", header.topic, "] not exist, apply first please!", net::kFaq)});
  }
  if (parts_.topics.Durable(*topic))
    return Place(std::move(request), header, std::move(topic), std::move(options));
  // A topic that is not on disk yet: come back when it is.
  request.Retain();
  parts_.topics.WhenDurable([this, request = std::move(request)](Result<Done> saved) mutable {
    if (!saved.ok()) return Refuse(request, RefusalOf(saved.status(), 0));
    Handle(std::move(request));
  });
}

std::optional<PutRefusal> SendHandler::CheckSend(const Header& header, const net::ServerRequest& request,
                                                 const BrokerOptions& options) const {
  const int64_t accept_from = options.start_accept_send_request_time_stamp;
  if (accept_from > 0 && parts_.env.clock().WallMillis() < accept_from) {
    return Refusal(ResponseCode::kSystemError,
                   StrCat("broker unable to service, until ", accept_from, " (epoch ms)"));
  }
  // Only ordered topics refuse at once: producers of others leave by their next route (as in Apache, where a
  // topic's own permission is the clients' business too).
  if (!perm::Writable(options.broker_permission)) {
    const TopicRef topic = parts_.topics.Find(header.topic);
    if (topic != nullptr && topic->config.order) {
      return Refusal(ResponseCode::kNoPermission,
                     StrCat("the broker[", options.broker_ip1, "] sending message is forbidden"));
    }
  }
  if (Status named = CheckTopicName(header.topic); !named.ok()) {
    return Refusal(ResponseCode::kInvalidParameter, std::string(named.text()));
  }
  if (IsSendForbiddenTopic(header.topic)) {
    return Refusal(ResponseCode::kNoPermission,
                   StrCat("Sending message to topic[", header.topic, "] is forbidden."));
  }
  const std::string_view body = request.command().body;
  if (body.empty()) return Refusal(ResponseCode::kSystemError, "the message has no body");
  if (body.size() > static_cast<size_t>(options.max_message_size)) return TooLong(options.max_message_size);
  return std::nullopt;
}

TopicRef SendHandler::FindOrCreateTopic(const Header& header) const {
  if (TopicRef found = parts_.topics.Find(header.topic)) return found;
  const bool retry = IsRetryTopic(header.topic);
  int32_t sys_flag = 0;
  if (header.unit_mode.value_or(false)) sys_flag = retry ? topic_flag::kUnitSubscribed : topic_flag::kUnit;
  TopicRef created = parts_.topics.CreateForSend({.topic = std::string(header.topic),
                                                  .default_topic = std::string(header.default_topic),
                                                  .queue_nums = header.default_topic_queue_nums,
                                                  .sys_flag = sys_flag});
  if (created == nullptr && retry) {
    created = parts_.topics.CreatePlain(header.topic, 1, perm::kReadWrite, sys_flag);
  }
  return created;
}

void SendHandler::Place(net::ServerRequest request, const Header& header, TopicRef topic,
                        std::shared_ptr<const BrokerOptions> options) {
  const proto::TopicConfig* config = &topic->config;
  if (header.queue_id >= std::max(config->write_queue_nums, config->read_queue_nums)) {
    return Refuse(request,
                  {ResponseCode::kInvalidParameter,
                   StrCat("request queueId[", header.queue_id, "] is illegal, topic ", config->topic_name,
                          " has ", config->write_queue_nums, " write and ", config->read_queue_nums,
                          " read queues. Producer: ", request.peer()->remote().ToString())});
  }
  PutMessage message;
  message.topic = config->topic_name;
  message.queue_id = header.queue_id < 0 ? AnyQueue(config->write_queue_nums) : header.queue_id;
  message.sys_flag = header.sys_flag;
  message.reconsume_times = header.reconsume_times.value_or(0);
  Glance glance = GlanceAt(header.properties);
  message.properties = StoredProperties(header.properties, *options, glance);
  if (auto refusal = RedirectRetry(header, request.command().version, message, topic)) {
    return Refuse(request, *std::move(refusal));
  }
  if (topic->config.topic_filter_type == proto::TopicFilterType::kMultiTag) {
    message.sys_flag |= sys_flag::kMultiTags;
  }
  Outcome outcome{.queue_id = message.queue_id,
                  .topic = std::move(topic),
                  .unique_key = std::move(glance.unique_key),
                  .began = parts_.env.clock().Monotonic(),
                  .draft_bytes = 0,
                  .options = std::move(options)};
  const bool batch = header.batch.value_or(false);
  if (glance.eventful || MayConcernHooks(message)) {
    const PutContext context{.broker_ip = outcome.options->broker_ip1,
                             .delay_level_max = parts_.delay_level_max};
    const bool delayed = DelayLevelOf(message.properties) > 0;
    if (auto refusal = RunPutHooks(kSendHooks, message, context)) return Refuse(request, *std::move(refusal));
    if (batch && delayed)
      return Refuse(request, {ResponseCode::kMessageIllegal, "batch messages cannot be delayed"});
  }
  if (batch && IsRetryTopic(header.topic)) {
    return Refuse(request, {ResponseCode::kMessageIllegal,
                            StrCat("batch request does not support retry group ", header.topic)});
  }
  RecordDraft draft{.bytes = {}, .record_count = 0, .crc = RecordCrcOf(*outcome.options)};
  auto refusal =
      batch ? EncodeBatch(header, request, message, draft) : EncodeSingle(header, request, message, draft);
  if (refusal) return Refuse(request, *std::move(refusal));
  outcome.draft_bytes = static_cast<int64_t>(draft.bytes.size());
  Append(std::move(request), std::move(message), std::move(draft), std::move(outcome),
         glance.no_wait ? store::Durability::kAppended : store::Durability::kStoreDefault);
}

// A producer that sends into %RETRY% itself (the fallback of a failed send-back). Apache compares with > here
// and with >= in the send-back, and so do we.
std::optional<PutRefusal> SendHandler::RedirectRetry(const Header& header, int32_t version,
                                                     PutMessage& message, TopicRef& topic) const {
  if (!IsRetryTopic(header.topic)) return std::nullopt;
  const std::string group(GroupOfRetryOrDlqTopic(header.topic));
  const GroupRef config = parts_.groups.FindOrCreate(group);
  if (config == nullptr) {
    return Refusal(ResponseCode::kSubscriptionGroupNotExist,
                   StrCat("subscription group not exist, ", group, " ", net::kFaq));
  }
  int32_t max_times = config->retry_max_times;
  if (version >= kVersionMaxReconsumeTimes && header.max_reconsume_times) {
    max_times = *header.max_reconsume_times;
  }
  if (message.reconsume_times <= max_times && !parts_.locks.AnyHeld(group)) return std::nullopt;
  TopicRef dlq = parts_.topics.CreatePlain(DlqTopic(group), 1, perm::kReadWrite, 0);
  if (dlq == nullptr) {
    return Refusal(ResponseCode::kSystemError, StrCat("topic[", DlqTopic(group), "] not exist"));
  }
  SetProperty(message.properties, property::kDelayTimeLevel, "-1");
  message.topic = dlq->config.topic_name;
  message.queue_id = 0;
  topic = std::move(dlq);
  return std::nullopt;
}

SendHandler::Glance SendHandler::GlanceAt(std::string_view properties) {
  constexpr std::string_view kTimerPrefix = "TIMER_";
  Glance glance;
  PropertyCursor cursor(properties);
  while (const auto entry = cursor.Next()) {
    // Told apart by the first letter: most names are none of these.
    switch (const std::string_view name = entry->name; name.front()) {
      case 'U':
        if (name == property::kUniqueKey) glance.given_key = entry->value;
        break;
      case 'W':
        if (name == property::kWaitStoreMsgOk) glance.no_wait = EqualsIgnoreCase(entry->value, "false");
        break;
      case 'D':
      case 'I':
        glance.eventful |= name == property::kDelayTimeLevel || name == property::kInnerNum;
        break;
      case 'T':
        glance.eventful |= name == property::kTransactionPrepared || name.starts_with(kTimerPrefix);
        glance.has_ours |= name == property::kTraceSwitch;
        break;
      default:
        glance.has_ours |= std::find(std::begin(kOurs), std::end(kOurs), name) != std::end(kOurs);
    }
  }
  return glance;
}

// What the producer gave, without what only brokers may write, with what the broker adds (store.md 2.7).
std::string SendHandler::StoredProperties(std::string_view given, const BrokerOptions& options,
                                          Glance& glance) {
  glance.unique_key = glance.given_key.empty() ? unique_ids_.Next() : std::string(glance.given_key);
  std::string properties;
  properties.reserve(given.size() + glance.unique_key.size() + parts_.identity.cluster.size() +
                     options.region_id.size() + 64);
  properties = given;
  if (glance.has_ours) RemoveProperties(properties, kOurs);
  if (glance.given_key.empty()) AppendProperty(properties, property::kUniqueKey, glance.unique_key);
  AppendProperty(properties, property::kCluster, parts_.identity.cluster);
  if (!options.region_id.empty()) AppendProperty(properties, property::kMsgRegion, options.region_id);
  AppendProperty(properties, property::kTraceSwitch, options.trace_on ? "true" : "false");
  return properties;
}

namespace {

RecordFields FieldsOf(const proto::SendMessageRequestHeaderView& header, const net::ServerRequest& request,
                      const PutMessage& message, const HostAddress& store_host) {
  RecordFields fields;
  fields.topic = message.topic;
  fields.queue_id = message.queue_id;
  fields.flag = header.flag;
  fields.sys_flag = message.sys_flag;
  fields.born_time = FromEpochMillis(header.born_timestamp);
  fields.born_host = request.peer()->remote_host();
  fields.store_host = store_host;
  fields.reconsume_times = message.reconsume_times;
  return fields;
}

// Entries of a batch are stored as they are, so nothing in them may mean what only single messages can do.
std::optional<PutRefusal> CheckBatchEntry(const BatchEntry& entry, const PutContext& context) {
  if (DelayLevelOf(entry.properties) > 0) {
    return PutRefusal{ResponseCode::kMessageIllegal, "a message inside a batch cannot be delayed"};
  }
  PutMessage as_message;
  as_message.properties = entry.properties;
  return RunPutHooks(kSendHooks, as_message, context);
}

}  // namespace

std::optional<PutRefusal> SendHandler::EncodeSingle(const Header& header, const net::ServerRequest& request,
                                                    const PutMessage& message, RecordDraft& draft) const {
  RecordFields fields = FieldsOf(header, request, message, parts_.identity.store_host);
  fields.body = request.command().body;
  fields.properties = message.properties;
  if (Status encoded = AppendRecord(fields, draft); !encoded.ok()) {
    return TooLong(parts_.options.Get()->max_message_size);
  }
  return std::nullopt;
}

std::optional<PutRefusal> SendHandler::EncodeBatch(const Header& header, const net::ServerRequest& request,
                                                   const PutMessage& message, RecordDraft& draft) const {
  if ((message.sys_flag & sys_flag::kCompressed) != 0) {
    return Refusal(ResponseCode::kMessageIllegal, "a compressed batch needs a topic with queue.type=BatchCQ");
  }
  auto entries = DecodeBatch(request.command().body, limits::kBatchEntriesMax);
  if (!entries.ok()) return Refusal(ResponseCode::kMessageIllegal, std::string(entries.status().text()));
  if (entries->empty()) return Refusal(ResponseCode::kMessageIllegal, "the batch holds no message");
  const auto options = parts_.options.Get();
  const PutContext context{.broker_ip = options->broker_ip1, .delay_level_max = parts_.delay_level_max};
  RecordFields fields = FieldsOf(header, request, message, parts_.identity.store_host);
  for (const BatchEntry& entry : *entries) {
    if (GlanceAt(entry.properties).eventful) {
      if (auto refusal = CheckBatchEntry(entry, context)) return refusal;
    }
    std::string cleaned;
    fields.flag = entry.flag;
    fields.body = entry.body;
    fields.properties = entry.properties;
    if (FindProperty(entry.properties, property::kCrc32)) {
      cleaned = entry.properties;
      RemoveProperty(cleaned, property::kCrc32);
      fields.properties = cleaned;
    }
    if (Status encoded = AppendRecord(fields, draft); !encoded.ok())
      return TooLong(options->max_message_size);
  }
  return std::nullopt;
}

void SendHandler::Append(net::ServerRequest request, PutMessage message, RecordDraft draft, Outcome outcome,
                         store::Durability durability) {
  store::AppendRequest append;
  append.durability = durability;
  const bool waits =
      outcome.options->flush_disk_type == store::FlushMode::kSync || InSyncReplicas(*outcome.options) > 1;
  if (durability == store::Durability::kStoreDefault && waits) {
    append.placed = std::make_shared<store::AppendReceipt>();
  }
  append.queue = QueueKey{std::move(message.topic), message.queue_id};
  append.draft = std::move(draft);
  append.done = [this, request = std::move(request), placed = append.placed,
                 outcome = std::move(outcome)](Result<store::AppendReceipt> receipt) mutable {
    if (Planted(Bug::kAckRefused) && !receipt.ok()) receipt = store::AppendReceipt{};
    if (receipt.ok()) return ReplyStored(request, *receipt, outcome, CodeOf(receipt->replicas));
    // FLUSH_DISK_TIMEOUT and FLUSH_SLAVE_TIMEOUT are successes with a warning to clients, which read the
    // whole reply.
    if (receipt.status().code() == StatusCode::kUnknown && placed != nullptr &&
        !placed->log_offsets.empty()) {
      const bool flushed = placed->replicas == store::Replicas::kTimeout;
      return ReplyStored(request, *placed, outcome,
                         flushed ? ResponseCode::kFlushSlaveTimeout : ResponseCode::kFlushDiskTimeout);
    }
    parts_.stats.PutFailed();
    Refuse(request, RefusalOf(receipt.status(), parts_.options.Get()->max_message_size));
  };
  parts_.log.Append(std::move(append));
}

void SendHandler::ReplyStored(net::ServerRequest& request, const store::AppendReceipt& receipt,
                              Outcome& outcome, int32_t code) {
  parts_.stats.Put(*outcome.topic, static_cast<int64_t>(receipt.log_offsets.size()), outcome.draft_bytes,
                   parts_.env.clock().Monotonic() - outcome.began);
  proto::SendMessageResponseHeader header;
  for (const LogOffset offset : receipt.log_offsets) {
    std::string id = EncodeOffsetMessageId({parts_.identity.store_host, offset});
    if (header.msg_id.empty()) {
      header.msg_id = std::move(id);
    } else {
      header.msg_id.append(1, ',').append(id);
    }
  }
  header.queue_id = outcome.queue_id;
  header.queue_offset = receipt.queue_offset.value;
  header.transaction_id = std::move(outcome.unique_key);
  header.msg_region = outcome.options->region_id;
  header.trace_on = outcome.options->trace_on;
  net::ReplyTyped(request, code, header);
}

}  // namespace orbitmq::broker
