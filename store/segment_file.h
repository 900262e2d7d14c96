// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/bytes.h"
#include "common/file_system.h"
#include "common/ids.h"
#include "common/mutex.h"

namespace orbitmq::store {

// Names of log and queue files: the offset of their first byte as 20 decimal digits.
std::string OffsetFileName(int64_t offset);
std::optional<int64_t> ParseOffsetFileName(std::string_view name);

// One file of the CommitLog: a fixed-size range of the log's byte positions.
// Written with positioned vectored writes, so that a full disk is a return code and never a signal; read
// through one shared read-only mapping, made at the first such read and kept until LetGo, and for whoever has
// bytes of it even when the file was deleted meanwhile.
//
// Threads: any, except that only one thread writes at a time.
class SegmentFile final {
 public:
  // Makes the file at its full size (sparse), and syncs it and its directory entry: from then on an fdatasync
  // is all that a record in it needs. An existing file of that name is emptied.
  static Result<std::shared_ptr<SegmentFile>> Create(FileSystem& files, const std::string& directory,
                                                     LogOffset begin, int64_t bytes);
  static Result<std::shared_ptr<SegmentFile>> Open(FileSystem& files, const std::string& directory,
                                                   LogOffset begin, int64_t bytes);
  SegmentFile(std::unique_ptr<File> file, std::string path, LogOffset begin, int64_t bytes)
      : file_(std::move(file)), path_(std::move(path)), begin_(begin), bytes_(bytes) {}

  LogOffset begin() const { return begin_; }
  LogOffset end() const { return begin_ + bytes_; }
  const std::string& path() const { return path_; }
  bool Holds(LogOffset at) const { return at >= begin_ && at < end(); }

  Status Write(LogOffset at, std::span<const std::string_view> pieces) {
    return file_->WriteAt(static_cast<uint64_t>(at - begin_), pieces);
  }
  // Fills `out` or fails; [at, at + out.size()) lies in this segment.
  Status Read(LogOffset at, std::span<char> out) const;
  // The same range by reference.
  Result<Bytes> Pin(LogOffset at, size_t count);
  // Whether those bytes are in the page cache now.
  bool Resident(LogOffset at, size_t count);
  // The mapping goes with the last reader of its bytes; the next Pin makes another.
  void LetGo();
  Status Sync() { return file_->Sync(); }
  // A hint about the page cache for [begin, end), which lies in this segment.
  void Advise(LogOffset begin, LogOffset end, Access access) const {
    file_->Advise(static_cast<uint64_t>(begin - begin_), static_cast<uint64_t>(end - begin), access);
  }
  // Makes every byte from `at` on zero and durable, so that no stale record can ever follow a new one.
  // Recovery only: nothing may be mapped.
  Status ClearFrom(LogOffset at);
  // A file of the same length with nothing from some offset on; its bytes are durable.
  struct Prefix {
    std::unique_ptr<File> file;
    std::string path;
  };
  // Makes one up to `end` at `scratch`: a crash amid that leaves a file there, a failure none.
  Result<Prefix> CopyBelow(FileSystem& files, LogOffset end, const std::string& scratch) const;
  // The one that takes this file's name, lastingly once the directory is synced. Who reads from this object
  // keeps the old bytes. A failure leaves this file as it is and none at the scratch's name.
  Result<std::shared_ptr<SegmentFile>> ReplacedBy(FileSystem& files, Prefix prefix) const;

 private:
  Result<std::shared_ptr<const Mapping>> Mapped();
  Status CopyInto(File& file, LogOffset end) const;

  std::unique_ptr<File> file_;
  const std::string path_;
  const LogOffset begin_;
  const int64_t bytes_;
  Mutex mutex_;
  std::shared_ptr<const Mapping> mapping_ ORBITMQ_GUARDED_BY(mutex_);
};

}  // namespace orbitmq::store
