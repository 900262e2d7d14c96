// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "test/sim/facts.h"
#include "test/sim/store_image.h"

namespace orbitmq::sim {

// No consumer skips a message: whatever lies below the offset that a group committed in a queue was handed to
// a listener of the group that returned, or is nothing that the group subscribed to. No committed offset lies
// beyond the end of its queue.
class OffsetChecker final {
 public:
  explicit OffsetChecker(Facts& facts) : facts_(facts) {}

  // A listener of the group has returned, with whatever result.
  void OnFinished(size_t group, const Place& place, int64_t queue_offset);
  void OnImage(const StoreImage& image);

 private:
  void CheckQueue(size_t group, const Place& place, int64_t committed,
                  const std::vector<const ImageRecord*>& records);

  Facts& facts_;
  std::map<std::pair<size_t, Place>, std::vector<bool>> finished_;  // By queue offset.
};

}  // namespace orbitmq::sim
