// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "remoting/protocol/body_codec.h"
#include "remoting/protocol/data_version.h"
#include "remoting/protocol/enum_names.h"
#include "remoting/protocol/field_table.h"

namespace orbitmq::proto {

enum class GroupRetryPolicyType : uint8_t {
  kExponential,
  kCustomized,
};
template <>
struct EnumNames<GroupRetryPolicyType> {
  static constexpr std::pair<GroupRetryPolicyType, std::string_view> kNames[] = {
      {GroupRetryPolicyType::kExponential, "EXPONENTIAL"},
      {GroupRetryPolicyType::kCustomized, "CUSTOMIZED"},
  };
};

struct ExponentialRetryPolicy {
  int64_t initial = 5000;  // Milliseconds.
  int64_t max = 7200000;
  int64_t multiplier = 2;
  ORBITMQ_FIELDS(ExponentialRetryPolicy, ORBITMQ_OPTIONAL(initial), ORBITMQ_OPTIONAL(max),
                 ORBITMQ_OPTIONAL(multiplier))
};

struct CustomizedRetryPolicy {
  std::vector<int64_t> next{};  // Milliseconds per attempt.
  ORBITMQ_FIELDS(CustomizedRetryPolicy, ORBITMQ_OPTIONAL(next))
};

struct GroupRetryPolicy {
  std::optional<CustomizedRetryPolicy> customized_retry_policy{};
  std::optional<ExponentialRetryPolicy> exponential_retry_policy{};
  GroupRetryPolicyType type = GroupRetryPolicyType::kCustomized;
  ORBITMQ_FIELDS(GroupRetryPolicy, ORBITMQ_OPTIONAL(customized_retry_policy),
                 ORBITMQ_OPTIONAL(exponential_retry_policy), ORBITMQ_OPTIONAL(type))
};

struct SimpleSubscriptionData {
  std::string expression{};
  std::string expression_type{};
  std::string topic{};
  int64_t version = 0;
  ORBITMQ_FIELDS(SimpleSubscriptionData, ORBITMQ_OPTIONAL(expression), ORBITMQ_OPTIONAL(expression_type),
                 ORBITMQ_OPTIONAL(topic), ORBITMQ_OPTIONAL(version))
};

// UPDATE_AND_CREATE_SUBSCRIPTIONGROUP (200) and the reply of 352; defaults are Apache's.
struct SubscriptionGroupConfig {
  std::map<std::string, std::string> attributes{};
  int64_t broker_id = 0;
  bool consume_broadcast_enable = true;
  bool consume_enable = true;
  bool consume_from_min_enable = true;
  bool consume_message_orderly = false;
  int32_t consume_timeout_minute = 15;
  std::string group_name{};
  GroupRetryPolicy group_retry_policy{};
  int32_t group_sys_flag = 0;
  bool notify_consumer_ids_changed_enable = true;
  int32_t retry_max_times = 16;
  int32_t retry_queue_nums = 1;
  std::optional<std::vector<SimpleSubscriptionData>> subscription_data_set{};
  int64_t which_broker_when_consume_slowly = 1;
  ORBITMQ_FIELDS(SubscriptionGroupConfig, ORBITMQ_OPTIONAL(attributes), ORBITMQ_OPTIONAL(broker_id),
                 ORBITMQ_OPTIONAL(consume_broadcast_enable), ORBITMQ_OPTIONAL(consume_enable),
                 ORBITMQ_OPTIONAL(consume_from_min_enable), ORBITMQ_OPTIONAL(consume_message_orderly),
                 ORBITMQ_OPTIONAL(consume_timeout_minute), ORBITMQ_OPTIONAL(group_name),
                 ORBITMQ_OPTIONAL(group_retry_policy), ORBITMQ_OPTIONAL(group_sys_flag),
                 ORBITMQ_OPTIONAL(notify_consumer_ids_changed_enable), ORBITMQ_OPTIONAL(retry_max_times),
                 ORBITMQ_OPTIONAL(retry_queue_nums), ORBITMQ_OPTIONAL(subscription_data_set),
                 ORBITMQ_OPTIONAL(which_broker_when_consume_slowly))
};

// subscriptionGroup.json and the reply of GET_ALL_SUBSCRIPTIONGROUP_CONFIG (201).
struct SubscriptionGroupWrapper {
  DataVersion data_version{};
  std::map<std::string, std::map<std::string, int32_t>> forbidden_table{};  // Group, topic, bits (4 = read).
  std::map<std::string, SubscriptionGroupConfig> subscription_group_table{};
  ORBITMQ_FIELDS(SubscriptionGroupWrapper, ORBITMQ_OPTIONAL(data_version), ORBITMQ_OPTIONAL(forbidden_table),
                 ORBITMQ_OPTIONAL(subscription_group_table))
};

// UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST (225).
struct SubscriptionGroupList {
  std::vector<SubscriptionGroupConfig> group_config_list{};
  ORBITMQ_FIELDS(SubscriptionGroupList, ORBITMQ_OPTIONAL(group_config_list))
};

}  // namespace orbitmq::proto
