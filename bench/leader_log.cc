// SPDX-License-Identifier: Apache-2.0
#include "bench/leader_log.h"

#include <utility>

namespace orbitmq::bench {
namespace {
thread_local const Executor* current_leader_of = nullptr;
thread_local bool in_turn = false;
thread_local LeaderExecutor* waits_for_turn_end = nullptr;
}  // namespace

bool LeaderExecutor::Post(Task task) {
  {
    const MutexLock lock(mutex_);
    if (stopped_) return false;
    tasks_.push_back(std::move(task));
  }
  if (in_turn) {
    waits_for_turn_end = this;
  } else {
    Lead();
  }
  return true;
}

void LeaderExecutor::Lead() {
  {
    const MutexLock lock(mutex_);
    if (std::exchange(led_, true)) return;
  }
  const Executor* const before = std::exchange(current_leader_of, this);
  for (;;) {
    Task next;
    {
      const MutexLock lock(mutex_);
      if (tasks_.empty()) {
        led_ = false;
        break;
      }
      next = std::move(tasks_.front());
      tasks_.pop_front();
    }
    next();
  }
  current_leader_of = before;
}

LeaderExecutor::Turn::Turn() { in_turn = true; }

LeaderExecutor::Turn::~Turn() {
  in_turn = false;
  if (LeaderExecutor* const log = std::exchange(waits_for_turn_end, nullptr)) log->Lead();
}

Timer LeaderExecutor::PostAt(MonoTime when, Task task) {
  return timers_->PostAt(when, [this, task = std::move(task)]() mutable { (void)Post(std::move(task)); });
}

bool LeaderExecutor::Current() const { return current_leader_of == this; }

void LeaderExecutor::Stop() {
  {
    const MutexLock lock(mutex_);
    stopped_ = true;
  }
  timers_->Stop();
}

std::unique_ptr<Executor> LeaderEnv::NewExecutor(ExecutorOptions options) {
  if (options.name != "store-log") return env_.NewExecutor(std::move(options));
  options.name = "store-timers";
  return std::make_unique<LeaderExecutor>(env_.NewExecutor(std::move(options)));
}

}  // namespace orbitmq::bench
