// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "remoting/protocol/field_table.h"
#include "remoting/protocol/headers_common.h"

namespace orbitmq::proto {

// Administration of brokers (codes 12, 17..33, 200..225, 300..328, 343..353, 906..908).

struct CreateTopicRequestHeader {
  std::string topic{};
  std::string default_topic{};
  int32_t read_queue_nums = 0;
  int32_t write_queue_nums = 0;
  int32_t perm = 0;
  std::string topic_filter_type = "SINGLE_TAG";
  int32_t topic_sys_flag = 0;
  bool order = false;
  std::string attributes{};
  std::optional<bool> force{};
  TopicRequestHeader rpc{};
  ORBITMQ_FIELDS(CreateTopicRequestHeader, ORBITMQ_REQUIRED(topic), ORBITMQ_REQUIRED(default_topic),
                 ORBITMQ_REQUIRED(read_queue_nums), ORBITMQ_REQUIRED(write_queue_nums),
                 ORBITMQ_REQUIRED(perm), ORBITMQ_REQUIRED(topic_filter_type),
                 ORBITMQ_OPTIONAL(topic_sys_flag), ORBITMQ_OPTIONAL(order), ORBITMQ_OPTIONAL(attributes),
                 ORBITMQ_OPTIONAL(force), ORBITMQ_INHERITED(rpc))
};

struct CreateTopicListRequestHeader {
  RpcRequestHeader rpc{};
  ORBITMQ_FIELDS(CreateTopicListRequestHeader, ORBITMQ_INHERITED(rpc))
};

struct DeleteTopicRequestHeader {
  std::string topic{};
  TopicRequestHeader rpc{};
  ORBITMQ_FIELDS(DeleteTopicRequestHeader, ORBITMQ_REQUIRED(topic), ORBITMQ_INHERITED(rpc))
};

// Absent from older peers, which want everything at once.
struct GetAllTopicConfigRequestHeader {
  std::optional<int32_t> topic_seq{};
  std::string data_version{};
  std::optional<int32_t> max_topic_num{};
  ORBITMQ_FIELDS(GetAllTopicConfigRequestHeader, ORBITMQ_OPTIONAL(topic_seq), ORBITMQ_OPTIONAL(data_version),
                 ORBITMQ_OPTIONAL(max_topic_num))
};

struct GetAllTopicConfigResponseHeader {
  std::optional<int32_t> total_topic_num{};
  ORBITMQ_FIELDS(GetAllTopicConfigResponseHeader, ORBITMQ_OPTIONAL(total_topic_num))
};

struct GetTopicConfigRequestHeader {
  std::string topic{};
  TopicRequestHeader rpc{};
  ORBITMQ_FIELDS(GetTopicConfigRequestHeader, ORBITMQ_REQUIRED(topic), ORBITMQ_INHERITED(rpc))
};

struct GetTopicStatsInfoRequestHeader {
  std::string topic{};
  TopicRequestHeader rpc{};
  ORBITMQ_FIELDS(GetTopicStatsInfoRequestHeader, ORBITMQ_REQUIRED(topic), ORBITMQ_INHERITED(rpc))
};

struct QueryTopicConsumeByWhoRequestHeader {
  std::string topic{};
  TopicRequestHeader rpc{};
  ORBITMQ_FIELDS(QueryTopicConsumeByWhoRequestHeader, ORBITMQ_REQUIRED(topic), ORBITMQ_INHERITED(rpc))
};

struct GetAllSubscriptionGroupRequestHeader {
  std::optional<int32_t> group_seq{};
  std::string data_version{};
  std::optional<int32_t> max_group_num{};
  ORBITMQ_FIELDS(GetAllSubscriptionGroupRequestHeader, ORBITMQ_OPTIONAL(group_seq),
                 ORBITMQ_OPTIONAL(data_version), ORBITMQ_OPTIONAL(max_group_num))
};

struct GetAllSubscriptionGroupResponseHeader {
  std::optional<int32_t> total_group_num{};
  ORBITMQ_FIELDS(GetAllSubscriptionGroupResponseHeader, ORBITMQ_OPTIONAL(total_group_num))
};

struct GetSubscriptionGroupConfigRequestHeader {
  std::string group{};
  RpcRequestHeader rpc{};
  ORBITMQ_FIELDS(GetSubscriptionGroupConfigRequestHeader, ORBITMQ_REQUIRED(group), ORBITMQ_INHERITED(rpc))
};

struct DeleteSubscriptionGroupRequestHeader {
  std::string group_name{};
  bool clean_offset = false;
  RpcRequestHeader rpc{};
  ORBITMQ_FIELDS(DeleteSubscriptionGroupRequestHeader, ORBITMQ_REQUIRED(group_name),
                 ORBITMQ_OPTIONAL(clean_offset), ORBITMQ_INHERITED(rpc))
};

// readable absent = a query.
struct UpdateGroupForbiddenRequestHeader {
  std::string group{};
  std::string topic{};
  std::optional<bool> readable{};
  TopicRequestHeader rpc{};
  ORBITMQ_FIELDS(UpdateGroupForbiddenRequestHeader, ORBITMQ_REQUIRED(group), ORBITMQ_REQUIRED(topic),
                 ORBITMQ_OPTIONAL(readable), ORBITMQ_INHERITED(rpc))
};

struct GetConsumerConnectionListRequestHeader {
  std::string consumer_group{};
  RpcRequestHeader rpc{};
  ORBITMQ_FIELDS(GetConsumerConnectionListRequestHeader, ORBITMQ_REQUIRED(consumer_group),
                 ORBITMQ_INHERITED(rpc))
};

struct GetProducerConnectionListRequestHeader {
  std::string producer_group{};
  RpcRequestHeader rpc{};
  ORBITMQ_FIELDS(GetProducerConnectionListRequestHeader, ORBITMQ_REQUIRED(producer_group),
                 ORBITMQ_INHERITED(rpc))
};

// topicList: topics joined by ';'.
struct GetConsumeStatsRequestHeader {
  std::string consumer_group{};
  std::string topic{};
  std::string topic_list{};
  TopicRequestHeader rpc{};
  ORBITMQ_FIELDS(GetConsumeStatsRequestHeader, ORBITMQ_REQUIRED(consumer_group), ORBITMQ_OPTIONAL(topic),
                 ORBITMQ_OPTIONAL(topic_list), ORBITMQ_INHERITED(rpc))
};

struct GetConsumeStatsInBrokerHeader {
  bool order = false;
  ORBITMQ_FIELDS(GetConsumeStatsInBrokerHeader, ORBITMQ_REQUIRED_AS(order, "isOrder"))
};

struct QueryConsumeTimeSpanRequestHeader {
  std::string topic{};
  std::string group{};
  TopicRequestHeader rpc{};
  ORBITMQ_FIELDS(QueryConsumeTimeSpanRequestHeader, ORBITMQ_REQUIRED(topic), ORBITMQ_REQUIRED(group),
                 ORBITMQ_INHERITED(rpc))
};

struct ViewBrokerStatsDataRequestHeader {
  std::string stats_name{};
  std::string stats_key{};
  ORBITMQ_FIELDS(ViewBrokerStatsDataRequestHeader, ORBITMQ_REQUIRED(stats_name), ORBITMQ_REQUIRED(stats_key))
};

struct QueryTopicsByConsumerRequestHeader {
  std::string group{};
  RpcRequestHeader rpc{};
  ORBITMQ_FIELDS(QueryTopicsByConsumerRequestHeader, ORBITMQ_REQUIRED(group), ORBITMQ_INHERITED(rpc))
};

struct QuerySubscriptionByConsumerRequestHeader {
  std::string group{};
  std::string topic{};
  TopicRequestHeader rpc{};
  ORBITMQ_FIELDS(QuerySubscriptionByConsumerRequestHeader, ORBITMQ_REQUIRED(group), ORBITMQ_OPTIONAL(topic),
                 ORBITMQ_INHERITED(rpc))
};

struct QueryConsumeQueueRequestHeader {
  std::string topic{};
  int32_t queue_id = 0;
  int64_t index = 0;
  int32_t count = 0;
  std::string consumer_group{};
  TopicRequestHeader rpc{};
  ORBITMQ_FIELDS(QueryConsumeQueueRequestHeader, ORBITMQ_REQUIRED(topic), ORBITMQ_OPTIONAL(queue_id),
                 ORBITMQ_OPTIONAL(index), ORBITMQ_OPTIONAL(count), ORBITMQ_OPTIONAL(consumer_group),
                 ORBITMQ_INHERITED(rpc))
};

// indexType: K by key (absent too), T by tag. uniqueKeyQuery is an extField that goes along.
struct QueryMessageRequestHeader {
  std::string topic{};
  std::string key{};
  int32_t max_num = 0;
  int64_t begin_timestamp = 0;
  int64_t end_timestamp = 0;
  std::string index_type{};
  std::optional<bool> unique_key_query{};
  TopicRequestHeader rpc{};
  ORBITMQ_FIELDS(QueryMessageRequestHeader, ORBITMQ_REQUIRED(topic), ORBITMQ_REQUIRED(key),
                 ORBITMQ_REQUIRED(max_num), ORBITMQ_REQUIRED(begin_timestamp),
                 ORBITMQ_REQUIRED(end_timestamp), ORBITMQ_OPTIONAL(index_type),
                 ORBITMQ_OPTIONAL_AS(unique_key_query, "_UNIQUE_KEY_QUERY"), ORBITMQ_INHERITED(rpc))
};

struct QueryMessageResponseHeader {
  int64_t index_last_update_timestamp = 0;
  int64_t index_last_update_phyoffset = 0;
  ORBITMQ_FIELDS(QueryMessageResponseHeader, ORBITMQ_REQUIRED(index_last_update_timestamp),
                 ORBITMQ_REQUIRED(index_last_update_phyoffset))
};

// offset is the physical one.
struct ViewMessageRequestHeader {
  std::string topic{};
  int64_t offset = 0;
  ORBITMQ_FIELDS(ViewMessageRequestHeader, ORBITMQ_OPTIONAL(topic), ORBITMQ_REQUIRED(offset))
};

// version is a DataVersion as JSON text.
struct GetBrokerConfigResponseHeader {
  std::string version{};
  ORBITMQ_FIELDS(GetBrokerConfigResponseHeader, ORBITMQ_REQUIRED(version))
};

struct GetAllProducerInfoRequestHeader {
  RpcRequestHeader rpc{};
  ORBITMQ_FIELDS(GetAllProducerInfoRequestHeader, ORBITMQ_INHERITED(rpc))
};

struct ResumeCheckHalfMessageRequestHeader {
  std::string topic{};
  std::string msg_id{};
  TopicRequestHeader rpc{};
  ORBITMQ_FIELDS(ResumeCheckHalfMessageRequestHeader, ORBITMQ_OPTIONAL(topic), ORBITMQ_OPTIONAL(msg_id),
                 ORBITMQ_INHERITED(rpc))
};

// Of GET_ALL_DELAY_OFFSET (45). Apache's has no fields. Ours: who has less of the sender's log than up to
// here may lack copies of messages that the delay offsets are past.
struct GetAllDelayOffsetResponseHeader {
  std::optional<int64_t> copies_end{};
  ORBITMQ_FIELDS(GetAllDelayOffsetResponseHeader, ORBITMQ_OPTIONAL(copies_end))
};

// Apache's has no fields. Ours: a master that looks for others of its name says who it is, and since when
// (epoch milliseconds) it leads.
struct GetBrokerHaStatusRequestHeader {
  std::string asker_address{};
  std::optional<int64_t> asker_leads_since{};
  ORBITMQ_FIELDS(GetBrokerHaStatusRequestHeader, ORBITMQ_OPTIONAL(asker_address),
                 ORBITMQ_OPTIONAL(asker_leads_since))
};

struct ExchangeHAInfoRequestHeader {
  std::string master_ha_address{};
  std::optional<int64_t> master_flush_offset{};
  std::string master_address{};
  ORBITMQ_FIELDS(ExchangeHAInfoRequestHeader, ORBITMQ_OPTIONAL(master_ha_address),
                 ORBITMQ_OPTIONAL(master_flush_offset), ORBITMQ_OPTIONAL(master_address))
};

struct ExchangeHAInfoResponseHeader {
  std::string master_ha_address{};
  std::optional<int64_t> master_flush_offset{};
  std::string master_address{};
  ORBITMQ_FIELDS(ExchangeHAInfoResponseHeader, ORBITMQ_OPTIONAL(master_ha_address),
                 ORBITMQ_OPTIONAL(master_flush_offset), ORBITMQ_OPTIONAL(master_address))
};

struct ResetMasterFlushOffsetHeader {
  int64_t master_flush_offset = 0;
  ORBITMQ_FIELDS(ResetMasterFlushOffsetHeader, ORBITMQ_REQUIRED(master_flush_offset))
};

struct StatisticsMessagesRequestHeader {
  std::string consumer_group{};
  std::string topic{};
  int32_t queue_id = 0;
  int64_t from_time = 0;
  int64_t to_time = 0;
  TopicRequestHeader rpc{};
  ORBITMQ_FIELDS(StatisticsMessagesRequestHeader, ORBITMQ_OPTIONAL(consumer_group), ORBITMQ_OPTIONAL(topic),
                 ORBITMQ_OPTIONAL(queue_id), ORBITMQ_OPTIONAL(from_time), ORBITMQ_OPTIONAL(to_time),
                 ORBITMQ_INHERITED(rpc))
};

}  // namespace orbitmq::proto
