// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "common/file_system.h"

namespace orbitmq::store {

// Which calls fail, and how. Calls are counted over all files of one FaultyFiles, from 1 on.
struct Fault {
  enum class Error : uint8_t {
    kIo,     // EIO, by any call.
    kSpace,  // ENOSPC, by calls that may need space; others of its number succeed.
  };
  enum class Lasts : uint8_t { kOnce, kForGood };
  uint64_t at = 0;  // 0 = none.
  Error error = Error::kIo;
  Lasts lasts = Lasts::kOnce;
};

// Files that fail at a chosen call. A write that fails has written half of its bytes, as the kernel may.
class FaultyFiles final : public FileSystem {
 public:
  struct Plan {
    Fault fault;
    uint64_t calls = 0;
    std::string hit;  // The operation that failed first, and its path; empty = none yet.
    bool hit_sync = false;
    std::map<std::string, uint64_t> hits;  // By operation.
  };
  // `inner` changes with each simulated process; the plan goes on.
  FaultyFiles(FileSystem& inner, std::shared_ptr<Plan> plan) : inner_(inner), plan_(std::move(plan)) {}

  Result<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override;
  bool Exists(const std::string& path) override;
  Result<std::vector<DirEntry>> List(const std::string& directory) override;
  Status CreateDirectories(const std::string& directory) override;
  Status Remove(const std::string& path) override;
  Status Rename(const std::string& from, const std::string& to) override;
  Status SyncDirectory(const std::string& directory) override;
  Result<DiskSpace> Space(const std::string& path) override;
  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override;

 private:
  FileSystem& inner_;
  std::shared_ptr<Plan> plan_;
};

}  // namespace orbitmq::store
