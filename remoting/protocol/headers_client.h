// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "remoting/protocol/field_table.h"
#include "remoting/protocol/headers_common.h"

namespace orbitmq::proto {

// Clients, groups and what the broker asks of clients (codes 34, 35, 38..42, 307, 309).

struct HeartbeatRequestHeader {
  RpcRequestHeader rpc{};
  ORBITMQ_FIELDS(HeartbeatRequestHeader, ORBITMQ_INHERITED(rpc))
};

// No Java class: two extFields of the reply (5.1+).
struct HeartbeatResponseHeader {
  std::optional<bool> is_support_heart_beat_v2{};
  std::optional<bool> is_sub_change{};
  ORBITMQ_FIELDS(HeartbeatResponseHeader,
                 ORBITMQ_OPTIONAL_AS(is_support_heart_beat_v2, "IS_SUPPORT_HEART_BEAT_V2"),
                 ORBITMQ_OPTIONAL_AS(is_sub_change, "IS_SUB_CHANGE"))
};

struct UnregisterClientRequestHeader {
  std::string client_id{};
  std::string producer_group{};
  std::string consumer_group{};
  RpcRequestHeader rpc{};
  ORBITMQ_FIELDS(UnregisterClientRequestHeader, ORBITMQ_REQUIRED_AS(client_id, "clientID"),
                 ORBITMQ_OPTIONAL(producer_group), ORBITMQ_OPTIONAL(consumer_group), ORBITMQ_INHERITED(rpc))
};

struct GetConsumerListByGroupRequestHeader {
  std::string consumer_group{};
  RpcRequestHeader rpc{};
  ORBITMQ_FIELDS(GetConsumerListByGroupRequestHeader, ORBITMQ_REQUIRED(consumer_group),
                 ORBITMQ_INHERITED(rpc))
};

struct NotifyConsumerIdsChangedRequestHeader {
  std::string consumer_group{};
  RpcRequestHeader rpc{};
  ORBITMQ_FIELDS(NotifyConsumerIdsChangedRequestHeader, ORBITMQ_REQUIRED(consumer_group),
                 ORBITMQ_INHERITED(rpc))
};

struct LockBatchMqRequestHeader {
  RpcRequestHeader rpc{};
  ORBITMQ_FIELDS(LockBatchMqRequestHeader, ORBITMQ_INHERITED(rpc))
};

struct UnlockBatchMqRequestHeader {
  RpcRequestHeader rpc{};
  ORBITMQ_FIELDS(UnlockBatchMqRequestHeader, ORBITMQ_INHERITED(rpc))
};

struct GetConsumerRunningInfoRequestHeader {
  std::string consumer_group{};
  std::string client_id{};
  std::optional<bool> jstack_enable{};
  RpcRequestHeader rpc{};
  ORBITMQ_FIELDS(GetConsumerRunningInfoRequestHeader, ORBITMQ_REQUIRED(consumer_group),
                 ORBITMQ_REQUIRED(client_id), ORBITMQ_OPTIONAL(jstack_enable), ORBITMQ_INHERITED(rpc))
};

struct ConsumeMessageDirectlyResultRequestHeader {
  std::string consumer_group{};
  std::string client_id{};
  std::string msg_id{};
  std::string broker_name{};
  std::string topic{};
  std::optional<int32_t> topic_sys_flag{};
  std::optional<int32_t> group_sys_flag{};
  TopicRequestHeader rpc{};
  ORBITMQ_FIELDS(ConsumeMessageDirectlyResultRequestHeader, ORBITMQ_REQUIRED(consumer_group),
                 ORBITMQ_OPTIONAL(client_id), ORBITMQ_OPTIONAL(msg_id), ORBITMQ_OPTIONAL(broker_name),
                 ORBITMQ_OPTIONAL(topic), ORBITMQ_OPTIONAL(topic_sys_flag), ORBITMQ_OPTIONAL(group_sys_flag),
                 ORBITMQ_INHERITED(rpc))
};

}  // namespace orbitmq::proto
