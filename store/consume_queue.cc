// SPDX-License-Identifier: Apache-2.0
#include "store/consume_queue.h"

#include <algorithm>

#include "common/bytes.h"
#include "common/planted_bug.h"
#include "common/strings.h"
#include "store/segment_file.h"

namespace orbitmq::store {
namespace {

// Larger holes than this in a queue's offsets come from damage, not from a lost unit.
constexpr int64_t kGapUnitsMax = 300'000;
// Keeps byte positions far from overflow, whatever a damaged record says.
constexpr int64_t kQueueOffsetMax = int64_t{1} << 56;
// Tails of this size go to their file without waiting for the timer.
constexpr size_t kLargeTailBytes = 4096;

std::string Fillers(int64_t count) {
  std::string out;
  out.reserve(static_cast<size_t>(count * kUnitBytes));
  for (int64_t i = 0; i < count; ++i) EncodeUnit({{0}, kFillerRecordBytes, 0}, out);
  return out;
}

}  // namespace

void EncodeUnit(const QueueUnit& unit, std::string& out) {
  char raw[kUnitBytes];
  StoreBig<int64_t>(raw, unit.log_offset.value);
  StoreBig<int32_t>(raw + 8, unit.record_bytes);
  StoreBig<int64_t>(raw + 12, unit.tags_code);
  out.append(raw, sizeof(raw));
}

QueueUnit DecodeUnit(const char* bytes) {
  return {{LoadBig<int64_t>(bytes)}, LoadBig<int32_t>(bytes + 8), LoadBig<int64_t>(bytes + 12)};
}

std::string ConsumeQueue::Directory() const { return StrCat(files_.root, "/", *topic_, "/", id_); }

std::string ConsumeQueue::Path(int64_t file_begin) const {
  return StrCat(Directory(), "/", OffsetFileName(file_begin * kUnitBytes));
}

Result<std::shared_ptr<File>> ConsumeQueue::FileAt(int64_t file_begin) const {
  const FileCache::Key key = CacheKey(file_begin);
  if (auto file = files_.cache.Get(key)) return file;
  return files_.cache.Open(key, Path(file_begin));
}

OffsetRange ConsumeQueue::range() const {
  const MutexLock lock(mutex_);
  return {{min_}, {max_}};
}

QueueOffset ConsumeQueue::fresh() const {
  const MutexLock lock(mutex_);
  return {fresh_};
}

QueueEnds ConsumeQueue::ends() const {
  const MutexLock lock(mutex_);
  return {{*topic_, id_}, {min_}, {max_}, {end_log_offset_}};
}

std::optional<QueueEnds> ConsumeQueue::TakeEnds() {
  const MutexLock lock(mutex_);
  changed_ = false;
  if (removed_) return std::nullopt;
  return QueueEnds{{*topic_, id_}, {min_}, {max_}, {end_log_offset_}};
}

bool ConsumeQueue::MarkChanged() { return !std::exchange(changed_, true); }

std::string& ConsumeQueue::tail() {
  if (tail_ == nullptr) tail_ = std::make_unique<std::string>();
  return *tail_;
}

ConsumeQueue::PutResult ConsumeQueue::Put(const QueueUnit& unit, QueueOffset at) {
  PutResult result;
  const int64_t end = unit.log_offset.value + unit.record_bytes;
  {
    const MutexLock lock(mutex_);
    if (end <= end_log_offset_ && !Planted(Bug::kDoubleDispatch)) return {.outcome = PutOutcome::kRepeated};
    if (at.value < 0 || at.value > kQueueOffsetMax) return {.outcome = PutOutcome::kRefused};
    const size_t before = tail_ == nullptr ? 0 : tail_->size();
    if (at.value < max_) {
      // A newer record with an older offset: only a topic that was deleted and made anew starts again at 0.
      if (at.value != 0) return {.outcome = PutOutcome::kRefused};
      result.outcome = PutOutcome::kRestarted;
    } else if (at.value > max_) {
      if (max_ != 0 && at.value - max_ > kGapUnitsMax) return {.outcome = PutOutcome::kRefused};
      if (max_ == 0) {
        min_ = max_ = written_ = at.value;
        prefill_ = true;
      } else {
        tail() += Fillers(at.value - max_);
        max_ = at.value;
      }
    }
    result.became_changed = MarkChanged();
    result.became_dirty = before == 0;
    if (result.outcome == PutOutcome::kStored) {
      EncodeUnit(unit, tail());
      ++max_;
      end_log_offset_ = end;
      result.became_large = before < kLargeTailBytes && tail_->size() >= kLargeTailBytes;
      return result;
    }
  }
  if (Status s = RemoveFiles(); !s.ok()) {
    files_.log.Warn("files of a deleted topic's queue stay", {{"status", s.ToString()}});
  }
  const MutexLock lock(mutex_);
  removed_ = unswept_ = false;
  min_ = written_ = fresh_ = 0;
  max_ = 1;
  end_log_offset_ = end;
  tail().clear();
  EncodeUnit(unit, tail());
  return result;
}

std::vector<QueueUnit> ConsumeQueue::Read(QueueOffset from, size_t count) const {
  int64_t in_files = 0;
  std::vector<QueueUnit> units;
  std::vector<QueueUnit> in_tail;
  {
    const MutexLock lock(mutex_);
    if (from.value < min_ || from.value >= max_ || removed_) return {};
    const int64_t end = std::min(max_, from.value + static_cast<int64_t>(std::min(count, size_t{1} << 20)));
    in_files = std::max<int64_t>(0, std::min(end, written_) - from.value);
    const int64_t tail_from = std::max(from.value, written_);
    if (end > tail_from) {
      in_tail.reserve(static_cast<size_t>(end - tail_from));
      const char* at = tail_->data() + (tail_from - written_) * kUnitBytes;
      for (int64_t i = tail_from; i < end; ++i, at += kUnitBytes) in_tail.push_back(DecodeUnit(at));
    }
  }
  if (in_files == 0) return in_tail;
  units = ReadFiles(from.value, in_files);
  if (static_cast<int64_t>(units.size()) < in_files) return units;
  units.insert(units.end(), in_tail.begin(), in_tail.end());
  return units;
}

std::vector<QueueUnit> ConsumeQueue::ReadFiles(int64_t from, int64_t count) const {
  std::vector<QueueUnit> units;
  units.reserve(static_cast<size_t>(count));
  std::string buffer;
  while (count > 0) {
    const int64_t begin = FileBegin(from);
    const int64_t here = std::min(count, begin + files_.file_units - from);
    auto file = FileAt(begin);
    if (!file.ok()) break;
    buffer.resize(static_cast<size_t>(here * kUnitBytes));
    auto read = (*file)->ReadAt(static_cast<uint64_t>((from - begin) * kUnitBytes), buffer);
    if (!read.ok()) {
      files_.log.Error("a consume queue file cannot be read", {{"status", read.status().ToString()}});
      break;
    }
    const size_t whole = *read / kUnitBytes;
    for (size_t i = 0; i < whole; ++i) units.push_back(DecodeUnit(buffer.data() + i * kUnitBytes));
    if (whole < static_cast<size_t>(here)) break;
    from += here;
    count -= here;
  }
  return units;
}

QueueOffset ConsumeQueue::FirstFrom(LogOffset at) const {
  const OffsetRange all = range();
  int64_t low = all.min.value;
  int64_t high = all.max.value;
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    const auto units = Read({middle}, 1);
    // An unreadable unit counts as below: what cannot be read cannot be kept for readers either.
    const bool below = units.empty() || IsFiller(units[0]) || units[0].log_offset < at;
    if (below) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return {low};
}

QueueOffset ConsumeQueue::NextFileBegin(QueueOffset at) const {
  return {FileBegin(at.value) + files_.file_units};
}

Status ConsumeQueue::OpenNew(int64_t file_begin, Touched& touched) {
  const std::string path = Path(file_begin);
  FileSystem& files = files_.cache.files();
  if (!files.Exists(path)) {
    const std::string directory = Directory();
    if (Status s = files.CreateDirectories(directory); !s.ok()) return s;
    touched.directories.insert(directory);
    touched.directories.insert(StrCat(files_.root, "/", *topic_));
    touched.directories.insert(files_.root);
  }
  auto file =
      files_.cache.Create(CacheKey(file_begin), path, static_cast<uint64_t>(files_.file_units * kUnitBytes));
  return file.ok() ? Status() : file.status();
}

Status ConsumeQueue::WriteUnits(int64_t from, std::string_view units, Touched& touched) {
  while (!units.empty()) {
    const int64_t begin = FileBegin(from);
    const auto room = static_cast<size_t>((begin + files_.file_units - from) * kUnitBytes);
    const std::string_view piece[] = {units.substr(0, room)};
    auto file = FileAt(begin);
    if (!file.ok() || from == begin) {
      if (Status s = OpenNew(begin, touched); !s.ok()) return s;
      file = FileAt(begin);
      if (!file.ok()) return file.status();
    }
    if (Status s = (*file)->WriteAt(static_cast<uint64_t>((from - begin) * kUnitBytes), piece); !s.ok())
      return s;
    touched.files.insert(Path(begin));
    from += static_cast<int64_t>(piece[0].size()) / kUnitBytes;
    units.remove_prefix(piece[0].size());
  }
  return {};
}

Status ConsumeQueue::WriteOut(Touched& touched) {
  std::string units;
  int64_t from = 0;
  bool prefill = false;
  {
    const MutexLock lock(mutex_);
    if (removed_ || tail_ == nullptr) return {};
    units = *tail_;
    from = written_;
    prefill = prefill_;
  }
  if (Status s = Sweep(touched); !s.ok()) return s;
  if (prefill && from != FileBegin(from)) {
    const int64_t begin = FileBegin(from);
    if (Status s = WriteUnits(begin, Fillers(from - begin), touched); !s.ok()) return s;
  }
  if (Status s = WriteUnits(from, units, touched); !s.ok()) return s;
  const MutexLock lock(mutex_);
  prefill_ = false;
  written_ += static_cast<int64_t>(units.size()) / kUnitBytes;
  tail_->erase(0, units.size());
  if (tail_->empty()) tail_.reset();
  return {};
}

bool ConsumeQueue::AdvanceMin(LogOffset log_min) {
  {
    const MutexLock lock(mutex_);
    if (min_ == max_) return false;
    if (end_log_offset_ != 0 && end_log_offset_ <= log_min.value) {
      min_ = max_;  // All of it is gone: nothing needs to be read to know.
      return MarkChanged();
    }
  }
  const OffsetRange before = range();
  const auto oldest = Read(before.min, 1);
  if (!oldest.empty() && !IsFiller(oldest[0]) && oldest[0].log_offset >= log_min) return false;
  const QueueOffset min = FirstFrom(log_min);
  if (min > before.min) {
    // A unit that could not be read just now was taken for one below, and may not be.
    const auto below = Read(min + -1, 1);
    const bool unknown = below.empty() ? files_.cache.files().Exists(Path(FileBegin(min.value - 1)))
                                       : !IsFiller(below[0]) && below[0].log_offset >= log_min;
    if (unknown) return false;
  }
  const MutexLock lock(mutex_);
  const int64_t raised = std::max(min_, std::min(min.value, max_));
  if (raised == min_) return false;
  min_ = raised;
  return MarkChanged();
}

Status ConsumeQueue::RemoveExpired() {
  const int64_t min = range().min.value;
  if (min < files_.file_units) return {};  // It is in the first file that can be.
  auto listed = ListFiles();
  if (!listed.ok()) return listed.status();
  for (size_t i = 0; i + 1 < listed->size(); ++i) {
    const int64_t begin = (*listed)[i].begin;
    if (begin + files_.file_units > min) break;
    files_.cache.Forget(CacheKey(begin));
    if (Status s = files_.cache.files().Remove(Path(begin)); !s.ok()) return s;
  }
  return {};
}

void ConsumeQueue::MarkRemoved() {
  const MutexLock lock(mutex_);
  removed_ = true;
}

Status ConsumeQueue::RemoveFiles() {
  MarkRemoved();
  FileSystem& files = files_.cache.files();
  const std::string directory = Directory();
  if (!files.Exists(directory)) return {};
  auto listed = files.List(directory);
  if (!listed.ok()) return listed.status();
  // From the back: what a crash leaves over is a shorter queue, never one with a hole.
  for (auto it = listed->rbegin(); it != listed->rend(); ++it) {
    const auto begin = ParseOffsetFileName(it->name);
    if (it->is_directory || !begin) continue;
    files_.cache.Forget(CacheKey(*begin / kUnitBytes));
    const Status s = files.Remove(StrCat(directory, "/", it->name));
    // It may expire at the same time.
    if (!s.ok() && s.code() != StatusCode::kNotFound) return s;
  }
  // Before a checkpoint without the queue: files that come back behind its back would be taken for its own.
  if (Status s = files.SyncDirectory(directory); !s.ok()) return s;
  // Fails harmlessly while a stranger's file is in it.
  (void)files.Remove(directory);
  return {};
}

}  // namespace orbitmq::store
