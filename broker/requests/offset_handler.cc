// SPDX-License-Identifier: Apache-2.0
#include "broker/requests/offset_handler.h"

#include <utility>

#include "common/strings.h"
#include "remoting/replies.h"

namespace orbitmq::broker {

using proto::ResponseCode;

void OffsetHandler::Query(net::ServerRequest request) {
  const auto header = HeaderOrReply<proto::QueryConsumerOffsetRequestHeader>(request);
  if (!header) return;
  const OffsetKey key{header->consumer_group, header->topic, header->queue_id};
  if (const auto offset = parts_.offsets.Query(key)) {
    return ReplyHeader(request, proto::QueryConsumerOffsetResponseHeader{.offset = *offset});
  }
  // A new group starts at the beginning of a queue that never lost a message, whatever it is configured to:
  // Apache's rule, without which messages sent before the group's first start would be skipped.
  const auto range = parts_.store.Range(QueueKey{header->topic, header->queue_id});
  const int64_t min = range ? range->min.value : 0;
  if (header->set_zero_if_not_found.value_or(true) && min <= 0) {
    return ReplyHeader(request, proto::QueryConsumerOffsetResponseHeader{.offset = 0});
  }
  ReplyError(request, ResponseCode::kQueryNotFound,
             "Not found, V3_0_6_SNAPSHOT maybe this group consumer boot first");
}

void OffsetHandler::Update(net::ServerRequest request) {
  for (const char* name : {"queueId", "commitOffset"}) {
    if (!request.command().Ext(name)) {
      return ReplyError(request, ResponseCode::kInvalidParameter, StrCat(name, " is null"));
    }
  }
  const auto header = HeaderOrReply<proto::UpdateConsumerOffsetRequestHeader>(request);
  if (!header) return;
  if (parts_.groups.Find(header->consumer_group) == nullptr) {
    return ReplyError(request, ResponseCode::kSubscriptionGroupNotExist,
                      StrCat("Group ", header->consumer_group, " not exist!"));
  }
  if (parts_.topics.Find(header->topic) == nullptr) {
    return ReplyError(request, ResponseCode::kTopicNotExist, StrCat("Topic ", header->topic, " not exist!"));
  }
  const OffsetKey key{header->consumer_group, header->topic, header->queue_id};
  if (parts_.options.Get()->use_server_side_reset_offset && parts_.offsets.ResetPending(key)) {
    return ReplyOk(request, "Offset has been previously reset");
  }
  if (header->commit_offset < 0) {
    return ReplyError(request, ResponseCode::kInvalidParameter,
                      StrCat("commitOffset ", header->commit_offset, " is negative"));
  }
  parts_.offsets.Commit(key, header->commit_offset);
  ReplyOk(request);
}

void OffsetHandler::SearchByTime(net::ServerRequest request) {
  const auto header = HeaderOrReply<proto::SearchOffsetRequestHeader>(request);
  if (!header) return;
  const auto boundary = header->boundary_type == proto::BoundaryType::kUpper ? store::TimeBoundary::kUpper
                                                                             : store::TimeBoundary::kLower;
  const QueueOffset offset = parts_.store.OffsetAtTime(QueueKey{header->topic, header->queue_id},
                                                       FromEpochMillis(header->timestamp), boundary);
  ReplyHeader(request, proto::SearchOffsetResponseHeader{.offset = offset.value});
}

void OffsetHandler::Max(net::ServerRequest request) {
  const auto header = HeaderOrReply<proto::GetMaxOffsetRequestHeader>(request);
  if (!header) return;
  const auto range = parts_.store.Range(QueueKey{header->topic, header->queue_id});
  ReplyHeader(request, proto::GetMaxOffsetResponseHeader{.offset = range ? range->max.value : 0});
}

void OffsetHandler::Min(net::ServerRequest request) {
  const auto header = HeaderOrReply<proto::GetMinOffsetRequestHeader>(request);
  if (!header) return;
  const auto range = parts_.store.Range(QueueKey{header->topic, header->queue_id});
  ReplyHeader(request, proto::GetMinOffsetResponseHeader{.offset = range ? range->min.value : 0});
}

void OffsetHandler::EarliestStoreTime(net::ServerRequest request) {
  const auto header = HeaderOrReply<proto::GetEarliestMsgStoretimeRequestHeader>(request);
  if (!header) return;
  const QueueKey queue{header->topic, header->queue_id};
  proto::GetEarliestMsgStoretimeResponseHeader reply{.timestamp = -1};
  if (const auto range = parts_.store.Range(queue); range && range->min < range->max) {
    if (const auto time = parts_.store.StoreTimeAt(queue, range->min)) reply.timestamp = ToEpochMillis(*time);
  }
  ReplyHeader(request, reply);
}

}  // namespace orbitmq::broker
