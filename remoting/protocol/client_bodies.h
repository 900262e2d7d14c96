// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "orbitmq/message_queue.h"
#include "remoting/protocol/body_codec.h"
#include "remoting/protocol/command.h"
#include "remoting/protocol/enum_names.h"
#include "remoting/protocol/field_table.h"
#include "remoting/protocol/heartbeat.h"
#include "remoting/protocol/shared_tables.h"

namespace orbitmq::proto {

// Groups, their members and queue locks.

// The reply of 38.
struct GetConsumerListByGroupResponseBody {
  std::vector<std::string> consumer_id_list{};
  ORBITMQ_FIELDS(GetConsumerListByGroupResponseBody, ORBITMQ_OPTIONAL(consumer_id_list))
};

// LOCK_BATCH_MQ (41).
struct LockBatchRequestBody {
  std::string client_id{};
  std::string consumer_group{};
  std::set<MessageQueue> mq_set{};
  bool only_this_broker = false;
  ORBITMQ_FIELDS(LockBatchRequestBody, ORBITMQ_REQUIRED(client_id), ORBITMQ_REQUIRED(consumer_group),
                 ORBITMQ_OPTIONAL(mq_set), ORBITMQ_OPTIONAL(only_this_broker))
};

struct LockBatchResponseBody {
  std::set<MessageQueue> lock_ok_mq_set{};
  ORBITMQ_FIELDS(LockBatchResponseBody, ORBITMQ_OPTIONAL_AS(lock_ok_mq_set, "lockOKMQSet"))
};

// UNLOCK_BATCH_MQ (42).
struct UnlockBatchRequestBody {
  std::string client_id{};
  std::string consumer_group{};
  std::set<MessageQueue> mq_set{};
  bool only_this_broker = false;
  ORBITMQ_FIELDS(UnlockBatchRequestBody, ORBITMQ_REQUIRED(client_id), ORBITMQ_REQUIRED(consumer_group),
                 ORBITMQ_OPTIONAL(mq_set), ORBITMQ_OPTIONAL(only_this_broker))
};

struct Connection {
  std::string client_addr{};
  std::string client_id{};
  Language language = Language::kUnknown;
  int32_t version = 0;
  ORBITMQ_FIELDS(Connection, ORBITMQ_OPTIONAL(client_addr), ORBITMQ_OPTIONAL(client_id),
                 ORBITMQ_OPTIONAL(language), ORBITMQ_OPTIONAL(version))
};

// The reply of 203.
struct ConsumerConnection {
  std::vector<Connection> connection_set{};
  std::optional<ConsumeFromWhere> consume_from_where{};
  std::optional<ConsumeType> consume_type{};
  std::optional<MessageModel> message_model{};
  std::map<std::string, SubscriptionData> subscription_table{};
  ORBITMQ_FIELDS(ConsumerConnection, ORBITMQ_OPTIONAL(connection_set), ORBITMQ_OPTIONAL(consume_from_where),
                 ORBITMQ_OPTIONAL(consume_type), ORBITMQ_OPTIONAL(message_model),
                 ORBITMQ_OPTIONAL(subscription_table))
};

// The reply of 204.
struct ProducerConnection {
  std::vector<Connection> connection_set{};
  ORBITMQ_FIELDS(ProducerConnection, ORBITMQ_OPTIONAL(connection_set))
};

struct ProducerInfo {
  std::string client_id{};
  Language language = Language::kUnknown;
  int64_t last_update_timestamp = 0;
  std::string remote_ip{};
  int32_t version = 0;
  ORBITMQ_FIELDS(ProducerInfo, ORBITMQ_OPTIONAL(client_id), ORBITMQ_OPTIONAL(language),
                 ORBITMQ_OPTIONAL(last_update_timestamp), ORBITMQ_OPTIONAL_AS(remote_ip, "remoteIP"),
                 ORBITMQ_OPTIONAL(version))
};

// The reply of 328.
struct ProducerTableInfo {
  std::map<std::string, std::vector<ProducerInfo>> data{};
  ORBITMQ_FIELDS(ProducerTableInfo, ORBITMQ_OPTIONAL(data))
};

enum class MessageRequestMode : uint8_t {
  kPull,
  kPop,
};
template <>
struct EnumNames<MessageRequestMode> {
  static constexpr std::pair<MessageRequestMode, std::string_view> kNames[] = {
      {MessageRequestMode::kPull, "PULL"},
      {MessageRequestMode::kPop, "POP"},
  };
};

// QUERY_ASSIGNMENT (400).
struct QueryAssignmentRequestBody {
  std::string client_id{};
  std::string consumer_group{};
  MessageModel message_model = MessageModel::kClustering;
  std::string strategy_name{};
  std::string topic{};
  ORBITMQ_FIELDS(QueryAssignmentRequestBody, ORBITMQ_OPTIONAL(client_id), ORBITMQ_OPTIONAL(consumer_group),
                 ORBITMQ_OPTIONAL(message_model), ORBITMQ_OPTIONAL(strategy_name), ORBITMQ_OPTIONAL(topic))
};

struct MessageQueueAssignment {
  MessageQueue message_queue{};
  MessageRequestMode mode = MessageRequestMode::kPull;
  ORBITMQ_FIELDS(MessageQueueAssignment, ORBITMQ_OPTIONAL(message_queue), ORBITMQ_OPTIONAL(mode))
};

// Absent: no valid result, keep what you have; empty: drop all.
struct QueryAssignmentResponseBody {
  std::optional<std::vector<MessageQueueAssignment>> message_queue_assignments{};
  ORBITMQ_FIELDS(QueryAssignmentResponseBody, ORBITMQ_OPTIONAL(message_queue_assignments))
};

// SET_MESSAGE_REQUEST_MODE (401).
struct SetMessageRequestModeRequestBody {
  std::string consumer_group{};
  MessageRequestMode mode = MessageRequestMode::kPull;
  int32_t pop_share_queue_num = 0;
  std::string topic{};
  ORBITMQ_FIELDS(SetMessageRequestModeRequestBody, ORBITMQ_OPTIONAL(consumer_group), ORBITMQ_OPTIONAL(mode),
                 ORBITMQ_OPTIONAL(pop_share_queue_num), ORBITMQ_OPTIONAL(topic))
};

// messageRequestMode.json and the reply of 402: topic, group.
struct MessageRequestModeSerializeWrapper {
  std::map<std::string, std::map<std::string, SetMessageRequestModeRequestBody>> message_request_mode_map{};
  ORBITMQ_FIELDS(MessageRequestModeSerializeWrapper, ORBITMQ_OPTIONAL(message_request_mode_map))
};

}  // namespace orbitmq::proto
