// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "test/sim/facts.h"
#include "test/sim/store_image.h"

namespace orbitmq::sim {

// What a broker acknowledged is in its log; queues and index are a function of the log; queue offsets have no
// gap and no duplicate; the store opens whatever a crash left.
class LogChecker final {
 public:
  explicit LogChecker(Facts& facts) : facts_(facts) {}
  // `excuse_lost`: a broker without synchronous flush after a loss of power. What it lost is excused from now
  // on.
  enum class Excuse : uint8_t { kNothing, kLost };
  void OnImage(const StoreImage& image, Excuse excuse);

 private:
  void CheckAcknowledged(const StoreImage& image, Excuse excuse);
  void CheckQueues(const StoreImage& image);
  void CheckStore(const StoreImage& image);

  Facts& facts_;
};

}  // namespace orbitmq::sim
