// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "common/ids.h"

namespace orbitmq::broker {

// A message on its way into the store, as far as hooks may look at or change it.
struct PutMessage {
  std::string topic;
  QueueId queue_id = 0;
  std::string properties;
  int32_t sys_flag = 0;
  int32_t reconsume_times = 0;
};

// Why a message is not taken; code and text go to the producer.
struct PutRefusal {
  int32_t code = 0;
  std::string remark;
};

struct PutContext {
  std::string_view broker_ip;  // For the texts that Apache's clients and operators know.
  int32_t delay_level_max = 18;
};

// Looks at a message, may change it, may refuse it. In the order of the lists below, like the put hooks of
// Apache's store.
using PutHook = std::optional<PutRefusal> (*)(PutMessage& message, const PutContext& context);

std::optional<PutRefusal> RefuseTransaction(PutMessage& message, const PutContext& context);
std::optional<PutRefusal> RefuseInnerBatch(PutMessage& message, const PutContext& context);
std::optional<PutRefusal> RefuseTimer(PutMessage& message, const PutContext& context);
// DELAY=n moves the message into queue n-1 of the schedule topic and remembers where it is to go
// (store.md 5.1).
std::optional<PutRefusal> RouteDelayed(PutMessage& message, const PutContext& context);

// For what a client sends.
inline constexpr PutHook kSendHooks[] = {RefuseTransaction, RefuseInnerBatch, RefuseTimer, RouteDelayed};
// For what a consumer sends back: it was accepted once.
inline constexpr PutHook kSendBackHooks[] = {RouteDelayed};

// Whether a hook looks at more of a message than these properties: DELAY, INNER_NUM, TRAN_MSG and TIMER_*.
// Without any of them and with false from here all hooks let it pass unchanged.
bool MayConcernHooks(const PutMessage& message);

std::optional<PutRefusal> RunPutHooks(std::span<const PutHook> hooks, PutMessage& message,
                                      const PutContext& context);

// The DELAY property as Java reads it: 0 when absent; a text that is no number is 0 too.
int32_t DelayLevelOf(std::string_view properties);

}  // namespace orbitmq::broker
