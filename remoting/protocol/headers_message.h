// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "remoting/protocol/field_table.h"
#include "remoting/protocol/headers_common.h"

namespace orbitmq::proto {

// Sending, pulling, sending back and transactions (codes 10, 11, 36, 37, 39, 310, 320, 324..326, 361, 370).
// The headers of every message exist twice: owning, and as a ...View whose strings point into the frame.

// One table, two wire forms: NameForm::kLong is Apache's SendMessageRequestHeader (10, 324), NameForm::kShort
// its SendMessageRequestHeaderV2 (310, 320, 325). headers.h SendNameForm tells which form a code has.
template <class Text>
struct BasicSendMessageRequestHeader {
  Text producer_group{};
  Text topic{};
  Text default_topic{};  // The template of an auto-created topic: TBW102.
  int32_t default_topic_queue_nums = 0;
  int32_t queue_id = 0;  // Negative: the broker picks one.
  int32_t sys_flag = 0;
  int64_t born_timestamp = 0;  // Epoch milliseconds.
  int32_t flag = 0;
  Text properties{};
  std::optional<int32_t> reconsume_times{};
  std::optional<bool> unit_mode{};
  std::optional<int32_t> max_reconsume_times{};
  std::optional<bool> batch{};
  BasicTopicRequestHeader<Text> rpc{};
  ORBITMQ_FIELDS(BasicSendMessageRequestHeader, ORBITMQ_REQUIRED_V2(producer_group, 'a'),
                 ORBITMQ_REQUIRED_V2(topic, 'b'), ORBITMQ_OPTIONAL_V2(default_topic, 'c'),
                 ORBITMQ_OPTIONAL_V2(default_topic_queue_nums, 'd'), ORBITMQ_REQUIRED_V2(queue_id, 'e'),
                 ORBITMQ_REQUIRED_V2(sys_flag, 'f'), ORBITMQ_REQUIRED_V2(born_timestamp, 'g'),
                 ORBITMQ_REQUIRED_V2(flag, 'h'), ORBITMQ_OPTIONAL_V2(properties, 'i'),
                 ORBITMQ_OPTIONAL_V2(reconsume_times, 'j'), ORBITMQ_OPTIONAL_V2(unit_mode, 'k'),
                 ORBITMQ_OPTIONAL_V2(max_reconsume_times, 'l'), ORBITMQ_OPTIONAL_V2(batch, 'm'),
                 ORBITMQ_INHERITED(rpc))
};
using SendMessageRequestHeader = BasicSendMessageRequestHeader<std::string>;
using SendMessageRequestHeaderView = BasicSendMessageRequestHeader<std::string_view>;

struct SendMessageResponseHeader {
  std::string msg_id{};  // The offset message id; for a batch a comma-joined list.
  int32_t queue_id = 0;
  int64_t queue_offset = 0;
  std::string transaction_id{};
  std::string batch_uniq_id{};
  std::string recall_handle{};
  std::string msg_region{};        // extField MSG_REGION.
  std::optional<bool> trace_on{};  // extField TRACE_ON; absent: Java traces, Go does not.
  ORBITMQ_FIELDS(SendMessageResponseHeader, ORBITMQ_REQUIRED(msg_id), ORBITMQ_REQUIRED(queue_id),
                 ORBITMQ_REQUIRED(queue_offset), ORBITMQ_OPTIONAL(transaction_id),
                 ORBITMQ_OPTIONAL(batch_uniq_id), ORBITMQ_OPTIONAL(recall_handle),
                 ORBITMQ_OPTIONAL_AS(msg_region, "MSG_REGION"), ORBITMQ_OPTIONAL_AS(trace_on, "TRACE_ON"))
};

// 11 and 361.
template <class Text>
struct BasicPullMessageRequestHeader {
  Text consumer_group{};
  Text topic{};
  int32_t queue_id = 0;
  int64_t queue_offset = 0;
  int32_t max_msg_nums = 0;
  int32_t sys_flag = 0;  // remoting.md 5.2.
  int64_t commit_offset = 0;
  int64_t suspend_timeout_millis = 0;
  Text subscription{};
  std::optional<int64_t> sub_version{};
  Text expression_type{};  // Empty = TAG.
  std::optional<int32_t> max_msg_bytes{};
  std::optional<int32_t> request_source{};
  Text proxy_froward_client_id{};  // Apache's spelling.
  Text lite_topic{};               // 5.5.
  BasicTopicRequestHeader<Text> rpc{};
  ORBITMQ_FIELDS(BasicPullMessageRequestHeader, ORBITMQ_REQUIRED(consumer_group), ORBITMQ_REQUIRED(topic),
                 ORBITMQ_REQUIRED(queue_id), ORBITMQ_REQUIRED(queue_offset), ORBITMQ_REQUIRED(max_msg_nums),
                 ORBITMQ_REQUIRED(sys_flag), ORBITMQ_REQUIRED(commit_offset),
                 ORBITMQ_REQUIRED(suspend_timeout_millis), ORBITMQ_OPTIONAL(subscription),
                 ORBITMQ_OPTIONAL(sub_version), ORBITMQ_OPTIONAL(expression_type),
                 ORBITMQ_OPTIONAL(max_msg_bytes), ORBITMQ_OPTIONAL(request_source),
                 ORBITMQ_OPTIONAL(proxy_froward_client_id), ORBITMQ_OPTIONAL(lite_topic),
                 ORBITMQ_INHERITED(rpc))
};
using PullMessageRequestHeader = BasicPullMessageRequestHeader<std::string>;
using PullMessageRequestHeaderView = BasicPullMessageRequestHeader<std::string_view>;

// The first four must be there with every code of 0, 19, 20 and 21.
struct PullMessageResponseHeader {
  int64_t suggest_which_broker_id = 0;
  int64_t next_begin_offset = 0;
  int64_t min_offset = 0;
  int64_t max_offset = 0;
  std::optional<int64_t> offset_delta{};
  std::optional<int32_t> topic_sys_flag{};
  std::optional<int32_t> group_sys_flag{};
  std::optional<int32_t> forbidden_type{};
  ORBITMQ_FIELDS(PullMessageResponseHeader, ORBITMQ_REQUIRED(suggest_which_broker_id),
                 ORBITMQ_REQUIRED(next_begin_offset), ORBITMQ_REQUIRED(min_offset),
                 ORBITMQ_REQUIRED(max_offset), ORBITMQ_OPTIONAL(offset_delta),
                 ORBITMQ_OPTIONAL(topic_sys_flag), ORBITMQ_OPTIONAL(group_sys_flag),
                 ORBITMQ_OPTIONAL(forbidden_type))
};

struct ConsumerSendMsgBackRequestHeader {
  int64_t offset = 0;  // Physical.
  std::string group{};
  int32_t delay_level = 0;  // < 0: to the DLQ; 0: the broker chooses; > 0: this level.
  std::string origin_msg_id{};
  std::string origin_topic{};
  bool unit_mode = false;
  std::optional<int32_t> max_reconsume_times{};
  RpcRequestHeader rpc{};
  ORBITMQ_FIELDS(ConsumerSendMsgBackRequestHeader, ORBITMQ_REQUIRED(offset), ORBITMQ_REQUIRED(group),
                 ORBITMQ_REQUIRED(delay_level), ORBITMQ_OPTIONAL(origin_msg_id),
                 ORBITMQ_OPTIONAL(origin_topic), ORBITMQ_OPTIONAL(unit_mode),
                 ORBITMQ_OPTIONAL(max_reconsume_times), ORBITMQ_INHERITED(rpc))
};

struct EndTransactionRequestHeader {
  std::string topic{};
  std::string producer_group{};
  int64_t tran_state_table_offset = 0;
  int64_t commit_log_offset = 0;
  int32_t commit_or_rollback = 0;  // 0 unknown, 8 commit, 12 roll back.
  bool from_transaction_check = false;
  std::string msg_id{};
  std::string transaction_id{};
  RpcRequestHeader rpc{};
  ORBITMQ_FIELDS(EndTransactionRequestHeader, ORBITMQ_OPTIONAL(topic), ORBITMQ_REQUIRED(producer_group),
                 ORBITMQ_REQUIRED(tran_state_table_offset), ORBITMQ_REQUIRED(commit_log_offset),
                 ORBITMQ_REQUIRED(commit_or_rollback), ORBITMQ_OPTIONAL(from_transaction_check),
                 ORBITMQ_REQUIRED(msg_id), ORBITMQ_OPTIONAL(transaction_id), ORBITMQ_INHERITED(rpc))
};

struct CheckTransactionStateRequestHeader {
  std::string topic{};
  int64_t tran_state_table_offset = 0;
  int64_t commit_log_offset = 0;
  std::string msg_id{};
  std::string transaction_id{};
  std::string offset_msg_id{};
  RpcRequestHeader rpc{};
  ORBITMQ_FIELDS(CheckTransactionStateRequestHeader, ORBITMQ_OPTIONAL(topic),
                 ORBITMQ_REQUIRED(tran_state_table_offset), ORBITMQ_REQUIRED(commit_log_offset),
                 ORBITMQ_OPTIONAL(msg_id), ORBITMQ_OPTIONAL(transaction_id), ORBITMQ_OPTIONAL(offset_msg_id),
                 ORBITMQ_INHERITED(rpc))
};

struct ReplyMessageRequestHeader {
  std::string producer_group{};
  std::string topic{};
  std::string default_topic{};
  int32_t default_topic_queue_nums = 0;
  int32_t queue_id = 0;
  int32_t sys_flag = 0;
  int64_t born_timestamp = 0;
  int32_t flag = 0;
  std::string properties{};
  std::optional<int32_t> reconsume_times{};
  bool unit_mode = false;
  std::string born_host{};   // "ip:port".
  std::string store_host{};  // "ip:port".
  int64_t store_timestamp = 0;
  TopicRequestHeader rpc{};
  ORBITMQ_FIELDS(ReplyMessageRequestHeader, ORBITMQ_REQUIRED(producer_group), ORBITMQ_REQUIRED(topic),
                 ORBITMQ_REQUIRED(default_topic), ORBITMQ_REQUIRED(default_topic_queue_nums),
                 ORBITMQ_REQUIRED(queue_id), ORBITMQ_REQUIRED(sys_flag), ORBITMQ_REQUIRED(born_timestamp),
                 ORBITMQ_REQUIRED(flag), ORBITMQ_OPTIONAL(properties), ORBITMQ_OPTIONAL(reconsume_times),
                 ORBITMQ_OPTIONAL(unit_mode), ORBITMQ_REQUIRED(born_host), ORBITMQ_REQUIRED(store_host),
                 ORBITMQ_REQUIRED(store_timestamp), ORBITMQ_INHERITED(rpc))
};

struct RecallMessageRequestHeader {
  std::string producer_group{};
  std::string topic{};
  std::string recall_handle{};
  TopicRequestHeader rpc{};
  ORBITMQ_FIELDS(RecallMessageRequestHeader, ORBITMQ_OPTIONAL(producer_group), ORBITMQ_REQUIRED(topic),
                 ORBITMQ_REQUIRED(recall_handle), ORBITMQ_INHERITED(rpc))
};

struct RecallMessageResponseHeader {
  std::string msg_id{};
  ORBITMQ_FIELDS(RecallMessageResponseHeader, ORBITMQ_REQUIRED(msg_id))
};

}  // namespace orbitmq::proto
