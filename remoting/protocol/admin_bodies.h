// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/subscription.h"
#include "remoting/protocol/body_codec.h"
#include "remoting/protocol/field_table.h"
#include "remoting/protocol/shared_tables.h"

namespace orbitmq::proto {

// Replies of 28, 103 (order topics) and 219.
struct KVTable {
  std::map<std::string, std::string> table{};
  ORBITMQ_FIELDS(KVTable, ORBITMQ_OPTIONAL(table))
};

// Replies of 206, 224, 304, 305, 311..313 and 343.
struct TopicList {
  std::optional<std::string> broker_addr{};
  std::vector<std::string> topic_list{};
  ORBITMQ_FIELDS(TopicList, ORBITMQ_OPTIONAL(broker_addr), ORBITMQ_OPTIONAL(topic_list))
};

// The reply of QUERY_TOPIC_CONSUME_BY_WHO (300).
struct GroupList {
  std::vector<std::string> group_list{};
  ORBITMQ_FIELDS(GroupList, ORBITMQ_OPTIONAL(group_list))
};

// The reply of UPDATE_AND_GET_GROUP_FORBIDDEN (353).
struct GroupForbidden {
  std::string group{};
  bool readable = true;
  std::string topic{};
  ORBITMQ_FIELDS(GroupForbidden, ORBITMQ_OPTIONAL(group), ORBITMQ_OPTIONAL(readable), ORBITMQ_OPTIONAL(topic))
};

// The reply of QUERY_SUBSCRIPTION_BY_CONSUMER (345).
struct QuerySubscriptionResponseBody {
  std::string group{};
  std::optional<SubscriptionData> subscription_data{};
  std::string topic{};
  ORBITMQ_FIELDS(QuerySubscriptionResponseBody, ORBITMQ_OPTIONAL(group), ORBITMQ_OPTIONAL(subscription_data),
                 ORBITMQ_OPTIONAL(topic))
};

struct ConsumeQueueData {
  std::optional<std::string> bit_map{};
  bool eval = false;
  std::optional<std::string> extend_data_json{};
  std::optional<std::string> msg{};
  int64_t physic_offset = 0;
  int32_t physic_size = 0;
  int64_t tags_code = 0;
  ORBITMQ_FIELDS(ConsumeQueueData, ORBITMQ_OPTIONAL(bit_map), ORBITMQ_OPTIONAL(eval),
                 ORBITMQ_OPTIONAL(extend_data_json), ORBITMQ_OPTIONAL(msg), ORBITMQ_OPTIONAL(physic_offset),
                 ORBITMQ_OPTIONAL(physic_size), ORBITMQ_OPTIONAL(tags_code))
};

// The reply of QUERY_CONSUME_QUEUE (321).
struct QueryConsumeQueueResponseBody {
  std::optional<std::string> filter_data{};
  int64_t max_queue_index = 0;
  int64_t min_queue_index = 0;
  std::vector<ConsumeQueueData> queue_data{};
  std::optional<SubscriptionData> subscription_data{};
  ORBITMQ_FIELDS(QueryConsumeQueueResponseBody, ORBITMQ_OPTIONAL(filter_data),
                 ORBITMQ_OPTIONAL(max_queue_index), ORBITMQ_OPTIONAL(min_queue_index),
                 ORBITMQ_OPTIONAL(queue_data), ORBITMQ_OPTIONAL(subscription_data))
};

struct HAConnectionRuntimeInfo {
  std::string addr{};
  int64_t diff = 0;
  bool in_sync = false;
  int64_t slave_ack_offset = 0;
  int64_t transfer_from_where = 0;
  int64_t transferred_byte_in_second = 0;
  std::optional<int64_t> lag_millis{};  // Ours: for how long it has not had what the log held then.
  std::optional<bool> caught_up{};      // Ours: allAckInSyncStateSet waits for it, so it may lag for a while.
  std::optional<bool> in_step{};        // Ours: see InStep.
  ORBITMQ_FIELDS(HAConnectionRuntimeInfo, ORBITMQ_OPTIONAL(addr), ORBITMQ_OPTIONAL(diff),
                 ORBITMQ_OPTIONAL(in_sync), ORBITMQ_OPTIONAL(slave_ack_offset),
                 ORBITMQ_OPTIONAL(transfer_from_where), ORBITMQ_OPTIONAL(transferred_byte_in_second),
                 ORBITMQ_OPTIONAL(lag_millis), ORBITMQ_OPTIONAL(caught_up), ORBITMQ_OPTIONAL(in_step))
};

// What "in step" means wherever people look (haStatus, brokerStatus, doctor, switchMaster): in_sync, which
// only looks at haMaxGapNotInSync, and it lags little now, in bytes and in time. Of Apache's master no time
// is known.
inline constexpr int64_t kInStepBytesMax = int64_t{16} << 20;
inline constexpr int64_t kInStepMillisMax = 2000;
inline bool InStep(const HAConnectionRuntimeInfo& slave) {
  return slave.in_sync && slave.diff <= kInStepBytesMax && slave.lag_millis.value_or(0) <= kInStepMillisMax;
}

struct HAClientRuntimeInfo {
  std::optional<bool> activated{};
  int64_t last_read_timestamp = 0;
  int64_t last_write_timestamp = 0;
  std::optional<std::string> master_addr{};
  int64_t master_flush_offset = 0;
  int64_t max_offset = 0;
  int64_t transferred_byte_in_second = 0;
  // Ours: what the slave does about its log, and whether what it reports is on its disk ("flushed") or
  // written
  // ("appended"); how often it cut or dropped its log.
  std::optional<std::string> state{};
  std::optional<std::string> reports{};
  std::optional<int64_t> heal_count{};
  ORBITMQ_FIELDS(HAClientRuntimeInfo, ORBITMQ_OPTIONAL(activated), ORBITMQ_OPTIONAL(last_read_timestamp),
                 ORBITMQ_OPTIONAL(last_write_timestamp), ORBITMQ_OPTIONAL(master_addr),
                 ORBITMQ_OPTIONAL(master_flush_offset), ORBITMQ_OPTIONAL(max_offset),
                 ORBITMQ_OPTIONAL(transferred_byte_in_second), ORBITMQ_OPTIONAL(state),
                 ORBITMQ_OPTIONAL(reports), ORBITMQ_OPTIONAL(heal_count))
};

// The reply of GET_BROKER_HA_STATUS (907).
struct HARuntimeInfo {
  HAClientRuntimeInfo ha_client_runtime_info{};
  std::vector<HAConnectionRuntimeInfo> ha_connection_info{};
  int32_t in_sync_slave_nums = 0;
  bool master = false;
  int64_t master_commit_log_max_offset = 0;
  // Ours: how many brokers, this one among them, have everything below replicated_offset before a sender is
  // told OK.
  std::optional<int32_t> in_sync_replicas_wanted{};
  std::optional<int64_t> replicated_offset{};
  // Ours: where the broker is reached, and since when (epoch milliseconds) it leads; 0 = it has no claim.
  std::optional<std::string> broker_address{};
  std::optional<int64_t> leads_since{};
  // Ours: another broker of the name that was found to lead as well. Who is no master gives way to it.
  std::optional<std::string> rival{};
  ORBITMQ_FIELDS(HARuntimeInfo, ORBITMQ_OPTIONAL(ha_client_runtime_info),
                 ORBITMQ_OPTIONAL(ha_connection_info), ORBITMQ_OPTIONAL(in_sync_slave_nums),
                 ORBITMQ_OPTIONAL(master), ORBITMQ_OPTIONAL(master_commit_log_max_offset),
                 ORBITMQ_OPTIONAL(in_sync_replicas_wanted), ORBITMQ_OPTIONAL(replicated_offset),
                 ORBITMQ_OPTIONAL(broker_address), ORBITMQ_OPTIONAL(leads_since), ORBITMQ_OPTIONAL(rival))
};

}  // namespace orbitmq::proto
