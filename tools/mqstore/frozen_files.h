// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/file_system.h"

namespace orbitmq::tools {

// A directory as the store would mend it on opening, without changing a byte of it: a file that is cut to a
// length reads as if it had that length, a removed one as if it were gone, and writing is refused. So the
// store's own reading code can be used on what may be evidence.
// Threads: one at a time.
class FrozenFiles final : public FileSystem {
 public:
  explicit FrozenFiles(FileSystem& files) : files_(files) {}

  Result<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override;
  bool Exists(const std::string& path) override;
  Result<std::vector<DirEntry>> List(const std::string& directory) override;
  Status CreateDirectories(const std::string&) override { return {}; }
  Status Remove(const std::string& path) override;
  Status Rename(const std::string& from, const std::string& to) override;
  Status SyncDirectory(const std::string&) override { return {}; }
  Result<DiskSpace> Space(const std::string& path) override { return files_.Space(path); }
  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override { return files_.Lock(path); }

 private:
  friend class FrozenFile;
  FileSystem& files_;
  std::set<std::string> removed_;
  std::unordered_map<std::string, uint64_t> lengths_;  // Of files that were cut or stretched.
};

}  // namespace orbitmq::tools
