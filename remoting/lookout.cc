// SPDX-License-Identifier: Apache-2.0
#include "remoting/lookout.h"

#include <algorithm>
#include <utility>

namespace orbitmq::net {

void Lookout::Ask(Duration span) { asked_ = std::max(asked_, std::min(span, kLongest)); }

Duration Lookout::Take() {
  const Duration span = std::exchange(asked_, Duration(0));
  if (span == Duration(0) || rest_ == 0) return span;
  --rest_;
  return Duration(0);
}

void Lookout::Ended(bool found) {
  points_ = std::max(0, points_ + (found ? -1 : 2));
  if (points_ < kRestAt) return;
  points_ = kRestAt - 1;
  rest_ = kRest;
}

}  // namespace orbitmq::net
