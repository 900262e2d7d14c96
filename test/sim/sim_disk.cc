// SPDX-License-Identifier: Apache-2.0
#include "test/sim/sim_disk.h"

#include <algorithm>
#include <cstring>

#include "common/check.h"

namespace orbitmq::sim {
namespace {

constexpr size_t kPage = 4096;
constexpr size_t kSector = 512;

std::string ParentOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return "";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string Normal(const std::string& path) {
  std::string out;
  for (const char c : path) {
    if (c == '/' && !out.empty() && out.back() == '/') continue;
    out += c;
  }
  if (out.size() > 1 && out.back() == '/') out.pop_back();
  if (out.starts_with("./")) out.erase(0, 2);
  return out;
}

// Zeroed memory whose address stays while mappings point into it.
class Image final {
 public:
  char* data() { return data_.get(); }
  size_t size() const { return size_; }
  bool CanHold(size_t bytes) const { return bytes <= capacity_; }
  void Resize(size_t bytes) {
    if (bytes > capacity_) {
      const size_t capacity = std::max(bytes, std::max(capacity_ * 2, size_t{1} << 16));
      std::shared_ptr<char[]> grown(static_cast<char*>(std::calloc(capacity, 1)),
                                    [](char* p) { std::free(p); });
      if (size_ > 0) std::memcpy(grown.get(), data_.get(), size_);
      data_ = std::move(grown);
      capacity_ = capacity;
    }
    if (bytes < size_) std::memset(data_.get() + bytes, 0, size_ - bytes);
    size_ = bytes;
  }
  void CopyFrom(const Image& other) {
    // No larger than it is: most copies are looked at and never grow.
    data_.reset(static_cast<char*>(std::malloc(std::max<size_t>(other.size_, 1))),
                [](char* p) { std::free(p); });
    if (other.size_ > 0) std::memcpy(data_.get(), other.data_.get(), other.size_);
    size_ = capacity_ = other.size_;
  }
  const std::shared_ptr<char[]>& owner() const { return data_; }

 private:
  std::shared_ptr<char[]> data_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace

struct SimDisk::Inode {
  Image seen;
  Image durable;
  std::set<size_t> dirty_pages;  // Written since the last sync; mappings add to it untracked.
  int writable_mappings = 0;
  int mappings = 0;
  bool size_dirty = false;
  bool evicted = false;
  int64_t modified_ms = 0;

  template <class F>
  void ForEachDirtyPage(F f) {
    const size_t pages = (std::max(seen.size(), durable.size()) + kPage - 1) / kPage;
    if (writable_mappings > 0) {
      for (size_t p = 0; p < pages; ++p) f(p);
      return;
    }
    for (const size_t p : dirty_pages) {
      if (p < pages) f(p);
    }
  }
  void CopyToDurable(size_t offset, size_t count) {
    if (offset >= seen.size()) return;
    count = std::min(count, seen.size() - offset);
    if (durable.size() < offset + count) durable.Resize(offset + count);
    std::memcpy(durable.data() + offset, seen.data() + offset, count);
  }
  void MakeDurable() {
    durable.Resize(seen.size());
    ForEachDirtyPage([this](size_t p) { CopyToDurable(p * kPage, kPage); });
    dirty_pages.clear();
    size_dirty = false;
  }
};

struct SimDisk::View {
  SimDisk* disk = nullptr;
  std::function<void(int64_t)> spend;
  bool dead = false;
  std::unique_ptr<FileSystem> files;

  Status Check(const char* what, const std::string& path) const {
    if (!dead) return {};
    return {StatusCode::kIoError, std::string(what) + " " + path + ": the process was killed"};
  }
};

class SimMapping final : public Mapping {
 public:
  SimMapping(std::shared_ptr<SimDisk::Inode> inode, size_t size, MapMode mode)
      : inode_(std::move(inode)), owner_(inode_->seen.owner()), size_(size), mode_(mode) {
    ++inode_->mappings;
    if (mode_ == MapMode::kReadWrite) ++inode_->writable_mappings;
  }
  ~SimMapping() override {
    --inode_->mappings;
    if (mode_ == MapMode::kReadWrite) {
      --inode_->writable_mappings;
      for (size_t p = 0; p * kPage < size_; ++p) inode_->dirty_pages.insert(p);
    }
  }
  char* data() const override { return owner_.get(); }
  size_t size() const override { return size_; }
  bool Resident(size_t, size_t) const override { return !inode_->evicted; }
  Status Sync(size_t offset, size_t count) override {
    inode_->CopyToDurable(offset / kPage * kPage, (offset % kPage) + count);
    return {};
  }

 private:
  std::shared_ptr<SimDisk::Inode> inode_;
  std::shared_ptr<char[]> owner_;
  size_t size_;
  MapMode mode_;
};

class SimFile final : public File {
 public:
  SimFile(std::shared_ptr<SimDisk::View> view, std::shared_ptr<SimDisk::Inode> inode, std::string path,
          OpenMode mode)
      : view_(std::move(view)), inode_(std::move(inode)), path_(std::move(path)), mode_(mode) {}

  Result<size_t> ReadAt(uint64_t offset, std::span<char> buffer) override {
    if (Status s = view_->Check("read", path_); !s.ok()) return s;
    if (const int64_t extra = view_->disk->read_extra_.count(); extra > 0) view_->spend(extra);
    if (view_->disk->failing_reads_) return Status(StatusCode::kIoError, "read " + path_ + ": EIO");
    if (offset >= inode_->seen.size()) return size_t{0};
    const size_t count = std::min(buffer.size(), inode_->seen.size() - static_cast<size_t>(offset));
    std::memcpy(buffer.data(), inode_->seen.data() + offset, count);
    return count;
  }

  Status WriteAt(uint64_t offset, std::span<const std::string_view> pieces) override {
    if (Status s = Writable("write"); !s.ok()) return s;
    ++view_->disk->counters_.writes;
    size_t at = static_cast<size_t>(offset);
    for (const std::string_view piece : pieces) {
      if (piece.empty()) continue;
      if (Status s = Grow(at + piece.size()); !s.ok()) return s;
      std::memcpy(inode_->seen.data() + at, piece.data(), piece.size());
      for (size_t p = at / kPage; p <= (at + piece.size() - 1) / kPage; ++p) inode_->dirty_pages.insert(p);
      at += piece.size();
    }
    view_->disk->Tell(SimDisk::Operation::Kind::kWrite, path_);
    return {};
  }

  Status Sync() override {
    if (Status s = view_->Check("fdatasync", path_); !s.ok()) return s;
    SimDisk& disk = *view_->disk;
    ++disk.counters_.syncs;
    view_->spend(disk.random_.Between(20'000, 400'000) + disk.sync_extra_.count());
    if (disk.failing_syncs_ > 0) {
      --disk.failing_syncs_;
      disk.CrashInode(
          *inode_,
          SimDisk::Cut::kMixed);  // Some pages were written, some dropped; the caller cannot know which.
      return {StatusCode::kIoError, "fdatasync " + path_ + ": Input/output error"};
    }
    inode_->MakeDurable();
    disk.Tell(SimDisk::Operation::Kind::kSync, path_);
    return {};
  }

  Result<uint64_t> Size() override {
    if (Status s = view_->Check("size", path_); !s.ok()) return s;
    return static_cast<uint64_t>(inode_->seen.size());
  }

  Status Truncate(uint64_t size) override {
    if (Status s = Writable("truncate"); !s.ok()) return s;
    if (size > inode_->seen.size()) {
      const Status grown = Grow(static_cast<size_t>(size));
      view_->disk->Tell(SimDisk::Operation::Kind::kTruncate, path_);
      return grown;
    }
    // What is cut off reads as zeros when the file grows again, also after a sync.
    for (size_t p = static_cast<size_t>(size) / kPage; p * kPage < inode_->seen.size(); ++p) {
      inode_->dirty_pages.insert(p);
    }
    inode_->seen.Resize(static_cast<size_t>(size));
    inode_->size_dirty = true;
    view_->disk->Tell(SimDisk::Operation::Kind::kTruncate, path_);
    return {};
  }

  Status Allocate(uint64_t size) override {
    if (Status s = Writable("fallocate"); !s.ok()) return s;
    return Grow(static_cast<size_t>(size));
  }

  void Advise(uint64_t offset, uint64_t count, Access access) override {
    view_->disk->hints_.push_back({path_, offset, count, access});
  }

  Result<std::optional<uint64_t>> FindBytes(uint64_t offset) override {
    if (Status s = view_->Check("lseek", path_); !s.ok()) return s;
    for (size_t at = offset; at < inode_->seen.size(); ++at) {
      if (inode_->seen.data()[at] != 0) return std::optional<uint64_t>(at);
    }
    return std::optional<uint64_t>();
  }

  Result<std::unique_ptr<Mapping>> Map(size_t size, MapMode mode) override {
    if (Status s = view_->Check("mmap", path_); !s.ok()) return s;
    if (size > inode_->seen.size() || size == 0) {
      return Status(StatusCode::kInvalidArgument, "mmap " + path_ + ": beyond the end of the file");
    }
    return std::unique_ptr<Mapping>(std::make_unique<SimMapping>(inode_, size, mode));
  }

 private:
  Status Writable(const char* what) {
    if (Status s = view_->Check(what, path_); !s.ok()) return s;
    if (mode_ == OpenMode::kReadOnly)
      return {StatusCode::kIoError, std::string(what) + " " + path_ + ": read only"};
    return {};
  }
  Status Grow(size_t size) {
    if (size <= inode_->seen.size()) return {};
    if (view_->disk->UsedBytes() + (size - inode_->seen.size()) >
        std::min(view_->disk->space_limit_, view_->disk->quota_)) {
      return {StatusCode::kResourceExhausted, "write " + path_ + ": No space left on device"};
    }
    ORBITMQ_CHECK(inode_->mappings == 0 || inode_->seen.CanHold(size),
                  "a mapped simulated file may not outgrow its memory");
    inode_->seen.Resize(size);
    inode_->size_dirty = true;
    return {};
  }

  std::shared_ptr<SimDisk::View> view_;
  std::shared_ptr<SimDisk::Inode> inode_;
  std::string path_;
  OpenMode mode_;
};

class SimFileLock final : public FileLock {
 public:
  SimFileLock(std::shared_ptr<SimDisk::View> view, std::string path)
      : view_(std::move(view)), path_(std::move(path)) {}
  ~SimFileLock() override {
    if (!view_->dead) view_->disk->locks_.erase(path_);
  }

 private:
  std::shared_ptr<SimDisk::View> view_;
  std::string path_;
};

class SimFileSystem final : public FileSystem {
 public:
  explicit SimFileSystem(SimDisk::View* view) : view_(view), disk_(*view->disk) {}
  void Own(const std::shared_ptr<SimDisk::View>& view) { owner_ = view; }

  Result<std::unique_ptr<File>> Open(const std::string& raw, OpenMode mode) override {
    const std::string path = Normal(raw);
    if (Status s = view_->Check("open", path); !s.ok()) return s;
    auto it = disk_.names_.find(path);
    if (it == disk_.names_.end()) {
      if (mode != OpenMode::kCreate)
        return Status(StatusCode::kNotFound, "open " + path + ": No such file or directory");
      if (!disk_.sealed_.empty() && path.starts_with(disk_.sealed_))
        return Status(StatusCode::kPermissionDenied, "open " + path + ": Permission denied");
      if (!disk_.directories_.contains(ParentOf(path)) && ParentOf(path) != "") {
        return Status(StatusCode::kIoError, "open " + path + ": No such file or directory");
      }
      disk_.SetName(path, std::make_shared<SimDisk::Inode>());
      it = disk_.names_.find(path);
    }
    return std::unique_ptr<File>(std::make_unique<SimFile>(owner_.lock(), it->second, path, mode));
  }
  bool Exists(const std::string& raw) override {
    const std::string path = Normal(raw);
    return !view_->dead && (disk_.names_.contains(path) || disk_.directories_.contains(path));
  }
  Result<std::vector<DirEntry>> List(const std::string& raw) override {
    const std::string directory = Normal(raw);
    if (Status s = view_->Check("list", directory); !s.ok()) return s;
    if (!disk_.directories_.contains(directory)) {
      return Status(StatusCode::kNotFound, "opendir " + directory + ": No such file or directory");
    }
    std::map<std::string, DirEntry> entries;
    for (const auto& [path, inode] : disk_.names_) {
      if (ParentOf(path) != directory) continue;
      const std::string name = path.substr(directory.size() + 1);
      entries[name] = DirEntry{name, false, inode->seen.size(), inode->modified_ms};
    }
    for (const std::string& path : disk_.directories_) {
      if (path == directory || ParentOf(path) != directory) continue;
      const std::string name = path.substr(directory.size() + 1);
      entries[name] = DirEntry{name, true, 0, 0};
    }
    std::vector<DirEntry> out;
    for (auto& [name, entry] : entries) out.push_back(std::move(entry));
    return out;
  }
  Status CreateDirectories(const std::string& raw) override {
    std::string path = Normal(raw);
    if (Status s = view_->Check("mkdir", path); !s.ok()) return s;
    while (!path.empty() && path != "/") {
      disk_.directories_.insert(path);
      path = ParentOf(path);
    }
    return {};
  }
  Status Remove(const std::string& raw) override {
    const std::string path = Normal(raw);
    if (Status s = view_->Check("remove", path); !s.ok()) return s;
    if (disk_.directories_.contains(path)) {
      const auto inside = [&path](const std::string& name) { return name.starts_with(path + "/"); };
      if (std::any_of(disk_.directories_.begin(), disk_.directories_.end(), inside) ||
          std::any_of(disk_.names_.begin(), disk_.names_.end(), [&](auto& n) { return inside(n.first); })) {
        return {StatusCode::kIoError, "rmdir " + path + ": Directory not empty"};
      }
      disk_.directories_.erase(path);
      disk_.durable_directories_.erase(path);
      return {};
    }
    if (!disk_.names_.contains(path))
      return {StatusCode::kNotFound, "unlink " + path + ": No such file or directory"};
    if (disk_.remove_extra_.count() > 0) view_->spend(disk_.remove_extra_.count());
    disk_.SetName(path, nullptr);
    return {};
  }
  Status Rename(const std::string& raw_from, const std::string& raw_to) override {
    const std::string from = Normal(raw_from);
    const std::string to = Normal(raw_to);
    if (Status s = view_->Check("rename", from); !s.ok()) return s;
    if (!disk_.names_.contains(from))
      return {StatusCode::kNotFound, "rename " + from + ": No such file or directory"};
    disk_.Rename(from, to);
    return {};
  }
  Status SyncDirectory(const std::string& raw) override {
    const std::string directory = Normal(raw);
    if (Status s = view_->Check("fsync", directory); !s.ok()) return s;
    view_->spend(disk_.random_.Between(10'000, 200'000));
    disk_.SyncNames(directory);
    disk_.Tell(SimDisk::Operation::Kind::kSyncNames, directory);
    return {};
  }
  Result<DiskSpace> Space(const std::string& path) override { return disk_.SpaceOf(Normal(path)); }
  Result<std::unique_ptr<FileLock>> Lock(const std::string& raw) override {
    const std::string path = Normal(raw);
    if (Status s = view_->Check("lock", path); !s.ok()) return s;
    if (!disk_.locks_.insert(path).second) {
      return Status(StatusCode::kAlreadyExists, "lock " + path + ": held by another process");
    }
    if (!disk_.names_.contains(path)) disk_.SetName(path, std::make_shared<SimDisk::Inode>());
    return std::unique_ptr<FileLock>(std::make_unique<SimFileLock>(owner_.lock(), path));
  }

 private:
  SimDisk::View* view_;
  std::weak_ptr<SimDisk::View> owner_;
  SimDisk& disk_;
};

std::shared_ptr<SimDisk::View> SimDisk::NewView(std::function<void(int64_t)> spend) {
  auto view = std::make_shared<View>();
  view->disk = this;
  view->spend = std::move(spend);
  auto files = std::make_unique<SimFileSystem>(view.get());
  files->Own(view);
  view->files = std::move(files);
  return view;
}

void SimDisk::Detach(View& view) { view.dead = true; }
FileSystem& SimDisk::FilesOf(View& view) { return *view.files; }

void SimDisk::SetName(const std::string& path, std::shared_ptr<Inode> inode) {
  const auto kind = inode == nullptr ? Operation::Kind::kRemove : Operation::Kind::kMake;
  if (inode == nullptr) {
    names_.erase(path);
  } else {
    names_[path] = inode;
  }
  pending_names_.push_back({NameChange{path, std::move(inode)}});
  Tell(kind, path);
}

void SimDisk::Rename(const std::string& from, const std::string& to) {
  std::shared_ptr<Inode> inode = names_.at(from);
  names_.erase(from);
  names_[to] = inode;
  pending_names_.push_back({NameChange{from, nullptr}, NameChange{to, std::move(inode)}});
  Tell(Operation::Kind::kRename, to);
}

void SimDisk::SyncNames(const std::string& directory) {
  for (const std::string& path : directories_) {
    if (ParentOf(path) == directory) durable_directories_.insert(path);
  }
  std::vector<std::vector<NameChange>> rest;
  for (auto& changes : pending_names_) {
    const bool here = std::any_of(changes.begin(), changes.end(),
                                  [&](const NameChange& c) { return ParentOf(c.path) == directory; });
    if (!here) {
      rest.push_back(std::move(changes));
      continue;
    }
    for (NameChange& c : changes) {
      if (c.inode == nullptr) {
        durable_names_.erase(c.path);
      } else {
        durable_names_[c.path] = c.inode;
      }
    }
  }
  pending_names_ = std::move(rest);
}

void SimDisk::CrashPage(Inode& inode, size_t page, Cut cut) {
  const size_t begin = page * kPage;
  const size_t end = std::min(begin + kPage, std::min(inode.seen.size(), inode.durable.size()));
  if (begin >= end || cut == Cut::kNothing ||
      std::memcmp(inode.seen.data() + begin, inode.durable.data() + begin, end - begin) == 0)
    return;
  if (cut == Cut::kSectors) {
    ++counters_.torn_pages;
    for (size_t at = begin; at < end; at += kSector) {
      if (random_.Chance(1, 2)) continue;
      std::memcpy(inode.durable.data() + at, inode.seen.data() + at, std::min(kSector, end - at));
    }
    return;
  }
  const uint64_t fate = cut == Cut::kAll ? 2 : random_.Below(3);
  if (fate == 0) {
    ++counters_.lost_pages;
    return;
  }
  size_t from = begin;
  size_t to = end;
  if (fate == 1) {
    ++counters_.torn_pages;
    const size_t sectors = (end - begin + kSector - 1) / kSector;
    from = begin + random_.Below(sectors) * kSector;
    to = std::min(end, from + (1 + random_.Below(sectors)) * kSector);
  }
  std::memcpy(inode.durable.data() + from, inode.seen.data() + from, to - from);
}

void SimDisk::CrashInode(Inode& inode, Cut cut) {
  const size_t old_durable_size = inode.durable.size();
  const bool new_size = inode.seen.size() == old_durable_size || random_.Chance(1, 2);
  if (new_size) inode.durable.Resize(inode.seen.size());
  inode.ForEachDirtyPage([&](size_t page) { CrashPage(inode, page, cut); });
}

bool SimDisk::SurvivesCrash(std::string directory) const {
  while (!directory.empty() && directory != "/") {
    if (!durable_directories_.contains(directory)) return false;
    directory = ParentOf(directory);
  }
  return true;
}

void SimDisk::Crash(Cut cut) {
  ++counters_.crashes;
  locks_.clear();
  const uint64_t kept = random_.Below(pending_names_.size() + 1);
  for (size_t i = 0; i < pending_names_.size(); ++i) {
    if (i >= kept) {
      ++counters_.lost_names;
      continue;
    }
    for (NameChange& c : pending_names_[i]) {
      if (c.inode == nullptr) {
        durable_names_.erase(c.path);
      } else {
        durable_names_[c.path] = c.inode;
      }
    }
  }
  pending_names_.clear();
  std::erase_if(directories_, [this](const std::string& path) { return !SurvivesCrash(path); });
  durable_directories_ = directories_;
  counters_.lost_names += std::erase_if(
      durable_names_, [this](const auto& name) { return !SurvivesCrash(ParentOf(name.first)); });
  names_.clear();
  for (auto& [path, inode] : durable_names_) {
    CrashInode(*inode, cut);
    auto survivor = std::make_shared<Inode>();
    survivor->seen.Resize(inode->durable.size());
    survivor->durable.Resize(inode->durable.size());
    if (inode->durable.size() > 0) {
      std::memcpy(survivor->seen.data(), inode->durable.data(), inode->durable.size());
      std::memcpy(survivor->durable.data(), inode->durable.data(), inode->durable.size());
    }
    inode = survivor;
    names_[path] = std::move(survivor);
  }
}

void SimDisk::FlipBit(const std::string& raw, uint64_t offset, int bit) {
  const auto it = names_.find(Normal(raw));
  ORBITMQ_CHECK(it != names_.end(), "FlipBit of a file that does not exist");
  const auto mask = static_cast<char>(1 << bit);
  if (offset < it->second->seen.size()) it->second->seen.data()[offset] ^= mask;
  if (offset < it->second->durable.size()) it->second->durable.data()[offset] ^= mask;
}

void SimDisk::EvictPages() {
  for (const auto& [path, inode] : names_) inode->evicted = true;
}

void SimDisk::CopyFilesFrom(const SimDisk& other) {
  directories_ = durable_directories_ = other.directories_;
  for (const auto& [path, inode] : other.names_) {
    auto twin = std::make_shared<Inode>();
    for (Image* image : {&twin->seen, &twin->durable}) {
      image->Resize(inode->seen.size());
      if (inode->seen.size() > 0) std::memcpy(image->data(), inode->seen.data(), inode->seen.size());
    }
    twin->modified_ms = inode->modified_ms;
    names_[path] = twin;
    durable_names_[path] = std::move(twin);
  }
}

void SimDisk::CloneFrom(const SimDisk& other) {
  std::map<const Inode*, std::shared_ptr<Inode>> twins;
  const auto twin_of = [&twins](const std::shared_ptr<Inode>& inode) -> std::shared_ptr<Inode> {
    if (inode == nullptr) return nullptr;
    std::shared_ptr<Inode>& twin = twins[inode.get()];
    if (twin != nullptr) return twin;
    twin = std::make_shared<Inode>();
    twin->seen.CopyFrom(inode->seen);
    twin->durable.CopyFrom(inode->durable);
    inode->ForEachDirtyPage([&twin](size_t page) { twin->dirty_pages.insert(page); });
    twin->size_dirty = inode->size_dirty;
    twin->modified_ms = inode->modified_ms;
    return twin;
  };
  names_.clear();
  durable_names_.clear();
  for (const auto& [path, inode] : other.names_) names_[path] = twin_of(inode);
  for (const auto& [path, inode] : other.durable_names_) durable_names_[path] = twin_of(inode);
  pending_names_ = other.pending_names_;
  for (auto& changes : pending_names_) {
    for (NameChange& change : changes) change.inode = twin_of(change.inode);
  }
  directories_ = other.directories_;
  durable_directories_ = other.durable_directories_;
}

std::vector<std::string> SimDisk::Files() const {
  std::vector<std::string> out;
  for (const auto& [path, inode] : names_) out.push_back(path);
  return out;
}

DiskSpace SimDisk::SpaceOf(const std::string& path) const {
  for (const auto& [directory, bytes] : mounts_) {
    if (path != directory && !path.starts_with(directory + "/")) continue;
    uint64_t used = 0;
    for (const auto& [name, inode] : names_) {
      if (name.starts_with(directory + "/")) used += inode->seen.size();
    }
    return {bytes, bytes - std::min(bytes, used)};
  }
  const uint64_t used = UsedBytes();
  return {space_limit_, space_limit_ - std::min(space_limit_, used)};
}

uint64_t SimDisk::UsedBytes() const {
  uint64_t used = 0;
  for (const auto& [path, inode] : names_) used += inode->seen.size();
  return used;
}

}  // namespace orbitmq::sim
