// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <utility>

#include "common/log.h"
#include "common/mutex.h"
#include "common/task.h"
#include "orbitmq/status.h"

namespace orbitmq::store {

// Says whether the store takes writes, and if not, why: the one place where "disk full", "failed for good"
// and "closing" meet. Writes both of the former into the log.
//
// Threads: any. Invariant: Fail is for ever; the first reason stays.
class WriteGate final {
 public:
  // `space` tells path, use and limit of the disk; it is called when a disk is found full, on the thread that
  // did.
  explicit WriteGate(Logger& log = NullLogger(), UniqueFunction<std::string()> space = {})
      : log_(log), space_(std::move(space)) {}

  // OK = writable. One atomic load when it is.
  Status Check() const;

  // A failed sync or write: what is on the disk is unknown, nothing is acknowledged any more (fail-stop).
  void Fail(const Status& why);
  bool failed() const { return (bits_.load(std::memory_order_acquire) & kFailed) != 0; }
  Status failure() const;

  // `why` is what the disk or the watch of it said; path, use and limit are added unless it tells them.
  enum class Cause : uint8_t { kRefusedByDisk, kAboveLimit };
  void SetDiskFull(const Status& why, Cause cause = Cause::kRefusedByDisk);
  void ClearDiskFull();
  bool disk_full() const { return (bits_.load(std::memory_order_acquire) & kDiskFull) != 0; }

  void SetClosing();
  bool closing() const { return (bits_.load(std::memory_order_acquire) & kClosing) != 0; }

 private:
  static constexpr uint32_t kFailed = 1;
  static constexpr uint32_t kDiskFull = 2;
  static constexpr uint32_t kClosing = 4;

  Logger& log_;
  UniqueFunction<std::string()> space_;
  std::atomic<uint32_t> bits_{0};
  mutable Mutex mutex_;
  Status failure_ ORBITMQ_GUARDED_BY(mutex_);
  Status disk_full_ ORBITMQ_GUARDED_BY(mutex_);
};

}  // namespace orbitmq::store
