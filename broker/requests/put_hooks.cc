// SPDX-License-Identifier: Apache-2.0
#include "broker/requests/put_hooks.h"

#include <algorithm>
#include <string_view>

#include "common/message_properties.h"
#include "common/names.h"
#include "common/strings.h"
#include "common/sys_flag.h"
#include "remoting/protocol/codes.h"

namespace orbitmq::broker {
namespace {

bool IsTrue(std::optional<std::string_view> text) { return text && EqualsIgnoreCase(*text, "true"); }

}  // namespace

int32_t DelayLevelOf(std::string_view properties) {
  const auto text = FindProperty(properties, property::kDelayTimeLevel);
  if (!text) return 0;
  return ParseInt<int32_t>(*text).value_or(0);
}

std::optional<PutRefusal> RefuseTransaction(PutMessage& message, const PutContext& context) {
  // Clients before 4.6.1 leave TRAN_MSG in retries (the exception is Apache's).
  const bool old_retry = message.reconsume_times > 0 && DelayLevelOf(message.properties) > 0;
  const bool prepared =
      IsTrue(FindProperty(message.properties, property::kTransactionPrepared)) && !old_retry;
  const auto type = TransactionTypeOf(message.sys_flag);
  if (!prepared && (type == TransactionType::kNone || old_retry)) return std::nullopt;
  return PutRefusal{proto::ResponseCode::kNoPermission,
                    StrCat("the broker[", context.broker_ip, "] sending transaction message is forbidden")};
}

std::optional<PutRefusal> RefuseInnerBatch(PutMessage& message, const PutContext&) {
  const bool flagged = (message.sys_flag & (sys_flag::kInnerBatch | sys_flag::kNeedUnwrap)) != 0;
  if (!flagged && !FindProperty(message.properties, property::kInnerNum)) return std::nullopt;
  return PutRefusal{proto::ResponseCode::kMessageIllegal,
                    "the message is an inner batch, and no topic here has queue.type=BatchCQ"};
}

std::optional<PutRefusal> RefuseTimer(PutMessage& message, const PutContext&) {
  constexpr std::string_view kTimes[] = {property::kTimerDelaySec, property::kTimerDelayMs,
                                         property::kTimerDeliverMs};
  // A delay level wins over a time, and the time is forgotten, as in Apache.
  const bool level = DelayLevelOf(message.properties) > 0;
  for (std::string_view name : kTimes) {
    if (!FindProperty(message.properties, name)) continue;
    if (level) {
      RemoveProperty(message.properties, name);
      continue;
    }
    return PutRefusal{
        proto::ResponseCode::kMessageIllegal,
        StrCat("timer message illegal: property ", name,
               " asks for a delivery time, which this broker does not support yet; use a delay level")};
  }
  if (FindProperty(message.properties, property::kTimerDelUniqueKey)) {
    return PutRefusal{proto::ResponseCode::kMessageIllegal,
                      "timer message illegal: recalling messages is not supported yet"};
  }
  return std::nullopt;
}

std::optional<PutRefusal> RouteDelayed(PutMessage& message, const PutContext& context) {
  const int32_t level = DelayLevelOf(message.properties);
  if (level <= 0) return std::nullopt;
  const int32_t capped = std::min(level, context.delay_level_max);
  if (capped != level) SetProperty(message.properties, property::kDelayTimeLevel, StrCat(capped));
  SetProperty(message.properties, property::kRealTopic, message.topic);
  SetProperty(message.properties, property::kRealQueueId, StrCat(message.queue_id));
  message.topic = names::kScheduleTopic;
  message.queue_id = capped - 1;
  return std::nullopt;
}

bool MayConcernHooks(const PutMessage& message) {
  return TransactionTypeOf(message.sys_flag) != TransactionType::kNone ||
         (message.sys_flag & (sys_flag::kInnerBatch | sys_flag::kNeedUnwrap)) != 0;
}

std::optional<PutRefusal> RunPutHooks(std::span<const PutHook> hooks, PutMessage& message,
                                      const PutContext& context) {
  for (const PutHook hook : hooks) {
    if (auto refusal = hook(message, context)) return refusal;
  }
  return std::nullopt;
}

}  // namespace orbitmq::broker
