// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "common/env.h"

namespace orbitmq::net {

// The deadlines of many calls behind one timer: adding and removing costs a few pointer writes.
// Granularity 10 ms, rounded up; a deadline never fires early.
//
// Threads: the executor's own.
class DeadlineWheel final {
 public:
  // Part of what has a deadline. Remove it before it dies.
  class Entry {
   public:
    Entry() = default;
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    bool queued() const { return next_ != nullptr; }

   protected:
    ~Entry() { ORBITMQ_CHECK(!queued(), "a deadline died while it was queued"); }

   private:
    friend class DeadlineWheel;
    Entry* next_ = nullptr;
    Entry* previous_ = nullptr;
    int64_t tick_ = 0;
  };
  // Called for each entry whose time has come, after it was taken out. May add and remove others.
  using OnExpired = UniqueFunction<void(Entry&)>;

  DeadlineWheel(Env& env, Executor& executor, OnExpired on_expired);
  ~DeadlineWheel();
  DeadlineWheel(const DeadlineWheel&) = delete;
  DeadlineWheel& operator=(const DeadlineWheel&) = delete;

  void Add(Entry& entry, MonoTime deadline);
  void Remove(Entry& entry);  // No-op when it is not queued.

 private:
  struct Anchor final : Entry {};
  static constexpr int64_t kSlots = 1024;  // With 10 ms each; later deadlines take several rounds.
  static void Unlink(Entry& entry);
  static void LinkBefore(Entry& anchor, Entry& entry);
  int64_t NowTick() const;
  void Arm(int64_t tick);
  void ArmNext(int64_t after);
  void Turn();

  Env& env_;
  Executor& executor_;
  OnExpired on_expired_;
  std::array<Anchor, kSlots> slots_;
  size_t count_ = 0;
  int64_t turned_to_;  // Every slot up to this tick has been looked at.
  int64_t armed_for_ = -1;
  Timer timer_;
};

}  // namespace orbitmq::net
