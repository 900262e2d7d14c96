// SPDX-License-Identifier: Apache-2.0
#include "common/memory_budget.h"

#include <atomic>

namespace orbitmq {

// Invariant: whoever refuses sets `refused` and then looks at `in_use` again; whoever gives back lowers
// `in_use` and then looks at `refused`. With sequentially consistent order one of the two sees the other, so
// a refusal is always followed by on_room or by a successful second look.
struct MemoryBudget::State {
  size_t bytes_max = 0;
  size_t bytes_low = 0;
  UniqueFunction<void()> on_room;
  std::atomic<size_t> in_use{0};
  std::atomic<bool> refused{false};

  bool Add(size_t bytes) {
    size_t now = in_use.load();
    do {
      if (bytes > bytes_max || now > bytes_max - bytes) return false;
    } while (!in_use.compare_exchange_weak(now, now + bytes));
    return true;
  }
};

MemoryBudget::Units& MemoryBudget::Units::operator=(Units&& other) noexcept {
  if (this != &other) {
    Release();
    state_ = std::move(other.state_);
    bytes_ = std::exchange(other.bytes_, 0);
  }
  return *this;
}

void MemoryBudget::Units::Release() noexcept {
  const auto state = std::exchange(state_, nullptr);
  if (state == nullptr) return;
  const size_t bytes = std::exchange(bytes_, 0);
  const size_t left = state->in_use.fetch_sub(bytes) - bytes;
  if (left <= state->bytes_low && state->refused.exchange(false) && state->on_room) state->on_room();
}

MemoryBudget::MemoryBudget(Options options) : state_(std::make_shared<State>()) {
  state_->bytes_max = options.bytes_max;
  state_->bytes_low = options.bytes_low == 0 ? options.bytes_max / 2 : options.bytes_low;
  state_->on_room = std::move(options.on_room);
}

std::optional<MemoryBudget::Units> MemoryBudget::TryTake(size_t bytes) {
  if (!state_->Add(bytes)) {
    if (bytes > state_->bytes_max) return std::nullopt;
    state_->refused.store(true);
    if (!state_->Add(bytes)) return std::nullopt;
  }
  return Units(state_, bytes);
}

MemoryBudget::Units MemoryBudget::TakeAnyway(size_t bytes) {
  state_->in_use.fetch_add(bytes);
  return Units(state_, bytes);
}

size_t MemoryBudget::bytes_in_use() const noexcept { return state_->in_use.load(); }
size_t MemoryBudget::bytes_max() const noexcept { return state_->bytes_max; }

}  // namespace orbitmq
