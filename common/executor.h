// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "common/check.h"
#include "common/clock.h"
#include "common/task.h"

namespace orbitmq {

// A handle on a task that will run later; destroying or Cancel()ing it stops the task.
// Threads: Cancel from any thread. Called on the timer's own executor it guarantees that the task will not
// run (unless it is the caller); from elsewhere the task may be running just now.
class [[nodiscard]] Timer final {
 public:
  struct State {
    std::atomic<bool> cancelled{false};
  };
  Timer() noexcept = default;
  explicit Timer(std::shared_ptr<State> state) : state_(std::move(state)) {}
  Timer(Timer&&) noexcept = default;
  Timer& operator=(Timer&& other) noexcept {
    if (this != &other) {
      Cancel();
      state_ = std::move(other.state_);
    }
    return *this;
  }
  ~Timer() { Cancel(); }

  void Cancel() {
    if (auto state = std::exchange(state_, nullptr)) state->cancelled.store(true, std::memory_order_release);
  }
  // Lets the task run although this handle goes away.
  void Detach() { state_.reset(); }

 private:
  std::shared_ptr<State> state_;
};

enum class ExecutorKind : uint8_t {
  kIo,        // Has an event loop; Network pins connections to it. Must never block.
  kCpu,       // Must never block.
  kMayBlock,  // May wait for the disk or a resolver.
};

struct ExecutorOptions {
  std::string name;  // Shows up as the thread's name (15 characters) and in logs.
  ExecutorKind kind = ExecutorKind::kCpu;
};

// A serial executor: tasks run one at a time, in the order in which they were posted.
//
// Threads: Post, PostAt and Current may be called from any thread.
// Invariants: (1) a task never runs inside Post, always later; (2) once Stop() was called Post returns false
// and drops the task; tasks accepted before run, timers do not; (3) Stop waits for the running task unless it
// is called on the executor itself; the destructor stops.
class Executor {
 public:
  virtual ~Executor() = default;
  // False when the executor is stopped; the task is destroyed then (its Completions deliver kCancelled).
  virtual bool Post(Task task) = 0;
  // Runs the task at or after `when`. Dropping the handle cancels it.
  virtual Timer PostAt(MonoTime when, Task task) = 0;
  // A hint, on the executor itself: something is expected to come from elsewhere within `span`. The executor
  // may look for it for so long before it sleeps, where to be woken takes longer than what is waited for.
  virtual void Linger(Duration /*span*/) {}
  // Whether the caller runs on this executor.
  virtual bool Current() const = 0;
  virtual void Stop() = 0;
  virtual ExecutorKind kind() const = 0;
};

}  // namespace orbitmq

#define CHECK_ON(executor) ORBITMQ_CHECK((executor).Current(), "called on the wrong executor")
