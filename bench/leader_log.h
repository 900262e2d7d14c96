// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <memory>

#include "common/env.h"
#include "common/mutex.h"

namespace orbitmq::bench {

// An executor without a thread of its own: whoever posts to it while nobody runs its tasks runs them, his own
// and those that others post meanwhile, until none is left (leveldb's writer queue). Timers wait on another
// executor. Only for the measurement of decision 0046: a task may run inside Post here, which Executor
// forbids, and a poster may be kept for as long as others post.
// Threads: any.
class LeaderExecutor final : public Executor {
 public:
  explicit LeaderExecutor(std::unique_ptr<Executor> timers) : timers_(std::move(timers)) {}

  bool Post(Task task) override;
  Timer PostAt(MonoTime when, Task task) override;
  bool Current() const override;
  void Stop() override;
  ExecutorKind kind() const override { return ExecutorKind::kMayBlock; }

  // While one lives, posts of this thread wait until it ends: an I/O thread appends all that one read brought
  // before it leads.
  class Turn final {
   public:
    Turn();
    ~Turn();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
  };

 private:
  void Lead();

  const std::unique_ptr<Executor> timers_;
  Mutex mutex_;
  std::deque<Task> tasks_ ORBITMQ_GUARDED_BY(mutex_);
  bool led_ ORBITMQ_GUARDED_BY(mutex_) = false;
  bool stopped_ ORBITMQ_GUARDED_BY(mutex_) = false;
};

// The environment of another, but with a LeaderExecutor as the store's log executor.
class LeaderEnv final : public Env {
 public:
  explicit LeaderEnv(Env& env) : env_(env) {}
  Clock& clock() override { return env_.clock(); }
  Random NewRandom(std::string_view use) override { return env_.NewRandom(use); }
  FileSystem& files() override { return env_.files(); }
  Network& network() override { return env_.network(); }
  std::unique_ptr<Executor> NewExecutor(ExecutorOptions options) override;
  Logger& log() override { return env_.log(); }
  const ProcessIdentity& identity() const override { return env_.identity(); }

 private:
  Env& env_;
};

}  // namespace orbitmq::bench
