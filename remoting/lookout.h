// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "common/clock.h"

namespace orbitmq::net {

// Decides whether a thread looks for what it expects before it sleeps. Where CPUs are virtual, or sleep
// deeply, waking one takes longer than many an answer: decision 0066 has figures. Looking costs a CPU, so it
// goes on only while it mostly finds something: for a miss two points, back one for a find; at kRestAt
// points kRest requests are passed over, and one that is a miss again begins the next rest.
//
// Threads: one. Pure: time and what was found come in as arguments.
class Lookout final {
 public:
  // Something is expected within `span`; at most kLongest counts, and the longest of several.
  void Ask(Duration span);
  // How long to look now; zero = sleep. What was asked for is used up.
  Duration Take();
  // How the look that Take allowed ended.
  void Ended(bool found);

  static constexpr Duration kLongest = std::chrono::microseconds(200);
  static constexpr int kRestAt = 8;
  static constexpr int kRest = 64;

 private:
  Duration asked_{0};
  int points_ = 0;
  int rest_ = 0;
};

}  // namespace orbitmq::net
