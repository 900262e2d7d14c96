// SPDX-License-Identifier: Apache-2.0
#include "store/commit_waiters.h"

#include "common/strings.h"

namespace orbitmq::store {

void CommitWaiters::Add(Waiter waiter) {
  const MutexLock lock(mutex_);
  waiting_.push_back(std::move(waiter));
}

void CommitWaiters::CompleteUpTo(LogOffset flushed) {
  std::vector<Waiter> covered;
  {
    const MutexLock lock(mutex_);
    while (!waiting_.empty() && waiting_.front().end <= flushed) {
      covered.push_back(std::move(waiting_.front()));
      waiting_.pop_front();
    }
  }
  for (Waiter& waiter : covered) waiter.done(std::move(waiter.receipt));
}

void CommitWaiters::Expire(MonoTime now, Duration timeout) {
  std::vector<Waiter> late;
  {
    const MutexLock lock(mutex_);
    while (!waiting_.empty() && waiting_.front().deadline <= now) {
      late.push_back(std::move(waiting_.front()));
      waiting_.pop_front();
    }
  }
  const int64_t timeout_ms = std::chrono::duration_cast<Millis>(timeout).count();
  for (Waiter& waiter : late) {
    waiter.done(Status(StatusCode::kUnknown,
                       StrCat("the record at log offset ", waiter.receipt.log_offsets.front().value,
                              " was written, but not synced within ", timeout_ms, " ms (syncFlushTimeout)"))
                    .WithPersisted(Persisted::kMaybe));
  }
}

void CommitWaiters::FailAll(const Status& why) {
  std::deque<Waiter> all;
  {
    const MutexLock lock(mutex_);
    all.swap(waiting_);
  }
  for (Waiter& waiter : all) waiter.done(why.WithFatal().WithPersisted(Persisted::kMaybe));
}

bool CommitWaiters::empty() const {
  const MutexLock lock(mutex_);
  return waiting_.empty();
}

std::optional<MonoTime> CommitWaiters::next_deadline() const {
  const MutexLock lock(mutex_);
  if (waiting_.empty()) return std::nullopt;
  return waiting_.front().deadline;
}

}  // namespace orbitmq::store
