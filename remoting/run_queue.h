// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "common/clock.h"
#include "common/executor.h"
#include "common/mutex.h"

namespace orbitmq::net {

// The tasks and timers of one serial executor: many threads push, one (the runner) runs. It never sleeps
// itself; it tells the pusher when the runner must be woken, which is at most once per sleep.
class RunQueue final {
 public:
  enum class Pushed : uint8_t {
    kRefused,  // Closed; the task was left with the caller.
    kQueued,
    kMustWake,  // Queued, and the runner sleeps: wake it.
  };
  RunQueue() = default;
  RunQueue(const RunQueue&) = delete;
  RunQueue& operator=(const RunQueue&) = delete;

  // Any thread.
  Pushed Push(Task&& task);
  struct TimerPushed {
    Pushed pushed = Pushed::kRefused;
    Timer timer;
  };
  TimerPushed PushAt(MonoTime when, Task&& task);
  Pushed Close();  // kRefused when it was closed already.

  // The runner only.
  void RunTasks();
  void RunTimers(MonoTime now);
  enum class Next : uint8_t { kRun, kSleep, kEnd };
  // kSleep: nothing to run; from now on pushers wake the runner. kEnd: closed, and all tasks have run.
  Next BeforeSleep();
  void AfterSleep();
  // When the earliest timer is due; kNever without one.
  MonoTime next_timer() const;
  // Destroys the timers that will not run any more.
  void DropTimers();

 private:
  struct TimerNode;
  using TimerHeap = std::vector<std::shared_ptr<TimerNode>>;
  static bool Later(const std::shared_ptr<TimerNode>& a, const std::shared_ptr<TimerNode>& b);
  Pushed WakeState() ORBITMQ_REQUIRES(mutex_);
  void TakeNewTimers();
  void SweepCancelled();

  Mutex mutex_;
  std::vector<Task> tasks_ ORBITMQ_GUARDED_BY(mutex_);
  TimerHeap new_timers_ ORBITMQ_GUARDED_BY(mutex_);
  uint64_t next_sequence_ ORBITMQ_GUARDED_BY(mutex_) = 0;
  bool sleeping_ ORBITMQ_GUARDED_BY(mutex_) = false;
  bool closed_ ORBITMQ_GUARDED_BY(mutex_) = false;

  // The runner's own.
  std::vector<Task> batch_;
  TimerHeap heap_;  // Earliest first.
  size_t sweep_at_ = 64;
};

}  // namespace orbitmq::net
