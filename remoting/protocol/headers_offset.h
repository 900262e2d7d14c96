// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "remoting/protocol/field_table.h"
#include "remoting/protocol/headers_common.h"

namespace orbitmq::proto {

// Offsets of queues and of consumer groups (codes 14, 15, 29..33, 222, 223, 308, 314).

struct QueryConsumerOffsetRequestHeader {
  std::string consumer_group{};
  std::string topic{};
  int32_t queue_id = 0;
  std::optional<bool> set_zero_if_not_found{};
  TopicRequestHeader rpc{};
  ORBITMQ_FIELDS(QueryConsumerOffsetRequestHeader, ORBITMQ_REQUIRED(consumer_group), ORBITMQ_REQUIRED(topic),
                 ORBITMQ_REQUIRED(queue_id), ORBITMQ_OPTIONAL(set_zero_if_not_found), ORBITMQ_INHERITED(rpc))
};

struct QueryConsumerOffsetResponseHeader {
  int64_t offset = 0;
  ORBITMQ_FIELDS(QueryConsumerOffsetResponseHeader, ORBITMQ_REQUIRED(offset))
};

struct UpdateConsumerOffsetRequestHeader {
  std::string consumer_group{};
  std::string topic{};
  int32_t queue_id = 0;
  int64_t commit_offset = 0;
  TopicRequestHeader rpc{};
  ORBITMQ_FIELDS(UpdateConsumerOffsetRequestHeader, ORBITMQ_REQUIRED(consumer_group), ORBITMQ_REQUIRED(topic),
                 ORBITMQ_REQUIRED(queue_id), ORBITMQ_REQUIRED(commit_offset), ORBITMQ_INHERITED(rpc))
};

struct SearchOffsetRequestHeader {
  std::string topic{};
  int32_t queue_id = 0;
  int64_t timestamp = 0;
  BoundaryType boundary_type = BoundaryType::kLower;
  TopicRequestHeader rpc{};
  ORBITMQ_FIELDS(SearchOffsetRequestHeader, ORBITMQ_REQUIRED(topic), ORBITMQ_REQUIRED(queue_id),
                 ORBITMQ_REQUIRED(timestamp), ORBITMQ_OPTIONAL(boundary_type), ORBITMQ_INHERITED(rpc))
};

struct SearchOffsetResponseHeader {
  int64_t offset = 0;
  ORBITMQ_FIELDS(SearchOffsetResponseHeader, ORBITMQ_REQUIRED(offset))
};

struct GetMaxOffsetRequestHeader {
  std::string topic{};
  int32_t queue_id = 0;
  bool committed = true;
  TopicRequestHeader rpc{};
  ORBITMQ_FIELDS(GetMaxOffsetRequestHeader, ORBITMQ_REQUIRED(topic), ORBITMQ_REQUIRED(queue_id),
                 ORBITMQ_OPTIONAL(committed), ORBITMQ_INHERITED(rpc))
};

struct GetMaxOffsetResponseHeader {
  int64_t offset = 0;
  ORBITMQ_FIELDS(GetMaxOffsetResponseHeader, ORBITMQ_REQUIRED(offset))
};

struct GetMinOffsetRequestHeader {
  std::string topic{};
  int32_t queue_id = 0;
  TopicRequestHeader rpc{};
  ORBITMQ_FIELDS(GetMinOffsetRequestHeader, ORBITMQ_REQUIRED(topic), ORBITMQ_REQUIRED(queue_id),
                 ORBITMQ_INHERITED(rpc))
};

struct GetMinOffsetResponseHeader {
  int64_t offset = 0;
  ORBITMQ_FIELDS(GetMinOffsetResponseHeader, ORBITMQ_REQUIRED(offset))
};

struct GetEarliestMsgStoretimeRequestHeader {
  std::string topic{};
  int32_t queue_id = 0;
  TopicRequestHeader rpc{};
  ORBITMQ_FIELDS(GetEarliestMsgStoretimeRequestHeader, ORBITMQ_REQUIRED(topic), ORBITMQ_REQUIRED(queue_id),
                 ORBITMQ_INHERITED(rpc))
};

// -1 = unknown.
struct GetEarliestMsgStoretimeResponseHeader {
  int64_t timestamp = 0;
  ORBITMQ_FIELDS(GetEarliestMsgStoretimeResponseHeader, ORBITMQ_REQUIRED(timestamp))
};

// 222 and 220. queueId -1 = all; timestamp -1 = latest; offset absent = by timestamp.
struct ResetOffsetRequestHeader {
  std::string topic{};
  std::string group{};
  int32_t queue_id = -1;
  std::optional<int64_t> offset{};
  int64_t timestamp = 0;
  bool force = false;
  TopicRequestHeader rpc{};
  ORBITMQ_FIELDS(ResetOffsetRequestHeader, ORBITMQ_REQUIRED(topic), ORBITMQ_REQUIRED(group),
                 ORBITMQ_OPTIONAL(queue_id), ORBITMQ_OPTIONAL(offset), ORBITMQ_REQUIRED(timestamp),
                 ORBITMQ_REQUIRED_AS(force, "isForce"), ORBITMQ_INHERITED(rpc))
};

// clientAddr is a client id.
struct GetConsumerStatusRequestHeader {
  std::string topic{};
  std::string group{};
  std::string client_addr{};
  TopicRequestHeader rpc{};
  ORBITMQ_FIELDS(GetConsumerStatusRequestHeader, ORBITMQ_REQUIRED(topic), ORBITMQ_REQUIRED(group),
                 ORBITMQ_OPTIONAL(client_addr), ORBITMQ_INHERITED(rpc))
};

struct QueryCorrectionOffsetHeader {
  std::string filter_groups{};
  std::string compare_group{};
  std::string topic{};
  TopicRequestHeader rpc{};
  ORBITMQ_FIELDS(QueryCorrectionOffsetHeader, ORBITMQ_OPTIONAL(filter_groups),
                 ORBITMQ_REQUIRED(compare_group), ORBITMQ_REQUIRED(topic), ORBITMQ_INHERITED(rpc))
};

struct CloneGroupOffsetRequestHeader {
  std::string src_group{};
  std::string dest_group{};
  std::string topic{};
  bool offline = false;
  RpcRequestHeader rpc{};
  ORBITMQ_FIELDS(CloneGroupOffsetRequestHeader, ORBITMQ_REQUIRED(src_group), ORBITMQ_REQUIRED(dest_group),
                 ORBITMQ_OPTIONAL(topic), ORBITMQ_OPTIONAL(offline), ORBITMQ_INHERITED(rpc))
};

}  // namespace orbitmq::proto
