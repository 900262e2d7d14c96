// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <string>

namespace orbitmq {

// One queue of a topic on one broker: the unit of order, of allocation and of offsets. A value type; the
// order (topic, broker, number) is the one in which every client of a group sorts before it allocates.
struct MessageQueue {
  std::string topic;
  std::string broker_name;
  int32_t queue_id = 0;  // 0 and up, below the topic's number of queues on that broker.
  friend auto operator<=>(const MessageQueue&, const MessageQueue&) = default;
};

}  // namespace orbitmq
