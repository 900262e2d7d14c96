// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "common/bytes.h"
#include "common/completion.h"
#include "common/executor.h"
#include "common/ids.h"

namespace orbitmq::store {

// How many replicas a leader has, as whoever ships its log knows.
struct ReplicaCount {
  int32_t in_sync = 1;   // In step, the leader among them.
  LogOffset replicated;  // As many as in_sync_replicas asks for have everything below.
};

// How many replicas an append with Durability::kStoreDefault asks for (store_options.h has what a store is
// opened with).
struct ReplicaDemand {
  int32_t in_sync = 1;      // inSyncReplicas, this store among them; 1 = none besides it.
  int32_t in_sync_min = 1;  // minInSyncReplicas: below that an append is refused.
  bool adapt = false;  // enableAutoInSyncReplicas: content with those in sync, but never below the minimum.
};

// Whole records (fillers at the ends of files among them) as the leader's log has them, without a gap.
struct ReplicaChunk {
  LogOffset begin;
  LogOffset last_record;  // Where the last of them begins.
  std::string bytes;      // Within one file of the log.
};

// Who writes the log: appends of this store, or a leader's stream.
enum class LogRole : uint8_t { kLeader, kFollower };

// The store's side of log shipping. It moves bytes and watermarks; who sends them to whom, and what an
// acknowledgement looks like, is not its business: Apache's HA protocol (broker/replication/) today, the
// frames of an elected, epoch-numbered leader later. Both move `replicated`, and who decides who leads
// changes the role while the store runs.
//
// Threads: any, except where noted.
class ReplicatedLog {
 public:
  virtual ~ReplicatedLog() = default;

  // --- the leader's side
  // Bytes of the log from `from` on: at most `bytes_max`, of one file, below `appended`; empty at the end.
  // kNotFound below the log's begin or beyond its end. May wait for the disk unless ShipsFromMemory(from).
  virtual Result<Bytes> ReadLog(LogOffset from, size_t bytes_max) = 0;
  virtual bool ShipsFromMemory(LogOffset from) = 0;
  // Completes the appends that wait for replicas up to `count.replicated`, on the calling thread. It never
  // falls within a generation.
  virtual void SetReplicas(const ReplicaCount& count) = 0;
  // From now on. Appends that wait go on waiting, unless nobody is asked for any more.
  virtual void SetDemand(const ReplicaDemand& demand) = 0;

  // --- the follower's side
  // Places a chunk behind the end of the log; `done` gets the new end, in the order of the calls: within this
  // call when the chunk is small and nothing waits, which may wait for the disk, else on an executor of the
  // store. One caller at a time. kInvalidArgument when the chunk does not begin at the end,
  // kFailedPrecondition on a leader. A chunk waits while the disk is full or queues and index are far behind.
  virtual void AppendReplica(ReplicaChunk chunk, Completion<LogOffset> done) = 0;
  // What a follower may report: on its disk where it syncs every append, else written.
  virtual LogOffset reportable() const = 0;
  // The newest begin of a record at least `distance` bytes before the end; the log's begin when it is
  // shorter. May wait for the disk.
  virtual Result<LogOffset> RecordBefore(int64_t distance) = 0;
  // Drops everything from `to` on, in log, queues and index; `last_record` begins the record that ends at
  // `to`. Readers keep the bytes they hold. A crash on the way leaves the old end or the new one.
  virtual void Truncate(LogOffset to, LogOffset last_record, Completion<Done> done) = 0;
  // Drops everything, and goes on at `begin`, where a file of the leader's log begins.
  virtual void StartOver(LogOffset begin, Completion<Done> done) = 0;
  // The leader deleted the topic after it had stored what lies below `below`: the topic's queues that end
  // there go, lastingly (store/deleted_topics.h), and records below stand in no queue any more. Queues that
  // go on above stay as they are: what is in them was sent after the deletion, or is to be asked for again
  // when more of the log has come. kFailedPrecondition on a leader, while it heals, or when it healed
  // meanwhile.
  virtual void DropTopic(const std::string& topic, LogOffset below, Completion<Done> done) = 0;
  // Raised by Truncate and StartOver: offsets of an older generation may name other records.
  virtual uint64_t generation() const = 0;

  // --- both
  virtual LogRole role() const = 0;
  // Changes the role while the store runs; `done` is called on an executor of the store when the new one
  // counts. To lead, it waits until all that came is synced and dispatched, so that queue offsets go on where
  // the old leader's ended; what it then writes counts as another program's for the check of record CRCs
  // (store/crc_ranges.h) until the store is opened anew. To follow, it refuses appends at once, places and
  // syncs those it had accepted, and ends with kUnknown those that wait for replicas. The role that it has is
  // no change. kFailedPrecondition during a cut or another change.
  virtual void ChangeRole(LogRole role, Completion<Done> done) = 0;
  // Called on an executor of the store whenever `appended` or `flushed` rose; must not block. One listener;
  // set it to nothing before it goes.
  virtual void OnProgress(UniqueFunction<void()> listener) = 0;

 protected:
  ReplicatedLog() = default;
};

}  // namespace orbitmq::store
