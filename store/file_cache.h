// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "common/file_system.h"
#include "common/mutex.h"

namespace orbitmq::store {

// The files of queues that are open just now: the most recently used ones, so that 80,000 queues do not need
// 80,000 descriptors. A file in use stays open until its last user lets go, also when it left the cache.
// Threads: any.
class FileCache final {
 public:
  FileCache(FileSystem& files, size_t open_max) : files_(files), open_max_(open_max) {}

  // An existing file; kNotFound or kIoError.
  Result<std::shared_ptr<File>> Open(const std::string& path);
  // Makes it (sparse, zero) at `bytes` if it is absent or shorter.
  Result<std::shared_ptr<File>> Create(const std::string& path, uint64_t bytes);
  void Forget(const std::string& path);
  FileSystem& files() { return files_; }

 private:
  struct Entry {
    std::shared_ptr<File> file;
    std::list<std::string>::iterator age;
  };
  std::shared_ptr<File> Get(const std::string& path);
  void Put(const std::string& path, const std::shared_ptr<File>& file);

  FileSystem& files_;
  const size_t open_max_;
  Mutex mutex_;
  std::list<std::string> by_age_ ORBITMQ_GUARDED_BY(mutex_);  // Newest first.
  std::unordered_map<std::string, Entry> open_ ORBITMQ_GUARDED_BY(mutex_);
};

}  // namespace orbitmq::store
