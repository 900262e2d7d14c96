// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "common/executor.h"

namespace orbitmq {

// What a step found: nothing more to do until the next Signal, or more work that it left for the next run so
// that others on the executor get their turn.
enum class Progress : uint8_t { kIdle, kMore };

// Turns any number of "there is work" calls into at most one pending run of a step on an executor. The step
// runs again by itself as long as it returns kMore. A Signal during the step causes one more run after it, so
// no wake-up is lost.
//
// Threads: Signal from any thread. The step runs on the executor. Destroy the Pulse on its executor (also
// from inside the step) or after the executor was stopped; the step does not run afterwards. The executor
// must outlive the Pulse.
class Pulse final {
 public:
  using Step = UniqueFunction<Progress()>;
  Pulse(Executor& executor, Step step);
  ~Pulse();
  Pulse(const Pulse&) = delete;
  Pulse& operator=(const Pulse&) = delete;

  void Signal();

 private:
  struct State;
  static void Arm(const std::shared_ptr<State>& state);
  static void Run(const std::shared_ptr<State>& state);
  std::shared_ptr<State> state_;
};

}  // namespace orbitmq
