// SPDX-License-Identifier: Apache-2.0
#include "test/store/faulty_files.h"

#include <algorithm>
#include <vector>

#include "common/strings.h"

namespace orbitmq::store {
namespace {

constexpr uint64_t kPageBytes = 4096;

enum class Needs : uint8_t { kNothing, kSpace, kSync };

// Counts the call; its error if it is one that fails.
Status Count(FaultyFiles::Plan& plan, std::string_view operation, const std::string& path, Needs needs) {
  ++plan.calls;
  const Fault& fault = plan.fault;
  const bool chosen = fault.at != 0 && (plan.calls == fault.at ||
                                        (fault.lasts == Fault::Lasts::kForGood && plan.calls > fault.at));
  if (!chosen || (fault.error == Fault::Error::kSpace && needs == Needs::kNothing)) return {};
  if (plan.hit.empty()) {
    plan.hit = StrCat(operation, " ", path);
    plan.hit_sync = needs == Needs::kSync;
  }
  ++plan.hits[std::string(operation)];
  const bool io = fault.error == Fault::Error::kIo;
  Status failed(io ? StatusCode::kIoError : StatusCode::kResourceExhausted,
                StrCat(operation, " ", path, io ? ": Input/output error" : ": No space left on device"));
  return needs == Needs::kSync ? failed.WithFatal() : failed;
}

class FaultyMapping final : public Mapping {
 public:
  FaultyMapping(std::unique_ptr<Mapping> inner, std::shared_ptr<FaultyFiles::Plan> plan, std::string path)
      : inner_(std::move(inner)), plan_(std::move(plan)), path_(std::move(path)) {}
  char* data() const override { return inner_->data(); }
  size_t size() const override { return inner_->size(); }
  Status Sync(size_t offset, size_t count) override {
    if (Status s = Count(*plan_, "msync", path_, Needs::kSync); !s.ok()) return s;
    return inner_->Sync(offset, count);
  }

 private:
  std::unique_ptr<Mapping> inner_;
  std::shared_ptr<FaultyFiles::Plan> plan_;
  std::string path_;
};

class FaultyFile final : public File {
 public:
  FaultyFile(std::unique_ptr<File> inner, std::shared_ptr<FaultyFiles::Plan> plan, std::string path)
      : inner_(std::move(inner)), plan_(std::move(plan)), path_(std::move(path)) {}

  Result<size_t> ReadAt(uint64_t offset, std::span<char> buffer) override {
    if (Status s = Count(*plan_, "read", path_, Needs::kNothing); !s.ok()) return s;
    return inner_->ReadAt(offset, buffer);
  }
  Status WriteAt(uint64_t offset, std::span<const std::string_view> pieces) override {
    size_t left = 0;
    for (const std::string_view piece : pieces) left += piece.size();
    // What a write that ran out of space has left takes no new block to overwrite.
    const bool has_blocks = offset >= left_begin_ && offset + left <= left_end_;
    Status failed = Count(*plan_, "write", path_, has_blocks ? Needs::kNothing : Needs::kSpace);
    if (failed.ok()) return inner_->WriteAt(offset, pieces);
    left /= 2;
    left_begin_ = offset;
    left_end_ = (offset + left + kPageBytes - 1) / kPageBytes * kPageBytes;
    std::vector<std::string_view> half;
    for (const std::string_view piece : pieces) {
      half.push_back(piece.substr(0, left));
      left -= half.back().size();
    }
    (void)inner_->WriteAt(offset, half);
    return failed;
  }
  Status Sync() override {
    if (Status s = Count(*plan_, "fdatasync", path_, Needs::kSync); !s.ok()) return s;
    return inner_->Sync();
  }
  Result<uint64_t> Size() override {
    if (Status s = Count(*plan_, "size", path_, Needs::kNothing); !s.ok()) return s;
    return inner_->Size();
  }
  Status Truncate(uint64_t size) override {
    if (Status s = Count(*plan_, "truncate", path_, Needs::kSpace); !s.ok()) return s;
    return inner_->Truncate(size);
  }
  Status Allocate(uint64_t size) override {
    if (Status s = Count(*plan_, "fallocate", path_, Needs::kSpace); !s.ok()) return s;
    return inner_->Allocate(size);
  }
  Result<std::unique_ptr<Mapping>> Map(size_t size, MapMode mode) override {
    if (Status s = Count(*plan_, "mmap", path_, Needs::kNothing); !s.ok()) return s;
    auto mapped = inner_->Map(size, mode);
    if (!mapped.ok()) return mapped;
    return std::unique_ptr<Mapping>(std::make_unique<FaultyMapping>(*std::move(mapped), plan_, path_));
  }
  void Advise(uint64_t offset, uint64_t count, Access access) override {
    inner_->Advise(offset, count, access);
  }

 private:
  std::unique_ptr<File> inner_;
  std::shared_ptr<FaultyFiles::Plan> plan_;
  std::string path_;
  // What the last failed write has written.
  uint64_t left_begin_ = 0;
  uint64_t left_end_ = 0;
};

}  // namespace

Result<std::unique_ptr<File>> FaultyFiles::Open(const std::string& path, OpenMode mode) {
  const Needs needs = mode == OpenMode::kCreate ? Needs::kSpace : Needs::kNothing;
  if (Status s = Count(*plan_, "open", path, needs); !s.ok()) return s;
  auto file = inner_.Open(path, mode);
  if (!file.ok()) return file;
  return std::unique_ptr<File>(std::make_unique<FaultyFile>(*std::move(file), plan_, path));
}

bool FaultyFiles::Exists(const std::string& path) {
  // As FileSystem::Exists promises: who cannot tell says that something is there.
  if (!Count(*plan_, "stat", path, Needs::kNothing).ok()) return true;
  return inner_.Exists(path);
}

Result<std::vector<DirEntry>> FaultyFiles::List(const std::string& directory) {
  if (Status s = Count(*plan_, "list", directory, Needs::kNothing); !s.ok()) return s;
  return inner_.List(directory);
}

Status FaultyFiles::CreateDirectories(const std::string& directory) {
  if (Status s = Count(*plan_, "mkdir", directory, Needs::kSpace); !s.ok()) return s;
  return inner_.CreateDirectories(directory);
}

Status FaultyFiles::Remove(const std::string& path) {
  if (Status s = Count(*plan_, "unlink", path, Needs::kNothing); !s.ok()) return s;
  return inner_.Remove(path);
}

Status FaultyFiles::Rename(const std::string& from, const std::string& to) {
  if (Status s = Count(*plan_, "rename", to, Needs::kSpace); !s.ok()) return s;
  return inner_.Rename(from, to);
}

Status FaultyFiles::SyncDirectory(const std::string& directory) {
  if (Status s = Count(*plan_, "fsync", directory, Needs::kSync); !s.ok()) return s;
  return inner_.SyncDirectory(directory);
}

Result<DiskSpace> FaultyFiles::Space(const std::string& path) {
  if (Status s = Count(*plan_, "statvfs", path, Needs::kNothing); !s.ok()) return s;
  return inner_.Space(path);
}

Result<std::unique_ptr<FileLock>> FaultyFiles::Lock(const std::string& path) {
  if (Status s = Count(*plan_, "lock", path, Needs::kNothing); !s.ok()) return s;
  return inner_.Lock(path);
}

}  // namespace orbitmq::store
