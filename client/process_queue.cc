// SPDX-License-Identifier: Apache-2.0
#include "client/process_queue.h"

#include <algorithm>

namespace orbitmq::client {

bool ProcessQueue::Put(const ReceivedMessage& message) {
  const int64_t offset = message.queue_offset();
  if (offset < read_up_to_) return false;
  read_up_to_ = offset + 1;
  entries_.emplace_hint(entries_.end(), offset, Entry{message, nullptr, false});
  bytes_ += message.body().size();
  return true;
}

void ProcessQueue::ReadUpTo(int64_t offset) { read_up_to_ = std::max(read_up_to_, offset); }

ProcessQueue::Entry* ProcessQueue::Find(int64_t offset) {
  const auto found = entries_.find(offset);
  return found == entries_.end() ? nullptr : &found->second;
}

bool ProcessQueue::Finish(int64_t offset) {
  const auto found = entries_.find(offset);
  if (found == entries_.end()) return false;
  bytes_ -= found->second.message.body().size();
  entries_.erase(found);
  return true;
}

int64_t ProcessQueue::span() const {
  return entries_.empty() ? 0 : entries_.rbegin()->first - entries_.begin()->first;
}

}  // namespace orbitmq::client
