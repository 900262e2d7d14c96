// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
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
// Threads: Find, All, Topics from any; AdvanceMin on the disk executor; the rest on the dispatch executor
// (recovery before that). Topics lie in shards of their own locks, so that readers of different topics rarely
// meet.
class QueueTable final {
 public:
  QueueTable(FileSystem& files, Logger& log, const StoreOptions& options);

  std::shared_ptr<ConsumeQueue> Find(std::string_view topic, QueueId id) const;
  // In the order of their keys.
  std::vector<std::shared_ptr<ConsumeQueue>> All() const;
  // The names of all topics that have queues, in no order.
  std::vector<std::shared_ptr<const std::string>> Topics() const;

  // Creates the queue if need be. A topic that cannot be a directory's name is kRefused.
  ConsumeQueue::PutOutcome Put(std::string_view topic, QueueId id, const QueueUnit& unit, QueueOffset at);

  // Writes the tails of at most `count` queues to their files; true when none is left.
  Result<bool> WriteOutSome(size_t count, ConsumeQueue::Touched& touched);
  // Queues whose tail should go to its file without waiting for the timer.
  bool wants_write_out() const { return large_tails_ > 0; }
  size_t dirty_count() const { return dirty_.size(); }

  // Drops the units of records at or above `log_end`, in memory and in the files.
  Status Cut(const std::shared_ptr<ConsumeQueue>& queue, LogOffset log_end, ConsumeQueue::Touched& touched);
  void AdvanceMin(const std::shared_ptr<ConsumeQueue>& queue, LogOffset log_min);
  bool Has(std::string_view topic) const;
  // Takes a topic's queues that end at or below `below` out of the table and removes, lastingly, their files
  // and those of queues that are in no table. After an error some may be left; it can be repeated.
  Status Remove(const std::string& topic, LogOffset below = {INT64_MAX});

  // What changed since the last call, for checkpoints: first the topics were removed, then the queues got
  // these ends. What is taken must reach a checkpoint, or the next one must hold All().
  struct Changes {
    std::vector<std::string> removed_topics;
    std::vector<QueueEnds> queues;
  };
  Changes TakeChanges();

  // --- recovery
  // Every queue that has a directory. Units of records below `synced_below` are known to be on the disk.
  Status LoadFromFiles(LogOffset synced_below);
  std::shared_ptr<ConsumeQueue> Make(std::string_view topic, QueueId id);
  const std::string& root() const { return shared_.root; }

  // After a crash any queue may have units of lost records behind its end. Looking for them in 80,000 files
  // would hold up the start: SweepSome does it queue by queue while the store runs, and a queue that is
  // written to is swept first.
  void SweepLater();
  // Any thread. A store may not close cleanly before this is true.
  bool swept() const { return swept_.load(std::memory_order_acquire); }
  Status SweepSome(size_t count, ConsumeQueue::Touched& touched);

 private:
  static constexpr size_t kShards = 64;
  struct Topic {
    std::shared_ptr<const std::string> name;
    std::vector<std::shared_ptr<ConsumeQueue>> queues;  // In the order of their ids.
  };
  struct Shard {
    mutable Mutex mutex;
    // The keys point to the topics' names.
    std::unordered_map<std::string_view, Topic> topics ORBITMQ_GUARDED_BY(mutex);
  };
  Shard& ShardOf(std::string_view topic) { return shards_[std::hash<std::string_view>()(topic) % kShards]; }
  const Shard& ShardOf(std::string_view topic) const {
    return shards_[std::hash<std::string_view>()(topic) % kShards];
  }
  struct Parted {
    std::vector<std::shared_ptr<ConsumeQueue>> gone;
    std::vector<std::shared_ptr<ConsumeQueue>> left;
  };
  Parted TakeOut(const std::string& topic, LogOffset below);
  void NoteChanged(const std::shared_ptr<ConsumeQueue>& queue);

  FileCache cache_;
  QueueFiles shared_;
  std::array<Shard, kShards> shards_;
  std::atomic<uint32_t> next_number_{0};

  Mutex changes_mutex_;
  std::vector<std::shared_ptr<ConsumeQueue>> changed_ ORBITMQ_GUARDED_BY(changes_mutex_);
  std::vector<std::string> removed_topics_ ORBITMQ_GUARDED_BY(changes_mutex_);

  // Queues with a tail, oldest first. Dispatch executor.
  std::deque<std::shared_ptr<ConsumeQueue>> dirty_;
  size_t large_tails_ = 0;
  std::vector<std::shared_ptr<ConsumeQueue>> unswept_;
  std::atomic<bool> swept_{true};
};

}  // namespace orbitmq::store
