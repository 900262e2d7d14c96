// SPDX-License-Identifier: Apache-2.0
#include "broker/state/queue_locks.h"

#include "common/limits.h"

namespace orbitmq::broker {

std::set<MessageQueue> QueueLocks::Lock(std::string_view group, std::string_view client_id,
                                        const std::set<MessageQueue>& queues) {
  const MonoTime now = clock_.Monotonic();
  std::set<MessageQueue> locked;
  MutexLock lock(mutex_);
  if (groups_.size() >= limits::kGroupsMax && groups_.find(group) == groups_.end()) return locked;
  auto& held = groups_[std::string(group)];
  for (const MessageQueue& queue : queues) {
    const auto found = held.find(queue);
    const bool theirs =
        found != held.end() && found->second.client_id != client_id && now - found->second.since <= kLease;
    if (theirs) continue;
    held[queue] = Holder{std::string(client_id), now};
    locked.insert(queue);
  }
  return locked;
}

void QueueLocks::Unlock(std::string_view group, std::string_view client_id,
                        const std::set<MessageQueue>& queues) {
  MutexLock lock(mutex_);
  const auto of_group = groups_.find(group);
  if (of_group == groups_.end()) return;
  for (const MessageQueue& queue : queues) {
    const auto found = of_group->second.find(queue);
    if (found != of_group->second.end() && found->second.client_id == client_id) {
      of_group->second.erase(found);
    }
  }
  if (of_group->second.empty()) groups_.erase(of_group);
}

bool QueueLocks::AnyHeld(std::string_view group) const {
  const MonoTime now = clock_.Monotonic();
  MutexLock lock(mutex_);
  const auto of_group = groups_.find(group);
  if (of_group == groups_.end()) return false;
  for (const auto& [queue, holder] : of_group->second) {
    if (now - holder.since <= kLease) return true;
  }
  return false;
}

void QueueLocks::Sweep() {
  const MonoTime now = clock_.Monotonic();
  MutexLock lock(mutex_);
  for (auto of_group = groups_.begin(); of_group != groups_.end();) {
    std::erase_if(of_group->second, [now](const auto& entry) { return now - entry.second.since > kLease; });
    of_group = of_group->second.empty() ? groups_.erase(of_group) : std::next(of_group);
  }
}

}  // namespace orbitmq::broker
