// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <vector>

#include "common/executor.h"
#include "common/mutex.h"
#include "common/pulse.h"
#include "store/append_stage.h"
#include "store/log_writer.h"

namespace orbitmq::store {

// Where appends wait for the log. Who drains it is decided here and nowhere else: the log executor, in
// batches (decision 0019 has the measurements against a leader among the appenders).
//
// Back-pressure is by bytes and by age. An append is refused at once when too much waits already, or when the
// oldest one has waited too long, which means that the log stands still: append_queue_age_max when the queue
// is full, kEmptyAges times as long when it is nearly empty, so that a short stall of the disk refuses nobody
// while there is room. One that was accepted is written, unless it waited for kServedAges times that age:
// then its sender has gone.
//
// Threads: Push from any; Step on the log executor, RefuseStale on the expiry executor.
class AppendQueue final {
 public:
  struct Parts {
    Clock& clock;
    Executor& log_executor;
    // Answers those that wait too long while the log executor is held up.
    Executor& expiry_executor;
    CommitLog& commit_log;
    LogWriter& writer;
    WriteGate& gate;
    StageWatch& stages;
    const StoreOptions& options;
    Task on_appended;      // `appended` may have risen, or waiters were added.
    Task on_need_segment;  // The spare segment is used up: make the next one, then call Signal.
  };
  explicit AppendQueue(Parts parts);

  void Push(AppendRequest request);
  // While it is closed it takes nothing: what was accepted before counts in drained(), what comes later is
  // refused, with no moment between. A follower's is closed from the beginning. Threads: any.
  void Close();
  void Open();
  // Apache's words; nothing but the master's stream may come into a follower's log.
  static Status RefusalOfFollower();
  void Signal() { pulse_.Signal(); }
  // `dispatched` rose. Threads: any.
  void OnDispatched() {
    if (held_by_dispatch_.load()) Signal();
  }
  // Nothing waits and nothing is being placed. Threads: any.
  bool drained() const { return waiting_.load(std::memory_order_acquire) == 0; }
  // Of what waits or is being placed.
  int64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  int64_t refused_count() const { return refused_count_.load(std::memory_order_relaxed); }
  // How often the log had to wait for its next file.
  bool waits_for_segment() const { return waits_for_segment_.load(); }
  int64_t segment_waits() const { return segment_waits_.load(std::memory_order_relaxed); }

  static constexpr int kEmptyAges = 10;
  static constexpr int kServedAges = 12;

 private:
  Progress Step();
  // How old the oldest may be, as full as the queue is now.
  Duration AgeLimit() const;
  bool HeldByDispatch();
  void RefuseOld(MonoTime now);
  void RefuseStale();
  // Ends `pending` with kBusy, naming the slow stage.
  void Refuse(PendingAppend& pending, MonoTime oldest, MonoTime now);
  void Leave(std::span<const PendingAppend> gone);
  void PublishOldest();

  Parts parts_;
  Mutex mutex_;
  std::vector<PendingAppend> incoming_ ORBITMQ_GUARDED_BY(mutex_);
  bool closed_ ORBITMQ_GUARDED_BY(mutex_);
  std::atomic<int64_t> bytes_{0};
  std::atomic<int64_t> waiting_{0};
  std::atomic<int64_t> refused_count_{0};
  std::atomic<int64_t> segment_waits_{0};
  std::atomic<MonoTime> oldest_in_hand_{kNever};
  std::atomic<bool> waits_for_segment_{false};
  std::atomic<bool> held_by_dispatch_{false};
  std::atomic<bool> stale_check_{false};
  // The log executor's: batch_[next_..] is to be placed.
  std::vector<PendingAppend> batch_;
  size_t next_ = 0;
  Pulse pulse_;
};

}  // namespace orbitmq::store
