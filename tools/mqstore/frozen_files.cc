// SPDX-License-Identifier: Apache-2.0
#include "tools/mqstore/frozen_files.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "common/strings.h"

namespace orbitmq::tools {
namespace {

Status Refused(std::string_view operation, const std::string& path) {
  return {StatusCode::kPermissionDenied, StrCat(operation, " ", path, ": the directory is only looked at")};
}

}  // namespace

class FrozenFile final : public File {
 public:
  FrozenFile(std::unique_ptr<File> file, std::string path, FrozenFiles& owner)
      : file_(std::move(file)), path_(std::move(path)), owner_(owner) {}

  Result<size_t> ReadAt(uint64_t offset, std::span<char> buffer) override {
    const auto length = owner_.lengths_.find(path_);
    if (length == owner_.lengths_.end()) return file_->ReadAt(offset, buffer);
    if (offset >= length->second) return size_t{0};
    const auto wanted = static_cast<size_t>(std::min<uint64_t>(buffer.size(), length->second - offset));
    auto got = file_->ReadAt(offset, buffer.first(wanted));
    if (!got.ok()) return got;
    std::memset(buffer.data() + *got, 0, wanted - *got);
    return wanted;
  }
  Status WriteAt(uint64_t, std::span<const std::string_view>) override { return Refused("write", path_); }
  Status Sync() override { return {}; }
  Result<uint64_t> Size() override {
    const auto length = owner_.lengths_.find(path_);
    if (length != owner_.lengths_.end()) return length->second;
    return file_->Size();
  }
  Status Truncate(uint64_t size) override {
    owner_.lengths_[path_] = size;
    return {};
  }
  Status Allocate(uint64_t) override { return Refused("fallocate", path_); }
  Result<std::unique_ptr<Mapping>> Map(size_t size, MapMode) override {
    return file_->Map(size, MapMode::kReadOnly);
  }
  Result<std::optional<uint64_t>> FindBytes(uint64_t offset) override { return file_->FindBytes(offset); }

 private:
  std::unique_ptr<File> file_;
  const std::string path_;
  FrozenFiles& owner_;
};

Result<std::unique_ptr<File>> FrozenFiles::Open(const std::string& path, OpenMode) {
  if (removed_.contains(path)) return Status(StatusCode::kNotFound, StrCat("open ", path, ": removed"));
  auto file = files_.Open(path, OpenMode::kReadOnly);
  if (!file.ok()) return file.status();
  return std::unique_ptr<File>(std::make_unique<FrozenFile>(*std::move(file), path, *this));
}

bool FrozenFiles::Exists(const std::string& path) { return !removed_.contains(path) && files_.Exists(path); }

Result<std::vector<DirEntry>> FrozenFiles::List(const std::string& directory) {
  auto listed = files_.List(directory);
  if (!listed.ok()) return listed;
  std::erase_if(*listed, [this, &directory](const DirEntry& entry) {
    return removed_.contains(StrCat(directory, "/", entry.name));
  });
  return listed;
}

Status FrozenFiles::Remove(const std::string& path) {
  removed_.insert(path);
  return {};
}

Status FrozenFiles::Rename(const std::string& from, const std::string&) { return Refused("rename", from); }

}  // namespace orbitmq::tools
