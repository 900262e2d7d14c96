// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "common/message_codec.h"
#include "store/deleted_topics.h"
#include "store/key_index.h"
#include "store/queue_table.h"

namespace orbitmq::store {

// What a record's ConsumeQueue unit carries besides its place: the Java hash of its tag, or in the schedule
// topic the time (epoch ms) at which it is due.
int64_t TagsCodeOf(const MessageView& record, const std::vector<Duration>& delay_levels);

// Derives ConsumeQueues and index from one log record: the same function for dispatch and for recovery, so
// that a rebuilt queue is what dispatch would have written. Threads: the dispatch executor (recovery before
// that).
class QueueBuilder final {
 public:
  // Records that `deleted` covers are put into no queue.
  QueueBuilder(QueueTable& queues, KeyIndex& index, const DeletedTopics& deleted, const StoreOptions& options)
      : queues_(queues), index_(index), deleted_(deleted), options_(options) {}

  struct Derived {
    bool entered_queue = false;
    int64_t tags_code = 0;
  };
  // Safe to repeat for the same record. An error means: not done, try this record again later; its queue has
  // it, the index may not.
  Result<Derived> Derive(const MessageView& record);
  // The half of it that needs no disk. Safe to repeat.
  Derived PutIntoQueue(const MessageView& record);

 private:
  QueueTable& queues_;
  KeyIndex& index_;
  const DeletedTopics& deleted_;
  const StoreOptions& options_;
};

}  // namespace orbitmq::store
