// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>

#include "store/cold_reads.h"
#include "store/commit_log.h"
#include "store/key_index.h"
#include "store/queue_table.h"

namespace orbitmq::store {

// Everything that reads: by queue offset, by time, by log offset, by key. Only what was dispatched is
// visible.
//
// Threads: any. Hot reads take leaf locks only; others may wait for the disk.
class StoreReader final {
 public:
  struct Parts {
    Clock& clock;
    Logger& log;
    const CommitLog& commit_log;
    const QueueTable& queues;
    const KeyIndex& index;
    const StoreOptions& options;
  };
  explicit StoreReader(Parts parts) : parts_(parts) {}

  // How far a read may go for its bytes.
  enum class Reach : uint8_t { kMemory, kDisk };
  struct Wanted {
    const QueueKey& queue;
    QueueOffset from;
    const ReadLimits& limits;
    const TagFilter* filter;  // May be null.
    Reach reach;
  };
  // nullopt with kMemory only: the disk would have to be asked.
  std::optional<QueueSlice> Read(const Wanted& wanted) const;
  Result<Bytes> ReadAt(LogOffset at) const;
  Result<QueryReply> Query(const QueryRequest& request) const;
  QueueOffset OffsetAtTime(const QueueKey& key, WallTime time, TimeBoundary boundary) const;
  std::optional<WallTime> StoreTimeAt(const QueueKey& key, QueueOffset offset) const;
  std::optional<WallTime> EarliestStoreTime() const;

 private:
  struct Scan;
  bool Stayed(std::span<const QueueUnit> units, LogOffset log_end) const;
  void Collect(std::span<const QueueUnit> units, Scan& scan) const;
  // units.front(); the others are what may come next.
  bool Take(std::span<const QueueUnit> units, Scan& scan) const;
  std::optional<WallTime> StoreTimeOf(const QueueUnit& unit) const;
  std::optional<WallTime> StoreTimeOfRecordAt(LogOffset at) const;

  Parts parts_;
  mutable ColdReads cold_;
};

}  // namespace orbitmq::store
