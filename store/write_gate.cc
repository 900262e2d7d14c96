// SPDX-License-Identifier: Apache-2.0
#include "store/write_gate.h"

namespace orbitmq::store {

Status WriteGate::Check() const {
  const uint32_t bits = bits_.load(std::memory_order_acquire);
  if (bits == 0) [[likely]]
    return {};
  const MutexLock lock(mutex_);
  if ((bits & kFailed) != 0) return failure_;
  if ((bits & kClosing) != 0) return {StatusCode::kFailedPrecondition, "the message store is shutting down"};
  return disk_full_;
}

void WriteGate::Fail(const Status& why) {
  const MutexLock lock(mutex_);
  if ((bits_.load(std::memory_order_relaxed) & kFailed) != 0) return;
  failure_ = why.Annotate("the message store stopped for good, restart the broker after repair").WithFatal();
  bits_.fetch_or(kFailed, std::memory_order_release);
}

Status WriteGate::failure() const {
  const MutexLock lock(mutex_);
  return failure_;
}

void WriteGate::SetDiskFull(const Status& why) {
  const MutexLock lock(mutex_);
  disk_full_ = why;
  bits_.fetch_or(kDiskFull, std::memory_order_release);
}

void WriteGate::ClearDiskFull() {
  const MutexLock lock(mutex_);
  bits_.fetch_and(~kDiskFull, std::memory_order_release);
  disk_full_ = {};
}

void WriteGate::SetClosing() { bits_.fetch_or(kClosing, std::memory_order_release); }

}  // namespace orbitmq::store
