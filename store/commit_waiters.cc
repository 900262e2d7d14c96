// SPDX-License-Identifier: Apache-2.0
#include "store/commit_waiters.h"

#include <algorithm>
#include <iterator>

#include "common/strings.h"
#include "common/wake_batch.h"

namespace orbitmq::store {
namespace {
// Those who are answered are woken so many at a time: few wake-ups, and the first does not wait for the last.
constexpr size_t kAnswersPerWake = 128;
}  // namespace

void CommitWaiters::Add(std::vector<Waiter>& waiters) {
  if (waiters.empty()) return;
  {
    const MutexLock lock(mutex_);
    if (waiting_.empty()) {
      waiting_.swap(waiters);
    } else {
      waiting_.insert(waiting_.end(), std::make_move_iterator(waiters.begin()),
                      std::make_move_iterator(waiters.end()));
    }
  }
  waiters.clear();
}

std::vector<CommitWaiters::Waiter> CommitWaiters::TakeFirst(size_t count) {
  std::vector<Waiter> taken;
  if (done_ == 0 && count == waiting_.size()) {
    taken.swap(waiting_);
    return taken;
  }
  const auto begin = waiting_.begin() + static_cast<std::ptrdiff_t>(done_);
  taken.assign(std::make_move_iterator(begin),
               std::make_move_iterator(begin + static_cast<std::ptrdiff_t>(count)));
  done_ += count;
  if (done_ > waiting_.size() / 2) {
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(done_));
    done_ = 0;
  }
  return taken;
}

void CommitWaiters::CompleteUpTo(LogOffset flushed) {
  std::vector<Waiter> covered;
  {
    const MutexLock lock(mutex_);
    size_t end = done_;
    while (end < waiting_.size() && waiting_[end].end <= flushed) ++end;
    if (end == done_) return;
    covered = TakeFirst(end - done_);
  }
  std::vector<Waiter> onwards;
  if (next_) {
    const auto rest = std::stable_partition(covered.begin(), covered.end(),
                                            [](const Waiter& waiter) { return !waiter.replicas; });
    onwards.assign(std::make_move_iterator(rest), std::make_move_iterator(covered.end()));
    covered.erase(rest, covered.end());
  }
  Answer(covered);
  if (!onwards.empty()) next_(onwards);
}

void CommitWaiters::Answer(std::vector<Waiter>& waiters) {
  for (size_t i = 0; i < waiters.size();) {
    const WakeBatch wakes;
    const size_t end = std::min(waiters.size(), i + kAnswersPerWake);
    for (; i < end; ++i) waiters[i].done(std::move(waiters[i].receipt));
  }
}

void CommitWaiters::Waiter::Fail(const Status& why) {
  if (placed != nullptr) *placed = std::move(receipt);
  done(why);
}

void CommitWaiters::Expire(MonoTime now, Duration timeout) {
  std::vector<Waiter> late;
  {
    const MutexLock lock(mutex_);
    size_t end = done_;
    while (end < waiting_.size() && waiting_[end].deadline <= now) ++end;
    late = TakeFirst(end - done_);
  }
  const int64_t timeout_ms = std::chrono::duration_cast<Millis>(timeout).count();
  for (Waiter& waiter : late) {
    waiter.Fail(Status(StatusCode::kUnknown,
                       StrCat("the record at log offset ", waiter.receipt.log_offsets.front().value,
                              " was written, but not synced within ", timeout_ms, " ms (syncFlushTimeout)"))
                    .WithPersisted(Persisted::kMaybe));
  }
}

void CommitWaiters::FailAll(const Status& why) {
  std::vector<Waiter> all;
  {
    const MutexLock lock(mutex_);
    all = TakeFirst(waiting_.size() - done_);
  }
  for (Waiter& waiter : all) waiter.Fail(why.WithFatal().WithPersisted(Persisted::kMaybe));
}

bool CommitWaiters::empty() const {
  const MutexLock lock(mutex_);
  return waiting_.empty();
}

std::optional<MonoTime> CommitWaiters::next_deadline() const {
  const MutexLock lock(mutex_);
  if (waiting_.empty()) return std::nullopt;
  return waiting_[done_].deadline;
}

}  // namespace orbitmq::store
