// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
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
  // Each queue takes one of these by its number: a lock of its own would be a third of an idle queue.
  std::array<Mutex, 64> locks{};
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
// go to the sparse files in batches; an idle queue has no descriptor, no mapping, no buffer, and shares its
// topic's name and a lock with others: it costs about 130 bytes (bench/store_bench open).
//
// Threads: Put, WriteOut, Sweep on the dispatch executor (recovery before that); AdvanceMin and
// RemoveExpired on the disk executor; reads from any. Invariants: (1) unit n stands at byte n * 20;
// (2) [min, max) is readable, from files below `written` and from the tail above; (3) log offsets rise.
class ConsumeQueue final {
 public:
  // `number` is unlike that of any other queue in the store's life.
  ConsumeQueue(QueueFiles& files, std::shared_ptr<const std::string> topic, QueueId id, uint32_t number)
      : files_(files),
        mutex_(files.locks[number % files.locks.size()]),
        topic_(std::move(topic)),
        id_(id),
        number_(number) {}

  const std::string& topic() const { return *topic_; }
  QueueId id() const { return id_; }
  QueueKey key() const { return {*topic_, id_}; }
  OffsetRange range() const;
  QueueEnds ends() const;

  enum class PutOutcome : uint8_t {
    kStored,
    kRepeated,   // It stands in the queue already.
    kRestarted,  // The topic was deleted and made anew; the old units were dropped.
    kRefused,    // Its queue offset contradicts the queue: logged, not stored.
  };
  struct PutResult {
    PutOutcome outcome = PutOutcome::kStored;
    // What the table must do about it: units wait in memory for the first time since they were written out;
    // there are many of them now; the ends changed for the first time since ends() went into a checkpoint.
    bool became_dirty = false;
    bool became_large = false;
    bool became_changed = false;
  };
  PutResult Put(const QueueUnit& unit, QueueOffset at);

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
  // Units from here on were put by this process: they are in the page cache as far as anything is.
  QueueOffset fresh() const;

  // Moves the tail to the files. On failure it stays in memory, to be tried again.
  Status WriteOut(Touched& touched);

  // The ends for a checkpoint; the next change counts as the first again. Nothing when the files are gone.
  std::optional<QueueEnds> TakeEnds();

  // Drops what lies below the log's begin: raises min. Then files that hold nothing above it are removed.
  // True when that is the first change since TakeEnds.
  [[nodiscard]] bool AdvanceMin(LogOffset log_min);
  Status RemoveExpired();
  // Nothing can be read of it any more, and nothing of it is written.
  void MarkRemoved();
  // That, and removes every file and the directory, lastingly. After an error some are left.
  Status RemoveFiles();

  // --- recovery
  // Finds the end as Apache does: scans from the third-last file to the first unit that is none. Starts
  // further back where units may point at or above `synced_below`: after a power cut a file may be a hole.
  Status Load(LogOffset synced_below);
  void Restore(const QueueEnds& ends);
  // What stands in the queue now is an earlier process's.
  void StartFresh();
  // Drops units of records at or above `log_end`.
  void TruncateAbove(LogOffset log_end);
  // Zeroes the files above max, so that stale units can never be taken for real ones. Files that are clean
  // there are not written.
  Status ClearAbove(Touched& touched);
  // The same later: at the latest before new units are written. Sweep does it now unless it is done.
  void ClearLater();
  Status Sweep(Touched& touched);
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
  FileCache::Key CacheKey(int64_t file_begin) const { return {number_, file_begin}; }
  Result<std::shared_ptr<File>> FileAt(int64_t file_begin) const;
  Result<bool> IsClean(const FileEntry& entry, int64_t end) const;
  bool MarkChanged() ORBITMQ_REQUIRES(mutex_);
  std::string& tail() ORBITMQ_REQUIRES(mutex_);
  Result<std::vector<FileEntry>> ListFiles() const;
  std::vector<QueueUnit> ReadFiles(int64_t from, int64_t count) const;
  Status WriteUnits(int64_t from, std::string_view units, Touched& touched);
  Status OpenNew(int64_t file_begin, Touched& touched);
  Status ScanForEnd(const std::vector<FileEntry>& listed, size_t first, LogOffset synced_below);

  QueueFiles& files_;
  Mutex& mutex_;
  const std::shared_ptr<const std::string> topic_;
  const QueueId id_;
  const uint32_t number_;
  int64_t min_ ORBITMQ_GUARDED_BY(mutex_) = 0;
  int64_t max_ ORBITMQ_GUARDED_BY(mutex_) = 0;
  int64_t written_ ORBITMQ_GUARDED_BY(mutex_) = 0;
  int64_t fresh_ ORBITMQ_GUARDED_BY(mutex_) = 0;
  int64_t end_log_offset_ ORBITMQ_GUARDED_BY(mutex_) = 0;
  std::unique_ptr<std::string> tail_ ORBITMQ_GUARDED_BY(mutex_);  // Null when empty.
  bool prefill_ ORBITMQ_GUARDED_BY(mutex_) = false;  // The file of `written_` needs fillers below it.
  bool removed_ ORBITMQ_GUARDED_BY(mutex_) = false;
  bool changed_ ORBITMQ_GUARDED_BY(mutex_) = false;  // Since TakeEnds.
  bool unswept_ ORBITMQ_GUARDED_BY(mutex_) = false;  // See ClearLater.
};

}  // namespace orbitmq::store
