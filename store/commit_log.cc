// SPDX-License-Identifier: Apache-2.0
#include "store/commit_log.h"

#include <algorithm>
#include <optional>

#include "common/check.h"
#include "common/planted_bug.h"
#include "common/strings.h"

namespace orbitmq::store {
namespace {

constexpr std::string_view kScratchEnding = ".cut";

std::string WithoutEndingSlash(std::string directory) {
  while (directory.size() > 1 && directory.back() == '/') directory.pop_back();
  return directory;
}

}  // namespace

CommitLog::CommitLog(FileSystem& files, Logger& log, const StoreOptions& options)
    : files_(files),
      log_(log),
      directory_(WithoutEndingSlash(options.commit_log_dir.empty() ? options.root + "/commitlog"
                                                                   : options.commit_log_dir)),
      segment_bytes_(options.segment_bytes),
      reference_bytes_(options.reference_bytes),
      sync_(options.flush_mode == FlushMode::kSync),
      segments_(std::make_shared<const Segments>()) {}

Result<std::shared_ptr<SegmentFile>> CommitLog::OpenListed(const DirEntry& entry, bool last) {
  const int64_t begin = *ParseOffsetFileName(entry.name);
  const std::string path = directory_ + "/" + entry.name;
  const auto size = static_cast<int64_t>(entry.size);
  if (size != segment_bytes_ && !(last && size < segment_bytes_)) {
    return Status(StatusCode::kCorrupt,
                  StrCat(path, ": has ", size, " bytes, mappedFileSizeCommitLog says ", segment_bytes_,
                         "; set it to the size the log was written with, or restore the file"));
  }
  if (begin % segment_bytes_ != 0) {
    return Status(StatusCode::kCorrupt, StrCat(path, ": its name is no multiple of mappedFileSizeCommitLog ",
                                               segment_bytes_, "; set it to the size of the log's files"));
  }
  auto segment = SegmentFile::Open(files_, directory_, {begin}, segment_bytes_);
  if (!segment.ok() || size == segment_bytes_) return segment;
  log_.Warn("mended the last log file, a crash left it short", {{"file", path}, {"bytes", size}});
  auto file = files_.Open(path, OpenMode::kReadWrite);
  if (!file.ok()) return file.status();
  if (Status s = (*file)->Truncate(static_cast<uint64_t>(segment_bytes_)); !s.ok()) return s;
  if (Status s = (*file)->Sync(); !s.ok()) return s;
  return segment;
}

Status CommitLog::Load() {
  if (Status s = CreateDirectoriesDurably(files_, directory_); !s.ok()) return s;
  auto listed = files_.List(directory_);
  if (!listed.ok()) return listed.status();
  if (Status s = RemoveScratch(*listed); !s.ok()) return s;
  std::vector<DirEntry> entries;
  for (DirEntry& entry : *listed) {
    if (!entry.is_directory && ParseOffsetFileName(entry.name)) entries.push_back(std::move(entry));
  }
  if (!entries.empty() && entries.back().size == 0) {
    const std::string path = directory_ + "/" + entries.back().name;
    log_.Warn("removed an empty log file, a crash left it", {{"file", path}});
    if (Status s = files_.Remove(path); !s.ok()) return s;
    entries.pop_back();
  }
  Segments segments;
  for (size_t i = 0; i < entries.size(); ++i) {
    auto segment = OpenListed(entries[i], i + 1 == entries.size());
    if (!segment.ok()) return segment.status();
    if (!segments.empty() && segments.back()->end() != (*segment)->begin()) {
      log_.Error("log files are missing; their messages cannot be read",
                 {{"from", segments.back()->end().value}, {"to", (*segment)->begin().value}});
    }
    segments.push_back(*std::move(segment));
  }
  Publish(std::move(segments));
  return {};
}

// What a crash amid Shorten left.
Status CommitLog::RemoveScratch(const std::vector<DirEntry>& listed) {
  std::vector<std::string> paths;
  if (files_.Exists(ScratchBeside())) paths.push_back(ScratchBeside());
  for (const DirEntry& entry : listed) {
    if (!entry.is_directory && entry.name.ends_with(kScratchEnding)) {
      paths.push_back(directory_ + "/" + entry.name);
    }
  }
  for (const std::string& path : paths) {
    log_.Warn("removed what a crash left while the log was cut", {{"file", path}});
    if (Status s = files_.Remove(path); !s.ok()) return s;
  }
  return {};
}

std::string CommitLog::ScratchBeside() const { return StrCat(directory_, kScratchEnding); }

std::string CommitLog::ScratchWithin(const SegmentFile& segment) {
  return StrCat(segment.path(), kScratchEnding);
}

// Apache's brokers do not start on a directory of the log with anything else in it (MappedFileQueue.load), so
// the scratch file lies beside it. Within it only where that is no place to rename from: another disk is
// mounted there, or only the directory itself may be written.
Result<SegmentFile::Prefix> CommitLog::CopyBelow(const SegmentFile& segment, LogOffset end) {
  auto copy = segment.CopyBelow(files_, end, ScratchBeside());
  if (copy.ok() || copy.status().fatal()) return copy;
  WarnOfScratchWithin(copy.status());
  return segment.CopyBelow(files_, end, ScratchWithin(segment));
}

Result<std::shared_ptr<SegmentFile>> CommitLog::Replace(const SegmentFile& segment, LogOffset end,
                                                        SegmentFile::Prefix copy) {
  const bool within = copy.path == ScratchWithin(segment);
  auto anew = segment.ReplacedBy(files_, std::move(copy));
  if (anew.ok() || within) return anew;
  WarnOfScratchWithin(anew.status());
  auto again = segment.CopyBelow(files_, end, ScratchWithin(segment));
  if (!again.ok()) return again.status();
  return segment.ReplacedBy(files_, *std::move(again));
}

void CommitLog::WarnOfScratchWithin(const Status& why) {
  log_.Warn("the log's last file cannot be made anew beside its directory; it is made within",
            {{"directory", directory_}, {"error", why.ToString()}});
}

Status CommitLog::CutAt(LogOffset end) {
  Segments kept;
  std::vector<std::shared_ptr<SegmentFile>> dropped;
  for (const auto& segment : *segments()) {
    if (segment->begin() < end || kept.empty()) {
      kept.push_back(segment);
    } else {
      dropped.push_back(segment);
    }
  }
  // From the back, so that a crash in between leaves no hole.
  for (auto it = dropped.rbegin(); it != dropped.rend(); ++it) {
    if (Status s = files_.Remove((*it)->path()); !s.ok()) return s;
  }
  if (!dropped.empty()) {
    if (Status s = files_.SyncDirectory(directory_); !s.ok()) return s;
  }
  if (!kept.empty() && kept.back()->Holds(end)) {
    if (Status s = kept.back()->ClearFrom(end); !s.ok()) return s;
  }
  Publish(std::move(kept));
  return {};
}

Status CommitLog::StartAt(const Start& start) {
  const LogOffset end = start.end;
  Segments kept;
  std::shared_ptr<SegmentFile> spare;
  for (const auto& segment : *segments()) {
    if (segment->begin() <= end) {
      kept.push_back(segment);
    } else if (spare == nullptr && segment->begin() == kept.back()->end() && kept.back()->Holds(end)) {
      if (Status s = segment->ClearFrom(segment->begin()); !s.ok()) return s;
      spare = segment;
    } else if (Status s = files_.Remove(segment->path()); !s.ok()) {
      return s;
    }
  }
  if (kept.empty() || !kept.back()->Holds(end)) {
    auto segment = SegmentFile::Create(files_, directory_, end, segment_bytes_);
    // Without space it comes as the next file comes while the store runs.
    const bool waits = segment.status().code() == StatusCode::kResourceExhausted && !kept.empty() &&
                       kept.back()->end() == end;
    if (!segment.ok() && !waits) return segment.status();
    if (segment.ok()) kept.push_back(*std::move(segment));
  }
  Publish(std::move(kept));
  {
    const MutexLock lock(mutex_);
    spare_ = std::move(spare);
  }
  started_at_ = end;
  appended_.store(end.value);
  flushed_.store(end.value);
  dispatched_.store(start.dispatched.value);
  return {};
}

std::shared_ptr<SegmentFile> CommitLog::active() const { return segments()->back(); }

bool CommitLog::Roll() {
  const MutexLock lock(mutex_);
  if (spare_ == nullptr) return false;
  ORBITMQ_CHECK(spare_->begin() == segments_->back()->end(),
                "the spare segment does not follow the active one");
  auto grown = std::make_shared<Segments>(*segments_);
  grown->push_back(std::move(spare_));
  spare_ = nullptr;
  segments_ = std::move(grown);
  return true;
}

Status CommitLog::SyncRange(LogOffset from, LogOffset to) {
  const auto all = segments();
  for (const auto& segment : *all) {
    if (segment->end() <= from || segment->begin() >= to) continue;
    if (Status s = segment->Sync(); !s.ok()) return s;
  }
  return {};
}

Status CommitLog::PrepareSpare() {
  LogOffset begin;
  {
    const MutexLock lock(mutex_);
    if (spare_ != nullptr) return {};
    begin = segments_->back()->end();
  }
  auto segment = SegmentFile::Create(files_, directory_, begin, segment_bytes_);
  if (!segment.ok()) return segment.status().Annotate("prepare the next log file");
  const MutexLock lock(mutex_);
  spare_ = *std::move(segment);
  return {};
}

Status CommitLog::DropOldest() {
  std::shared_ptr<SegmentFile> oldest;
  {
    const MutexLock lock(mutex_);
    if (segments_->size() < 2)
      return {StatusCode::kFailedPrecondition, "the active log file cannot be deleted"};
    oldest = segments_->front();
  }
  // First the file: one that cannot be removed stays part of the log, and the newer ones with it. Readers
  // that have it open go on.
  if (Status s = files_.Remove(oldest->path()); !s.ok()) return s;
  {
    const MutexLock lock(mutex_);
    auto rest = std::make_shared<Segments>(segments_->begin() + 1, segments_->end());
    min_.store(rest->front()->begin().value, std::memory_order_release);
    segments_ = std::move(rest);
  }
  // One by one, so that a crash cannot bring back an older file without the newer one.
  return files_.SyncDirectory(directory_);
}

// From the back, so that a crash in between leaves no hole.
Status CommitLog::RemoveFrom(size_t first) {
  std::shared_ptr<SegmentFile> spare;
  {
    const MutexLock lock(mutex_);
    spare = std::exchange(spare_, nullptr);
  }
  if (spare != nullptr) {
    if (Status s = files_.Remove(spare->path()); !s.ok()) return s;
  }
  Segments kept = *segments();
  while (kept.size() > first) {
    if (Status s = files_.Remove(kept.back()->path()); !s.ok()) return s;
    if (Status s = files_.SyncDirectory(directory_); !s.ok()) return s;
    kept.pop_back();
  }
  const MutexLock lock(mutex_);
  segments_ = std::make_shared<const Segments>(std::move(kept));
  return {};
}

void CommitLog::LowerTo(LogOffset end) {
  dispatched_.store(std::min(dispatched_.load(), end.value), std::memory_order_release);
  flushed_.store(end.value, std::memory_order_release);
  appended_.store(end.value, std::memory_order_release);
}

Status CommitLog::Shorten(LogOffset end) {
  const auto all = segments();
  size_t keep = 0;
  while (keep < all->size() && (*all)[keep]->begin() < end) ++keep;
  // An end at the begin of the first file leaves that one, empty.
  keep = std::max<size_t>(keep, 1);
  const SegmentFile& last = *(*all)[keep - 1];
  std::optional<SegmentFile::Prefix> anew;
  if (last.end() > end) {
    // While the log is whole: what this needs a full disk does not have.
    auto copy = CopyBelow(last, end);
    if (!copy.ok()) return copy.status();
    anew = *std::move(copy);
  }
  LowerTo(end);
  Status s = RemoveFrom(keep);
  if (s.ok() && anew) s = PutInPlace(last, end, *std::move(anew));
  return s.WithFatal();
}

Status CommitLog::PutInPlace(const SegmentFile& last, LogOffset end, SegmentFile::Prefix copy) {
  auto anew = Replace(last, end, std::move(copy));
  if (!anew.ok()) return anew.status();
  if (Status s = files_.SyncDirectory(directory_); !s.ok()) return s;
  Segments kept = *segments();
  kept.back() = *std::move(anew);
  Publish(std::move(kept));
  return {};
}

Status CommitLog::StartOver(LogOffset begin) {
  LowerTo(begin);
  dispatched_.store(begin.value, std::memory_order_release);
  if (Status s = RemoveFrom(0); !s.ok()) return s.WithFatal();
  auto segment = SegmentFile::Create(files_, directory_, begin, segment_bytes_);
  if (!segment.ok()) return segment.status().WithFatal();
  Publish({*std::move(segment)});
  return {};
}

std::shared_ptr<const CommitLog::Segments> CommitLog::segments() const {
  const MutexLock lock(mutex_);
  return segments_;
}

std::shared_ptr<SegmentFile> CommitLog::Find(const Segments& segments, LogOffset at) {
  auto it = std::upper_bound(segments.begin(), segments.end(), at,
                             [](LogOffset value, const auto& segment) { return value < segment->begin(); });
  if (it == segments.begin()) return nullptr;
  --it;
  return (*it)->Holds(at) ? *it : nullptr;
}

std::shared_ptr<SegmentFile> CommitLog::FirstFrom(const Segments& segments, LogOffset at) {
  auto it = std::lower_bound(segments.begin(), segments.end(), at,
                             [](const auto& segment, LogOffset value) { return segment->begin() < value; });
  return it == segments.end() ? nullptr : *it;
}

Result<Bytes> CommitLog::Read(LogOffset at, size_t count) const {
  const auto segment = Find(at);
  if (segment == nullptr) return Status(StatusCode::kNotFound, "the log does not hold this offset any more");
  if (segment->end() - at < static_cast<int64_t>(count)) {
    return Status(StatusCode::kCorrupt,
                  StrCat("a record of ", count, " bytes at log offset ", at.value, " does not fit its file"));
  }
  if (LeavesByReference(at, appended())) return segment->Pin(at, count);
  std::string copy(count, '\0');
  if (Status s = segment->Read(at, copy); !s.ok()) return s;
  return Bytes(std::move(copy));
}

void CommitLog::UnmapOld() {
  const LogOffset end = appended();
  for (const auto& segment : *segments()) {
    if (end - segment->end() > reference_bytes_) segment->LetGo();
  }
}

LogOffset CommitLog::visible() const {
  if (!sync_ || Planted(Bug::kDispatchUnflushed)) return appended();
  return std::min(flushed(), appended());
}

void CommitLog::Publish(Segments segments) {
  const MutexLock lock(mutex_);
  min_.store(segments.empty() ? 0 : segments.front()->begin().value, std::memory_order_release);
  segments_ = std::make_shared<const Segments>(std::move(segments));
}

}  // namespace orbitmq::store
