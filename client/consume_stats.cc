// SPDX-License-Identifier: Apache-2.0
#include "client/consume_stats.h"

#include <algorithm>
#include <chrono>

namespace orbitmq::client {

int64_t ConsumeStats::MinuteOf(MonoTime now) {
  return std::chrono::duration_cast<std::chrono::minutes>(now.time_since_epoch()).count();
}

ConsumeStats::Slot& ConsumeStats::SlotOf(const std::string& topic, MonoTime now) {
  const int64_t minute = MinuteOf(now);
  const auto [found, added] = topics_.try_emplace(topic);
  Topic& entry = found->second;
  if (added) entry.minute = minute;
  const auto size = static_cast<int64_t>(entry.slots.size());
  // Minutes without a call are empty.
  const int64_t passed = std::clamp<int64_t>(minute - entry.minute, 0, size);
  for (int64_t i = 1; i <= passed; ++i) entry.slots[static_cast<size_t>((entry.minute + i) % size)] = {};
  entry.minute = std::max(entry.minute, minute);
  return entry.slots[static_cast<size_t>(entry.minute % size)];
}

void ConsumeStats::Consumed(const std::string& topic, const Outcome& outcome, MonoTime now) {
  Slot& slot = SlotOf(topic, now);
  slot.ok += outcome.ok_count;
  slot.failed += outcome.failed_count;
  slot.calls += 1;
  slot.took += outcome.took;
}

void ConsumeStats::Pulled(const std::string& topic, int64_t message_count, MonoTime now) {
  SlotOf(topic, now).pulled += message_count;
}

std::map<std::string, proto::ConsumeStatus> ConsumeStats::Table(MonoTime now) const {
  std::map<std::string, proto::ConsumeStatus> table;
  const int64_t minute = MinuteOf(now);
  for (const auto& [topic, counted] : topics_) {
    const Topic& entry = counted;  // Clang 14 captures no structured binding.
    proto::ConsumeStatus& status = table[topic];
    const auto size = static_cast<int64_t>(entry.slots.size());
    const auto slot_at = [&](int64_t m) {
      const bool kept = m <= entry.minute && m > entry.minute - size && m >= 0;
      return kept ? entry.slots[static_cast<size_t>(m % size)] : Slot{};
    };
    // The last full minute and what has passed of this one.
    const Slot last = slot_at(minute - 1);
    const Slot running = slot_at(minute);
    const auto into_minute =
        std::chrono::duration<double>(now.time_since_epoch()).count() - static_cast<double>(minute) * 60.0;
    const double seconds = 60.0 + into_minute;
    const int64_t calls = last.calls + running.calls;
    status.consume_ok_tps = static_cast<double>(last.ok + running.ok) / seconds;
    status.consume_failed_tps = static_cast<double>(last.failed + running.failed) / seconds;
    status.pull_tps = static_cast<double>(last.pulled + running.pulled) / seconds;
    if (calls > 0) {
      status.consume_rt = std::chrono::duration<double, std::milli>(last.took + running.took).count() /
                          static_cast<double>(calls);
    }
    for (int64_t m = minute - size + 1; m <= minute; ++m) status.consume_failed_msgs += slot_at(m).failed;
  }
  return table;
}

}  // namespace orbitmq::client
