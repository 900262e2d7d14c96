// SPDX-License-Identifier: Apache-2.0
#include "remoting/deadline_wheel.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace orbitmq::net {
namespace {

constexpr int64_t kTickNanos = 10'000'000;

}  // namespace

DeadlineWheel::DeadlineWheel(Env& env, Executor& executor, OnExpired on_expired)
    : env_(env), executor_(executor), on_expired_(std::move(on_expired)), turned_to_(NowTick()) {
  for (Anchor& slot : slots_) slot.next_ = slot.previous_ = &slot;
}

DeadlineWheel::~DeadlineWheel() {
  for (Anchor& slot : slots_) {
    while (slot.next_ != &slot) Unlink(*slot.next_);
    slot.next_ = slot.previous_ = nullptr;
  }
}

void DeadlineWheel::Unlink(Entry& entry) {
  entry.next_->previous_ = entry.previous_;
  entry.previous_->next_ = entry.next_;
  entry.next_ = entry.previous_ = nullptr;
}

void DeadlineWheel::LinkBefore(Entry& anchor, Entry& entry) {
  entry.next_ = &anchor;
  entry.previous_ = anchor.previous_;
  anchor.previous_->next_ = &entry;
  anchor.previous_ = &entry;
}

int64_t DeadlineWheel::NowTick() const {
  return env_.clock().Monotonic().time_since_epoch().count() / kTickNanos;
}

void DeadlineWheel::Add(Entry& entry, MonoTime deadline) {
  ORBITMQ_CHECK(!entry.queued(), "a deadline can be queued once");
  const int64_t nanos = deadline.time_since_epoch().count();
  // Rounded up without overflow for kNever.
  const int64_t tick = nanos / kTickNanos + (nanos % kTickNanos > 0 ? 1 : 0);
  if (count_ == 0) turned_to_ = std::max(turned_to_, NowTick() - 1);
  entry.tick_ = std::max(tick, turned_to_ + 1);
  LinkBefore(slots_[static_cast<size_t>(entry.tick_ % kSlots)], entry);
  ++count_;
  if (armed_for_ < 0 || entry.tick_ < armed_for_) Arm(entry.tick_);
}

void DeadlineWheel::Remove(Entry& entry) {
  if (!entry.queued()) return;
  Unlink(entry);
  --count_;
}

void DeadlineWheel::Arm(int64_t tick) {
  // A deadline beyond one round is looked at once per round.
  armed_for_ = std::min(tick, turned_to_ + kSlots);
  timer_ = executor_.PostAt(MonoTime(std::chrono::nanoseconds(armed_for_ * kTickNanos)), [this] { Turn(); });
}

void DeadlineWheel::ArmNext(int64_t after) {
  armed_for_ = -1;
  if (count_ == 0) return;
  for (int64_t tick = after + 1; tick <= after + kSlots; ++tick) {
    const Anchor& slot = slots_[static_cast<size_t>(tick % kSlots)];
    if (slot.next_ == &slot) continue;
    Arm(tick);
    return;
  }
}

void DeadlineWheel::Turn() {
  const int64_t now = NowTick();
  Anchor due;
  due.next_ = due.previous_ = &due;
  // After a long pause one full round sees every slot.
  for (int64_t tick = std::max(turned_to_ + 1, now - kSlots + 1); tick <= now; ++tick) {
    Anchor& slot = slots_[static_cast<size_t>(tick % kSlots)];
    for (Entry* entry = slot.next_; entry != &slot;) {
      Entry* next = entry->next_;
      if (entry->tick_ <= now) {
        Unlink(*entry);
        LinkBefore(due, *entry);
      }
      entry = next;
    }
  }
  turned_to_ = std::max(turned_to_, now);
  armed_for_ = -1;
  while (due.next_ != &due) {
    Entry& entry = *due.next_;
    Unlink(entry);
    --count_;
    on_expired_(entry);
  }
  due.next_ = due.previous_ = nullptr;
  if (armed_for_ < 0) ArmNext(turned_to_);
}

}  // namespace orbitmq::net
