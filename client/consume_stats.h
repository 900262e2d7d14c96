// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>

#include "common/clock.h"
#include "remoting/protocol/running_info.h"

namespace orbitmq::client {

// What a consumer tells admin tools about its last minute and hour, per topic.
// Threads: owned by the client's loop.
class ConsumeStats final {
 public:
  struct Outcome {
    int64_t ok_count = 0;
    int64_t failed_count = 0;
    Duration took{0};  // Of the one call.
  };
  void Consumed(const std::string& topic, const Outcome& outcome, MonoTime now);
  void Pulled(const std::string& topic, int64_t message_count, MonoTime now);
  std::map<std::string, proto::ConsumeStatus> Table(MonoTime now) const;

 private:
  struct Slot {
    int64_t ok = 0;
    int64_t failed = 0;
    int64_t calls = 0;
    int64_t pulled = 0;
    Duration took{0};
  };
  // One slot a minute; the running one and the 60 before it.
  struct Topic {
    std::array<Slot, 61> slots{};
    int64_t minute = 0;
  };
  static int64_t MinuteOf(MonoTime now);
  Slot& SlotOf(const std::string& topic, MonoTime now);
  std::map<std::string, Topic> topics_;
};

}  // namespace orbitmq::client
