// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>

#include "common/mutex.h"
#include "orbitmq/status.h"

namespace orbitmq::store {

// Says whether the store takes writes, and if not, why: the one place where "disk full", "failed for good"
// and "closing" meet.
//
// Threads: any. Invariant: Fail is for ever; the first reason stays.
class WriteGate final {
 public:
  // OK = writable. One atomic load when it is.
  Status Check() const;

  // A failed sync or write: what is on the disk is unknown, nothing is acknowledged any more (fail-stop).
  void Fail(const Status& why);
  bool failed() const { return (bits_.load(std::memory_order_acquire) & kFailed) != 0; }
  Status failure() const;

  void SetDiskFull(const Status& why);
  void ClearDiskFull();
  bool disk_full() const { return (bits_.load(std::memory_order_acquire) & kDiskFull) != 0; }

  void SetClosing();
  bool closing() const { return (bits_.load(std::memory_order_acquire) & kClosing) != 0; }

 private:
  static constexpr uint32_t kFailed = 1;
  static constexpr uint32_t kDiskFull = 2;
  static constexpr uint32_t kClosing = 4;

  std::atomic<uint32_t> bits_{0};
  mutable Mutex mutex_;
  Status failure_ ORBITMQ_GUARDED_BY(mutex_);
  Status disk_full_ ORBITMQ_GUARDED_BY(mutex_);
};

}  // namespace orbitmq::store
