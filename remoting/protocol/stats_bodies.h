// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "orbitmq/message_queue.h"
#include "remoting/protocol/body_codec.h"
#include "remoting/protocol/field_table.h"
#include "remoting/protocol/shared_tables.h"

namespace orbitmq::proto {

struct TopicOffset {
  int64_t last_update_timestamp = 0;
  int64_t max_offset = 0;
  int64_t min_offset = 0;
  ORBITMQ_FIELDS(TopicOffset, ORBITMQ_OPTIONAL(last_update_timestamp), ORBITMQ_OPTIONAL(max_offset),
                 ORBITMQ_OPTIONAL(min_offset))
};

// The reply of GET_TOPIC_STATS_INFO (202).
struct TopicStatsTable {
  std::map<MessageQueue, TopicOffset> offset_table{};
  double topic_put_tps = 0;
  ORBITMQ_FIELDS(TopicStatsTable, ORBITMQ_OPTIONAL(offset_table), ORBITMQ_OPTIONAL(topic_put_tps))
};

struct OffsetWrapper {
  int64_t broker_offset = 0;
  int64_t consumer_offset = 0;
  int64_t last_timestamp = 0;
  int64_t pull_offset = 0;
  ORBITMQ_FIELDS(OffsetWrapper, ORBITMQ_OPTIONAL(broker_offset), ORBITMQ_OPTIONAL(consumer_offset),
                 ORBITMQ_OPTIONAL(last_timestamp), ORBITMQ_OPTIONAL(pull_offset))
};

// The reply of GET_CONSUME_STATS (208).
struct ConsumeStats {
  double consume_tps = 0;
  std::map<MessageQueue, OffsetWrapper> offset_table{};
  ORBITMQ_FIELDS(ConsumeStats, ORBITMQ_OPTIONAL(consume_tps), ORBITMQ_OPTIONAL(offset_table))
};

// The reply of GET_BROKER_CONSUME_STATS (317).
struct ConsumeStatsList {
  std::string broker_addr{};
  std::vector<std::map<std::string, std::vector<ConsumeStats>>> consume_stats_list{};
  int64_t total_diff = 0;
  int64_t total_inflight_diff = 0;
  ORBITMQ_FIELDS(ConsumeStatsList, ORBITMQ_OPTIONAL(broker_addr), ORBITMQ_OPTIONAL(consume_stats_list),
                 ORBITMQ_OPTIONAL(total_diff), ORBITMQ_OPTIONAL(total_inflight_diff))
};

struct QueueTimeSpan {
  int64_t consume_time_stamp = -1;
  int64_t delay_time = -1;
  int64_t max_time_stamp = -1;
  MessageQueue message_queue{};
  int64_t min_time_stamp = -1;
  ORBITMQ_FIELDS(QueueTimeSpan, ORBITMQ_OPTIONAL(consume_time_stamp), ORBITMQ_OPTIONAL(delay_time),
                 ORBITMQ_OPTIONAL(max_time_stamp), ORBITMQ_OPTIONAL(message_queue),
                 ORBITMQ_OPTIONAL(min_time_stamp))
};

// The reply of 303.
struct QueryConsumeTimeSpanBody {
  std::vector<QueueTimeSpan> consume_time_span_set{};
  ORBITMQ_FIELDS(QueryConsumeTimeSpanBody, ORBITMQ_OPTIONAL(consume_time_span_set))
};

struct BrokerStatsItem {
  double avgpt = 0;
  int64_t sum = 0;
  double tps = 0;
  ORBITMQ_FIELDS(BrokerStatsItem, ORBITMQ_OPTIONAL(avgpt), ORBITMQ_OPTIONAL(sum), ORBITMQ_OPTIONAL(tps))
};

// The reply of VIEW_BROKER_STATS_DATA (315).
struct BrokerStatsData {
  BrokerStatsItem stats_day{};
  BrokerStatsItem stats_hour{};
  BrokerStatsItem stats_minute{};
  ORBITMQ_FIELDS(BrokerStatsData, ORBITMQ_OPTIONAL(stats_day), ORBITMQ_OPTIONAL(stats_hour),
                 ORBITMQ_OPTIONAL(stats_minute))
};

}  // namespace orbitmq::proto
