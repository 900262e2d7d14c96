// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "common/clock.h"

namespace orbitmq {

// A clock that stands still until it is told otherwise.
class FakeClock final : public Clock {
 public:
  MonoTime Monotonic() const override { return mono; }
  WallTime Wall() const override { return wall; }
  MonoTime mono{};
  WallTime wall{};
};

}  // namespace orbitmq
