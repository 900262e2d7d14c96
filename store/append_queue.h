// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>

#include "common/bounded_queue.h"
#include "common/executor.h"
#include "common/pulse.h"
#include "store/log_writer.h"

namespace orbitmq::store {

// Where appends wait for the log. Who drains it is decided here and nowhere else: today the log executor, in
// batches; an appender that finds the log free could become its leader instead.
//
// Threads: Push from any; the rest on the log executor.
class AppendQueue final {
 public:
  struct Parts {
    Clock& clock;
    Executor& log_executor;
    LogWriter& writer;
    WriteGate& gate;
    const StoreOptions& options;
    Task on_appended;      // `appended` may have risen, or waiters were added.
    Task on_need_segment;  // Make the spare segment, then call Signal.
  };
  explicit AppendQueue(Parts parts);

  void Push(AppendRequest request);
  void Signal() { pulse_.Signal(); }
  // Nothing waits and nothing is being placed. Threads: any.
  bool drained() const { return waiting_.load(std::memory_order_acquire) == 0; }
  int64_t bytes() const { return static_cast<int64_t>(queue_.bytes()); }

 private:
  Progress Step();

  Parts parts_;
  BoundedQueue<PendingAppend> queue_;
  std::deque<PendingAppend> batch_;
  std::atomic<int64_t> waiting_{0};
  Pulse pulse_;
};

}  // namespace orbitmq::store
