// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/subscription.h"
#include "orbitmq/message_queue.h"
#include "remoting/protocol/body_codec.h"
#include "remoting/protocol/enum_names.h"
#include "remoting/protocol/field_table.h"
#include "remoting/protocol/shared_tables.h"

namespace orbitmq::proto {

struct ProcessQueueInfo {
  int32_t cached_msg_count = 0;
  int64_t cached_msg_max_offset = 0;
  int64_t cached_msg_min_offset = 0;
  int32_t cached_msg_size_in_mib = 0;
  int64_t commit_offset = 0;
  bool droped = false;  // Apache's spelling.
  int64_t last_consume_timestamp = 0;
  int64_t last_lock_timestamp = 0;
  int64_t last_pull_timestamp = 0;
  bool locked = false;
  int32_t transaction_msg_count = 0;
  int64_t transaction_msg_max_offset = 0;
  int64_t transaction_msg_min_offset = 0;
  int64_t try_unlock_times = 0;
  ORBITMQ_FIELDS(ProcessQueueInfo, ORBITMQ_OPTIONAL(cached_msg_count),
                 ORBITMQ_OPTIONAL(cached_msg_max_offset), ORBITMQ_OPTIONAL(cached_msg_min_offset),
                 ORBITMQ_OPTIONAL_AS(cached_msg_size_in_mib, "cachedMsgSizeInMiB"),
                 ORBITMQ_OPTIONAL(commit_offset), ORBITMQ_OPTIONAL(droped),
                 ORBITMQ_OPTIONAL(last_consume_timestamp), ORBITMQ_OPTIONAL(last_lock_timestamp),
                 ORBITMQ_OPTIONAL(last_pull_timestamp), ORBITMQ_OPTIONAL(locked),
                 ORBITMQ_OPTIONAL(transaction_msg_count), ORBITMQ_OPTIONAL(transaction_msg_max_offset),
                 ORBITMQ_OPTIONAL(transaction_msg_min_offset), ORBITMQ_OPTIONAL(try_unlock_times))
};

struct PopProcessQueueInfo {
  bool droped = false;
  int64_t last_pop_timestamp = 0;
  int32_t wait_ack_count = 0;
  ORBITMQ_FIELDS(PopProcessQueueInfo, ORBITMQ_OPTIONAL(droped), ORBITMQ_OPTIONAL(last_pop_timestamp),
                 ORBITMQ_OPTIONAL(wait_ack_count))
};

struct ConsumeStatus {
  int64_t consume_failed_msgs = 0;
  double consume_failed_tps = 0;
  double consume_ok_tps = 0;
  double consume_rt = 0;
  double pull_rt = 0;
  double pull_tps = 0;
  ORBITMQ_FIELDS(ConsumeStatus, ORBITMQ_OPTIONAL(consume_failed_msgs),
                 ORBITMQ_OPTIONAL_AS(consume_failed_tps, "consumeFailedTPS"),
                 ORBITMQ_OPTIONAL_AS(consume_ok_tps, "consumeOKTPS"),
                 ORBITMQ_OPTIONAL_AS(consume_rt, "consumeRT"), ORBITMQ_OPTIONAL_AS(pull_rt, "pullRT"),
                 ORBITMQ_OPTIONAL_AS(pull_tps, "pullTPS"))
};

// A consumer's reply to GET_CONSUMER_RUNNING_INFO (307).
struct ConsumerRunningInfo {
  std::optional<std::string> jstack{};
  std::map<MessageQueue, PopProcessQueueInfo> mq_pop_table{};
  std::map<MessageQueue, ProcessQueueInfo> mq_table{};
  std::map<std::string, std::string> properties{};  // PROP_... keys, always with PROP_CONSUME_TYPE.
  std::map<std::string, ConsumeStatus> status_table{};
  std::vector<SubscriptionData> subscription_set{};
  std::map<std::string, std::string> user_consumer_info{};
  ORBITMQ_FIELDS(ConsumerRunningInfo, ORBITMQ_OPTIONAL(jstack), ORBITMQ_OPTIONAL(mq_pop_table),
                 ORBITMQ_OPTIONAL(mq_table), ORBITMQ_OPTIONAL(properties), ORBITMQ_OPTIONAL(status_table),
                 ORBITMQ_OPTIONAL(subscription_set), ORBITMQ_OPTIONAL(user_consumer_info))
};

// Apache's name, in its ordinal order (the Go client sends the number).
enum class CMResult : uint8_t {
  kCrSuccess,
  kCrLater,
  kCrRollback,
  kCrCommit,
  kCrThrowException,
  kCrReturnNull,
};
template <>
struct EnumNames<CMResult> {
  static constexpr std::pair<CMResult, std::string_view> kNames[] = {
      {CMResult::kCrSuccess, "CR_SUCCESS"},
      {CMResult::kCrLater, "CR_LATER"},
      {CMResult::kCrRollback, "CR_ROLLBACK"},
      {CMResult::kCrCommit, "CR_COMMIT"},
      {CMResult::kCrThrowException, "CR_THROW_EXCEPTION"},
      {CMResult::kCrReturnNull, "CR_RETURN_NULL"},
  };
};

// A consumer's reply to CONSUME_MESSAGE_DIRECTLY (309).
struct ConsumeMessageDirectlyResult {
  bool auto_commit = true;
  std::optional<CMResult> consume_result{};
  bool order = false;
  std::optional<std::string> remark{};
  int64_t spent_time_mills = 0;
  ORBITMQ_FIELDS(ConsumeMessageDirectlyResult, ORBITMQ_OPTIONAL(auto_commit),
                 ORBITMQ_OPTIONAL(consume_result), ORBITMQ_OPTIONAL(order), ORBITMQ_OPTIONAL(remark),
                 ORBITMQ_OPTIONAL(spent_time_mills))
};

}  // namespace orbitmq::proto
