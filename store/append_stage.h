// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <iterator>
#include <string_view>

#include "common/clock.h"
#include "common/metrics.h"
#include "common/mutex.h"

namespace orbitmq::store {

// What an append waits for.
enum class AppendStage : uint8_t {
  kQueue,     // Its turn: the log is busy with those before it.
  kWrite,     // The write of a batch into the log.
  kSync,      // fdatasync (SYNC_FLUSH, where one thread writes and syncs).
  kDisk,      // The next log file, which the disk executor makes.
  kDispatch,  // Queues and index are too far behind the log.
};
inline constexpr AppendStage kAppendStages[] = {AppendStage::kQueue, AppendStage::kWrite, AppendStage::kSync,
                                                AppendStage::kDisk, AppendStage::kDispatch};
std::string_view NameOf(AppendStage stage);

// Knows which stage holds appends up, so that a refusal can name it.
//
// Threads: Enter on the log executor, Slowest on any.
class StageWatch final {
 public:
  void Enter(AppendStage stage, MonoTime now);

  struct Slow {
    AppendStage stage = AppendStage::kQueue;
    Duration took{};
  };
  // The stage that took longest of those that ended after `since` or run now.
  Slow Slowest(MonoTime since, MonoTime now) const;
  // How long each stay in the stage took, microseconds; of kQueue nothing, for that is also the idle time.
  const Histogram& Times(AppendStage stage) const { return times_us_[static_cast<size_t>(stage)]; }

 private:
  mutable Mutex mutex_;
  AppendStage stage_ ORBITMQ_GUARDED_BY(mutex_) = AppendStage::kQueue;
  MonoTime entered_ ORBITMQ_GUARDED_BY(mutex_){};
  Slow last_ ORBITMQ_GUARDED_BY(mutex_);
  MonoTime last_ended_ ORBITMQ_GUARDED_BY(mutex_){};
  std::array<Histogram, std::size(kAppendStages)> times_us_;
};

}  // namespace orbitmq::store
