// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "client/consume_pool.h"
#include "common/planted_bug.h"
#include "orbitmq/received_message.h"

namespace orbitmq::client {

// The messages of one queue that were pulled and are not finished, and from them the offset that may be
// committed. Pure.
//
// Threads: owned by the client's loop.
// Invariant: commit_point() never passes an unfinished message and never moves back.
class ProcessQueue final {
 public:
  // `begin`: the first offset that will be read.
  explicit ProcessQueue(int64_t begin) : read_up_to_(begin) {}

  struct Entry {
    ReceivedMessage message;
    std::shared_ptr<ConsumeTask> task;  // The call of the listener that it is part of.
    bool giving_back = false;           // On its way back to the broker.
  };

  // False when the offset was read before (a broker that answered with older messages): already taken care
  // of.
  bool Put(const ReceivedMessage& message);
  // Everything below `offset` has been read: what was not Put was filtered out. Ignored when it moves back.
  void ReadUpTo(int64_t offset);
  // Null when it is finished or was never here.
  Entry* Find(int64_t offset);
  // False when it is not here (finished twice).
  bool Finish(int64_t offset);

  int64_t commit_point() const {
    if (Planted(Bug::kCommitPastUnfinished)) return read_up_to_;
    return entries_.empty() ? read_up_to_ : entries_.begin()->first;
  }
  int64_t read_up_to() const { return read_up_to_; }
  size_t count() const { return entries_.size(); }
  size_t bytes() const { return bytes_; }
  // Between the first and the last unfinished offset.
  int64_t span() const;
  const std::map<int64_t, Entry>& entries() const { return entries_; }
  std::map<int64_t, Entry>& entries() { return entries_; }

 private:
  int64_t read_up_to_;
  size_t bytes_ = 0;
  std::map<int64_t, Entry> entries_;
};

}  // namespace orbitmq::client
