// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <deque>

#include "common/executor.h"
#include "common/mutex.h"
#include "common/pulse.h"
#include "store/commit_log.h"
#include "store/replicated_log.h"
#include "store/write_gate.h"

namespace orbitmq::store {

// Writes a follower's log: what comes, as it comes, behind the end. Whole records only, so that a follower
// that is killed leaves no record of which it never had the rest.
//
// A small chunk that finds nothing before it is written by whoever brings it: a leader's client waits for
// this follower, and to wake the log executor and be woken by it takes longer than the write.
//
// Threads: Push, Signal, FailAll from any, but Push from one at a time; it may wait for the disk. Only one
// thread writes at any moment; the log's other writer (LogWriter) gets nothing to write meanwhile. Invariant:
// chunks are written and answered in the order of Push.
class ReplicaWriter final {
 public:
  struct Parts {
    Executor& log_executor;
    Logger& log;
    CommitLog& commit_log;
    WriteGate& gate;
    const StoreOptions& options;
    Task on_appended;
    Task on_need_segment;
  };
  explicit ReplicaWriter(Parts parts);

  // `done` is called here already when the chunk is written here.
  void Push(ReplicaChunk chunk, Completion<LogOffset> done);
  // There may be room again: a new segment, a disk with space, queues that caught up.
  void Signal() { pulse_.Signal(); }
  bool idle() const { return waiting_.load(std::memory_order_acquire) == 0; }
  // Ends what waits with `why`.
  void FailAll(const Status& why);

 private:
  struct Pending {
    ReplicaChunk chunk;
    Completion<LogOffset> done;
  };
  Progress Step();
  // False when another thread writes; it goes on until nothing is left.
  bool BeginWriting();
  // Whether somebody wanted to write meanwhile.
  bool EndWriting();
  bool PutBack(Pending& pending, uint64_t failed);
  // True when it is written or refused for good.
  bool Write(Pending& pending);

  Parts parts_;
  std::atomic<int64_t> waiting_{0};
  Mutex mutex_;
  std::deque<Pending> incoming_ ORBITMQ_GUARDED_BY(mutex_);
  bool writing_ ORBITMQ_GUARDED_BY(mutex_) = false;
  bool wanted_ ORBITMQ_GUARDED_BY(mutex_) = false;
  uint64_t failed_ ORBITMQ_GUARDED_BY(mutex_) = 0;  // How often FailAll was called.
  Pulse pulse_;
};

}  // namespace orbitmq::store
