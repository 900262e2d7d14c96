// SPDX-License-Identifier: Apache-2.0
#include "tools/mqadmin/running_info_text.h"

#include <algorithm>

#include "common/strings.h"
#include "tools/mqadmin/java_format.h"
#include "tools/mqadmin/java_text.h"

namespace orbitmq::tools {
namespace {

constexpr int64_t kStuckMs = 60 * 1000;
constexpr int64_t kSettledMs = 120 * 1000;

std::string Property(const proto::ConsumerRunningInfo& info, const std::string& name) {
  const auto at = info.properties.find(name);
  return at == info.properties.end() ? std::string() : at->second;
}

bool IsPush(const proto::ConsumerRunningInfo& info) {
  return Property(info, "PROP_CONSUME_TYPE") == "CONSUME_PASSIVELY";
}

// "yyyyMMddHHmmssSSS" (UtilAll.timeMillisToHumanString).
std::string DigitsOfTime(int64_t epoch_ms) {
  std::string text = HumanMillis(epoch_ms);
  std::erase_if(text, [](char c) { return c < '0' || c > '9'; });
  return text;
}

std::string QueueStateText(const proto::ProcessQueueInfo& queue) {
  return StrCat("ProcessQueueInfo [commitOffset=", queue.commit_offset,
                ", cachedMsgMinOffset=", queue.cached_msg_min_offset,
                ", cachedMsgMaxOffset=", queue.cached_msg_max_offset,
                ", cachedMsgCount=", queue.cached_msg_count,
                ", cachedMsgSizeInMiB=", queue.cached_msg_size_in_mib,
                ", transactionMsgMinOffset=", queue.transaction_msg_min_offset,
                ", transactionMsgMaxOffset=", queue.transaction_msg_max_offset,
                ", transactionMsgCount=", queue.transaction_msg_count, ", locked=", queue.locked,
                ", tryUnlockTimes=", queue.try_unlock_times,
                ", lastLockTimestamp=", DigitsOfTime(queue.last_lock_timestamp), ", droped=", queue.droped,
                ", lastPullTimestamp=", DigitsOfTime(queue.last_pull_timestamp),
                ", lastConsumeTimestamp=", DigitsOfTime(queue.last_consume_timestamp), "]");
}

void Append(std::string& out, std::string_view format, const std::vector<std::string>& arguments) {
  out += JavaFormat(format, arguments);
}

void AppendQueues(const proto::ConsumerRunningInfo& info, std::string& out) {
  constexpr std::string_view kHead = "%-64s  %-32s  %-4s  %-20s%n";
  out += "\n\n#Consumer Offset#\n";
  Append(out, kHead, {"#Topic", "#Broker Name", "#QID", "#Consumer Offset"});
  for (const auto& [queue, state] : info.mq_table) {
    Append(out, "%-32s  %-32s  %-4d  %-20d%n",
           {queue.topic, queue.broker_name, StrCat(queue.queue_id), StrCat(state.commit_offset)});
  }
  out += "\n\n#Consumer MQ Detail#\n";
  Append(out, kHead, {"#Topic", "#Broker Name", "#QID", "#ProcessQueueInfo"});
  for (const auto& [queue, state] : info.mq_table) {
    Append(out, "%-64s  %-32s  %-4d  %s%n",
           {queue.topic, queue.broker_name, StrCat(queue.queue_id), QueueStateText(state)});
  }
  out += "\n\n#Consumer Pop Detail#\n";
  Append(out, "%-32s  %-32s  %-4s  %-20s%n", {"#Topic", "#Broker Name", "#QID", "#ProcessQueueInfo"});
  for (const auto& [queue, state] : info.mq_pop_table) {
    Append(out, "%-32s  %-32s  %-4d  %s%n",
           {queue.topic, queue.broker_name, StrCat(queue.queue_id),
            StrCat("PopProcessQueueInfo [waitAckCount:", state.wait_ack_count, ", droped:", state.droped,
                   ", lastPopTimestamp:", state.last_pop_timestamp, "]")});
  }
}

}  // namespace

std::string RunningInfoText(const proto::ConsumerRunningInfo& info) {
  std::string out = "#Consumer Properties#\n";
  for (const auto& [name, value] : info.properties) Append(out, "%-40s: %s%n", {name, value});
  out += "\n\n#Consumer Subscription#\n";
  int number = 0;
  for (const SubscriptionData& subscription : info.subscription_set) {
    Append(out, "%03d Topic: %-40s ClassFilter: %-8s SubExpression: %s%n",
           {StrCat(++number), subscription.topic, StrCat(subscription.class_filter_mode),
            subscription.sub_string});
  }
  AppendQueues(info, out);
  out += "\n\n#Consumer RT&TPS#\n";
  Append(out, "%-64s  %14s %14s %14s %14s %18s %25s%n",
         {"#Topic", "#Pull RT", "#Pull TPS", "#Consume RT", "#ConsumeOK TPS", "#ConsumeFailed TPS",
          "#ConsumeFailedMsgsInHour"});
  for (const auto& [topic, status] : info.status_table) {
    Append(out, "%-32s  %14s %14s %14s %14s %18s %25d%n",
           {topic, JavaFixed(status.pull_rt, 2), JavaFixed(status.pull_tps, 2),
            JavaFixed(status.consume_rt, 2), JavaFixed(status.consume_ok_tps, 2),
            JavaFixed(status.consume_failed_tps, 2), StrCat(status.consume_failed_msgs)});
  }
  out += "\n\n#User Consume Info#\n";
  for (const auto& [name, value] : info.user_consumer_info) Append(out, "%-40s: %s%n", {name, value});
  if (info.jstack) StrAppend(out, "\n\n#Consumer jstack#\n", *info.jstack);
  return out;
}

bool SameSubscriptions(const std::map<std::string, proto::ConsumerRunningInfo>& members, int64_t now_ms) {
  if (members.empty()) return true;
  const proto::ConsumerRunningInfo& first = members.begin()->second;
  const auto since = ParseInt<int64_t>(Property(first, "PROP_CONSUMER_START_TIMESTAMP"));
  if (!IsPush(first) || !since || now_ms - *since <= kSettledMs) return true;
  const auto texts = [](const proto::ConsumerRunningInfo& info) {
    std::map<std::string, std::string> expressions;
    for (const SubscriptionData& one : info.subscription_set) expressions[one.topic] = one.sub_string;
    return expressions;
  };
  return std::all_of(members.begin(), members.end(),
                     [&](const auto& member) { return texts(member.second) == texts(first); });
}

std::vector<std::string> QueueWarnings(const std::string& client, const proto::ConsumerRunningInfo& info,
                                       int64_t now_ms) {
  std::vector<std::string> warnings;
  if (!IsPush(info)) return warnings;
  const bool orderly = EqualsIgnoreCase(Property(info, "PROP_CONSUMEORDERLY"), "true");
  for (const auto& [queue, state] : info.mq_table) {
    const std::string head = StrCat(client, " ", QueueText(queue));
    const int64_t idle_ms = now_ms - state.last_consume_timestamp;
    if (orderly && !state.locked) {
      warnings.push_back(StrCat(head, " can't lock for a while, ", now_ms - state.last_lock_timestamp, "ms"));
    } else if (orderly && state.droped && state.try_unlock_times > 0) {
      warnings.push_back(StrCat(head, " unlock ", state.try_unlock_times, " times, still failed"));
    } else if (!orderly && idle_ms > kStuckMs && state.cached_msg_count > 0) {
      warnings.push_back(StrCat(head, " can't consume for a while, maybe blocked, ", idle_ms, "ms"));
    }
  }
  return warnings;
}

std::string RetryPolicyText(const proto::GroupRetryPolicy& policy) {
  std::string exponential = "null";
  if (const auto& wait = policy.exponential_retry_policy) {
    exponential = StrCat("ExponentialRetryPolicy{initial=", wait->initial, ", max=", wait->max,
                         ", multiplier=", wait->multiplier, "}");
  }
  std::string customized = "null";
  if (const auto& waits = policy.customized_retry_policy) {
    customized = "CustomizedRetryPolicy{next=[";
    for (size_t i = 0; i < waits->next.size(); ++i) StrAppend(customized, i == 0 ? "" : ", ", waits->next[i]);
    customized += "]}";
  }
  return StrCat("GroupRetryPolicy{type=", proto::EnumName(policy.type),
                ", exponentialRetryPolicy=", exponential, ", customizedRetryPolicy=", customized, "}");
}

std::string GroupText(const proto::SubscriptionGroupConfig& group) {
  return StrCat(
      "SubscriptionGroupConfig{groupName=", group.group_name, ", consumeEnable=", group.consume_enable,
      ", consumeFromMinEnable=", group.consume_from_min_enable,
      ", consumeBroadcastEnable=", group.consume_broadcast_enable,
      ", consumeMessageOrderly=", group.consume_message_orderly, ", retryQueueNums=", group.retry_queue_nums,
      ", retryMaxTimes=", group.retry_max_times,
      ", groupRetryPolicy=", RetryPolicyText(group.group_retry_policy), ", brokerId=", group.broker_id,
      ", whichBrokerWhenConsumeSlowly=", group.which_broker_when_consume_slowly,
      ", notifyConsumerIdsChangedEnable=", group.notify_consumer_ids_changed_enable,
      ", groupSysFlag=", group.group_sys_flag, ", consumeTimeoutMinute=", group.consume_timeout_minute,
      ", subscriptionDataSet=null, attributes=", JavaMapText(group.attributes), "}");
}

}  // namespace orbitmq::tools
