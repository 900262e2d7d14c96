// SPDX-License-Identifier: Apache-2.0
#include "store/segment_file.h"

#include <algorithm>
#include <cstdio>

#include "common/check.h"
#include "common/planted_bug.h"
#include "common/strings.h"

namespace orbitmq::store {
namespace {
constexpr size_t kNameDigits = 20;
constexpr size_t kCopyBytes = size_t{1} << 20;
}  // namespace

std::string OffsetFileName(int64_t offset) {
  char name[32];
  const int count = std::snprintf(name, sizeof(name), "%020lld", static_cast<long long>(offset));
  return {name, static_cast<size_t>(count)};
}

std::optional<int64_t> ParseOffsetFileName(std::string_view name) {
  if (name.size() != kNameDigits || name.find_first_not_of("0123456789") != std::string_view::npos) return {};
  return ParseInt<int64_t>(name);
}

Result<std::shared_ptr<SegmentFile>> SegmentFile::Create(FileSystem& files, const std::string& directory,
                                                         LogOffset begin, int64_t bytes) {
  const std::string path = directory + "/" + OffsetFileName(begin.value);
  auto file = files.CreateWhole(path, static_cast<uint64_t>(bytes));
  if (!file.ok()) {
    file = files.Open(path, OpenMode::kCreate);
    if (!file.ok()) return file.status();
    if (Status s = (*file)->Truncate(0); !s.ok()) return s;
    if (Status s = (*file)->Truncate(static_cast<uint64_t>(bytes)); !s.ok()) return s;
  }
  if (Status s = (*file)->Sync(); !s.ok()) return s.WithFatal();
  if (!Planted(Bug::kNoDirectorySync)) {
    if (Status s = files.SyncDirectory(directory); !s.ok()) return s.WithFatal();
  }
  return std::make_shared<SegmentFile>(*std::move(file), path, begin, bytes);
}

Result<std::shared_ptr<SegmentFile>> SegmentFile::Open(FileSystem& files, const std::string& directory,
                                                       LogOffset begin, int64_t bytes) {
  const std::string path = directory + "/" + OffsetFileName(begin.value);
  auto file = files.Open(path, OpenMode::kReadWrite);
  if (!file.ok()) return file.status();
  return std::make_shared<SegmentFile>(*std::move(file), path, begin, bytes);
}

Status SegmentFile::Read(LogOffset at, std::span<char> out) const {
  ORBITMQ_CHECK(at >= begin_ && at + static_cast<int64_t>(out.size()) <= end(),
                "read outside of the segment");
  auto count = file_->ReadAt(static_cast<uint64_t>(at - begin_), out);
  if (!count.ok()) return count.status();
  if (*count == out.size()) return {};
  return {StatusCode::kIoError, StrCat(path_, ": ends at byte ", at - begin_ + static_cast<int64_t>(*count),
                                       ", expected ", bytes_, " bytes")};
}

Result<std::shared_ptr<const Mapping>> SegmentFile::Mapped() {
  // The one system call under a leaf lock: once per segment, and two mappings would cost more.
  const MutexLock lock(mutex_);
  if (mapping_ == nullptr) {
    auto mapped = file_->Map(static_cast<size_t>(bytes_), MapMode::kReadOnly);
    if (!mapped.ok()) return mapped.status();
    mapping_ = *std::move(mapped);
  }
  return mapping_;
}

Result<Bytes> SegmentFile::Pin(LogOffset at, size_t count) {
  ORBITMQ_CHECK(at >= begin_ && at + static_cast<int64_t>(count) <= end(), "pin outside of the segment");
  auto mapping = Mapped();
  if (!mapping.ok()) return mapping.status();
  const std::string_view view((*mapping)->data() + (at - begin_), count);
  return Bytes(*std::move(mapping), view);
}

bool SegmentFile::Resident(LogOffset at, size_t count) {
  const auto mapping = Mapped();
  return mapping.ok() && (*mapping)->Resident(static_cast<size_t>(at - begin_), count);
}

void SegmentFile::LetGo() {
  std::shared_ptr<const Mapping> mapping;  // Unmapped after the lock is released.
  const MutexLock lock(mutex_);
  mapping.swap(mapping_);
}

Status SegmentFile::ClearFrom(LogOffset at) {
  if (Status s = file_->Truncate(static_cast<uint64_t>(at - begin_)); !s.ok()) return s;
  if (Status s = file_->Truncate(static_cast<uint64_t>(bytes_)); !s.ok()) return s;
  return file_->Sync();
}

Status SegmentFile::CopyInto(File& file, LogOffset end) const {
  if (Status s = file.Truncate(0); !s.ok()) return s;
  if (Status s = file.Truncate(static_cast<uint64_t>(bytes_)); !s.ok()) return s;
  std::string buffer(kCopyBytes, '\0');
  for (LogOffset at = begin_; at < end;) {
    const auto count = static_cast<size_t>(std::min<int64_t>(end - at, static_cast<int64_t>(kCopyBytes)));
    if (Status s = Read(at, std::span(buffer).first(count)); !s.ok()) return s;
    const std::string_view pieces[] = {std::string_view(buffer).substr(0, count)};
    if (Status s = file.WriteAt(static_cast<uint64_t>(at - begin_), pieces); !s.ok()) return s;
    at += static_cast<int64_t>(count);
  }
  Status synced = file.Sync();
  return synced.ok() ? synced : synced.WithFatal();
}

Result<SegmentFile::Prefix> SegmentFile::CopyBelow(FileSystem& files, LogOffset end,
                                                   const std::string& scratch) const {
  auto file = files.Open(scratch, OpenMode::kCreate);
  if (!file.ok()) return file.status();
  if (Status s = CopyInto(**file, end); !s.ok()) {
    (void)files.Remove(scratch);
    return s;
  }
  return Prefix{*std::move(file), scratch};
}

Result<std::shared_ptr<SegmentFile>> SegmentFile::ReplacedBy(FileSystem& files, Prefix prefix) const {
  if (Status s = files.Rename(prefix.path, path_); !s.ok()) {
    (void)files.Remove(prefix.path);
    return s;
  }
  return std::make_shared<SegmentFile>(std::move(prefix.file), path_, begin_, bytes_);
}

}  // namespace orbitmq::store
