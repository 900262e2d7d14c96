// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/mutex.h"
#include "store/consume_queue.h"

namespace orbitmq::store {

// All ConsumeQueues of a store, found by topic and queue id.
//
// Threads: Find, All from any; Put, WriteOutSome, Remove on the dispatch executor (recovery before that).
class QueueTable final {
 public:
  QueueTable(FileSystem& files, Logger& log, const StoreOptions& options);

  std::shared_ptr<ConsumeQueue> Find(std::string_view topic, QueueId id) const;
  // In the order of their keys.
  std::vector<std::shared_ptr<ConsumeQueue>> All() const;

  // Creates the queue if need be. A topic that cannot be a directory's name is kRefused.
  ConsumeQueue::PutOutcome Put(std::string_view topic, QueueId id, const QueueUnit& unit, QueueOffset at);

  // Writes the tails of at most `count` queues to their files; true when none is left.
  Result<bool> WriteOutSome(size_t count, ConsumeQueue::Touched& touched);
  // Queues whose tail should go to its file without waiting for the timer.
  bool wants_write_out() const { return large_tails_ > 0; }

  // Takes a topic's queues out of the table and deletes their files.
  void Remove(const std::string& topic);

  // --- recovery
  // Every queue that has a directory. Units of records below `synced_below` are known to be on the disk.
  Status LoadFromFiles(LogOffset synced_below);
  std::shared_ptr<ConsumeQueue> Make(std::string_view topic, QueueId id);
  const std::string& root() const { return shared_.root; }

 private:
  struct KeyView {
    std::string_view topic;
    QueueId id;
  };
  struct Hash {
    using is_transparent = void;
    size_t operator()(const KeyView& key) const noexcept {
      return std::hash<std::string_view>()(key.topic) * 31 +
             static_cast<size_t>(static_cast<uint32_t>(key.id));
    }
    size_t operator()(const QueueKey& key) const noexcept {
      return (*this)(KeyView{key.topic, key.queue_id});
    }
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(const QueueKey& a, const QueueKey& b) const noexcept { return a == b; }
    bool operator()(const KeyView& a, const QueueKey& b) const noexcept {
      return a.id == b.queue_id && a.topic == b.topic;
    }
    bool operator()(const QueueKey& a, const KeyView& b) const noexcept { return (*this)(b, a); }
  };

  FileCache cache_;
  QueueFiles shared_;
  mutable Mutex mutex_;
  std::unordered_map<QueueKey, std::shared_ptr<ConsumeQueue>, Hash, Equal> queues_ ORBITMQ_GUARDED_BY(mutex_);
  // Queues with a tail, oldest first. Dispatch executor.
  std::deque<std::shared_ptr<ConsumeQueue>> dirty_;
  size_t large_tails_ = 0;
};

}  // namespace orbitmq::store
