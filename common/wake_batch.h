// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

namespace orbitmq {

// Something that sleeps until it is woken. Threads: Wake from any; waking what is awake does no harm.
class Sleeper {
 public:
  virtual ~Sleeper() = default;
  virtual void Wake() = 0;
};

// While one lives on a thread, executors to which this thread posts are not woken at once but when it ends,
// each one once: a wake-up costs a system call, and whoever wakes at the first of many tasks only fights the
// thread that posts the others. Keep it around loops that never block. Inside another one it does nothing.
//
// Threads: the one that made it.
class WakeBatch final {
 public:
  WakeBatch() noexcept;
  ~WakeBatch();
  WakeBatch(const WakeBatch&) = delete;
  WakeBatch& operator=(const WakeBatch&) = delete;

  // For executors: true when a batch of this thread will wake `sleeper`.
  static bool Defer(const std::shared_ptr<Sleeper>& sleeper);

 private:
  const bool outermost_;
  std::vector<std::shared_ptr<Sleeper>> sleepers_;
};

}  // namespace orbitmq
