// SPDX-License-Identifier: Apache-2.0
#include "store/queue_offsets.h"

#include <algorithm>

namespace orbitmq::store {

int64_t& QueueOffsets::Next(const QueueKey& queue) {
  std::vector<Entry>& queues = topics_[queue.topic];
  // Nearly always queue n is the n-th.
  const auto at = static_cast<size_t>(std::max(0, queue.queue_id));
  if (at < queues.size() && queues[at].id == queue.queue_id) return queues[at].next;
  auto it = std::lower_bound(queues.begin(), queues.end(), queue.queue_id,
                             [](const Entry& entry, QueueId id) { return entry.id < id; });
  if (it == queues.end() || it->id != queue.queue_id) it = queues.insert(it, Entry{queue.queue_id, 0});
  return it->next;
}

QueueOffset QueueOffsets::Take(const QueueKey& queue, int64_t count) {
  int64_t& next = Next(queue);
  const QueueOffset first{next};
  next += count;
  return first;
}

}  // namespace orbitmq::store
