// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <utility>

#include "test/sim/facts.h"
#include "test/sim/store_image.h"

namespace orbitmq::sim {

// What a broker once said lies at an offset of a queue - in an acknowledgement, or by showing it to a
// consumer - lies there for ever, across crashes too: one offset, one message.
class QueueOrderChecker final {
 public:
  explicit QueueOrderChecker(Facts& facts) : facts_(facts) {}

  struct Seen {
    uint32_t number = 0;
    int64_t log_offset = -1;  // -1 = not told.
  };
  // `source`: "acknowledgement", "audit", ...
  void OnSeen(const Place& place, int64_t queue_offset, Seen seen, std::string_view source);
  void OnImage(const StoreImage& image);
  // A broker without synchronous flush lost power: what it had not on disk is gone lawfully.
  void ForgetLost(const StoreImage& image);

 private:
  Facts& facts_;
  std::map<std::pair<Place, int64_t>, Seen> content_;
};

}  // namespace orbitmq::sim
