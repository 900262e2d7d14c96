// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>

#include "common/clock.h"

namespace orbitmq::broker {

// Whether this broker takes requests as a master, as every request sees it. Threads: any.
class RoleGate final {
 public:
  enum class State : uint8_t {
    kMaster,
    kSlave,  // Or about to be one: what StandbyRules say.
    kRival,  // A master that found another one of its name: it takes and gives no message until that is gone.
  };
  State state() const { return state_.load(std::memory_order_relaxed); }
  void Set(State state) { state_.store(state, std::memory_order_relaxed); }

  // This broker led until now: for kHandOver clients may not know yet who does instead.
  void Led(MonoTime now) { led_until_.store(now, std::memory_order_relaxed); }
  bool HandsOver(MonoTime now) const {
    return state() == State::kSlave && now - led_until_.load(std::memory_order_relaxed) < kHandOver;
  }

 private:
  // Twice the time between two looks of Java's clients at the routes.
  static constexpr Duration kHandOver = std::chrono::seconds(60);
  std::atomic<State> state_{State::kMaster};
  std::atomic<MonoTime> led_until_{MonoTime{} - 2 * kHandOver};
};

}  // namespace orbitmq::broker
