// SPDX-License-Identifier: Apache-2.0
#include "broker/state/parked_pulls.h"

#include "common/limits.h"
#include "common/planted_bug.h"

namespace orbitmq::broker {

ParkedPulls::ParkedPulls(Env& env, Executor& house, PostFor post)
    : env_(env), house_(house), post_(std::move(post)) {}

void ParkedPulls::Register(uint64_t id, PullJob job) {
  deadlines_.emplace(std::pair(job.deadline, id), job.queue);
  ArmFor(job.deadline);
  QueueKey queue = job.queue;
  queues_[std::move(queue)].emplace(id, std::move(job));
}

std::optional<PullJob> ParkedPulls::Park(PullJob job, store::QueueReader& queues) {
  const QueueKey queue = job.queue;
  if (Planted(Bug::kLostWakeUp)) {
    // Takes its time, and looks only once.
    auto late = [this, job = std::move(job)]() mutable {
      MutexLock lock(mutex_);
      if (!ended_) Register(next_id_++, std::move(job));
    };
    house_.PostAt(env_.clock().Monotonic() + std::chrono::milliseconds(2), std::move(late)).Detach();
    return std::nullopt;
  }
  {
    MutexLock lock(mutex_);
    if (ended_ || deadlines_.size() >= limits::kParkedPullsMax) return job;
    Register(next_id_++, std::move(job));
  }
  // The second look: what became visible before Register was seen by nobody.
  const auto range = queues.Range(queue);
  if (!range) return std::nullopt;
  Jobs ready;
  {
    MutexLock lock(mutex_);
    ready = TakeIf(queue, range->max.value, std::nullopt);
  }
  PostAll(std::move(ready), Reason::kArrived);
  return std::nullopt;
}

// Takes the jobs that want an offset below `end` and whose filter takes `tags_code` (nullopt = any).
ParkedPulls::Jobs ParkedPulls::TakeIf(const QueueKey& queue, int64_t end, std::optional<int64_t> tags_code) {
  Jobs taken;
  const auto found = queues_.find(queue);
  if (found == queues_.end()) return taken;
  auto& jobs = found->second;
  for (auto job = jobs.begin(); job != jobs.end();) {
    const TagFilter* filter = job->second.filter.get();
    const bool wanted = !tags_code || filter == nullptr || filter->MatchesCode(*tags_code);
    if (!wanted || job->second.offset >= end) {
      ++job;
      continue;
    }
    deadlines_.erase(std::pair(job->second.deadline, job->first));
    taken.emplace_back(job->first, std::move(job->second));
    job = jobs.erase(job);
  }
  if (jobs.empty()) queues_.erase(found);
  return taken;
}

void ParkedPulls::Arrived(const store::Arrival& arrival) {
  Jobs ready;
  {
    MutexLock lock(mutex_);
    if (queues_.empty()) return;
    ready = TakeIf(arrival.queue, arrival.queue_offset.value + 1, arrival.tags_code);
  }
  if (!ready.empty()) PostAll(std::move(ready), Reason::kArrived);
}

void ParkedPulls::PostAll(Jobs jobs, Reason reason) {
  for (auto& [id, job] : jobs) {
    const uint64_t spread = job.request.peer()->id();
    post_(spread, [this, job = std::move(job), reason]() mutable { wake_(std::move(job), reason); });
  }
}

void ParkedPulls::ArmFor(MonoTime deadline) {
  if (deadline >= armed_for_) return;
  armed_for_ = deadline;
  timer_ = house_.PostAt(deadline, [this] { Expire(); });
}

void ParkedPulls::Expire() {
  const MonoTime now = env_.clock().Monotonic();
  Jobs late;
  {
    MutexLock lock(mutex_);
    armed_for_ = kNever;
    while (!deadlines_.empty() && deadlines_.begin()->first.first <= now) {
      const uint64_t id = deadlines_.begin()->first.second;
      const auto queue = queues_.find(deadlines_.begin()->second);
      deadlines_.erase(deadlines_.begin());
      const auto job = queue->second.find(id);
      late.emplace_back(id, std::move(job->second));
      queue->second.erase(job);
      if (queue->second.empty()) queues_.erase(queue);
    }
    if (!deadlines_.empty()) ArmFor(deadlines_.begin()->first.first);
  }
  PostAll(std::move(late), Reason::kTimedOut);
}

void ParkedPulls::WakeEach(Reason reason) {
  Jobs all;
  {
    MutexLock lock(mutex_);
    ended_ = ended_ || reason == Reason::kShutdown;
    for (auto& [key, id_queue] : deadlines_) {
      all.emplace_back(key.second, std::move(queues_.find(id_queue)->second.find(key.second)->second));
    }
    deadlines_.clear();
    queues_.clear();
  }
  PostAll(std::move(all), reason);
}

size_t ParkedPulls::size() const {
  MutexLock lock(mutex_);
  return deadlines_.size();
}

}  // namespace orbitmq::broker
