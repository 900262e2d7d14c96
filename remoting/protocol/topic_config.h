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

enum class TopicFilterType : uint8_t { kSingleTag, kMultiTag };
template <>
struct EnumNames<TopicFilterType> {
  static constexpr std::pair<TopicFilterType, std::string_view> kNames[] = {
      {TopicFilterType::kSingleTag, "SINGLE_TAG"},
      {TopicFilterType::kMultiTag, "MULTI_TAG"},
  };
};

// Permission bits of topics, queues and brokers.
inline constexpr int32_t kPermRead = 4;
inline constexpr int32_t kPermWrite = 2;
inline constexpr int32_t kPermInherit = 1;

struct TopicConfig {
  std::map<std::string, std::string> attributes{};  // Without '+'; since 5.0.
  bool order = false;
  int32_t perm = kPermRead | kPermWrite;
  int32_t read_queue_nums = 16;
  TopicFilterType topic_filter_type = TopicFilterType::kSingleTag;
  std::string topic_name{};
  int32_t topic_sys_flag = 0;
  int32_t write_queue_nums = 16;
  ORBITMQ_FIELDS(TopicConfig, ORBITMQ_OPTIONAL(attributes), ORBITMQ_OPTIONAL(order), ORBITMQ_OPTIONAL(perm),
                 ORBITMQ_OPTIONAL(read_queue_nums), ORBITMQ_OPTIONAL(topic_filter_type),
                 ORBITMQ_OPTIONAL(topic_name), ORBITMQ_OPTIONAL(topic_sys_flag),
                 ORBITMQ_OPTIONAL(write_queue_nums))
};

// Static topics are carried, not interpreted (registration and routes of brokers that have them).
struct TopicQueueMappingInfo {
  std::string bname{};
  std::map<int32_t, int32_t> curr_id_map{};
  bool dirty = false;
  int64_t epoch = 0;
  std::optional<std::string> scope{};
  std::string topic{};
  int32_t total_queues = 0;
  ORBITMQ_FIELDS(TopicQueueMappingInfo, ORBITMQ_OPTIONAL(bname), ORBITMQ_OPTIONAL(curr_id_map),
                 ORBITMQ_OPTIONAL(dirty), ORBITMQ_OPTIONAL(epoch), ORBITMQ_OPTIONAL(scope),
                 ORBITMQ_OPTIONAL(topic), ORBITMQ_OPTIONAL(total_queues))
};

struct LogicQueueMappingItem {
  std::string bname{};
  int64_t end_offset = -1;
  int32_t gen = 0;
  int64_t logic_offset = 0;
  int32_t queue_id = 0;
  int64_t start_offset = 0;
  int64_t time_of_end = -1;
  int64_t time_of_start = -1;
  ORBITMQ_FIELDS(LogicQueueMappingItem, ORBITMQ_OPTIONAL(bname), ORBITMQ_OPTIONAL(end_offset),
                 ORBITMQ_OPTIONAL(gen), ORBITMQ_OPTIONAL(logic_offset), ORBITMQ_OPTIONAL(queue_id),
                 ORBITMQ_OPTIONAL(start_offset), ORBITMQ_OPTIONAL(time_of_end),
                 ORBITMQ_OPTIONAL(time_of_start))
};

struct TopicQueueMappingDetail {
  std::string bname{};
  std::map<int32_t, int32_t> curr_id_map{};
  bool dirty = false;
  int64_t epoch = 0;
  std::map<int32_t, std::vector<LogicQueueMappingItem>> hosted_queues{};
  std::optional<std::string> scope{};
  std::string topic{};
  int32_t total_queues = 0;
  ORBITMQ_FIELDS(TopicQueueMappingDetail, ORBITMQ_OPTIONAL(bname), ORBITMQ_OPTIONAL(curr_id_map),
                 ORBITMQ_OPTIONAL(dirty), ORBITMQ_OPTIONAL(epoch), ORBITMQ_OPTIONAL(hosted_queues),
                 ORBITMQ_OPTIONAL(scope), ORBITMQ_OPTIONAL(topic), ORBITMQ_OPTIONAL(total_queues))
};

// The reply of GET_TOPIC_CONFIG (351): a TopicConfig with its mapping beside it.
struct TopicConfigAndQueueMapping {
  std::map<std::string, std::string> attributes{};
  std::optional<TopicQueueMappingDetail> mapping_detail{};
  bool order = false;
  int32_t perm = kPermRead | kPermWrite;
  int32_t read_queue_nums = 16;
  TopicFilterType topic_filter_type = TopicFilterType::kSingleTag;
  std::string topic_name{};
  int32_t topic_sys_flag = 0;
  int32_t write_queue_nums = 16;
  ORBITMQ_FIELDS(TopicConfigAndQueueMapping, ORBITMQ_OPTIONAL(attributes), ORBITMQ_OPTIONAL(mapping_detail),
                 ORBITMQ_OPTIONAL(order), ORBITMQ_OPTIONAL(perm), ORBITMQ_OPTIONAL(read_queue_nums),
                 ORBITMQ_OPTIONAL(topic_filter_type), ORBITMQ_OPTIONAL(topic_name),
                 ORBITMQ_OPTIONAL(topic_sys_flag), ORBITMQ_OPTIONAL(write_queue_nums))
};

// topics.json, and what a 4.x broker registers with.
struct TopicConfigSerializeWrapper {
  DataVersion data_version{};
  std::map<std::string, TopicConfig> topic_config_table{};
  ORBITMQ_FIELDS(TopicConfigSerializeWrapper, ORBITMQ_OPTIONAL(data_version),
                 ORBITMQ_OPTIONAL(topic_config_table))
};

// The reply of GET_ALL_TOPIC_CONFIG (21) and the topics of a registration.
struct TopicConfigAndMappingSerializeWrapper {
  DataVersion data_version{};
  DataVersion mapping_data_version{};
  std::map<std::string, TopicConfig> topic_config_table{};
  std::map<std::string, TopicQueueMappingDetail> topic_queue_mapping_detail_map{};
  std::map<std::string, TopicQueueMappingInfo> topic_queue_mapping_info_map{};
  ORBITMQ_FIELDS(TopicConfigAndMappingSerializeWrapper, ORBITMQ_OPTIONAL(data_version),
                 ORBITMQ_OPTIONAL(mapping_data_version), ORBITMQ_OPTIONAL(topic_config_table),
                 ORBITMQ_OPTIONAL(topic_queue_mapping_detail_map),
                 ORBITMQ_OPTIONAL(topic_queue_mapping_info_map))
};

// UPDATE_AND_CREATE_TOPIC_LIST (18).
struct CreateTopicListRequestBody {
  std::vector<TopicConfig> topic_config_list{};
  ORBITMQ_FIELDS(CreateTopicListRequestBody, ORBITMQ_OPTIONAL(topic_config_list))
};

}  // namespace orbitmq::proto
