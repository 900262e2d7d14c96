// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <utility>

#include "common/clock.h"
#include "common/random.h"
#include "test/sim/sim_scheduler.h"

namespace orbitmq::sim {

// Virtual time as those who torment a system speak of it: let it run for a while, do something later, after
// as long as the seed says. Threads: the simulation's only one. The scheduler and the random numbers, which
// Between draws from, belong to the caller and outlive this object.
class Pace final {
 public:
  Pace(Scheduler& scheduler, Random& random) : scheduler_(scheduler), random_(random) {}

  Duration Between(int64_t low_ms, int64_t high_ms) {
    return std::chrono::milliseconds(random_.Between(low_ms, high_ms));
  }
  void RunFor(Duration time) { scheduler_.RunUntil(scheduler_.now() + time); }
  // `fn` cannot be called off; what it needs must be there as long as the scheduler runs.
  template <class F>
  void After(Duration time, F fn) {
    scheduler_.PostAt(nullptr, scheduler_.now() + time, std::move(fn)).Detach();
  }

 private:
  Scheduler& scheduler_;
  Random& random_;
};

}  // namespace orbitmq::sim
