// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>

#include "common/clock.h"
#include "common/executor.h"
#include "common/log.h"
#include "common/pulse.h"
#include "store/append_stage.h"
#include "store/commit_log.h"
#include "store/commit_waiters.h"
#include "store/write_gate.h"

namespace orbitmq::store {

// Makes the log durable: under SYNC_FLUSH as soon as something was appended, under ASYNC_FLUSH every
// flush_interval or when somebody waits. While one fdatasync runs the next batch forms; the next one covers
// it. Under SYNC_FLUSH its executor is the log's own: whoever wrote a batch syncs it at once, which saves two
// hops between threads for every one that waits (decision 0019).
//
// Threads: Signal from any; the rest on the flush executor. Invariant: `flushed` is raised after fdatasync
// returned, never before; after a failed one it is never raised again (fail-stop).
class Flusher final {
 public:
  struct Parts {
    Clock& clock;
    Logger& log;
    Executor& flush_executor;
    CommitLog& commit_log;
    CommitWaiters& waiters;
    WriteGate& gate;
    StageWatch* stages;  // Null when appends do not wait for syncs.
    const StoreOptions& options;
    Task on_flushed;  // `flushed` may have risen, or flushing failed.
  };
  explicit Flusher(Parts parts);

  void Start();  // Arms the interval timer.
  void Signal() { pulse_.Signal(); }
  // Something was appended: flush now only if the mode or a waiter asks for it.
  void SignalAppended();
  // Flushes up to `to` if that is not done yet, then runs `then` on the flush executor (also after a failure:
  // the gate tells).
  void FlushTo(LogOffset to, Task then);
  // Flushes what is appended by then.
  void FlushAll(Task then) { FlushTo({INT64_MAX}, std::move(then)); }
  int64_t flush_count() const { return flush_count_.load(std::memory_order_relaxed); }

 private:
  Progress Step();
  bool Flush(LogOffset from, LogOffset to);
  void ArmTimer();

  Parts parts_;
  std::atomic<int64_t> flush_count_{0};
  Timer timer_;
  Pulse pulse_;
};

}  // namespace orbitmq::store
