// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <deque>

#include "common/executor.h"
#include "common/log.h"
#include "common/pulse.h"
#include "store/commit_log.h"
#include "store/queue_builder.h"
#include "store/write_gate.h"

namespace orbitmq::store {

// Walks the records from `dispatched` to `visible`: queues and index first, then `dispatched`, then arrivals.
// Buffered units go to the queue files in between.
//
// Threads: Signal, RunAt from any; the rest on the dispatch executor.
class Dispatcher final {
 public:
  struct Parts {
    Clock& clock;
    Logger& log;
    Executor& dispatch_executor;
    CommitLog& commit_log;
    QueueTable& queues;
    KeyIndex& index;
    QueueBuilder& builder;
    WriteGate& gate;
    const StoreOptions& options;
    ArrivalListener on_arrival;
    Task on_progress;  // `dispatched` rose.
  };
  explicit Dispatcher(Parts parts);

  void Start();
  void Signal() { pulse_.Signal(); }
  // Runs `task` once everything below `at` was dispatched, and before anything above is, in the order of the
  // calls. To be called before something above `at` becomes visible. When it fails nothing is dispatched
  // until it ran again and succeeded: later if the disk is full, never otherwise.
  void RunAt(LogOffset at, UniqueFunction<Status()> task);

  // While held it touches neither log nor queues nor index: somebody cuts them. Dispatch executor.
  void Hold() { held_ = true; }
  void Release() {
    held_ = false;
    pulse_.Signal();
  }

  // The newest record dispatched, for the checkpoint.
  struct Last {
    LogOffset log_offset;
    WallTime store_time;
  };
  void StartFrom(const Last& last) { last_ = last; }
  const Last& last() const { return last_; }
  // Writes tails of at most so many queues to the files; the whole index with kAll. True when nothing is
  // left.
  Result<bool> WriteOut(size_t queues_max, IndexFile::Amount index_amount);
  // The files that were written since the last call.
  ConsumeQueue::Touched TakeTouched() { return std::exchange(touched_, {}); }
  void PutBack(ConsumeQueue::Touched touched);

 private:
  struct Delayed {
    LogOffset at;
    UniqueFunction<Status()> task;
  };
  Progress Step();
  // What can wait for idle moments. kMore: there is more of it.
  Progress TidyUp(Progress dispatched);
  // Dispatches records of one segment from `at`; returns where it stopped.
  Result<LogOffset> Walk(LogOffset at, LogOffset limit);
  Status DispatchOne(const MessageView& record);
  void SkipDamage(const Status& why, LogOffset& at, LogOffset end, int32_t total_bytes);
  void ArmTimer();
  // False when one failed: the dispatcher stalls.
  bool RunDue();
  // Where the next delayed task waits: nothing above may be dispatched before it ran.
  LogOffset NextDelayed() const;
  void Stall(const Status& why);

  Parts parts_;
  Last last_;
  ConsumeQueue::Touched touched_;
  mutable Mutex delayed_mutex_;
  std::deque<Delayed> delayed_ ORBITMQ_GUARDED_BY(delayed_mutex_);
  QueueKey arrival_key_;  // Reused, so that a record costs no allocation.
  bool stalled_ = false;
  bool held_ = false;
  bool write_out_due_ = false;
  Timer timer_;
  Pulse pulse_;
};

}  // namespace orbitmq::store
