// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/subscription.h"
#include "remoting/protocol/body_codec.h"
#include "remoting/protocol/enum_names.h"
#include "remoting/protocol/field_table.h"
#include "remoting/protocol/shared_tables.h"

namespace orbitmq::proto {

// In Java's ordinal order: the C++ client sends numbers.
enum class ConsumeType : uint8_t {
  kConsumeActively,
  kConsumePassively,
  kConsumePop,
};
template <>
struct EnumNames<ConsumeType> {
  static constexpr std::pair<ConsumeType, std::string_view> kNames[] = {
      {ConsumeType::kConsumeActively, "CONSUME_ACTIVELY"},
      {ConsumeType::kConsumePassively, "CONSUME_PASSIVELY"},
      {ConsumeType::kConsumePop, "CONSUME_POP"},
  };
};

enum class MessageModel : uint8_t {
  kBroadcasting,
  kClustering,
};
template <>
struct EnumNames<MessageModel> {
  static constexpr std::pair<MessageModel, std::string_view> kNames[] = {
      {MessageModel::kBroadcasting, "BROADCASTING"},
      {MessageModel::kClustering, "CLUSTERING"},
  };
};

enum class ConsumeFromWhere : uint8_t {
  kConsumeFromLastOffset,
  kConsumeFromLastOffsetAndFromMinWhenBootFirst,
  kConsumeFromMinOffset,
  kConsumeFromMaxOffset,
  kConsumeFromFirstOffset,
  kConsumeFromTimestamp,
};
template <>
struct EnumNames<ConsumeFromWhere> {
  static constexpr std::pair<ConsumeFromWhere, std::string_view> kNames[] = {
      {ConsumeFromWhere::kConsumeFromLastOffset, "CONSUME_FROM_LAST_OFFSET"},
      {ConsumeFromWhere::kConsumeFromLastOffsetAndFromMinWhenBootFirst,
       "CONSUME_FROM_LAST_OFFSET_AND_FROM_MIN_WHEN_BOOT_FIRST"},
      {ConsumeFromWhere::kConsumeFromMinOffset, "CONSUME_FROM_MIN_OFFSET"},
      {ConsumeFromWhere::kConsumeFromMaxOffset, "CONSUME_FROM_MAX_OFFSET"},
      {ConsumeFromWhere::kConsumeFromFirstOffset, "CONSUME_FROM_FIRST_OFFSET"},
      {ConsumeFromWhere::kConsumeFromTimestamp, "CONSUME_FROM_TIMESTAMP"},
  };
};

struct ConsumerData {
  ConsumeFromWhere consume_from_where = ConsumeFromWhere::kConsumeFromLastOffset;
  ConsumeType consume_type = ConsumeType::kConsumePassively;
  std::string group_name{};
  MessageModel message_model = MessageModel::kClustering;
  std::vector<SubscriptionData> subscription_data_set{};
  bool unit_mode = false;
  ORBITMQ_FIELDS(ConsumerData, ORBITMQ_OPTIONAL(consume_from_where), ORBITMQ_OPTIONAL(consume_type),
                 ORBITMQ_REQUIRED(group_name), ORBITMQ_OPTIONAL(message_model),
                 ORBITMQ_OPTIONAL(subscription_data_set), ORBITMQ_OPTIONAL(unit_mode))
};

struct ProducerData {
  std::string group_name{};
  ORBITMQ_FIELDS(ProducerData, ORBITMQ_REQUIRED(group_name))
};

// The body of HEART_BEAT (34).
struct HeartbeatData {
  std::string client_id{};
  std::vector<ConsumerData> consumer_data_set{};
  int32_t heartbeat_fingerprint = 0;  // 0 = v1 heartbeat.
  std::vector<ProducerData> producer_data_set{};
  bool without_sub = false;  // v2: the subscriptions are as last time.
  ORBITMQ_FIELDS(HeartbeatData, ORBITMQ_REQUIRED_AS(client_id, "clientID"),
                 ORBITMQ_OPTIONAL(consumer_data_set), ORBITMQ_OPTIONAL(heartbeat_fingerprint),
                 ORBITMQ_OPTIONAL(producer_data_set), ORBITMQ_OPTIONAL(without_sub))
};

// CHECK_CLIENT_CONFIG (46).
struct CheckClientRequestBody {
  std::string client_id{};
  std::string group{};
  std::optional<std::string> ns{};
  SubscriptionData subscription_data{};
  ORBITMQ_FIELDS(CheckClientRequestBody, ORBITMQ_OPTIONAL(client_id), ORBITMQ_OPTIONAL(group),
                 ORBITMQ_OPTIONAL_AS(ns, "namespace"), ORBITMQ_OPTIONAL(subscription_data))
};

}  // namespace orbitmq::proto
