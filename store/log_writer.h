// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/log.h"
#include "store/commit_log.h"
#include "store/commit_waiters.h"
#include "store/message_store.h"
#include "store/queue_offsets.h"
#include "store/replica_acks.h"
#include "store/write_gate.h"

namespace orbitmq::store {

struct PendingAppend {
  AppendRequest request;
  MonoTime queued_at;
};

// Places batches of appends into the log: queue offsets, log offsets and store time, one vectored write per
// batch and segment, then `appended`.
//
// Threads: the log executor. Invariants: (1) the only writer of the log; (2) a record never spans segments
// and leaves room for a filler header behind it; (3) what could not be written is given back, so that queue
// offsets have no gap; (4) every request is completed or handed to CommitWaiters exactly once.
class LogWriter final {
 public:
  struct Parts {
    Clock& clock;
    Logger& log;
    CommitLog& commit_log;
    CommitWaiters& waiters;
    ReplicaAcks& acks;
    WriteGate& gate;
    const StoreOptions& options;
  };
  explicit LogWriter(Parts parts) : parts_(parts) {}

  enum class Outcome : uint8_t { kPlaced, kNeedsSegment };
  struct Written {
    Outcome outcome = Outcome::kPlaced;
    size_t taken = 0;     // So many from the front of the batch were placed or refused.
    bool rolled = false;  // The spare segment became the active one.
  };
  // Takes requests from the front of `batch`: as many as one write carries. Their drafts stay in place.
  // kNeedsSegment: the next one waits for CommitLog::PrepareSpare; call again then.
  Written WriteSome(std::span<PendingAppend> batch, MonoTime now);

  QueueOffsets& offsets() { return offsets_; }

  int64_t append_count() const { return append_count_.load(std::memory_order_relaxed); }
  int64_t append_bytes() const { return append_bytes_.load(std::memory_order_relaxed); }
  int64_t append_us_max() const { return append_us_max_.load(std::memory_order_relaxed); }

 private:
  struct Placed {
    AppendRequest* request = nullptr;
    AppendReceipt receipt;
    LogOffset end;
    int64_t queue_offsets_taken = 0;
  };
  struct Run {
    LogOffset begin;
    LogOffset end;
    WallTime store_time;
    std::string filler;
    std::vector<std::string_view> pieces;
    std::vector<Placed> placed;
  };

  bool Refused(AppendRequest& request);
  void Begin();
  void AddFiller(Run& run, int64_t left);
  void Place(Run& run, AppendRequest& request);
  static Status Wipe(SegmentFile& active, LogOffset begin, LogOffset end);
  void Commit(Run& run, SegmentFile& active, MonoTime before);
  void Abandon(Run& run, const Status& why);
  void Answer(Placed& placed, MonoTime now);

  Parts parts_;
  QueueOffsets offsets_;
  // Reused from batch to batch, so that a message costs no allocation here.
  Run run_;
  std::vector<CommitWaiters::Waiter> to_wait_;
  std::vector<CommitWaiters::Waiter> to_replicate_;  // Not for a flush.
  std::atomic<int64_t> append_count_{0};
  std::atomic<int64_t> append_bytes_{0};
  std::atomic<int64_t> append_us_max_{0};
};

}  // namespace orbitmq::store
