// SPDX-License-Identifier: Apache-2.0
#include "store/file_cache.h"

namespace orbitmq::store {

std::shared_ptr<File> FileCache::Get(const std::string& path) {
  const MutexLock lock(mutex_);
  const auto it = open_.find(path);
  if (it == open_.end()) return nullptr;
  by_age_.splice(by_age_.begin(), by_age_, it->second.age);
  return it->second.file;
}

void FileCache::Put(const std::string& path, const std::shared_ptr<File>& file) {
  std::shared_ptr<File> oldest;  // Closed after the lock is released.
  const MutexLock lock(mutex_);
  if (open_.contains(path)) return;
  by_age_.push_front(path);
  open_.emplace(path, Entry{file, by_age_.begin()});
  if (open_.size() <= open_max_) return;
  const auto it = open_.find(by_age_.back());
  oldest = std::move(it->second.file);
  open_.erase(it);
  by_age_.pop_back();
}

Result<std::shared_ptr<File>> FileCache::Open(const std::string& path) {
  if (auto file = Get(path)) return file;
  auto opened = files_.Open(path, OpenMode::kReadWrite);
  if (!opened.ok()) return opened.status();
  std::shared_ptr<File> file = *std::move(opened);
  Put(path, file);
  return file;
}

Result<std::shared_ptr<File>> FileCache::Create(const std::string& path, uint64_t bytes) {
  if (auto file = Get(path)) return file;
  auto opened = files_.Open(path, OpenMode::kCreate);
  if (!opened.ok()) return opened.status();
  std::shared_ptr<File> file = *std::move(opened);
  auto size = file->Size();
  if (!size.ok()) return size.status();
  if (*size < bytes) {
    if (Status s = file->Truncate(bytes); !s.ok()) return s;
  }
  Put(path, file);
  return file;
}

void FileCache::Forget(const std::string& path) {
  std::shared_ptr<File> file;
  const MutexLock lock(mutex_);
  const auto it = open_.find(path);
  if (it == open_.end()) return;
  file = std::move(it->second.file);
  by_age_.erase(it->second.age);
  open_.erase(it);
}

}  // namespace orbitmq::store
