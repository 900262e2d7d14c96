// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/broker_health.h"
#include "client/route_cache.h"
#include "common/random.h"
#include "orbitmq/message_queue.h"

namespace orbitmq::client {

// Round robin over a topic's queues that avoids the broker of the last failed try (client.md 2.3). It begins
// at a random queue, so that many producers do not start on the same one. Threads: owned by the client's
// loop.
class QueueRotation final {
 public:
  explicit QueueRotation(Random& random) : next_(static_cast<uint32_t>(random.Next())) {}

  struct Avoid {
    std::string_view last_broker;          // Empty on the first try.
    const BrokerHealth* health = nullptr;  // Null: latency fault avoidance is off.
    MonoTime now;
    const RouteCache* routes = nullptr;  // Brokers without a master there are passed over; null: none are.
  };
  // The index of the queue to use; nullopt when there is none.
  std::optional<size_t> Next(const std::vector<MessageQueue>& queues, const Avoid& avoid);

 private:
  template <class Wanted>
  std::optional<size_t> Find(const std::vector<MessageQueue>& queues, Wanted wanted);
  uint32_t next_;
};

// Java's SelectMessageQueueByHash: the key's String.hashCode, remainder, then the absolute value.
size_t QueueIndexOfKey(std::string_view key, size_t queue_count);

}  // namespace orbitmq::client
