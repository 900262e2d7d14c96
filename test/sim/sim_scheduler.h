// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "common/executor.h"
#include "common/random.h"

namespace orbitmq::sim {

class Scheduler;

// The run queue of one simulated executor. Outlives its SimExecutor while events still point to it.
struct RunQueue {
  std::string name;
  ExecutorKind kind = ExecutorKind::kCpu;
  std::deque<Task> tasks;
  MonoTime busy_until{};  // A "blocking" call (fdatasync, ...) moved it; nothing of this queue runs before.
  bool open = true;       // Post accepts.
  uint64_t ordinal = 0;   // Order of creation; names the queue in the trace.
};

// Runs every executor of every simulated process in one OS thread. The next runnable queue is drawn from
// the seed, so interleavings are explored; when nothing can run, virtual time jumps to the next event.
//
// Threads: one. Invariants: (1) tasks of one queue run in order, one at a time; (2) time never goes back;
// (3) with the same seed and the same calls every run is the same.
class Scheduler final {
 public:
  explicit Scheduler(uint64_t seed);
  ~Scheduler();

  MonoTime now() const { return now_; }
  Random& random() { return random_; }
  uint64_t seed() const { return seed_; }

  std::shared_ptr<RunQueue> NewQueue(std::string name, ExecutorKind kind);
  bool Post(const std::shared_ptr<RunQueue>& queue, Task task);
  // Runs `task` on `queue` at `when`; a null queue means in the scheduler's own turn (network and faults).
  Timer PostAt(const std::shared_ptr<RunQueue>& queue, MonoTime when, Task task);
  // The queue whose task runs now; null outside of tasks.
  const RunQueue* current() const { return current_; }
  // The running task's executor is busy for that long from now on (what a blocking call costs).
  void Spend(Duration time);

  // Runs everything that was posted to the queue, here and now, then closes it (Executor::Stop).
  void DrainAndClose(const std::shared_ptr<RunQueue>& queue);
  // Closes it and destroys what was posted to it, timers included, without running it (a killed process).
  void DropAndClose(const std::shared_ptr<RunQueue>& queue);

  // Runs tasks and events until `until` has come or nothing is left to do.
  void RunUntil(MonoTime until);
  // Runs until `done` holds (checked after every step); false when `until` came first.
  template <class Predicate>
  bool RunUntil(MonoTime until, Predicate done) {
    while (!done()) {
      if (now_ >= until || !Step(until)) return done();
    }
    return true;
  }
  uint64_t steps() const { return steps_; }
  // A digest of which queue ran when: equal runs have equal ones.
  uint64_t trace_hash() const { return trace_hash_; }

 private:
  struct Event;
  struct Later;
  // One task, or one jump to the next event; false when neither is left before `until`.
  bool Step(MonoTime until);
  void FireDueEvents();
  void RunFront(const std::shared_ptr<RunQueue>& queue);
  std::shared_ptr<RunQueue> DrawRunnable();

  uint64_t seed_;
  Random random_;
  MonoTime now_{};
  uint64_t next_sequence_ = 0;
  uint64_t next_ordinal_ = 0;
  uint64_t steps_ = 0;
  uint64_t trace_hash_ = 0;
  const RunQueue* current_ = nullptr;
  RunQueue* current_mutable_ = nullptr;
  std::vector<std::unique_ptr<Event>> events_;    // A heap by (time, sequence).
  std::vector<std::shared_ptr<RunQueue>> ready_;  // Queues with tasks, in order of becoming so.
};

// Executor over a RunQueue.
class SimExecutor final : public Executor {
 public:
  SimExecutor(Scheduler& scheduler, std::shared_ptr<RunQueue> queue)
      : scheduler_(scheduler), queue_(std::move(queue)) {}
  ~SimExecutor() override { Stop(); }
  bool Post(Task task) override { return scheduler_.Post(queue_, std::move(task)); }
  Timer PostAt(MonoTime when, Task task) override { return scheduler_.PostAt(queue_, when, std::move(task)); }
  bool Current() const override { return scheduler_.current() == queue_.get(); }
  void Stop() override { scheduler_.DrainAndClose(queue_); }
  ExecutorKind kind() const override { return queue_->kind; }
  const std::shared_ptr<RunQueue>& queue() const { return queue_; }

 private:
  Scheduler& scheduler_;
  std::shared_ptr<RunQueue> queue_;
};

}  // namespace orbitmq::sim
