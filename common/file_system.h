// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "orbitmq/result.h"

namespace orbitmq {

// A shared mapping of the first `size` bytes of a file, coherent with File::WriteAt. Unmapped by the
// destructor; the file must not be truncated below it meanwhile.
class Mapping {
 public:
  virtual ~Mapping() = default;
  virtual char* data() const = 0;  // Writable only if it was mapped with kReadWrite.
  virtual size_t size() const = 0;
  // msync of a range; the range is widened to pages.
  virtual Status Sync(size_t offset, size_t count) = 0;
  // Whether all pages of the range are in memory now, so that reading them waits for no disk. True where the
  // system does not tell.
  virtual bool Resident(size_t /*offset*/, size_t /*count*/) const { return true; }
};

enum class MapMode : uint8_t { kReadOnly, kReadWrite };

// What a caller tells about bytes of a file that it will or will not use.
enum class Access : uint8_t {
  kWillNeed,  // Soon: start reading them into the page cache.
  kDontNeed,  // Not again: clean pages may leave the page cache.
  kRandom,    // Here and there: do not read ahead in this open file.
};

// An open regular file. Threads: every method from any thread; writes to overlapping ranges are the caller's
// race. Errors carry operation, path and errno text: kResourceExhausted for ENOSPC, EDQUOT and too many open
// files, kPermissionDenied, kNotFound, kAlreadyExists, else kIoError.
class File {
 public:
  virtual ~File() = default;
  // Reads up to buffer.size() bytes; fewer only at the end of the file.
  virtual Result<size_t> ReadAt(uint64_t offset, std::span<char> buffer) = 0;
  // Writes all pieces one after the other or fails; EINTR and short writes are handled inside. After a
  // failure any prefix may have been written.
  virtual Status WriteAt(uint64_t offset, std::span<const std::string_view> pieces) = 0;
  // fdatasync. After an error the state of the bytes is unknown for good: never retry and call it good.
  virtual Status Sync() = 0;
  virtual Result<uint64_t> Size() = 0;
  virtual Status Truncate(uint64_t size) = 0;
  // Reserves disk blocks for [0, size) and grows the file to it; kNotSupported when the file system cannot.
  virtual Status Allocate(uint64_t size) = 0;
  virtual Result<std::unique_ptr<Mapping>> Map(size_t size, MapMode mode) = 0;
  // A hint without an effect on what is read; count 0 = to the end. Ignored where the system knows none.
  virtual void Advise(uint64_t /*offset*/, uint64_t /*count*/, Access /*access*/) {}
  // The first position at or above `offset` where bytes other than zero may stand; nullopt when all up to the
  // end is a hole. A file system that cannot tell says `offset`.
  virtual Result<std::optional<uint64_t>> FindBytes(uint64_t offset) { return std::optional(offset); }
};

enum class OpenMode : uint8_t { kReadOnly, kReadWrite, kCreate /* read-write, made if absent */ };

struct DirEntry {
  std::string name;
  bool is_directory = false;
  uint64_t size = 0;
  int64_t modified_ms = 0;  // Wall clock, epoch milliseconds.
};

struct DiskSpace {
  uint64_t total_bytes = 0;
  uint64_t free_bytes = 0;  // Available to this user.
};

// Held while the object lives; released by the OS when the process dies.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

// Paths are absolute or relative to the process's directory. Threads: any. Blocks: call it on kMayBlock
// executors only (the log's append is the documented exception).
class FileSystem {
 public:
  virtual ~FileSystem() = default;
  virtual Result<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) = 0;
  // A new file of so many zero bytes, without blocks, that appears whole or not at all, whenever this process
  // ends: Apache's 4.x broker does not start on a directory with a file that is too short. kAlreadyExists;
  // kNotSupported where the file system cannot do that: then it is made in two steps.
  virtual Result<std::unique_ptr<File>> CreateWhole(const std::string& path, uint64_t bytes) {
    return Status(StatusCode::kNotSupported,
                  "cannot make " + path + " with its " + std::to_string(bytes) + " bytes in one step");
  }
  // A new file that only this user may read, in the place of one that was there; `path` is below `base`. For
  // places that others may write to, such as /tmp: the folders of `path` are made for this user alone, and
  // one that is a link or another user's is refused with kPermissionDenied. Not synced.
  virtual Status WritePrivateFile(const std::string& base, const std::string& path, std::string_view) {
    return {StatusCode::kNotSupported, "cannot write " + path + " below " + base + " for one user alone"};
  }
  virtual bool Exists(const std::string& path) = 0;  // False: surely absent. When it cannot tell (EIO): true.
  virtual Result<std::vector<DirEntry>> List(const std::string& directory) = 0;  // Sorted by name.
  virtual Status CreateDirectories(const std::string& directory) = 0;
  virtual Status Remove(const std::string& path) = 0;  // File or empty directory; kNotFound if absent.
  virtual Status Rename(const std::string& from, const std::string& to) = 0;  // Replaces `to` atomically.
  virtual Status SyncDirectory(const std::string& directory) = 0;
  // Syncs every file and name of the file system that holds `path`: cheaper than thousands of single ones.
  // kNotSupported when that cannot be done here; the same rules as for File::Sync after another error.
  virtual Status SyncAll(const std::string& path) {
    return {StatusCode::kNotSupported, "cannot sync the whole file system of " + path};
  }
  virtual Result<DiskSpace> Space(const std::string& path) = 0;
  // kAlreadyExists when another process (or this one) holds it.
  virtual Result<std::unique_ptr<FileLock>> Lock(const std::string& path) = 0;
};

// The whole file; kResourceExhausted when it is larger than `bytes_max`.
Result<std::string> ReadWholeFile(FileSystem& files, const std::string& path, uint64_t bytes_max);

// The same, but from `path`.bak when `path` is absent: what to read a file with that WriteFileAtomically (or
// Apache's broker) writes. kNotFound when both are absent.
Result<std::string> ReadFileOrBackup(FileSystem& files, const std::string& path, uint64_t bytes_max);

// Makes `directory` and what is missing above it, lastingly: syncs the parent of each one that was missing.
// When none was, the parent of `directory` is synced if it lets (it may be another's, or read-only): a
// process that was killed may have left `directory` known to the page cache only.
Status CreateDirectoriesDurably(FileSystem& files, const std::string& directory);

// Replaces `path` so that a crash at any moment leaves the old or the new content for ReadFileOrBackup:
// writes `path`.tmp, syncs it, renames the old version to `path`.bak (Apache's name), renames the new one to
// `path`, syncs the directory. One writer per path at a time.
Status WriteFileAtomically(FileSystem& files, const std::string& path, std::string_view content);

}  // namespace orbitmq
