// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "broker/state/persisted_file.h"
#include "broker/state/topic_table.h"
#include "common/ids.h"
#include "remoting/protocol/offset_bodies.h"
#include "store/message_store.h"

namespace orbitmq::broker {

// "topic@group", the keys of the file and of the statistics; neither may contain '@'.
struct KeyParts {
  std::string_view topic;
  std::string_view group;
};
KeyParts SplitKey(std::string_view key);

// What a group's offset in a queue is asked or set for.
struct OffsetKey {
  std::string_view group;
  std::string_view topic;
  QueueId queue_id = 0;
};

// The next offset to consume of every group and queue.
//
// Threads: any. Commits come with every pull, so the map is sharded by "topic@group" and guarded by leaf
// locks, the stated exception to ownership by executor. Format: config/consumerOffset.json, Apache's (errata
// 11).
class ConsumerOffsets final {
 public:
  struct Parts {
    Env& env;
    Executor& disk;
    std::string path;
  };
  static Result<std::unique_ptr<ConsumerOffsets>> Load(Parts parts);
  explicit ConsumerOffsets(Parts parts);

  // Moves back are allowed, as in Apache; they are logged.
  void Commit(const OffsetKey& key, int64_t offset);
  std::optional<int64_t> Query(const OffsetKey& key) const;
  // All queues of one group and topic.
  proto::QueueOffsetMap QueryTopic(std::string_view group, std::string_view topic) const;

  // Where the group last pulled: kept in memory for statistics.
  void NotePull(const OffsetKey& key, int64_t offset);
  std::optional<int64_t> PulledTo(const OffsetKey& key) const;

  // A reset by an administrator: the offset counts at once, later commits are ignored until TakeReset (the
  // next pull) has told the consumer.
  void Reset(const OffsetKey& key, int64_t offset);
  std::optional<int64_t> TakeReset(const OffsetKey& key);
  bool ResetPending(const OffsetKey& key) const;

  // Lowers every offset that lies beyond the end of its queue, as a crash may leave them, and logs each: a
  // consumer would skip the messages that get these offsets next. The lowered ones are on disk when it
  // returns, or a second crash would find the old ones within queues that have grown past them. Returns how
  // many; call once, between recovery and service.
  Result<size_t> ClampTo(store::QueueReader& queues);

  void RemoveGroup(std::string_view group);
  void RemoveTopic(std::string_view topic);
  // Copies the offsets of one group to another; an empty topic means all.
  void Clone(std::string_view from_group, std::string_view to_group, std::string_view topic);

  std::set<std::string> TopicsOf(std::string_view group) const;
  std::set<std::string> GroupsOf(std::string_view topic) const;
  proto::ConsumerOffsetSerializeWrapper All() const;

  // Between master and slave. A slave's offsets are its master's, but for what consumers committed to the
  // slave itself while the master was away: that is marked, kept, and named until the master has it.
  // Whoever leads from now on owes nothing to the master before.
  void SetFollower(bool follower);
  struct Ahead {
    std::string group;
    std::string topic;
    QueueId queue_id = 0;
    int64_t offset = 0;
  };
  // Takes the master's table and returns where this one stays ahead of it: at most kAheadMax entries, which
  // are to be committed at the master; the rest comes with the next call. An offset of the master counts even
  // when it is smaller (a reset) or gone (its group or topic was removed), unless ours was committed here, or
  // the master's whole table is older than the one taken before (it was restarted and lost its last commits):
  // then the larger one stays.
  std::vector<Ahead> Follow(const proto::ConsumerOffsetSerializeWrapper& master);
  // The master will not have that offset: it does not know group or topic, or its queue ends at `end`, which
  // is what counts here too then. It is not ahead any more.
  void Settle(const OffsetKey& key, std::optional<int64_t> end);
  // A master takes what a slave has when it starts: larger offsets only, of a table that is not older than
  // its own by the clock, and never beyond the end of the queue. Returns how many it took.
  size_t Adopt(const proto::ConsumerOffsetSerializeWrapper& slave, store::QueueReader& queues);

  // Writes the file if anything changed since the last time; `done` as PersistedFile::Save.
  void Save(Completion<Done> done);

 private:
  struct Queue {
    std::optional<int64_t> offset;
    std::optional<int64_t> pulled;
    std::optional<int64_t> reset;
    bool own = false;  // Of a slave: committed here, and not known to be the master's yet.
  };
  using Queues = std::map<QueueId, Queue>;
  struct Shard {
    mutable Mutex mutex;
    NameMap<Queues> table ORBITMQ_GUARDED_BY(mutex);
  };
  static std::string KeyText(std::string_view group, std::string_view topic);
  Shard& ShardOf(std::string_view key_text) const;
  template <class Fn>
  auto WithQueue(const OffsetKey& key, Fn fn);
  template <class Fn>
  auto PeekQueue(const OffsetKey& key, Fn fn) const;
  Status Read(std::string_view text);
  void TouchVersion();

  static constexpr size_t kShards = 16;
  static constexpr size_t kAheadMax = 1000;
  Parts parts_;
  mutable std::array<Shard, kShards> shards_;
  std::atomic<uint64_t> changes_{0};
  std::atomic<uint64_t> saved_{0};
  std::atomic<int64_t> version_counter_{0};
  std::atomic<int64_t> version_time_{0};
  std::atomic<int64_t> state_version_{0};
  std::atomic<bool> follower_{false};
  PersistedFile file_;
};

}  // namespace orbitmq::broker
