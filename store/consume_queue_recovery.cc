// SPDX-License-Identifier: Apache-2.0
// The part of ConsumeQueue that runs before the store opens: finding and cutting the end of a queue.
#include <algorithm>

#include "common/strings.h"
#include "store/consume_queue.h"
#include "store/segment_file.h"

namespace orbitmq::store {
namespace {
constexpr int64_t kScanUnits = 4096;
// Apache looks for the end of a queue from the third-last file on.
constexpr size_t kFilesScanned = 3;
constexpr size_t kBlockBytes = 4096;
}  // namespace

Result<std::vector<ConsumeQueue::FileEntry>> ConsumeQueue::ListFiles() const {
  FileSystem& files = files_.cache.files();
  const std::string directory = Directory();
  std::vector<FileEntry> found;
  if (!files.Exists(directory)) return found;
  auto listed = files.List(directory);
  if (!listed.ok()) return listed.status();
  for (const DirEntry& entry : *listed) {
    const auto begin = ParseOffsetFileName(entry.name);
    if (entry.is_directory || !begin) continue;
    if (*begin % (files_.file_units * kUnitBytes) != 0) {
      return Status(StatusCode::kCorrupt, StrCat(directory, "/", entry.name,
                                                 ": its name is no multiple of mappedFileSizeConsumeQueue ",
                                                 files_.file_units * kUnitBytes));
    }
    found.push_back({*begin / kUnitBytes, entry.size});
  }
  return found;
}

Status ConsumeQueue::Load(LogOffset synced_below) {
  auto listed = ListFiles();
  if (!listed.ok()) return listed.status();
  const auto file_bytes = static_cast<uint64_t>(files_.file_units * kUnitBytes);
  size_t first = 0;
  for (size_t i = 0; i < listed->size(); ++i) {
    const FileEntry& entry = (*listed)[i];
    if (entry.bytes > file_bytes) {
      return {StatusCode::kCorrupt, StrCat(Path(entry.begin), ": has ", entry.bytes,
                                           " bytes, mappedFileSizeConsumeQueue says ", file_bytes)};
    }
    if (entry.bytes < file_bytes) {
      auto mended = files_.cache.Create(CacheKey(entry.begin), Path(entry.begin), file_bytes);
      if (!mended.ok()) return mended.status();
    }
    if (i > 0 && entry.begin != (*listed)[i - 1].begin + files_.file_units) {
      files_.log.Error("files of a consume queue are missing", {{"before", Path(entry.begin)}});
      first = i;
    }
  }
  return ScanForEnd(*listed, first, synced_below);
}

Status ConsumeQueue::ScanForEnd(const std::vector<FileEntry>& listed, size_t first, LogOffset synced_below) {
  int64_t end = listed.empty() ? 0 : listed[first].begin;
  int64_t end_log_offset = 0;
  const int64_t min = end;
  if (!listed.empty()) {
    size_t at = std::max(first, listed.size() - std::min(listed.size(), kFilesScanned));
    for (; at > first; --at) {
      const auto oldest = ReadFiles(listed[at].begin, 1);
      if (!oldest.empty() && oldest[0].record_bytes > 0 && oldest[0].log_offset < synced_below) break;
    }
    end = listed[at].begin;
  }
  const int64_t last = listed.empty() ? 0 : listed.back().begin + files_.file_units;
  bool more = true;
  while (more && end < last) {
    const auto units = ReadFiles(end, std::min(kScanUnits, last - end));
    more = !units.empty();
    for (const QueueUnit& unit : units) {
      if (unit.log_offset.value < 0 || unit.record_bytes <= 0) {
        more = false;
        break;
      }
      if (!IsFiller(unit)) end_log_offset = unit.log_offset.value + unit.record_bytes;
      ++end;
    }
  }
  const MutexLock lock(mutex_);
  min_ = min;
  max_ = written_ = end;
  end_log_offset_ = end_log_offset;
  return {};
}

void ConsumeQueue::Restore(const QueueEnds& ends) {
  const MutexLock lock(mutex_);
  min_ = ends.min.value;
  max_ = written_ = ends.max.value;
  end_log_offset_ = ends.end_log_offset.value;
}

void ConsumeQueue::StartFresh() {
  const MutexLock lock(mutex_);
  fresh_ = max_;
}

void ConsumeQueue::TruncateAbove(LogOffset log_end) {
  if (ends().end_log_offset <= log_end) return;
  const QueueOffset keep = FirstFrom(log_end);
  int64_t end_log_offset = 0;
  if (const auto last = Read(keep + -1, 1); !last.empty() && !IsFiller(last[0])) {
    end_log_offset = last[0].log_offset.value + last[0].record_bytes;
  }
  const MutexLock lock(mutex_);
  max_ = keep.value;
  fresh_ = std::min(fresh_, max_);
  end_log_offset_ = end_log_offset;
  written_ = std::min(written_, max_);
  if (written_ == max_) {
    tail_.reset();
  } else {
    tail().resize(static_cast<size_t>((max_ - written_) * kUnitBytes));
  }
}

// Whether the file holds nothing but zeros from unit `end` on. Looks at the block in which `end` lies, and
// asks the file system about the rest: a hole of megabytes is not read.
Result<bool> ConsumeQueue::IsClean(const FileEntry& entry, int64_t end) const {
  const auto file_bytes = static_cast<uint64_t>(files_.file_units * kUnitBytes);
  if (entry.bytes != file_bytes) return false;
  auto file = FileAt(entry.begin);
  if (!file.ok()) return file.status();
  auto at = static_cast<uint64_t>(std::max<int64_t>(0, end - entry.begin) * kUnitBytes);
  char block[kBlockBytes];
  while (at < file_bytes) {
    auto found = (*file)->FindBytes(at);
    if (!found.ok()) return found.status();
    if (!*found) return true;
    at = std::max(at, **found);
    const uint64_t block_end = std::min(file_bytes, (at / kBlockBytes + 1) * kBlockBytes);
    auto got = (*file)->ReadAt(at, std::span(block).first(static_cast<size_t>(block_end - at)));
    if (!got.ok()) return got.status();
    if (std::string_view(block, *got).find_first_not_of('\0') != std::string_view::npos) return false;
    at = block_end;
  }
  return true;
}

Status ConsumeQueue::ClearAbove(Touched& touched) {
  auto listed = ListFiles();
  if (!listed.ok()) return listed.status();
  int64_t end = 0;
  {
    const MutexLock lock(mutex_);
    end = written_;
    unswept_ = false;
  }
  const auto file_bytes = static_cast<uint64_t>(files_.file_units * kUnitBytes);
  for (auto it = listed->rbegin(); it != listed->rend(); ++it) {
    const bool first = std::next(it) == listed->rend();
    const std::string path = Path(it->begin);
    if (it->begin >= end && !first) {
      files_.cache.Forget(CacheKey(it->begin));
      if (Status s = files_.cache.files().Remove(path); !s.ok()) return s;
      continue;
    }
    if (it->begin + files_.file_units <= end) break;
    auto clean = IsClean(*it, end);
    if (!clean.ok()) return clean.status();
    if (*clean) continue;
    auto file = FileAt(it->begin);
    if (!file.ok()) return file.status();
    const int64_t kept = std::max<int64_t>(0, end - it->begin);
    if (Status s = (*file)->Truncate(static_cast<uint64_t>(kept * kUnitBytes)); !s.ok()) return s;
    if (Status s = (*file)->Truncate(file_bytes); !s.ok()) return s;
    touched.files.insert(path);
  }
  return {};
}

void ConsumeQueue::ClearLater() {
  const MutexLock lock(mutex_);
  unswept_ = true;
}

Status ConsumeQueue::Sweep(Touched& touched) {
  {
    const MutexLock lock(mutex_);
    if (!unswept_ || removed_) return {};
  }
  Status s = ClearAbove(touched);
  if (!s.ok()) ClearLater();
  return s;
}

Status ConsumeQueue::TouchAll(Touched& touched) const {
  auto listed = ListFiles();
  if (!listed.ok()) return listed.status();
  for (const FileEntry& entry : *listed) touched.files.insert(Path(entry.begin));
  return {};
}

}  // namespace orbitmq::store
