// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <deque>
#include <optional>
#include <vector>

#include "common/mutex.h"
#include "store/commit_waiters.h"
#include "store/replicated_log.h"

namespace orbitmq::store {

// Appends that are placed, and flushed where that is asked, and wait for replicas to have them, ordered by
// log offset: any number is under way, and one acknowledgement of a replica completes all it covers. It owns
// the watermark `replicated`.
//
// Threads: Add on the log executor; the others from any. Completions are called outside of the lock, on the
// caller's executor.
class ReplicaAcks final {
 public:
  explicit ReplicaAcks(const StoreOptions& options)
      : wanted_(options.in_sync_replicas),
        least_(options.in_sync_replicas_min),
        adapt_(options.in_sync_replicas_adapt) {}

  // Whether an append with Durability::kStoreDefault waits for replicas at all.
  bool required() const { return wanted_.load(std::memory_order_relaxed) > 1; }
  void SetDemand(const ReplicaDemand& demand);
  // Refused before anything is written while fewer than in_sync_replicas_min are in sync.
  Status Admit() const;

  // Takes all of them. Those that are replicated already, or for which too few replicas are in sync, are
  // answered at once.
  void Add(std::vector<CommitWaiters::Waiter>& waiters);
  void Set(const ReplicaCount& count);
  // Those past their deadline get Replicas::kTimeout.
  void Expire(MonoTime now);
  // Nobody will tell any more whether replicas get them. Where they lie says Replicas::kTimeout.
  void FailAll(const Status& why);
  // The log was cut to `end`: nothing above is replicated.
  void Lower(LogOffset end);

  bool empty() const;
  std::optional<MonoTime> next_deadline() const;
  LogOffset replicated() const { return {replicated_.load(std::memory_order_acquire)}; }
  int32_t in_sync() const { return in_sync_.load(std::memory_order_acquire); }

 private:
  int32_t Needed() const;

  // ReplicaDemand's; appends read them without the lock.
  std::atomic<int32_t> wanted_;
  std::atomic<int32_t> least_;
  std::atomic<bool> adapt_;
  std::atomic<int64_t> replicated_{0};
  std::atomic<int32_t> in_sync_{1};
  mutable Mutex mutex_;
  std::deque<CommitWaiters::Waiter> waiting_ ORBITMQ_GUARDED_BY(mutex_);
};

}  // namespace orbitmq::store
