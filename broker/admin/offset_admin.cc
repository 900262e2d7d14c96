// SPDX-License-Identifier: Apache-2.0
#include "broker/admin/offset_admin.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "common/strings.h"
#include "remoting/protocol/stats_bodies.h"
#include "remoting/replies.h"

namespace orbitmq::broker {

using proto::ResponseCode;

void OffsetAdmin::AllConsumerOffsets(net::ServerRequest request) {
  ReplyBody(request, proto::EncodeBody(parts_.offsets.All()));
}

void OffsetAdmin::AllDelayOffsets(net::ServerRequest request) {
  std::string offsets = proto::EncodeBody(parts_.delay.All());
  // After the offsets, which rise with it.
  const proto::GetAllDelayOffsetResponseHeader header{.copies_end = parts_.delay.CopiesEnd().value};
  ReplyHeader(request, header, std::move(offsets));
}

// -1 when there is no such record.
int64_t OffsetAdmin::StoreTime(const QueueKey& queue, int64_t offset) const {
  if (offset < 0) return -1;
  const auto time = parts_.store.StoreTimeAt(queue, QueueOffset{offset});
  return time ? ToEpochMillis(*time) : -1;
}

proto::ConsumeStats OffsetAdmin::StatsOf(const std::string& group, const proto::TopicConfig& topic) const {
  proto::ConsumeStats stats;
  for (QueueId id = 0; id < topic.read_queue_nums; ++id) {
    const QueueKey queue{topic.topic_name, id};
    const OffsetKey key{group, topic.topic_name, id};
    proto::OffsetWrapper offset;
    if (const auto range = parts_.store.Range(queue)) offset.broker_offset = range->max.value;
    offset.consumer_offset = parts_.offsets.Query(key).value_or(0);
    offset.pull_offset = std::max(offset.consumer_offset, parts_.offsets.PulledTo(key).value_or(0));
    offset.last_timestamp = std::max<int64_t>(0, StoreTime(queue, offset.consumer_offset - 1));
    stats.offset_table.emplace(QueueOf(topic.topic_name, id), offset);
  }
  stats.consume_tps = parts_.stats.GroupGetPerSecond(topic.topic_name, group);
  return stats;
}

void OffsetAdmin::ConsumeStats(net::ServerRequest request) {
  const auto header = HeaderOrReply<proto::GetConsumeStatsRequestHeader>(request);
  if (!header) return;
  std::set<std::string> topics;
  for (std::string_view topic : Split(header->topic_list, ';')) {
    if (!topic.empty()) topics.emplace(topic);
  }
  if (topics.empty() && !header->topic.empty()) topics.insert(header->topic);
  if (topics.empty()) topics = parts_.offsets.TopicsOf(header->consumer_group);
  proto::ConsumeStats all;
  for (const std::string& name : topics) {
    const TopicRef topic = parts_.topics.Find(name);
    if (topic == nullptr) continue;
    proto::ConsumeStats one = StatsOf(header->consumer_group, topic->config);
    all.consume_tps += one.consume_tps;
    all.offset_table.merge(one.offset_table);
  }
  ReplyBody(request, proto::EncodeBody(all));
}

void OffsetAdmin::AllConsumeStats(net::ServerRequest request) {
  const auto header = HeaderOrReply<proto::GetConsumeStatsInBrokerHeader>(request);
  if (!header) return;
  proto::ConsumeStatsList list;
  list.broker_addr = parts_.identity.address;
  for (const auto& [group, config] : parts_.groups.All().subscription_group_table) {
    std::vector<proto::ConsumeStats> of_group;
    for (const std::string& name : parts_.offsets.TopicsOf(group)) {
      const TopicRef topic = parts_.topics.Find(name);
      if (topic == nullptr || (header->order && !topic->config.order)) continue;
      of_group.push_back(StatsOf(group, topic->config));
      for (const auto& [queue, offset] : of_group.back().offset_table) {
        list.total_diff += offset.broker_offset - offset.consumer_offset;
        list.total_inflight_diff += offset.pull_offset - offset.consumer_offset;
      }
    }
    list.consume_stats_list.push_back({{group, std::move(of_group)}});
  }
  ReplyBody(request, proto::EncodeBody(list));
}

void OffsetAdmin::ConsumeTimeSpan(net::ServerRequest request) {
  const auto header = HeaderOrReply<proto::QueryConsumeTimeSpanRequestHeader>(request);
  if (!header) return;
  const TopicRef topic = parts_.topics.Find(header->topic);
  if (topic == nullptr) {
    return ReplyError(request, ResponseCode::kTopicNotExist, StrCat("topic[", header->topic, "] not exist"));
  }
  proto::QueryConsumeTimeSpanBody body;
  for (QueueId id = 0; id < topic->config.write_queue_nums; ++id) {
    const QueueKey queue{header->topic, id};
    proto::QueueTimeSpan span;
    span.message_queue = QueueOf(header->topic, id);
    const auto range = parts_.store.Range(queue);
    const int64_t max = range ? range->max.value : 0;
    const int64_t consumed = parts_.offsets.Query({header->group, header->topic, id}).value_or(-1);
    span.min_time_stamp = range ? StoreTime(queue, range->min.value) : -1;
    span.max_time_stamp = StoreTime(queue, max - 1);
    span.consume_time_stamp = consumed > 0 ? StoreTime(queue, consumed - 1) : span.min_time_stamp;
    if (range && consumed < max) {
      const int64_t next = StoreTime(queue, std::max<int64_t>(consumed, range->min.value));
      if (next >= 0) span.delay_time = parts_.env.clock().WallMillis() - next;
    }
    body.consume_time_span_set.push_back(std::move(span));
  }
  ReplyBody(request, proto::EncodeBody(body));
}

// The lowest offset of any group per queue, leaving out the filtered groups; the maximum where the compared
// group is behind it.
void OffsetAdmin::CorrectionOffsets(net::ServerRequest request) {
  const auto header = HeaderOrReply<proto::QueryCorrectionOffsetHeader>(request);
  if (!header) return;
  const auto filtered = Split(header->filter_groups, ',');
  proto::QueryCorrectionOffsetBody body;
  for (const std::string& group : parts_.offsets.GroupsOf(header->topic)) {
    if (std::find(filtered.begin(), filtered.end(), group) != filtered.end()) continue;
    for (const auto& [id, offset] : parts_.offsets.QueryTopic(group, header->topic)) {
      const auto [known, fresh] = body.correction_offsets.emplace(id, offset);
      if (!fresh) known->second = std::min(known->second, offset);
    }
  }
  for (const auto& [id, offset] : parts_.offsets.QueryTopic(header->compare_group, header->topic)) {
    const auto known = body.correction_offsets.find(id);
    if (known != body.correction_offsets.end() && known->second > offset) {
      known->second = std::numeric_limits<int64_t>::max();
    }
  }
  ReplyBody(request, proto::EncodeBody(body));
}

void OffsetAdmin::CloneGroup(net::ServerRequest request) {
  const auto header = HeaderOrReply<proto::CloneGroupOffsetRequestHeader>(request);
  if (!header) return;
  parts_.offsets.Clone(header->src_group, header->dest_group, header->topic);
  ReplyOk(request);
}

namespace {

// Of one queue, and where to is said outright.
bool GivesOffset(const proto::ResetOffsetRequestHeader& header) {
  return header.queue_id >= 0 && header.offset && *header.offset != -1;
}

}  // namespace

Result<proto::ResetOffsetBody> OffsetAdmin::ResetTargets(const proto::ResetOffsetRequestHeader& header,
                                                         const proto::TopicConfig& topic) const {
  proto::ResetOffsetBody body;
  const bool one = header.queue_id != -1;
  if (one && (header.queue_id < 0 || header.queue_id >= topic.read_queue_nums)) {
    return Status(StatusCode::kInvalidArgument, StrCat("queueId ", header.queue_id, " is not in 0..",
                                                       topic.read_queue_nums - 1, " of ", header.topic));
  }
  const QueueId first = one ? header.queue_id : 0;
  const QueueId end = one ? header.queue_id + 1 : topic.read_queue_nums;
  const bool given = GivesOffset(header);
  for (QueueId id = first; id < end; ++id) {
    const QueueKey queue{header.topic, id};
    const auto range = parts_.store.Range(queue).value_or(store::OffsetRange{});
    int64_t target = range.max.value;
    if (given) {
      target = *header.offset;
      if (target < range.min.value || target > range.max.value) {
        return Status(StatusCode::kInvalidArgument,
                      StrCat("Target offset ", target, " not in consume queue range [", range.min.value, "-",
                             range.max.value, "]"));
      }
    } else if (header.timestamp >= 0 && range.min < range.max) {
      target =
          parts_.store.OffsetAtTime(queue, FromEpochMillis(header.timestamp), store::TimeBoundary::kLower)
              .value;
    }
    body.offset_table.emplace(QueueOf(header.topic, id), target);
  }
  return body;
}

void OffsetAdmin::Reset(net::ServerRequest request) {
  const auto header = HeaderOrReply<proto::ResetOffsetRequestHeader>(request);
  if (!header) return;
  const TopicRef topic = parts_.topics.Find(header->topic);
  if (topic == nullptr) {
    return ReplyError(request, ResponseCode::kTopicNotExist,
                      StrCat("Topic ", header->topic, " does not exist"));
  }
  if (parts_.groups.Find(header->group) == nullptr) {
    return ReplyError(request, ResponseCode::kSubscriptionGroupNotExist,
                      StrCat("Group ", header->group, " does not exist"));
  }
  auto targets = ResetTargets(*header, topic->config);
  if (!targets.ok()) return ReplyBadRequest(request, targets.status());
  parts_.env.log().Info("consumer offsets reset", {{"topic", header->topic},
                                                   {"group", header->group},
                                                   {"queue", header->queue_id},
                                                   {"timestamp", header->timestamp},
                                                   {"peer", request.peer()->remote().ToString()}});
  if (!parts_.options.Get()->use_server_side_reset_offset) {
    return PushReset(std::move(request), *header, *std::move(targets));
  }
  for (const auto& [queue, offset] : targets->offset_table) {
    parts_.offsets.Reset({header->group, header->topic, queue.queue_id}, offset);
  }
  ReplyBody(request, proto::EncodeBody(*targets));
}

// As 4.x: the consumers are told, and move. Without isForce nobody is moved forward by a time.
void OffsetAdmin::PushReset(net::ServerRequest request, const proto::ResetOffsetRequestHeader& header,
                            proto::ResetOffsetBody body) {
  const auto details = parts_.clients.Details(header.group);
  if (!details) {
    return ReplyError(request, ResponseCode::kConsumerNotOnline,
                      StrCat("Consumer not online, so can not reset offset, Group: ", header.group,
                             " Topic: ", header.topic, " Timestamp: ", header.timestamp));
  }
  proto::ResetOffsetBodyForC for_c;
  for (auto& [queue, offset] : body.offset_table) {
    const auto current = parts_.offsets.Query({header.group, header.topic, queue.queue_id});
    if (current && !header.force && !GivesOffset(header)) offset = std::min(offset, *current);
    for_c.offset_table.push_back({queue.broker_name, offset, queue.queue_id, queue.topic});
  }
  // The form goes by the consumer's language: only C++ ones understand the list (remoting.md 6.5).
  for (const ClientEntry& client : details->members) {
    proto::Command command = proto::MakeRequest(proto::RequestCode::kResetConsumerClientOffset, header);
    const bool cpp = client.language == proto::Language::kCpp;
    command.body.emplace_back(cpp ? proto::EncodeBody(for_c) : proto::EncodeBody(body));
    client.peer->Oneway(std::move(command));
  }
  ReplyBody(request, proto::EncodeBody(body));
}

}  // namespace orbitmq::broker
