// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/ids.h"

namespace orbitmq::store {

// The next queue offset of every queue, from which records get theirs. Queues of a topic share its entry: of
// 80,000 idle queues each costs 16 bytes and its part of that.
// Threads: the log executor (recovery fills it before that runs).
class QueueOffsets final {
 public:
  void Set(const QueueKey& queue, QueueOffset next) { Next(queue) = next.value; }
  // Takes `count` offsets and returns the first.
  QueueOffset Take(const QueueKey& queue, int64_t count);
  // Gives back the newest `count`: their records could not be written.
  void GiveBack(const QueueKey& queue, int64_t count) { Next(queue) -= count; }
  void Forget(const std::string& topic) { topics_.erase(topic); }
  void Clear() { topics_.clear(); }

 private:
  struct Entry {
    QueueId id;
    int64_t next;
  };
  // 0 for a queue that was not there.
  int64_t& Next(const QueueKey& queue);

  std::unordered_map<std::string, std::vector<Entry>> topics_;  // Each in the order of ids.
};

}  // namespace orbitmq::store
