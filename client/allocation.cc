// SPDX-License-Identifier: Apache-2.0
#include "client/allocation.h"

#include <algorithm>
#include <cstdint>
#include <map>

#include "client/md5.h"
#include "common/strings.h"

namespace orbitmq::client {
namespace {

constexpr int kVirtualNodes = 10;  // Java's default.

std::vector<MessageQueue> Averagely(const std::vector<MessageQueue>& queues, size_t members, size_t index) {
  const size_t count = queues.size();
  const size_t rest = count % members;
  const bool one_more = rest > 0 && index < rest;
  const size_t size = count <= members ? 1 : count / members + (one_more ? 1 : 0);
  const size_t start = one_more ? index * size : index * size + rest;
  std::vector<MessageQueue> mine;
  for (size_t i = start; i < std::min(count, start + size); ++i) mine.push_back(queues[i]);
  return mine;
}

std::vector<MessageQueue> ByCircle(const std::vector<MessageQueue>& queues, size_t members, size_t index) {
  std::vector<MessageQueue> mine;
  for (size_t i = index; i < queues.size(); i += members) mine.push_back(queues[i]);
  return mine;
}

uint32_t RingHash(std::string_view key) {
  const auto digest = Md5(key);
  return static_cast<uint32_t>(digest[0]) << 24 | static_cast<uint32_t>(digest[1]) << 16 |
         static_cast<uint32_t>(digest[2]) << 8 | digest[3];
}

std::vector<MessageQueue> ByConsistentHash(const std::vector<MessageQueue>& queues,
                                           const std::vector<std::string>& client_ids,
                                           std::string_view client_id) {
  std::map<uint32_t, std::string_view> ring;
  for (const std::string& id : client_ids) {
    // A repeated id gets further nodes, as in Java.
    const auto existing =
        std::count_if(ring.begin(), ring.end(), [&id](const auto& node) { return node.second == id; });
    for (int replica = 0; replica < kVirtualNodes; ++replica) {
      ring[RingHash(StrCat(id, "-", replica + existing))] = id;
    }
  }
  std::vector<MessageQueue> mine;
  for (const MessageQueue& queue : queues) {
    auto owner = ring.lower_bound(RingHash(StrCat("MessageQueue [topic=", queue.topic, ", brokerName=",
                                                  queue.broker_name, ", queueId=", queue.queue_id, "]")));
    if (owner == ring.end()) owner = ring.begin();
    if (owner->second == client_id) mine.push_back(queue);
  }
  return mine;
}

}  // namespace

std::vector<MessageQueue> Allocate(AllocationStrategy strategy, std::vector<MessageQueue> queues,
                                   std::vector<std::string> client_ids, std::string_view client_id) {
  std::sort(queues.begin(), queues.end());
  std::sort(client_ids.begin(), client_ids.end());
  const auto me = std::find(client_ids.begin(), client_ids.end(), client_id);
  if (me == client_ids.end()) return {};
  const auto index = static_cast<size_t>(me - client_ids.begin());
  switch (strategy) {
    case AllocationStrategy::kAveragely:
      return Averagely(queues, client_ids.size(), index);
    case AllocationStrategy::kAveragelyByCircle:
      return ByCircle(queues, client_ids.size(), index);
    case AllocationStrategy::kConsistentHash:
      return ByConsistentHash(queues, client_ids, client_id);
  }
  return {};
}

std::string_view AllocationName(AllocationStrategy strategy) {
  switch (strategy) {
    case AllocationStrategy::kAveragely:
      return "AVG";
    case AllocationStrategy::kAveragelyByCircle:
      return "AVG_BY_CIRCLE";
    case AllocationStrategy::kConsistentHash:
      return "CONSISTENT_HASH";
  }
  return "AVG";
}

}  // namespace orbitmq::client
