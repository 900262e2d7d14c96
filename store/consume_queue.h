// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "common/ids.h"
#include "common/log.h"
#include "common/mutex.h"
#include "store/file_cache.h"
#include "store/message_store.h"

namespace orbitmq::store {

inline constexpr int64_t kUnitBytes = 20;
// A filler stands where a queue has no message: log offset 0, this size, tags code 0 (Apache's pre-fill of
// queues that begin past offset 0).
inline constexpr int32_t kFillerRecordBytes = 0x7FFFFFFF;

void EncodeUnit(const QueueUnit& unit, std::string& out);
QueueUnit DecodeUnit(const char* bytes);
inline bool IsFiller(const QueueUnit& unit) {
  return unit.log_offset.value == 0 && unit.record_bytes == kFillerRecordBytes;
}

// What all queues of a store share.
struct QueueFiles {
  FileCache& cache;
  Logger& log;
  std::string root;  // <store>/consumequeue
  int64_t file_units = 0;
};

// Where one queue ends, as checkpoints keep it.
struct QueueEnds {
  QueueKey queue;
  QueueOffset min;
  QueueOffset max;
  LogOffset end_log_offset;  // End of the newest record in it.
};

// The index of one queue: unit n tells where message n lies in the log.
//
// Format: files of file_units * 20 bytes named by the byte offset of their first unit; per unit i64 log
// offset, i32 record bytes, i64 tags code, big-endian (store.md 3.1). New units gather in memory (`tail`) and
// go to the sparse files in batches; an idle queue has no descriptor, no mapping and no buffer.
//
// Threads: Put, WriteOut and Restart on the dispatch executor (recovery before that); AdvanceMin and
// RemoveExpired on the disk executor; reads from any. Invariants: (1) unit n stands at byte n * 20;
// (2) [min, max) is readable, from files below `written` and from the tail above; (3) log offsets rise.
class ConsumeQueue final {
 public:
  ConsumeQueue(QueueFiles& files, QueueKey key) : files_(files), key_(std::move(key)) {}

  const QueueKey& key() const { return key_; }
  OffsetRange range() const;
  QueueEnds ends() const;

  enum class PutOutcome : uint8_t {
    kStored,
    kRepeated,   // It stands in the queue already.
    kRestarted,  // The topic was deleted and made anew; the old units were dropped.
    kRefused,    // Its queue offset contradicts the queue: logged, not stored.
  };
  PutOutcome Put(const QueueUnit& unit, QueueOffset at);

  // Units from `from` on, at most `count`; fewer at the end, none when they cannot be read.
  std::vector<QueueUnit> Read(QueueOffset from, size_t count) const;
  // The first queue offset whose unit lies at or above `at` in the log; max() when there is none.
  QueueOffset FirstFrom(LogOffset at) const;
  QueueOffset NextFileBegin(QueueOffset at) const;

  // Files written since the last sync, and directories that got new entries.
  struct Touched {
    std::set<std::string> files;
    std::set<std::string> directories;
  };
  size_t tail_bytes() const;
  // Moves the tail to the files. On failure it stays in memory, to be tried again.
  Status WriteOut(Touched& touched);

  // Drops what lies below the log's begin: raises min. Then files that hold nothing above it are removed.
  void AdvanceMin(LogOffset log_min);
  Status RemoveExpired();
  // Removes every file and the directory.
  void RemoveFiles();

  // --- recovery
  // Finds the end as Apache does: scans from the third-last file to the first unit that is none. Starts
  // further back where units may point at or above `synced_below`: after a power cut a file may be a hole.
  Status Load(LogOffset synced_below);
  void Restore(const QueueEnds& ends);
  // Drops units of records at or above `log_end`.
  void TruncateAbove(LogOffset log_end);
  // Zeroes the files above max, so that stale units can never be taken for real ones.
  Status ClearAbove(Touched& touched);
  // Names every file of the queue as to be synced.
  Status TouchAll(Touched& touched) const;

 private:
  struct FileEntry {
    int64_t begin = 0;  // In units.
    uint64_t bytes = 0;
  };
  int64_t FileBegin(int64_t unit) const { return unit - unit % files_.file_units; }
  std::string Directory() const;
  std::string Path(int64_t file_begin) const;
  Result<std::vector<FileEntry>> ListFiles() const;
  std::vector<QueueUnit> ReadFiles(int64_t from, int64_t count) const;
  Status WriteUnits(int64_t from, std::string_view units, Touched& touched);
  Status OpenNew(int64_t file_begin, Touched& touched);
  Status ScanForEnd(const std::vector<FileEntry>& listed, size_t first, LogOffset synced_below);

  QueueFiles& files_;
  const QueueKey key_;
  mutable Mutex mutex_;
  int64_t min_ ORBITMQ_GUARDED_BY(mutex_) = 0;
  int64_t max_ ORBITMQ_GUARDED_BY(mutex_) = 0;
  int64_t written_ ORBITMQ_GUARDED_BY(mutex_) = 0;
  int64_t end_log_offset_ ORBITMQ_GUARDED_BY(mutex_) = 0;
  bool prefill_ ORBITMQ_GUARDED_BY(mutex_) = false;  // The file of `written_` needs fillers below it.
  bool removed_ ORBITMQ_GUARDED_BY(mutex_) = false;
  std::string tail_ ORBITMQ_GUARDED_BY(mutex_);
};

}  // namespace orbitmq::store
