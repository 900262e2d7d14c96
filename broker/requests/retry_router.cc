// SPDX-License-Identifier: Apache-2.0
#include "broker/requests/retry_router.h"

#include <utility>

#include "broker/requests/send_handler.h"
#include "common/message_id.h"
#include "common/message_properties.h"
#include "common/names.h"
#include "common/planted_bug.h"
#include "common/random.h"
#include "common/strings.h"
#include "common/sys_flag.h"
#include "remoting/replies.h"

namespace orbitmq::broker {

using proto::ResponseCode;

RetryRouter::RetryRouter(Parts parts)
    : parts_(parts), queue_seed_(parts_.env.NewRandom("broker-retry-queue").Next()) {}

void RetryRouter::Handle(net::ServerRequest request) {
  const auto header = HeaderOrReply<Header>(request);
  if (!header) return;
  const auto options = parts_.options.Get();
  const GroupRef group = parts_.groups.FindOrCreate(header->group);
  if (group == nullptr) {
    return ReplyError(request, ResponseCode::kSubscriptionGroupNotExist,
                      StrCat("subscription group not exist, ", header->group, " ", net::kFaq));
  }
  if (!perm::Writable(options->broker_permission)) {
    return ReplyError(request, ResponseCode::kNoPermission,
                      StrCat("the broker[", options->broker_ip1, "] sending message is forbidden"));
  }
  // A group without retry queues drops its failures, as its administrator said.
  if (group->retry_queue_nums <= 0) return ReplyOk(request);
  if (Planted(Bug::kDropSendBack)) return ReplyOk(request);
  auto record = parts_.store.ReadAt(LogOffset{header->offset});
  if (!record.ok()) {
    return ReplyError(
        request, ResponseCode::kSystemError,
        StrCat("look message by offset failed, ", header->offset, ": ", record.status().text()));
  }
  auto message = DecodeMessage(record->view(), BodyCheck::kTrust);
  if (!message.ok()) {
    return ReplyError(
        request, ResponseCode::kSystemError,
        StrCat("look message by offset failed, ", header->offset, ": ", message.status().text()));
  }
  auto destination = Route(*header, request.command().version, *message, *group);
  if (!destination.ok()) return ReplyBadRequest(request, destination.status());
  Resend(std::move(request), *header, *message, *std::move(destination));
}

Result<RetryRouter::Destination> RetryRouter::Route(const Header& header, int32_t version,
                                                    const MessageView& message,
                                                    const proto::SubscriptionGroupConfig& group) {
  constexpr int32_t kVersionMaxReconsumeTimes = 121;  // 3.4.9.
  int32_t max_times = group.retry_max_times;
  if (version >= kVersionMaxReconsumeTimes && header.max_reconsume_times) {
    max_times = *header.max_reconsume_times;
  }
  Destination destination;
  const bool dead = message.reconsume_times >= max_times || header.delay_level < 0;
  const std::string name = dead ? DlqTopic(header.group) : RetryTopic(header.group);
  const int32_t queues = dead ? 1 : group.retry_queue_nums;
  const int32_t sys_flag = !dead && header.unit_mode ? topic_flag::kUnitSubscribed : 0;
  destination.topic = parts_.topics.CreatePlain(name, queues, perm::kReadWrite, sys_flag);
  if (destination.topic == nullptr) {
    return Status(StatusCode::kResourceExhausted, StrCat("topic[", name, "] not exist"));
  }
  Random random(queue_seed_.fetch_add(0x9E3779B97F4A7C15ULL, std::memory_order_relaxed));
  destination.queue_id = static_cast<QueueId>(random.Below(static_cast<uint64_t>(queues)));
  if (!dead) {
    destination.delay_level = header.delay_level == 0 ? 3 + message.reconsume_times : header.delay_level;
  }
  return destination;
}

void RetryRouter::Resend(net::ServerRequest request, const Header& header, const MessageView& message,
                         Destination destination) {
  const auto options = parts_.options.Get();
  PutMessage put;
  put.topic = destination.topic->config.topic_name;
  put.queue_id = destination.queue_id;
  put.sys_flag = message.sys_flag;
  put.reconsume_times = message.reconsume_times + 1;
  put.properties = message.properties;
  std::string origin_topic(message.topic);
  if (const auto retry_topic = FindProperty(message.properties, property::kRetryTopic)) {
    origin_topic = *retry_topic;
  } else {
    AppendProperty(put.properties, property::kRetryTopic, message.topic);
  }
  const auto origin = FindProperty(message.properties, property::kOriginMessageId);
  if (!origin) {
    AppendProperty(put.properties, property::kOriginMessageId,
                   EncodeOffsetMessageId({message.store_host, message.log_offset}));
  }
  RemoveProperty(put.properties, property::kCrc32);
  SetProperty(put.properties, property::kWaitStoreMsgOk, "false");
  SetProperty(put.properties, property::kDelayTimeLevel, StrCat(destination.delay_level));
  const PutContext context{.broker_ip = options->broker_ip1, .delay_level_max = parts_.delay_level_max};
  if (auto refusal = RunPutHooks(kSendBackHooks, put, context)) {
    return ReplyError(request, refusal->code, std::move(refusal->remark));
  }
  RecordFields fields;
  fields.topic = put.topic;
  fields.queue_id = put.queue_id;
  fields.flag = message.flag;
  fields.sys_flag = put.sys_flag;
  fields.born_time = message.born_time;
  fields.born_host = message.born_host;
  fields.store_host = parts_.identity.store_host;
  fields.reconsume_times = put.reconsume_times;
  fields.body = message.body;
  fields.properties = put.properties;
  store::AppendRequest append;
  append.draft.crc = RecordCrcOf(*options);
  if (Status encoded = AppendRecord(fields, append.draft); !encoded.ok()) {
    return ReplyError(request, ResponseCode::kSystemError, StrCat("MESSAGE_ILLEGAL: ", encoded.text()));
  }
  append.queue = QueueKey{put.topic, put.queue_id};
  append.done = [this, request = std::move(request), origin_topic = std::move(origin_topic),
                 group = header.group](Result<store::AppendReceipt> receipt) mutable {
    if (!receipt.ok()) {
      // Not stored for certain: the consumer keeps the message and tries again.
      parts_.stats.PutFailed();
      return ReplyError(request, ResponseCode::kSystemError, receipt.status().ToString());
    }
    parts_.stats.SentBack(origin_topic, group);
    ReplyOk(request);
  };
  parts_.store.Append(std::move(append));
}

}  // namespace orbitmq::broker
