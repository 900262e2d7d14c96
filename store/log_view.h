// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>

#include "store/cold_reads.h"
#include "store/commit_log.h"
#include "store/message_store.h"

namespace orbitmq::store {

// One reader's look at the log while it collects one slice of a queue: one snapshot of the segments, one pin
// for all recent records of a segment, and old records that lie close together in one read. Bytes that it
// returns outlive it.
//
// Threads: one. May wait for the disk when records are old.
class LogView final {
 public:
  // What becomes of records near the end of the log.
  enum class Recent : uint8_t {
    kReferenced,
    kCopied,  // They have left the page cache: whoever sends them shall not wait for the disk.
  };
  // `cold` is told about old reads in the name of `reader`; both must outlive the view.
  LogView(const CommitLog& log, Recent recent, ColdReads& cold, size_t reader, MonoTime now)
      : log_(log),
        recent_(recent),
        segments_(log.segments()),
        appended_(log.appended()),
        cold_(cold),
        reader_(reader),
        now_(now) {}

  // The bytes of units.front(). The ones behind it are what will probably be asked for next. kNotFound when
  // no file holds them, kCorrupt when they do not fit their file, kIoError.
  Result<Bytes> Read(std::span<const QueueUnit> units);

  // The first segment at or above `at`, in the same snapshot; null when there is none.
  std::shared_ptr<SegmentFile> FirstFrom(LogOffset at) const;

 private:
  Result<Bytes> Pinned(SegmentFile& segment, LogOffset at, size_t count);
  Result<Bytes> Copied(const SegmentFile& segment, std::span<const QueueUnit> units);
  void GiveHints(std::span<const QueueUnit> units);

  const CommitLog& log_;
  const Recent recent_;
  const std::shared_ptr<const CommitLog::Segments> segments_;
  const LogOffset appended_;
  ColdReads& cold_;
  const size_t reader_;
  const MonoTime now_;
  bool hinted_ = false;
  // The pinned segment, or the last window of copied bytes.
  LogOffset held_begin_;
  Bytes held_;
};

}  // namespace orbitmq::store
