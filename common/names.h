// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "orbitmq/result.h"

namespace orbitmq {

// Names of topics and groups that Apache gives a meaning (source: TopicValidator, MixAll, KeyBuilder).
namespace names {
inline constexpr std::string_view kRetryPrefix = "%RETRY%";
inline constexpr std::string_view kDlqPrefix = "%DLQ%";
inline constexpr std::string_view kLmqPrefix = "%LMQ%";
inline constexpr std::string_view kSystemTopicPrefix = "rmq_sys_";
inline constexpr std::string_view kSystemGroupPrefix = "CID_RMQ_SYS_";

inline constexpr std::string_view kAutoCreateTopic = "TBW102";
inline constexpr std::string_view kScheduleTopic = "SCHEDULE_TOPIC_XXXX";
inline constexpr std::string_view kBenchmarkTopic = "BenchmarkTest";
inline constexpr std::string_view kTransHalfTopic = "RMQ_SYS_TRANS_HALF_TOPIC";
inline constexpr std::string_view kTransOpHalfTopic = "RMQ_SYS_TRANS_OP_HALF_TOPIC";
inline constexpr std::string_view kTransCheckMaxTimeTopic = "TRANS_CHECK_MAX_TIME_TOPIC";
inline constexpr std::string_view kTraceTopic = "RMQ_SYS_TRACE_TOPIC";
inline constexpr std::string_view kSelfTestTopic = "SELF_TEST_TOPIC";
inline constexpr std::string_view kOffsetMovedTopic = "OFFSET_MOVED_EVENT";
inline constexpr std::string_view kCheckpointTopic = "CHECKPOINT_TOPIC";
inline constexpr std::string_view kWheelTimerTopic = "rmq_sys_wheel_timer";
inline constexpr std::string_view kReviveTopicPrefix = "rmq_sys_REVIVE_LOG_";
inline constexpr std::string_view kSyncBrokerMemberPrefix = "rmq_sys_SYNC_BROKER_MEMBER_";
inline constexpr std::string_view kReplyTopicSuffix = "_REPLY_TOPIC";

inline constexpr std::string_view kDefaultProducerGroup = "DEFAULT_PRODUCER";
inline constexpr std::string_view kDefaultConsumerGroup = "DEFAULT_CONSUMER";
inline constexpr std::string_view kToolsConsumerGroup = "TOOLS_CONSUMER";
inline constexpr std::string_view kScheduleConsumerGroup = "SCHEDULE_CONSUMER";
inline constexpr std::string_view kFilterServerGroup = "FILTERSRV_CONSUMER";
inline constexpr std::string_view kMonitorConsumerGroup = "__MONITOR_CONSUMER";
inline constexpr std::string_view kClientInnerProducerGroup = "CLIENT_INNER_PRODUCER";
inline constexpr std::string_view kSelfTestProducerGroup = "SELF_TEST_P_GROUP";
inline constexpr std::string_view kSelfTestConsumerGroup = "SELF_TEST_C_GROUP";
inline constexpr std::string_view kOnsHttpProxyGroup = "CID_ONS-HTTP-PROXY";
inline constexpr std::string_view kOnsApiPermissionGroup = "CID_ONSAPI_PERMISSION";
inline constexpr std::string_view kOnsApiOwnerGroup = "CID_ONSAPI_OWNER";
inline constexpr std::string_view kOnsApiPullGroup = "CID_ONSAPI_PULL";
inline constexpr std::string_view kTransConsumerGroup = "CID_RMQ_SYS_TRANS";

inline constexpr std::string_view kDefaultCluster = "DefaultCluster";
inline constexpr std::string_view kDefaultRegion = "DefaultRegion";
inline constexpr std::string_view kOrderTopicNamespace =
    "ORDER_TOPIC_CONFIG";  // Of the NameServer's KV table.
}  // namespace names

// Whether a name is well formed: [%|a-zA-Z0-9_-]+, a topic at most 127 characters (255 for retry and DLQ
// topics), a group at most 120. kInvalidArgument otherwise; its text is the remark of Apache's broker, word
// for word, because tools match it.
Status CheckTopicName(std::string_view topic);
Status CheckGroupName(std::string_view group);

// Topics made by the broker for itself, apart from those named after a broker or cluster.
bool IsSystemTopic(std::string_view topic);
// System topics that clients may not send to (code 16).
bool IsSendForbiddenTopic(std::string_view topic);
// Groups that start with CID_RMQ_SYS_.
bool IsSystemGroup(std::string_view group);
// Groups that exist without being created (mqadmin hides them, brokers always allow them).
bool IsPredefinedGroup(std::string_view group);

inline bool IsRetryTopic(std::string_view topic) { return topic.starts_with(names::kRetryPrefix); }
inline bool IsDlqTopic(std::string_view topic) { return topic.starts_with(names::kDlqPrefix); }
inline bool IsLmqTopic(std::string_view topic) { return topic.starts_with(names::kLmqPrefix); }
std::string RetryTopic(std::string_view group);
std::string DlqTopic(std::string_view group);
std::string ReplyTopic(std::string_view cluster);
// "%RETRY%group_topic" or, in its second form, "%RETRY%group+topic".
std::string PopRetryTopic(std::string_view topic, std::string_view group);
std::string PopRetryTopicV2(std::string_view topic, std::string_view group);
// What follows %RETRY% or %DLQ%; empty when the topic is neither.
std::string_view GroupOfRetryOrDlqTopic(std::string_view topic);

}  // namespace orbitmq
