// SPDX-License-Identifier: Apache-2.0
#include "store/file_cache.h"

namespace orbitmq::store {

std::shared_ptr<File> FileCache::Get(const Key& key) {
  Shard& shard = ShardOf(key);
  const MutexLock lock(shard.mutex);
  const auto it = shard.open.find(key);
  if (it == shard.open.end()) return nullptr;
  shard.by_age.splice(shard.by_age.begin(), shard.by_age, it->second.age);
  return it->second.file;
}

void FileCache::Put(const Key& key, const std::shared_ptr<File>& file) {
  std::shared_ptr<File> oldest;  // Closed after the lock is released.
  Shard& shard = ShardOf(key);
  const MutexLock lock(shard.mutex);
  if (shard.open.contains(key)) return;
  shard.by_age.push_front(key);
  shard.open.emplace(key, Entry{file, shard.by_age.begin()});
  if (shard.open.size() <= open_max_per_shard_) return;
  const auto it = shard.open.find(shard.by_age.back());
  oldest = std::move(it->second.file);
  shard.open.erase(it);
  shard.by_age.pop_back();
}

Result<std::shared_ptr<File>> FileCache::Open(const Key& key, const std::string& path) {
  if (auto file = Get(key)) return file;
  auto opened = files_.Open(path, OpenMode::kReadWrite);
  if (!opened.ok()) return opened.status();
  std::shared_ptr<File> file = *std::move(opened);
  Put(key, file);
  return file;
}

Result<std::shared_ptr<File>> FileCache::Create(const Key& key, const std::string& path, uint64_t bytes) {
  if (auto file = Get(key)) return file;
  auto opened = files_.CreateWhole(path, bytes);
  if (!opened.ok()) opened = files_.Open(path, OpenMode::kCreate);
  if (!opened.ok()) return opened.status();
  std::shared_ptr<File> file = *std::move(opened);
  auto size = file->Size();
  if (!size.ok()) return size.status();
  if (*size < bytes) {
    if (Status s = file->Truncate(bytes); !s.ok()) return s;
  }
  Put(key, file);
  return file;
}

void FileCache::Forget(const Key& key) {
  std::shared_ptr<File> file;
  Shard& shard = ShardOf(key);
  const MutexLock lock(shard.mutex);
  const auto it = shard.open.find(key);
  if (it == shard.open.end()) return;
  file = std::move(it->second.file);
  shard.by_age.erase(it->second.age);
  shard.open.erase(it);
}

}  // namespace orbitmq::store
