// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "broker/state/topic_table.h"
#include "common/clock.h"
#include "orbitmq/message_queue.h"

namespace orbitmq::broker {

// Which member of a group may consume a queue in order: leases that the member renews (store.md 8.4). Kept in
// memory only, as in Apache: after a restart the members lock again.
// Threads: any (one leaf lock).
class QueueLocks final {
 public:
  static constexpr Duration kLease = std::chrono::seconds(60);
  explicit QueueLocks(const Clock& clock) : clock_(clock) {}

  // Locks or renews what is free, expired or this client's; returns that subset.
  std::set<MessageQueue> Lock(std::string_view group, std::string_view client_id,
                              const std::set<MessageQueue>& queues);
  // Frees what this client holds.
  void Unlock(std::string_view group, std::string_view client_id, const std::set<MessageQueue>& queues);
  // Whether any queue of the group is locked: then it consumes in order.
  bool AnyHeld(std::string_view group) const;
  // Forgets leases that ended long ago.
  void Sweep();

 private:
  struct Holder {
    std::string client_id;
    MonoTime since;
  };
  const Clock& clock_;
  mutable Mutex mutex_;
  NameMap<std::map<MessageQueue, Holder>> groups_ ORBITMQ_GUARDED_BY(mutex_);
};

}  // namespace orbitmq::broker
