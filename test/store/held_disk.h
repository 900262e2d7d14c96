// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "common/env.h"

namespace orbitmq::store {

// Holds the syncs of files whose path contains a word until they are let go: a disk that stands still.
// Threads: any.
class SyncHold final {
 public:
  explicit SyncHold(std::string word) : word_(std::move(word)) {}
  void Hold() {
    const std::lock_guard lock(mutex_);
    held_ = true;
  }
  void LetGo() {
    const std::lock_guard lock(mutex_);
    held_ = false;
    changed_.notify_all();
  }
  // Returns when somebody waits in a held sync.
  void AwaitOne() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return waiting_ > 0; });
  }
  bool Concerns(const std::string& path) const { return path.find(word_) != std::string::npos; }
  void Pass() {
    std::unique_lock lock(mutex_);
    if (!held_) return;
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !held_; });
    --waiting_;
  }

 private:
  const std::string word_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool held_ = false;
  int waiting_ = 0;
};

class HeldFile final : public File {
 public:
  HeldFile(std::unique_ptr<File> file, SyncHold& hold) : file_(std::move(file)), hold_(hold) {}
  Result<size_t> ReadAt(uint64_t offset, std::span<char> buffer) override {
    return file_->ReadAt(offset, buffer);
  }
  Status WriteAt(uint64_t offset, std::span<const std::string_view> pieces) override {
    return file_->WriteAt(offset, pieces);
  }
  Status Sync() override {
    hold_.Pass();
    return file_->Sync();
  }
  Result<uint64_t> Size() override { return file_->Size(); }
  Status Truncate(uint64_t size) override { return file_->Truncate(size); }
  Status Allocate(uint64_t size) override { return file_->Allocate(size); }
  Result<std::unique_ptr<Mapping>> Map(size_t size, MapMode mode) override { return file_->Map(size, mode); }

 private:
  const std::unique_ptr<File> file_;
  SyncHold& hold_;
};

class HeldFiles final : public FileSystem {
 public:
  HeldFiles(FileSystem& files, SyncHold& hold) : files_(files), hold_(hold) {}
  Result<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override {
    auto file = files_.Open(path, mode);
    if (!file.ok() || !hold_.Concerns(path)) return file;
    return std::unique_ptr<File>(std::make_unique<HeldFile>(*std::move(file), hold_));
  }
  bool Exists(const std::string& path) override { return files_.Exists(path); }
  Result<std::vector<DirEntry>> List(const std::string& path) override { return files_.List(path); }
  Status CreateDirectories(const std::string& path) override { return files_.CreateDirectories(path); }
  Status Remove(const std::string& path) override { return files_.Remove(path); }
  Status Rename(const std::string& from, const std::string& to) override { return files_.Rename(from, to); }
  Status SyncDirectory(const std::string& path) override { return files_.SyncDirectory(path); }
  Result<DiskSpace> Space(const std::string& path) override { return files_.Space(path); }
  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override { return files_.Lock(path); }

 private:
  FileSystem& files_;
  SyncHold& hold_;
};

// Another Env with its disk held.
class HeldEnv final : public Env {
 public:
  HeldEnv(Env& env, SyncHold& hold) : env_(env), files_(env.files(), hold) {}
  Clock& clock() override { return env_.clock(); }
  Random NewRandom(std::string_view use) override { return env_.NewRandom(use); }
  FileSystem& files() override { return files_; }
  Network& network() override { return env_.network(); }
  std::unique_ptr<Executor> NewExecutor(ExecutorOptions options) override {
    return env_.NewExecutor(std::move(options));
  }
  Logger& log() override { return env_.log(); }
  const ProcessIdentity& identity() const override { return env_.identity(); }

 private:
  Env& env_;
  HeldFiles files_;
};

}  // namespace orbitmq::store
