// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

#include "common/task.h"

namespace orbitmq {

// Counts bytes that are in flight so that no peer can make this process grow without bound. Whoever brings
// bytes in takes units and keeps them as long as the bytes live. Threads: any, lock-free. Units may outlive
// the budget.
class MemoryBudget final {
 public:
  struct Options {
    size_t bytes_max = 0;
    // on_room is called when, after a refusal, the use has fallen to this (0 = half of bytes_max).
    size_t bytes_low = 0;
    // Called by whichever thread gives units back, at most once per run of refusals; typically Pulse::Signal.
    // Must not block. May be empty.
    UniqueFunction<void()> on_room;
  };

 private:
  struct State;

 public:
  // A share of the budget; gives it back when destroyed. Move-only.
  class Units final {
   public:
    Units() noexcept = default;
    Units(Units&& other) noexcept : state_(std::move(other.state_)), bytes_(std::exchange(other.bytes_, 0)) {}
    Units& operator=(Units&& other) noexcept;
    ~Units() { Release(); }
    size_t bytes() const noexcept { return bytes_; }
    void Release() noexcept;

   private:
    friend class MemoryBudget;
    Units(std::shared_ptr<State> state, size_t bytes) : state_(std::move(state)), bytes_(bytes) {}
    std::shared_ptr<State> state_;
    size_t bytes_ = 0;
  };

  explicit MemoryBudget(size_t bytes_max) : MemoryBudget(Options{bytes_max, 0, {}}) {}
  explicit MemoryBudget(Options options);

  // Nothing when it does not fit; `bytes` above bytes_max never fits.
  [[nodiscard]] std::optional<Units> TryTake(size_t bytes);
  // Takes in any case, even beyond the bound: for what is already in memory and must be accounted for.
  [[nodiscard]] Units TakeAnyway(size_t bytes);
  size_t bytes_in_use() const noexcept;
  size_t bytes_max() const noexcept;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace orbitmq
