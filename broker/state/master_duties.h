// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>
#include <vector>

namespace orbitmq::broker {

// Work that exactly one broker of a group does: delivering delayed messages now; timers and asking about
// transactions when there are any. Begin and End come in turns, Begin first, and may come often: a slave
// takes over when the master goes and stops when it returns.
//
// Threads: both on the loop that owns MasterDuties; they must not block.
class MasterDuty {
 public:
  virtual ~MasterDuty() = default;
  virtual void Begin() = 0;
  // Nothing new begins. What is under way may end, and its result counts.
  virtual void End() = 0;
};

// Switches all of them. Threads: one executor. Invariant: no duty is begun twice without an end.
class MasterDuties final {
 public:
  // Before the first Set; the duty must outlive this object's last Set.
  void Add(MasterDuty& duty) { duties_.push_back(&duty); }
  void Set(bool active) {
    if (std::exchange(active_, active) == active) return;
    for (MasterDuty* duty : duties_) active ? duty->Begin() : duty->End();
  }
  bool active() const { return active_; }

 private:
  std::vector<MasterDuty*> duties_;
  bool active_ = false;
};

}  // namespace orbitmq::broker
