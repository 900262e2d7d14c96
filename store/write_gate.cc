// SPDX-License-Identifier: Apache-2.0
#include "store/write_gate.h"

#include "common/strings.h"

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
  Status failure;
  {
    const MutexLock lock(mutex_);
    if ((bits_.load(std::memory_order_relaxed) & kFailed) != 0) return;
    failure = failure_ =
        why.Annotate("the message store stopped for good, restart the broker after repair").WithFatal();
    bits_.fetch_or(kFailed, std::memory_order_release);
  }
  log_.Error("the message store takes no more writes; reading goes on", {{"why", failure.ToString()}});
}

Status WriteGate::failure() const {
  const MutexLock lock(mutex_);
  return failure_;
}

void WriteGate::SetDiskFull(const Status& why, Cause cause) {
  Status full = why;
  if (cause == Cause::kRefusedByDisk) {
    full = Status(StatusCode::kResourceExhausted,
                  StrCat("the disk is full: ", why.text(), space_ ? "; " : "", space_ ? space_() : ""))
               .WithRetriable(true);
  }
  bool first = false;
  {
    const MutexLock lock(mutex_);
    disk_full_ = full;
    first = (bits_.fetch_or(kDiskFull, std::memory_order_release) & kDiskFull) == 0;
  }
  if (first) log_.Error("writes are refused", {{"status", full.ToString()}});
}

void WriteGate::ClearDiskFull() {
  {
    const MutexLock lock(mutex_);
    if ((bits_.fetch_and(~kDiskFull, std::memory_order_release) & kDiskFull) == 0) return;
    disk_full_ = {};
  }
  log_.Info("writes are accepted again");
}

void WriteGate::SetClosing() { bits_.fetch_or(kClosing, std::memory_order_release); }

}  // namespace orbitmq::store
