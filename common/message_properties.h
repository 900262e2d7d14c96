// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "orbitmq/result.h"

namespace orbitmq {

// The property string of a message: "name 0x01 value 0x02" repeated, where the last 0x02 may be missing
// (remoting.md 4.5). There is no escaping. Reading follows Java: pieces between 0x02 that have no name or no
// value are passed over, and of two pieces with one name the last one counts.
inline constexpr char kPropertyNameEnd = '\x01';
inline constexpr char kPropertyEnd = '\x02';

// Names with a meaning (Apache's MessageConst). Users may not set them (IsReservedProperty).
namespace property {
inline constexpr std::string_view kKeys = "KEYS";
inline constexpr std::string_view kTags = "TAGS";
inline constexpr std::string_view kWaitStoreMsgOk = "WAIT";
inline constexpr std::string_view kDelayTimeLevel = "DELAY";
inline constexpr std::string_view kRetryTopic = "RETRY_TOPIC";
inline constexpr std::string_view kRealTopic = "REAL_TOPIC";
inline constexpr std::string_view kRealQueueId = "REAL_QID";
inline constexpr std::string_view kTransactionPrepared = "TRAN_MSG";
inline constexpr std::string_view kProducerGroup = "PGROUP";
inline constexpr std::string_view kMinOffset = "MIN_OFFSET";
inline constexpr std::string_view kMaxOffset = "MAX_OFFSET";
inline constexpr std::string_view kBuyerId = "BUYER_ID";
inline constexpr std::string_view kOriginMessageId = "ORIGIN_MESSAGE_ID";
inline constexpr std::string_view kTransferFlag = "TRANSFER_FLAG";
inline constexpr std::string_view kCorrectionFlag = "CORRECTION_FLAG";
inline constexpr std::string_view kMq2Flag = "MQ2_FLAG";
inline constexpr std::string_view kReconsumeTime = "RECONSUME_TIME";
inline constexpr std::string_view kMsgRegion = "MSG_REGION";
inline constexpr std::string_view kTraceSwitch = "TRACE_ON";
inline constexpr std::string_view kUniqueKey = "UNIQ_KEY";
inline constexpr std::string_view kExtendUniqueInfo = "EXTEND_UNIQ_INFO";
inline constexpr std::string_view kMaxReconsumeTimes = "MAX_RECONSUME_TIMES";
inline constexpr std::string_view kConsumeStartTime = "CONSUME_START_TIME";
inline constexpr std::string_view kInnerNum = "INNER_NUM";
inline constexpr std::string_view kInnerBase = "INNER_BASE";
inline constexpr std::string_view kDupInfo = "DUP_INFO";
inline constexpr std::string_view kCheckImmunityTime = "CHECK_IMMUNITY_TIME_IN_SECONDS";
inline constexpr std::string_view kTransactionPreparedQueueOffset = "TRAN_PREPARED_QUEUE_OFFSET";
inline constexpr std::string_view kTransactionId = "__transactionId__";
inline constexpr std::string_view kTransactionCheckTimes = "TRANSACTION_CHECK_TIMES";
inline constexpr std::string_view kInstanceId = "INSTANCE_ID";
inline constexpr std::string_view kCorrelationId = "CORRELATION_ID";
inline constexpr std::string_view kReplyToClient = "REPLY_TO_CLIENT";
inline constexpr std::string_view kTtl = "TTL";
inline constexpr std::string_view kArriveTime = "ARRIVE_TIME";
inline constexpr std::string_view kPushReplyTime = "PUSH_REPLY_TIME";
inline constexpr std::string_view kCluster = "CLUSTER";
inline constexpr std::string_view kMessageType = "MSG_TYPE";
inline constexpr std::string_view kPopCk = "POP_CK";
inline constexpr std::string_view kPopCkOffset = "POP_CK_OFFSET";
inline constexpr std::string_view kFirstPopTime = "1ST_POP_TIME";
inline constexpr std::string_view kShardingKey = "__SHARDINGKEY";
inline constexpr std::string_view kForwardQueueId = "PROPERTY_FORWARD_QUEUE_ID";
inline constexpr std::string_view kRedirect = "REDIRECT";
inline constexpr std::string_view kInnerMultiDispatch = "INNER_MULTI_DISPATCH";
inline constexpr std::string_view kInnerMultiQueueOffset = "INNER_MULTI_QUEUE_OFFSET";
inline constexpr std::string_view kTraceContext = "TRACE_CONTEXT";
inline constexpr std::string_view kTimerDelaySec = "TIMER_DELAY_SEC";
inline constexpr std::string_view kTimerDelayMs = "TIMER_DELAY_MS";
inline constexpr std::string_view kTimerDeliverMs = "TIMER_DELIVER_MS";
inline constexpr std::string_view kTimerOutMs = "TIMER_OUT_MS";
inline constexpr std::string_view kTimerEnqueueMs = "TIMER_ENQUEUE_MS";
inline constexpr std::string_view kTimerDequeueMs = "TIMER_DEQUEUE_MS";
inline constexpr std::string_view kTimerRollTimes = "TIMER_ROLL_TIMES";
inline constexpr std::string_view kTimerDelayLevel = "TIMER_DELAY_LEVEL";
inline constexpr std::string_view kTimerDelUniqueKey = "TIMER_DEL_UNIQKEY";
inline constexpr std::string_view kStartDeliverTime = "__STARTDELIVERTIME";
inline constexpr std::string_view kBornHost = "__BORNHOST";
inline constexpr std::string_view kBornTimestamp = "BORN_TIMESTAMP";
inline constexpr std::string_view kDlqOriginTopic = "DLQ_ORIGIN_TOPIC";
inline constexpr std::string_view kDlqOriginMessageId = "DLQ_ORIGIN_MESSAGE_ID";
inline constexpr std::string_view kCrc32 = "__CRC32#";
inline constexpr std::string_view kTransientPrefix = "__RMQ.TRANSIENT.";  // Never stored.
inline constexpr char kKeySeparator = ' ';                                // Between the keys in KEYS.
}  // namespace property

struct PropertyEntry {
  std::string_view name;
  std::string_view value;
};

// Walks the entries that Java would see, in order, without allocating. Views point into the string.
class PropertyCursor final {
 public:
  explicit PropertyCursor(std::string_view properties) : rest_(properties) {}
  std::optional<PropertyEntry> Next();

 private:
  std::string_view rest_;
};

// The value that counts, or nothing. `name` is not empty. Does not allocate.
std::optional<std::string_view> FindProperty(std::string_view properties, std::string_view name);

using PropertyMap = std::map<std::string, std::string, std::less<>>;
PropertyMap PropertiesToMap(std::string_view properties);
// With the last separator. Entries with an empty name or value are left out: no reader would see them.
std::string PropertiesFromMap(const PropertyMap& map);

// All of these edit the string in place; names and values must have passed CheckProperty.
// Append adds a missing separator first, and does not look for an older entry of that name.
void AppendProperty(std::string& properties, std::string_view name, std::string_view value);
// Removes every entry of that name, then appends.
void SetProperty(std::string& properties, std::string_view name, std::string_view value);
void RemoveProperty(std::string& properties, std::string_view name);
void RemoveProperties(std::string& properties, std::span<const std::string_view> names);

// kInvalidArgument when the name or value is empty or contains one of the two separators.
Status CheckProperty(std::string_view name, std::string_view value);
bool IsReservedProperty(std::string_view name);
// CheckProperty, and the name is not reserved.
Status CheckUserProperty(std::string_view name, std::string_view value);

}  // namespace orbitmq
