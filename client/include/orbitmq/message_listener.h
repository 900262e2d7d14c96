// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>

#include "orbitmq/message_queue.h"
#include "orbitmq/received_message.h"

namespace orbitmq {

enum class ConsumeResult : uint8_t {
  kSuccess,         // Done with the messages; their offsets may be committed.
  kReconsumeLater,  // Deliver them again later (a growing delay), to this group only; see ConsumeContext.
};

// What a listener knows and may decide about the messages of one call.
struct ConsumeContext {
  // The queue that all messages of the call come from.
  const MessageQueue& queue;
  // For what is given back: 0 = the broker decides (10 s, 30 s, 1 m, ... by the number of tries), 1..18 =
  // this delay level, -1 = no further try, straight to the dead letter queue.
  int32_t delay_level = 0;
  // With kSuccess: only the first `acked_count` messages are done, the others are given back. Counts above
  // the number of messages mean all.
  size_t acked_count = std::numeric_limits<size_t>::max();
};

// Called with 1..PushConsumerOptions::consume_batch_size messages of one queue, in the order of their
// offsets; calls for the same queue run in parallel, so no order between calls is promised.
//
// Threads: on one of the consumer's own threads, up to consume_threads at a time. It may block, call any
// method of the SDK (Producer::Send and Shutdown of its own consumer included), and should be idempotent:
// delivery is at least once. An exception that leaves it is caught, logged and counts as kReconsumeLater.
using MessageListener =
    std::function<ConsumeResult(std::span<const ReceivedMessage> messages, ConsumeContext& context)>;

}  // namespace orbitmq
