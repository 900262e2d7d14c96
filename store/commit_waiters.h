// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "common/clock.h"
#include "common/mutex.h"
#include "common/task.h"
#include "store/message_store.h"

namespace orbitmq::store {

// Appends that are placed and wait for fdatasync to cover them, ordered by log offset. One sync completes all
// it covers: that is the whole of group commit.
//
// Threads: Add on the log executor; the others from any. Completions are called outside of the lock, on the
// caller's executor.
class CommitWaiters final {
 public:
  struct Waiter {
    LogOffset end;  // Done when `flushed` reaches it.
    MonoTime deadline;
    AppendReceipt receipt;
    Completion<AppendReceipt> done;
    bool replicas = false;  // Waits for replicas too, until replica_deadline.
    MonoTime replica_deadline{};
    std::shared_ptr<AppendReceipt> placed{};  // AppendRequest::placed.

    void Fail(const Status& why);
  };
  // Takes over those that are flushed and wait for replicas too, in the order of their ends.
  using NextStage = UniqueFunction<void(std::vector<Waiter>&)>;
  explicit CommitWaiters(NextStage next = {}) : next_(std::move(next)) {}

  // Takes all of them, in the order of their ends; leaves the vector empty.
  void Add(std::vector<Waiter>& waiters);
  void CompleteUpTo(LogOffset flushed);
  // Answers them, in groups of one wake-up each.
  static void Answer(std::vector<Waiter>& waiters);
  // Those past their deadline get kUnknown, Persisted::kMaybe: Apache's FLUSH_DISK_TIMEOUT.
  void Expire(MonoTime now, Duration timeout);
  // The sync failed: fatal, Persisted::kMaybe.
  void FailAll(const Status& why);

  bool empty() const;
  std::optional<MonoTime> next_deadline() const;

 private:
  // Takes the first `count` out.
  std::vector<Waiter> TakeFirst(size_t count) ORBITMQ_REQUIRES(mutex_);

  NextStage next_;
  mutable Mutex mutex_;
  // [done_, size) waits: taking from the front moves nothing.
  std::vector<Waiter> waiting_ ORBITMQ_GUARDED_BY(mutex_);
  size_t done_ ORBITMQ_GUARDED_BY(mutex_) = 0;
};

}  // namespace orbitmq::store
