// SPDX-License-Identifier: Apache-2.0
#include "store/recovery.h"

#include <algorithm>

#include "common/planted_bug.h"
#include "common/strings.h"
#include "store/segment_file.h"

namespace orbitmq::store {
namespace {

// Tails are written out this often during a scan, so that a long one needs little memory.
constexpr int64_t kRecordsPerWriteOut = 4096;

// So much of queues may wait in memory for space: 64 MiB.
constexpr int64_t kWaitingUnitsMax = (int64_t{64} << 20) / kUnitBytes;

// What is looked at behind an end where nothing was written: files are mostly holes there.
constexpr int64_t kLookBehindBlankBytes = int64_t{64} << 10;

// The end of the last bytes in [from, to) of a segment that are not zero.
Result<LogOffset> EndOfBytes(const SegmentFile& segment, LogOffset from, LogOffset to) {
  std::string buffer(size_t{1} << 20, '\0');
  LogOffset end = from;
  for (LogOffset at = from; at < to;) {
    const auto count = static_cast<size_t>(std::min<int64_t>(to - at, int64_t{1} << 20));
    if (Status s = segment.Read(at, std::span(buffer).first(count)); !s.ok()) return s;
    const size_t last = std::string_view(buffer).substr(0, count).find_last_not_of('\0');
    if (last != std::string_view::npos) end = at + static_cast<int64_t>(last) + 1;
    at += static_cast<int64_t>(count);
  }
  return end;
}

}  // namespace

Result<Recovery::Outcome> Recovery::Run() {
  const MonoTime begun = parts_.clock.Monotonic();
  out_.report.clean_shutdown = !parts_.files.Exists(parts_.options.root + "/abort");
  if (Status s = parts_.commit_log.Load(); !s.ok()) return s;
  auto apache = LoadApacheCheckpoint(parts_.files, parts_.log, parts_.clock.Wall(), parts_.options.root);
  if (!apache.ok()) return apache.status();
  out_.apache = *apache;

  auto deleted = DeletedTopics::Load(parts_.files, parts_.log, parts_.options.root);
  if (!deleted.ok()) return deleted.status();
  parts_.deleted = *std::move(deleted);

  const auto exact = LoadExactCheckpoint(parts_.files, parts_.log, parts_.options.root);
  auto ranges = CrcRanges::Load({.files = parts_.files,
                                 .log = parts_.log,
                                 .commit_log = parts_.commit_log,
                                 .root = parts_.options.root,
                                 .exact_end = exact.ok() ? exact->dispatched : LogOffset{0},
                                 .exact_last_record = exact.ok() ? exact->last_record : LogOffset{0}});
  if (!ranges.ok()) return ranges.status();
  out_.crc_ranges = *std::move(ranges);
  auto taken = TryExact(exact);
  if (!taken.ok()) return taken.status();
  source_ = *taken ? Source::kExact : Source::kFiles;
  if (source_ == Source::kFiles) {
    if (Status s = StartFromFiles(); !s.ok()) return s;
  }
  if (Status s = FinishDeletions(); !s.ok()) return s;
  out_.report.scan_begin = scan_begin_;
  if (Status s = Scan(); !s.ok()) return s;
  if (Status s = CutLog(); !s.ok()) return s;
  if (Status s = CutQueues(); !s.ok()) return s;
  const LogOffset log_min = parts_.commit_log.min();
  if (Status s = parts_.deleted.Clip(parts_.files, parts_.options.root, log_min, log_end_); !s.ok()) return s;
  if (Status s = parts_.commit_log.StartAt({.end = log_end_, .dispatched = std::min(derived_end_, log_end_)});
      !s.ok())
    return s;
  out_.crc_ranges.Clip(parts_.commit_log.min(), log_end_, out_.last.log_offset);
  out_.report.log_end = log_end_;
  out_.report.took = parts_.clock.Monotonic() - begun;
  out_.report.ends_from = source_ == Source::kExact ? EndsFrom::kCheckpoint : EndsFrom::kFiles;
  parts_.log.Info("store recovered",
                  {{"exit", out_.report.clean_shutdown ? "clean" : "crash"},
                   {"ends_from", source_ == Source::kExact ? "checkpoint" : "files"},
                   {"log_begin", parts_.commit_log.min().value},
                   {"scan_begin", scan_begin_.value},
                   {"log_end", log_end_.value},
                   {"records_scanned", out_.report.records_scanned},
                   {"record_crcs_checked", out_.report.record_crcs_checked},
                   {"truncated_bytes", out_.report.truncated_bytes},
                   {"cut_because", out_.report.cut_because.empty() ? "-" : out_.report.cut_because},
                   {"ms", std::chrono::duration_cast<Millis>(out_.report.took).count()}});
  return std::move(out_);
}

bool Recovery::Contradicted(const ExactCheckpoint& exact) {
  const uint32_t crc = CheckpointCrc(out_.apache);
  if (crc != exact.apache_crcs[0] && crc != exact.apache_crcs[1]) return true;
  const auto segments = parts_.commit_log.segments();
  if (segments->empty()) return exact.dispatched.value != 0;
  if (exact.dispatched < segments->front()->begin() || exact.dispatched > segments->back()->end())
    return true;
  if (exact.last_record < exact.dispatched && parts_.commit_log.Find(exact.last_record) != nullptr) {
    // The record that ends the checked part must still be there: else the log was cut or replaced below it.
    LogScanner scanner(parts_.commit_log, exact.last_record, LogScanner::BodyChecks::kVerify);
    if (scanner.Next() != LogScanner::Found::kRecord || scanner.position() > exact.dispatched) return true;
  }
  // Somebody who removes a topic's queues may be stopped before he removed all, and queues lose their files
  // from the back: the one with the last unit tells. Our own deletions are completed below.
  for (const QueueEnds& ends : exact.queues) {
    if (ends.max == ends.min || ends.end_log_offset <= parts_.deleted.Below(ends.queue.topic)) continue;
    const int64_t units = parts_.options.queue_file_units;
    const int64_t file_begin = (ends.max.value - 1) / units * units * kUnitBytes;
    if (!parts_.files.Exists(StrCat(parts_.queues.root(), "/", ends.queue.topic, "/", ends.queue.queue_id,
                                    "/", OffsetFileName(file_begin)))) {
      return true;
    }
  }
  return false;
}

Result<bool> Recovery::TryExact(const Result<ExactCheckpoint>& exact) {
  if (!exact.ok()) {
    if (exact.status().code() == StatusCode::kNotSupported) return exact.status();
    if (exact.status().code() != StatusCode::kNotFound) {
      parts_.log.Warn("our checkpoint cannot be used; ends come from the files",
                      {{"why", exact.status().ToString()}});
    }
    return false;
  }
  if (Contradicted(*exact)) {
    parts_.log.Warn(
        "the directory changed since our checkpoint (another broker worked here, or files were "
        "removed); ends come from the files");
    return false;
  }
  const bool clean = out_.report.clean_shutdown;
  if (Status s = parts_.index.Load(); !s.ok()) return s;
  auto restored =
      parts_.index.RestoreTo(exact->index, clean ? KeyIndex::Exit::kClean : KeyIndex::Exit::kCrash);
  if (!restored.ok()) return restored.status();
  if (!*restored) {
    parts_.log.Warn("the index does not match our checkpoint; ends come from the files");
    return false;
  }
  for (const QueueEnds& ends : exact->queues) {
    parts_.queues.Make(ends.queue.topic, ends.queue.queue_id)->Restore(ends);
  }
  scan_begin_ = derive_from_ = exact->dispatched;
  log_min_before_ = exact->log_min;
  out_.last = {exact->last_record, FromEpochMillis(exact->last_store_time_ms)};
  return true;
}

Status Recovery::StartFromFiles() {
  // Files that are made anew below could agree with it again by name only, should this recovery be cut short.
  if (Status s = DropExactCheckpoint(parts_.files, parts_.options.root); !s.ok()) return s;
  auto safe = SafeSegment();
  if (!safe.ok()) return safe.status();
  if (Status s = parts_.queues.LoadFromFiles(*safe); !s.ok()) return s;
  if (Status s = parts_.index.Load(); !s.ok()) return s;
  if (!out_.report.clean_shutdown) {
    const int64_t index_time_ms = out_.apache.SafeIndexTimeMs();
    if (Status s = parts_.index.DropNewerThan(index_time_ms); !s.ok()) return s;
    if (Status s = parts_.index.RebuildNewest(index_time_ms); !s.ok()) return s;
  }
  LogOffset complete{0};
  for (const auto& queue : parts_.queues.All()) complete = std::max(complete, queue->ends().end_log_offset);
  complete = std::min(complete, *safe);
  if (parts_.options.index_enabled && !out_.report.clean_shutdown) {
    complete = std::min(complete, parts_.index.end().value_or(LogOffset{0}));
  } else if (parts_.options.index_enabled && !parts_.index.end()) {
    complete = {0};
  }
  const auto segments = parts_.commit_log.segments();
  scan_begin_ = segments->empty() ? LogOffset{0} : segments->front()->begin();
  for (const auto& segment : *segments) {
    if (segment->begin() <= complete) scan_begin_ = segment->begin();
  }
  // After a clean exit only what lies beyond the queues is missing; after a crash everything is derived
  // again, and nothing there is believed: a unit of which only the first bytes reached the disk looks whole.
  derive_from_ = out_.report.clean_shutdown ? complete : scan_begin_;
  if (!out_.report.clean_shutdown) {
    for (const auto& queue : parts_.queues.All()) queue->TruncateAbove(scan_begin_);
  }
  log_min_before_ = {-1};
  if (scan_begin_.value > 0) out_.last = {scan_begin_, FromEpochMillis(out_.apache.logics_time_ms)};
  return {};
}

Status Recovery::FinishDeletions() {
  for (const std::string& topic : parts_.deleted.Topics()) {
    if (Status s = parts_.queues.Remove(topic, parts_.deleted.Below(topic)); !s.ok()) {
      return s.Annotate(StrCat("remove the queues of the deleted topic ", topic));
    }
  }
  return {};
}

// Where the part of the log begins whose queue units and index entries may not be on the disk: after a crash
// the newest segment that begins with a record older than Apache's checkpoint. After a clean exit there is
// none.
Result<LogOffset> Recovery::SafeSegment() {
  if (out_.report.clean_shutdown) return LogOffset{INT64_MAX};
  const auto segments = parts_.commit_log.segments();
  LogOffset safe = segments->empty() ? LogOffset{0} : segments->front()->begin();
  for (const auto& segment : *segments) {
    LogScanner scanner(parts_.commit_log, segment->begin(), LogScanner::BodyChecks::kVerify);
    const auto found = scanner.Next();
    if (found == LogScanner::Found::kFailed) return scanner.why();
    if (found != LogScanner::Found::kRecord || scanner.record().log_offset != segment->begin()) break;
    if (ToEpochMillis(scanner.record().store_time) > out_.apache.SafeTimeMs()) break;
    safe = segment->begin();
  }
  return safe;
}

Status Recovery::HoldUp(const Status& why) {
  if (why.code() != StatusCode::kResourceExhausted) return why;
  if (out_.disk_full.ok()) out_.disk_full = why;
  return {};
}

// Without the index first: a queue that lacked records could not tell the next one its offset.
Status Recovery::Derive(const MessageView& record) {
  if (record.log_offset < derive_from_ || Planted(Bug::kSkipQueueRebuild)) return {};
  if (out_.disk_full.ok()) {
    const Status derived = parts_.builder.Derive(record).status();
    return derived.ok() ? derived : HoldUp(derived);
  }
  (void)parts_.builder.PutIntoQueue(record);
  return ++waiting_units_ > kWaitingUnitsMax ? out_.disk_full : Status();
}

Status Recovery::WriteOut(size_t queues_max, IndexFile::Amount index_amount) {
  if (!out_.disk_full.ok()) return {};
  Status written = parts_.queues.WriteOutSome(queues_max, out_.touched).status();
  if (written.ok()) written = parts_.index.WriteOut(index_amount);
  return written.ok() ? written : HoldUp(written);
}

Status Recovery::Scan() {
  derived_end_ = scan_begin_;
  out_.last_derived = out_.last;
  LogScanner scanner(parts_.commit_log, scan_begin_, LogScanner::BodyChecks::kVerify, &out_.crc_ranges);
  log_end_ = scan_begin_;
  for (;;) {
    const auto found = scanner.Next();
    if (found == LogScanner::Found::kFailed) return scanner.why().Annotate("recovery");
    if (found == LogScanner::Found::kDamaged) {
      if (Status s = CheckNotMiddle(scanner); !s.ok()) return s;
      out_.report.cut_because = scanner.why().text();
      parts_.log.Error("the commit log ends in a damaged record; it is cut there",
                       {{"status", scanner.why().ToString()}});
    }
    if (found != LogScanner::Found::kRecord) {
      log_end_ = scanner.position();
      end_is_blank_ = found == LogScanner::Found::kEnd;
      break;
    }
    const MessageView& record = scanner.record();
    if (!out_.report.clean_shutdown && !scanner.record_crc_checked() && scanner.LacksSector()) {
      log_end_ = record.log_offset;
      out_.report.cut_because = "the last record lacks a sector of its header, topic or properties";
      parts_.log.Warn("the last record lacks a sector of its topic or properties; the log is cut there",
                      {{"log_offset", log_end_.value}});
      break;
    }
    ++out_.report.records_scanned;
    if (scanner.record_crc_checked()) ++out_.report.record_crcs_checked;
    if (Status s = Derive(record); !s.ok()) return s;
    out_.last = {record.log_offset, record.store_time};
    if (out_.disk_full.ok()) {
      out_.last_derived = out_.last;
      derived_end_ = scanner.position();
    }
    if (out_.report.records_scanned % kRecordsPerWriteOut == 0) {
      if (Status s = WriteOut(SIZE_MAX, IndexFile::Amount::kEnough); !s.ok()) return s;
    }
  }
  if (out_.disk_full.ok()) derived_end_ = log_end_;
  return WriteOut(SIZE_MAX, IndexFile::Amount::kAll);
}

Status Recovery::CheckNotMiddle(const LogScanner& scanner) {
  if (source_ == Source::kExact) return {};  // Nothing above the checkpoint is known to be synced.
  const auto segments = parts_.commit_log.segments();
  for (const auto& segment : *segments) {
    if (segment->begin() <= scanner.position()) continue;
    LogScanner later(parts_.commit_log, segment->begin(), LogScanner::BodyChecks::kVerify);
    if (later.Next() != LogScanner::Found::kRecord || later.record().log_offset != segment->begin()) continue;
    if (ToEpochMillis(later.record().store_time) >= out_.apache.physic_time_ms) continue;
    return {
        StatusCode::kCorrupt,
        StrCat("the commit log is damaged in its middle: ", scanner.why().text(), "; ", segment->path(),
               " behind it holds synced messages, so this is no torn tail. Nothing was changed. Restore the "
               "file from a copy, or move it and the older ones away to go on without their messages")};
  }
  return {};
}

Status Recovery::CutLog() {
  if (Planted(Bug::kKeepTornTail)) return {};
  // After our own clean exit there is nothing behind the end.
  if (end_is_blank_ && out_.report.clean_shutdown && source_ == Source::kExact) return {};
  for (const auto& segment : *parts_.commit_log.segments()) {
    if (segment->end() <= log_end_) continue;
    const LogOffset from = std::max(segment->begin(), log_end_);
    const LogOffset to =
        end_is_blank_ ? std::min(segment->end(), from + kLookBehindBlankBytes) : segment->end();
    auto end = EndOfBytes(*segment, from, to);
    if (!end.ok()) return end.status();
    out_.report.truncated_bytes += *end - from;
  }
  if (out_.report.truncated_bytes > 0) {
    parts_.log.Warn("what lay behind the end of the commit log was cut off",
                    {{"log_end", log_end_.value}, {"bytes", out_.report.truncated_bytes}});
  }
  if (Status s = parts_.commit_log.CutAt(log_end_); !s.ok()) return s;
  // A killed process leaves records that only the page cache holds; from here on they count as flushed.
  return out_.report.clean_shutdown ? Status() : parts_.commit_log.SyncRange(scan_begin_, log_end_);
}

Status Recovery::CutQueues() {
  const LogOffset log_min = parts_.commit_log.min();
  for (const auto& queue : parts_.queues.All()) {
    queue->TruncateAbove(log_end_);
    if (source_ == Source::kFiles) {
      if (Status s = queue->ClearAbove(out_.touched); !s.ok()) return s;
    }
    // Without our checkpoint nothing tells which queue files a killed process left unsynced.
    if (source_ == Source::kFiles && !out_.report.clean_shutdown) {
      if (Status s = queue->TouchAll(out_.touched); !s.ok()) return s;
    }
    if (log_min != log_min_before_) parts_.queues.AdvanceMin(queue, log_min);
  }
  if (source_ == Source::kExact && !out_.report.clean_shutdown) parts_.queues.SweepLater();
  if (!out_.report.clean_shutdown) {
    // A file that a killed process made may be known to the page cache only; its names are synced with it.
    for (const std::string& file : out_.touched.files) {
      const std::string queue = file.substr(0, file.rfind('/'));
      out_.touched.directories.insert(queue);
      out_.touched.directories.insert(queue.substr(0, queue.rfind('/')));
    }
    out_.touched.directories.insert(parts_.queues.root());
  }
  if (const auto end = parts_.index.end(); end && *end >= log_end_ && log_end_.value > 0) {
    return parts_.index.DropAbove(log_end_);
  }
  return {};
}

}  // namespace orbitmq::store
