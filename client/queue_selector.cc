// SPDX-License-Identifier: Apache-2.0
#include "client/queue_selector.h"

#include "common/java_hash.h"

namespace orbitmq::client {

template <class Wanted>
std::optional<size_t> QueueRotation::Find(const std::vector<MessageQueue>& queues, Wanted wanted) {
  for (size_t tries = 0; tries < queues.size(); ++tries) {
    const size_t index = next_++ % queues.size();
    if (wanted(queues[index])) return index;
  }
  return std::nullopt;
}

std::optional<size_t> QueueRotation::Next(const std::vector<MessageQueue>& queues, const Avoid& avoid) {
  const auto usable = [&avoid](const MessageQueue& q) {
    return avoid.routes == nullptr || avoid.routes->HasMaster(q.broker_name);
  };
  const auto other_broker = [&](const MessageQueue& q) {
    return q.broker_name != avoid.last_broker && usable(q);
  };
  if (avoid.health != nullptr) {
    const auto found = Find(queues, [&](const MessageQueue& q) {
      return other_broker(q) && avoid.health->Available(q.broker_name, avoid.now);
    });
    if (found) return found;
  }
  if (const auto found = Find(queues, other_broker)) return found;
  return Find(queues, usable);
}

size_t QueueIndexOfKey(std::string_view key, size_t queue_count) {
  const int64_t remainder = int64_t{JavaStringHash(key)} % static_cast<int64_t>(queue_count);
  return static_cast<size_t>(remainder < 0 ? -remainder : remainder);
}

}  // namespace orbitmq::client
