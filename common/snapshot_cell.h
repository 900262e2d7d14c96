// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <mutex>
#include <utility>

namespace orbitmq {

// Holds the current immutable snapshot of something that one executor changes and everybody reads.
// The lock covers copying one pointer; std::atomic<std::shared_ptr> would do the same with a hidden lock that
// race detectors do not understand.
//
// Threads: any.
template <class T>
class SnapshotCell final {
 public:
  SnapshotCell() : snapshot_(std::make_shared<const T>()) {}
  explicit SnapshotCell(std::shared_ptr<const T> first) : snapshot_(std::move(first)) {}

  std::shared_ptr<const T> Load() const {
    std::lock_guard lock(mutex_);
    return snapshot_;
  }
  void Store(std::shared_ptr<const T> next) {
    {
      std::lock_guard lock(mutex_);
      snapshot_.swap(next);
    }
    // The old snapshot dies here, outside of the lock.
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const T> snapshot_;
};

}  // namespace orbitmq
