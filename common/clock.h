// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

#include "orbitmq/time.h"

namespace orbitmq {

// Monotonic time of one Env; only differences mean something.
struct MonoClockTag {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<MonoClockTag>;
  static constexpr bool is_steady = true;
};
using MonoTime = std::chrono::time_point<MonoClockTag, std::chrono::nanoseconds>;
inline constexpr MonoTime kNever = MonoTime::max();

// Threads: every method may be called from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual MonoTime Monotonic() const = 0;
  // May jump both ways; never use it for deadlines.
  virtual WallTime Wall() const = 0;
  int64_t WallMillis() const { return ToEpochMillis(Wall()); }
};

}  // namespace orbitmq
