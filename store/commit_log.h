// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/bytes.h"
#include "common/file_system.h"
#include "common/ids.h"
#include "common/log.h"
#include "common/mutex.h"
#include "store/segment_file.h"
#include "store/store_options.h"

namespace orbitmq::store {

// 8 bytes at the end of every segment are kept for the filler's header: i32 bytes left, i32 magic.
inline constexpr int64_t kFillerHeaderBytes = 8;

// The log: segments and watermarks. It places bytes where its writer says and knows nothing of records.
//
// Threads: reads and watermarks from any. Write, Roll and RaiseAppended: the log executor. SyncRange and
// RaiseFlushed: the flush executor. RaiseDispatched: the dispatch executor. PrepareSpare, DropOldest: the
// disk executor. Load, CutAt and StartAt: recovery, before anything else runs. Invariants: (1) a watermark
// never falls; (2) dispatched <= visible <= appended; (3) the segment list is an immutable snapshot, so that
// readers never wait for a roll or a deletion.
class CommitLog final {
 public:
  using Segments = std::vector<std::shared_ptr<SegmentFile>>;
  CommitLog(FileSystem& files, Logger& log, const StoreOptions& options);

  // --- recovery
  // Opens every segment. kCorrupt when a file's length is not segment_bytes (the text says what to set); a
  // short last file is what a crash leaves of a segment in the making, and is mended.
  Status Load();
  // Ends the log at `end`: later segments are deleted, the rest of its segment is cleared.
  Status CutAt(LogOffset end);
  // Everything up to `end` is in place; makes the segment that takes the next byte if it is missing.
  // The log ends at `end`; dispatch begins at `dispatched`, which is not above.
  struct Start {
    LogOffset end;
    LogOffset dispatched;
  };
  Status StartAt(const Start& start);

  // --- the log executor
  std::shared_ptr<SegmentFile> active() const;
  // Makes the spare segment the active one. False when none is prepared yet.
  bool Roll();
  void RaiseAppended(LogOffset to) { appended_.store(to.value, std::memory_order_release); }

  // --- the flush executor
  Status SyncRange(LogOffset from, LogOffset to);
  void RaiseFlushed(LogOffset to) { flushed_.store(to.value, std::memory_order_release); }

  // --- the dispatch executor
  void RaiseDispatched(LogOffset to) { dispatched_.store(to.value, std::memory_order_release); }

  // --- the disk executor
  // Makes the segment after the active one unless there is one already.
  Status PrepareSpare();
  // Takes the oldest segment out of the log and deletes its file; never the active one. Readers that hold its
  // bytes keep them.
  Status DropOldest();

  // --- the disk executor, while nobody writes, syncs or dispatches
  // Ends the log at `end`, which it holds, lastingly: later files go, from the back; that of `end` is made
  // anew up to there, so that readers keep the bytes they hold. A failure that is not fatal() changed
  // nothing; after one that is, watermarks and files need not fit together.
  Status Shorten(LogOffset end);
  // Drops every file and goes on with an empty one at `begin`. Every failure is fatal().
  Status StartOver(LogOffset begin);

  // --- any thread
  std::shared_ptr<const Segments> segments() const;
  // Null when no segment holds `at` (deleted, beyond the end, a hole).
  std::shared_ptr<SegmentFile> Find(LogOffset at) const { return Find(*segments(), at); }
  static std::shared_ptr<SegmentFile> Find(const Segments& segments, LogOffset at);
  // The first segment that begins at or after `at`; null when there is none.
  std::shared_ptr<SegmentFile> FirstFrom(LogOffset at) const { return FirstFrom(*segments(), at); }
  static std::shared_ptr<SegmentFile> FirstFrom(const Segments& segments, LogOffset at);
  // Whether the record at `at` is in memory for certain enough to leave by reference: it was written by this
  // process, and not long ago.
  bool LeavesByReference(LogOffset at, LogOffset appended) const {
    return appended - at <= reference_bytes_ && at >= started_at_;
  }
  // Lets go of the mappings of segments that no record leaves by reference any more, so that neither mappings
  // nor resident pages grow with the log, and what a cold reader has passed can leave the page cache, which
  // mapped pages cannot. Unmapping takes its time. Threads: the disk executor.
  void UnmapOld();
  // [at, at + count) within one segment: by reference when it is near the end of the log (its pages are in
  // memory), else copied, so that a cold page never stalls whoever sends the bytes and EIO is an error code.
  Result<Bytes> Read(LogOffset at, size_t count) const;

  LogOffset min() const { return {min_.load(std::memory_order_acquire)}; }
  LogOffset appended() const { return {appended_.load(std::memory_order_acquire)}; }
  LogOffset flushed() const { return {flushed_.load(std::memory_order_acquire)}; }
  LogOffset dispatched() const { return {dispatched_.load(std::memory_order_acquire)}; }
  // See Watermarks in message_store.h.
  LogOffset visible() const;
  int64_t segment_bytes() const { return segment_bytes_; }
  const std::string& directory() const { return directory_; }

 private:
  void Publish(Segments segments);
  Status RemoveFrom(size_t first);
  void LowerTo(LogOffset end);
  Result<std::shared_ptr<SegmentFile>> OpenListed(const DirEntry& entry, bool last);
  Status RemoveScratch(const std::vector<DirEntry>& listed);
  std::string ScratchBeside() const;
  static std::string ScratchWithin(const SegmentFile& segment);
  void WarnOfScratchWithin(const Status& why);
  Result<SegmentFile::Prefix> CopyBelow(const SegmentFile& segment, LogOffset end);
  Result<std::shared_ptr<SegmentFile>> Replace(const SegmentFile& segment, LogOffset end,
                                               SegmentFile::Prefix copy);
  Status PutInPlace(const SegmentFile& last, LogOffset end, SegmentFile::Prefix copy);

  FileSystem& files_;
  Logger& log_;
  const std::string directory_;
  const int64_t segment_bytes_;
  const int64_t reference_bytes_;
  const bool sync_;
  LogOffset started_at_;  // Where the log ended when this process opened it; not changed afterwards.

  std::atomic<int64_t> min_{0};
  std::atomic<int64_t> appended_{0};
  std::atomic<int64_t> flushed_{0};
  std::atomic<int64_t> dispatched_{0};

  mutable Mutex mutex_;
  std::shared_ptr<const Segments> segments_ ORBITMQ_GUARDED_BY(mutex_);
  std::shared_ptr<SegmentFile> spare_ ORBITMQ_GUARDED_BY(mutex_);
};

}  // namespace orbitmq::store
