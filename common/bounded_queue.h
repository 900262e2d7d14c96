// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <utility>
#include <vector>

#include "common/mutex.h"

namespace orbitmq {

// A queue of many producers and one consumer, bounded by items and by bytes, drained in batches. On full it
// refuses: the producer sees it at once and tells its caller (kBusy). One item larger than the byte bound is
// taken when the queue is empty, so that it cannot wait for ever.
// Threads: any; the consumer is woken by a Pulse of its own.
template <class T>
class BoundedQueue final {
 public:
  struct Limits {
    size_t count_max = 0;
    size_t bytes_max = 0;
  };
  explicit BoundedQueue(Limits limits) : limits_(limits) {}
  BoundedQueue(const BoundedQueue&) = delete;
  BoundedQueue& operator=(const BoundedQueue&) = delete;

  // False when full or closed; `item` is moved from only on success.
  [[nodiscard]] bool TryPush(T&& item, size_t bytes) {
    const MutexLock lock(mutex_);
    if (closed_ || items_.size() >= limits_.count_max) return false;
    if (!items_.empty() && (bytes_ >= limits_.bytes_max || bytes > limits_.bytes_max - bytes_)) return false;
    items_.push_back({std::move(item), bytes});
    bytes_ += bytes;
    return true;
  }

  // The oldest items, in order, at most `count_max`.
  std::vector<T> Drain(size_t count_max) {
    std::vector<T> batch;
    const MutexLock lock(mutex_);
    const size_t count = std::min(count_max, items_.size());
    batch.reserve(count);
    for (size_t i = 0; i < count; ++i) {
      bytes_ -= items_.front().bytes;
      batch.push_back(std::move(items_.front().item));
      items_.pop_front();
    }
    return batch;
  }

  // Refuses from now on; what is inside can still be drained.
  void Close() {
    const MutexLock lock(mutex_);
    closed_ = true;
  }
  size_t size() const {
    const MutexLock lock(mutex_);
    return items_.size();
  }
  size_t bytes() const {
    const MutexLock lock(mutex_);
    return bytes_;
  }
  bool empty() const { return size() == 0; }

 private:
  struct Entry {
    T item;
    size_t bytes;
  };
  const Limits limits_;
  mutable Mutex mutex_;
  std::deque<Entry> items_ ORBITMQ_GUARDED_BY(mutex_);
  size_t bytes_ ORBITMQ_GUARDED_BY(mutex_) = 0;
  bool closed_ ORBITMQ_GUARDED_BY(mutex_) = false;
};

}  // namespace orbitmq
