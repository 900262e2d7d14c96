// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <utility>

#include "common/executor.h"

namespace orbitmq {

// An executor whose tasks run when the test says so, on the test's thread. Timers are not supported.
class ManualExecutor final : public Executor {
 public:
  bool Post(Task task) override {
    if (stopped_) return false;
    tasks_.push_back(std::move(task));
    return true;
  }
  Timer PostAt(MonoTime, Task) override { ORBITMQ_UNREACHABLE("a ManualExecutor has no timers"); }
  bool Current() const override { return running_; }
  void Stop() override { stopped_ = true; }
  ExecutorKind kind() const override { return ExecutorKind::kCpu; }

  size_t pending() const { return tasks_.size(); }
  void RunOne() {
    Task task = std::move(tasks_.front());
    tasks_.pop_front();
    running_ = true;
    task();
    running_ = false;
  }
  // How many tasks ran.
  int RunAll() {
    int count = 0;
    for (; !tasks_.empty(); ++count) RunOne();
    return count;
  }

 private:
  std::deque<Task> tasks_;
  bool running_ = false;
  bool stopped_ = false;
};

}  // namespace orbitmq
