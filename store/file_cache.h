// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>

#include "common/file_system.h"
#include "common/mutex.h"

namespace orbitmq::store {

// The files of queues that are open just now: the most recently used ones, so that 80,000 queues do not need
// 80,000 descriptors. A file in use stays open until its last user lets go, also when it left the cache.
//
// Files are found by numbers, not by path: a lookup that hits makes no text. They lie in shards of their own
// locks, so that readers of different queues do not meet.
// Threads: any.
class FileCache final {
 public:
  // Names a file: the number of its queue (unique in a store's life) and its first unit.
  struct Key {
    uint32_t queue = 0;
    int64_t begin = 0;
    friend bool operator==(const Key&, const Key&) = default;
  };
  // At most `open_max` files stay open, rounded up to a multiple of the number of shards.
  FileCache(FileSystem& files, size_t open_max)
      : files_(files), open_max_per_shard_((open_max + kShards - 1) / kShards) {}

  // Null when it is not open.
  std::shared_ptr<File> Get(const Key& key);
  // An existing file; kNotFound or kIoError.
  Result<std::shared_ptr<File>> Open(const Key& key, const std::string& path);
  // Makes it (sparse, zero) at `bytes` if it is absent or shorter.
  Result<std::shared_ptr<File>> Create(const Key& key, const std::string& path, uint64_t bytes);
  void Forget(const Key& key);
  FileSystem& files() { return files_; }

 private:
  static constexpr size_t kShards = 16;
  struct KeyHash {
    size_t operator()(const Key& key) const noexcept {
      return static_cast<size_t>(key.queue) * 0x9E3779B97F4A7C15u + static_cast<size_t>(key.begin);
    }
  };
  struct Entry {
    std::shared_ptr<File> file;
    std::list<Key>::iterator age;
  };
  struct Shard {
    Mutex mutex;
    std::list<Key> by_age ORBITMQ_GUARDED_BY(mutex);  // Newest first.
    std::unordered_map<Key, Entry, KeyHash> open ORBITMQ_GUARDED_BY(mutex);
  };
  // Consecutive numbers spread over all shards.
  Shard& ShardOf(const Key& key) { return shards_[key.queue % kShards]; }
  void Put(const Key& key, const std::shared_ptr<File>& file);

  FileSystem& files_;
  const size_t open_max_per_shard_;
  std::array<Shard, kShards> shards_;
};

}  // namespace orbitmq::store
