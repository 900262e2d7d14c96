// SPDX-License-Identifier: Apache-2.0
#include "store/replica_acks.h"

#include <algorithm>

#include "common/strings.h"

namespace orbitmq::store {

int32_t ReplicaAcks::Needed() const {
  const int32_t wanted = wanted_.load(std::memory_order_relaxed);
  if (!adapt_.load(std::memory_order_relaxed)) return wanted;
  return std::max(std::min(wanted, in_sync()), least_.load(std::memory_order_relaxed));
}

void ReplicaAcks::SetDemand(const ReplicaDemand& demand) {
  std::deque<CommitWaiters::Waiter> content;
  {
    const MutexLock lock(mutex_);
    wanted_.store(demand.in_sync, std::memory_order_relaxed);
    least_.store(demand.in_sync_min, std::memory_order_relaxed);
    adapt_.store(demand.adapt, std::memory_order_relaxed);
    if (!required()) content.swap(waiting_);
  }
  for (CommitWaiters::Waiter& waiter : content) waiter.done(std::move(waiter.receipt));
}

Status ReplicaAcks::Admit() const {
  const int32_t least = least_.load(std::memory_order_relaxed);
  if (least <= 1 || !required() || in_sync() >= least) return {};
  // Apache's words.
  return Status(StatusCode::kInternal, StrCat("in-sync replicas not enough: ", in_sync(),
                                              " with this one, minInSyncReplicas is ", least))
      .WithPersisted(Persisted::kNo)
      .WithRetriable(true);
}

void ReplicaAcks::Add(std::vector<CommitWaiters::Waiter>& waiters) {
  std::vector<CommitWaiters::Waiter> answered;
  {
    const MutexLock lock(mutex_);
    const bool enough = in_sync() >= Needed();
    for (CommitWaiters::Waiter& waiter : waiters) {
      if (waiter.end > replicated() && enough && Needed() > 1) {
        waiting_.push_back(std::move(waiter));
        continue;
      }
      if (waiter.end > replicated() && !enough) waiter.receipt.replicas = Replicas::kNotAvailable;
      answered.push_back(std::move(waiter));
    }
  }
  waiters.clear();
  CommitWaiters::Answer(answered);
}

void ReplicaAcks::Set(const ReplicaCount& count) {
  std::vector<CommitWaiters::Waiter> covered;
  {
    const MutexLock lock(mutex_);
    in_sync_.store(count.in_sync, std::memory_order_release);
    replicated_.store(std::max(replicated().value, count.replicated.value), std::memory_order_release);
    while (!waiting_.empty() && waiting_.front().end <= replicated()) {
      covered.push_back(std::move(waiting_.front()));
      waiting_.pop_front();
    }
  }
  CommitWaiters::Answer(covered);
}

void ReplicaAcks::Expire(MonoTime now) {
  std::vector<CommitWaiters::Waiter> late;
  {
    const MutexLock lock(mutex_);
    while (!waiting_.empty() && waiting_.front().replica_deadline <= now) {
      waiting_.front().receipt.replicas = Replicas::kTimeout;
      late.push_back(std::move(waiting_.front()));
      waiting_.pop_front();
    }
  }
  CommitWaiters::Answer(late);
}

void ReplicaAcks::FailAll(const Status& why) {
  std::deque<CommitWaiters::Waiter> all;
  {
    const MutexLock lock(mutex_);
    all.swap(waiting_);
  }
  for (CommitWaiters::Waiter& waiter : all) {
    waiter.receipt.replicas = Replicas::kTimeout;
    waiter.Fail(why.WithPersisted(Persisted::kMaybe));
  }
}

void ReplicaAcks::Lower(LogOffset end) {
  const MutexLock lock(mutex_);
  replicated_.store(std::min(replicated().value, end.value), std::memory_order_release);
}

bool ReplicaAcks::empty() const {
  const MutexLock lock(mutex_);
  return waiting_.empty();
}

std::optional<MonoTime> ReplicaAcks::next_deadline() const {
  const MutexLock lock(mutex_);
  if (waiting_.empty()) return std::nullopt;
  return waiting_.front().replica_deadline;
}

}  // namespace orbitmq::store
