// SPDX-License-Identifier: Apache-2.0
#include "common/posix_file_system.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include <limits.h>

#include "common/strings.h"

namespace orbitmq {
namespace {

// Of one vectored write. More is allowed (IOV_MAX is 1024) and dearer: ext4 takes larger folios for larger
// writes into a sparse file, and 1 KiB pieces cost 0.69 us each by 64, 1.0 us by 128 a call (decision 0020).
constexpr size_t kPiecesPerCall = 64;

StatusCode CodeOf(int error) {
  switch (error) {
    case ENOENT:
      return StatusCode::kNotFound;
    case EEXIST:
      return StatusCode::kAlreadyExists;
    case EACCES:
    case EPERM:
    case EROFS:
      return StatusCode::kPermissionDenied;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return StatusCode::kResourceExhausted;
    default:
      return StatusCode::kIoError;
  }
}

Status Failure(std::string_view operation, std::string_view path, int error) {
  // strerror is not thread-safe; the category's message is.
  return {CodeOf(error), StrCat(operation, ' ', path, ": ", std::generic_category().message(error))};
}

// Repeats a call that a signal interrupted.
template <class Call>
auto Retry(Call call) {
  decltype(call()) result;
  do {
    result = call();
  } while (result < 0 && errno == EINTR);
  return result;
}

class Descriptor final {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() {
    // On Linux the descriptor is gone even when close fails; data was made safe by Sync before.
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

class PosixMapping final : public Mapping {
 public:
  PosixMapping(char* data, size_t size, std::string path)
      : data_(data), size_(size), path_(std::move(path)) {}
  ~PosixMapping() override { ::munmap(data_, size_); }
  char* data() const override { return data_; }
  size_t size() const override { return size_; }

  Status Sync(size_t offset, size_t count) override {
    static const auto kPage = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
    if (offset > size_ || count > size_ - offset) {
      return {StatusCode::kInvalidArgument,
              StrCat("msync ", path_, ": range ", offset, '+', count, " is outside the mapping of ", size_)};
    }
    if (count == 0) return Status::Ok();
    const size_t begin = offset / kPage * kPage;
    if (Retry([&] { return ::msync(data_ + begin, offset + count - begin, MS_SYNC); }) == 0)
      return Status::Ok();
    return Failure("msync", path_, errno).WithFatal();
  }

  bool Resident(size_t offset, size_t count) const override {
    static const auto kPage = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
    if (offset >= size_) return true;
    const size_t end = offset + std::min(count, size_ - offset);
    std::array<unsigned char, 64> pages{};
    for (size_t at = offset / kPage * kPage; at < end; at += pages.size() * kPage) {
      const size_t bytes = std::min(pages.size() * kPage, end - at);
      if (::mincore(data_ + at, bytes, pages.data()) != 0) return true;
      const size_t seen = (bytes + kPage - 1) / kPage;
      if (!std::all_of(pages.begin(), pages.begin() + static_cast<std::ptrdiff_t>(seen),
                       [](unsigned char page) { return (page & 1) != 0; })) {
        return false;
      }
    }
    return true;
  }

 private:
  char* const data_;
  const size_t size_;
  const std::string path_;
};

class PosixFile final : public File {
 public:
  PosixFile(Descriptor fd, std::string path, bool writable)
      : fd_(std::move(fd)), path_(std::move(path)), writable_(writable) {}

  Result<size_t> ReadAt(uint64_t offset, std::span<char> buffer) override {
    size_t done = 0;
    while (done < buffer.size()) {
      const ssize_t got = Retry([&] {
        return ::pread(fd_.get(), buffer.data() + done, buffer.size() - done,
                       static_cast<off_t>(offset + done));
      });
      if (got < 0) return Failure("read", path_, errno);
      if (got == 0) break;
      done += static_cast<size_t>(got);
    }
    return done;
  }

  Status WriteAt(uint64_t offset, std::span<const std::string_view> pieces) override {
    std::array<iovec, kPiecesPerCall> parts;
    size_t piece = 0;
    size_t skip = 0;  // Bytes of pieces[piece] that are written already.
    while (true) {
      while (piece < pieces.size() && skip == pieces[piece].size()) {
        ++piece;
        skip = 0;
      }
      if (piece == pieces.size()) return Status::Ok();
      size_t count = 0;
      for (size_t i = piece; i < pieces.size() && count < parts.size(); ++i, ++count) {
        const std::string_view part = pieces[i].substr(i == piece ? skip : 0);
        parts[count] = {const_cast<char*>(part.data()), part.size()};
      }
      const ssize_t wrote = Retry([&] {
        return ::pwritev(fd_.get(), parts.data(), static_cast<int>(count), static_cast<off_t>(offset));
      });
      if (wrote < 0) return Failure("write", path_, errno);
      if (wrote == 0) return Failure("write", path_, EIO);
      offset += static_cast<uint64_t>(wrote);
      for (auto left = static_cast<size_t>(wrote); left > 0;) {
        const size_t step = std::min(left, pieces[piece].size() - skip);
        skip += step;
        left -= step;
        if (left > 0) {
          ++piece;
          skip = 0;
        }
      }
    }
  }

  Status Sync() override {
    if (Retry([&] { return ::fdatasync(fd_.get()); }) == 0) return Status::Ok();
    return Failure("fdatasync", path_, errno).WithFatal();
  }

  Result<uint64_t> Size() override {
    struct stat info = {};
    if (::fstat(fd_.get(), &info) != 0) return Failure("stat", path_, errno);
    return static_cast<uint64_t>(info.st_size);
  }

  Status Truncate(uint64_t size) override {
    if (Retry([&] { return ::ftruncate(fd_.get(), static_cast<off_t>(size)); }) == 0) return Status::Ok();
    return Failure("truncate", path_, errno);
  }

  Status Allocate(uint64_t size) override {
    if (size == 0) return Status::Ok();
    if (Retry([&] { return ::fallocate(fd_.get(), 0, 0, static_cast<off_t>(size)); }) == 0)
      return Status::Ok();
    const int error = errno;
    if (error == EOPNOTSUPP || error == ENOSYS) {
      return {StatusCode::kNotSupported,
              StrCat("fallocate ", path_, ": the file system cannot reserve space ahead")};
    }
    return Failure("fallocate", path_, error);
  }

  Result<std::optional<uint64_t>> FindBytes(uint64_t offset) override {
    const off_t found = Retry([&] { return ::lseek(fd_.get(), static_cast<off_t>(offset), SEEK_DATA); });
    if (found >= 0) return std::optional<uint64_t>(static_cast<uint64_t>(found));
    if (errno == ENXIO) return std::optional<uint64_t>();
    if (errno == EINVAL) return std::optional<uint64_t>(offset);  // No SEEK_DATA here.
    return Failure("lseek", path_, errno);
  }

  Result<std::unique_ptr<Mapping>> Map(size_t size, MapMode mode) override {
    if (size == 0) return Status(StatusCode::kInvalidArgument, StrCat("map ", path_, ": size 0"));
    if (mode == MapMode::kReadWrite && !writable_) {
      return Status(StatusCode::kInvalidArgument, StrCat("map ", path_, ": opened for reading only"));
    }
    // A mapping beyond the end of the file would be a SIGBUS waiting to happen.
    const auto bytes = Size();
    if (!bytes) return bytes.status();
    if (*bytes < size) {
      return Status(StatusCode::kInvalidArgument,
                    StrCat("map ", path_, ": asked for ", size, " bytes, the file has ", *bytes));
    }
    const int protection = mode == MapMode::kReadWrite ? PROT_READ | PROT_WRITE : PROT_READ;
    void* const data = ::mmap(nullptr, size, protection, MAP_SHARED, fd_.get(), 0);
    if (data == MAP_FAILED) return Failure("mmap", path_, errno);
    return std::unique_ptr<Mapping>(std::make_unique<PosixMapping>(static_cast<char*>(data), size, path_));
  }

  void Advise(uint64_t offset, uint64_t count, Access access) override {
    const int advice = access == Access::kWillNeed   ? POSIX_FADV_WILLNEED
                       : access == Access::kDontNeed ? POSIX_FADV_DONTNEED
                                                     : POSIX_FADV_RANDOM;
    // What it returns says only that the file system knows no such hint.
    (void)::posix_fadvise(fd_.get(), static_cast<off_t>(offset), static_cast<off_t>(count), advice);
  }

 private:
  Descriptor fd_;
  const std::string path_;
  const bool writable_;
};

class PosixLock final : public FileLock {
 public:
  explicit PosixLock(Descriptor fd) : fd_(std::move(fd)) {}

 private:
  Descriptor fd_;  // Closing it releases the lock.
};

class Directory final {
 public:
  explicit Directory(const std::string& path) : dir_(::opendir(path.c_str())) {}
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory() {
    if (dir_ != nullptr) ::closedir(dir_);
  }
  DIR* get() const { return dir_; }

 private:
  DIR* const dir_;
};

// The folder of this name, which is made if there is none; it must be this user's own.
Result<Descriptor> OpenOwnFolder(const Descriptor& parent, const std::string& name, std::string_view base) {
  if (::mkdirat(parent.get(), name.c_str(), 0700) != 0 && errno != EEXIST) {
    return Failure("make", StrCat(name, " below ", base), errno);
  }
  Descriptor folder(Retry(
      [&] { return ::openat(parent.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC); }));
  if (folder.get() < 0) {
    const int error = errno;
    if (error != ELOOP && error != ENOTDIR) return Failure("open", StrCat(name, " below ", base), error);
    return Status(StatusCode::kPermissionDenied, StrCat(name, " below ", base, " is no folder, or a link"));
  }
  struct stat info = {};
  if (::fstat(folder.get(), &info) != 0) return Failure("look at", StrCat(name, " below ", base), errno);
  if (info.st_uid == ::geteuid()) return folder;
  return Status(StatusCode::kPermissionDenied,
                StrCat("the folder ", name, " below ", base, " belongs to another user"));
}

class PosixFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override {
    int flags = O_CLOEXEC | (mode == OpenMode::kReadOnly ? O_RDONLY : O_RDWR);
    if (mode == OpenMode::kCreate) flags |= O_CREAT;
    Descriptor fd(Retry([&] { return ::open(path.c_str(), flags, 0644); }));
    if (fd.get() < 0) return Failure("open", path, errno);
    struct stat info = {};
    if (::fstat(fd.get(), &info) != 0) return Failure("stat", path, errno);
    if (!S_ISREG(info.st_mode))
      return Status(StatusCode::kIoError, StrCat("open ", path, ": not a regular file"));
    return std::unique_ptr<File>(
        std::make_unique<PosixFile>(std::move(fd), path, mode != OpenMode::kReadOnly));
  }

  Result<std::unique_ptr<File>> CreateWhole(const std::string& path, uint64_t bytes) override {
    const size_t slash = path.rfind('/');
    const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    const auto cannot = [&path](std::string_view step) {
      return Status(StatusCode::kNotSupported,
                    StrCat(step, ' ', path, ": ", std::generic_category().message(errno)));
    };
    Descriptor fd(Retry([&] { return ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0644); }));
    if (fd.get() < 0) return cannot("make an unnamed file for");
    if (Retry([&] { return ::ftruncate(fd.get(), static_cast<off_t>(bytes)); }) != 0) {
      return Failure("truncate", path, errno);
    }
    const std::string unnamed = StrCat("/proc/self/fd/", fd.get());
    if (::linkat(AT_FDCWD, unnamed.c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW) != 0) {
      if (errno == EEXIST) return Failure("create", path, errno);
      return cannot("name");
    }
    return std::unique_ptr<File>(std::make_unique<PosixFile>(std::move(fd), path, true));
  }

  Status WritePrivateFile(const std::string& base, const std::string& path,
                          std::string_view content) override {
    Descriptor folder(Retry([&] { return ::open(base.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC); }));
    if (folder.get() < 0) return Failure("open", base, errno);
    const std::vector<std::string_view> names = Split(path, '/');
    for (size_t i = 0; i + 1 < names.size(); ++i) {
      auto next = OpenOwnFolder(folder, std::string(names[i]), base);
      if (!next.ok()) return next.status();
      folder = *std::move(next);
    }
    const std::string name(names.back());
    // Never what is there: others could have opened it, or linked it to a file that matters.
    if (::unlinkat(folder.get(), name.c_str(), 0) != 0 && errno != ENOENT)
      return Failure("replace", path, errno);
    constexpr int kNew = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    const Descriptor file(Retry([&] { return ::openat(folder.get(), name.c_str(), kNew, 0600); }));
    if (file.get() < 0) return Failure("create", path, errno);
    while (!content.empty()) {
      const ssize_t written = Retry([&] { return ::write(file.get(), content.data(), content.size()); });
      if (written < 0) return Failure("write", path, errno);
      content.remove_prefix(static_cast<size_t>(written));
    }
    return Status::Ok();
  }

  bool Exists(const std::string& path) override {
    struct stat info = {};
    if (::stat(path.c_str(), &info) == 0) return true;
    return errno != ENOENT && errno != ENOTDIR;
  }

  Result<std::vector<DirEntry>> List(const std::string& directory) override {
    const Directory dir(directory);
    if (dir.get() == nullptr) return Failure("list", directory, errno);
    std::vector<DirEntry> entries;
    while (true) {
      errno = 0;
      const dirent* const found = ::readdir(dir.get());
      if (found == nullptr) {
        if (errno != 0) return Failure("list", directory, errno);
        break;
      }
      DirEntry entry;
      entry.name = found->d_name;
      if (entry.name == "." || entry.name == "..") continue;
      struct stat info = {};
      if (::fstatat(::dirfd(dir.get()), found->d_name, &info, 0) != 0) {
        if (errno == ENOENT) continue;  // Gone meanwhile, or a dangling link.
        return Failure("stat", StrCat(directory, '/', entry.name), errno);
      }
      entry.is_directory = S_ISDIR(info.st_mode);
      entry.size = static_cast<uint64_t>(info.st_size);
      entry.modified_ms = static_cast<int64_t>(info.st_mtim.tv_sec) * 1000 + info.st_mtim.tv_nsec / 1000000;
      entries.push_back(std::move(entry));
    }
    std::sort(entries.begin(), entries.end(),
              [](const DirEntry& a, const DirEntry& b) { return a.name < b.name; });
    return entries;
  }

  Status CreateDirectories(const std::string& directory) override {
    for (size_t slash = directory.find('/', 1); slash != std::string::npos;
         slash = directory.find('/', slash + 1)) {
      if (Status status = MakeOne(directory.substr(0, slash)); !status.ok()) return status;
    }
    return MakeOne(directory);
  }

  Status Remove(const std::string& path) override {
    if (::unlink(path.c_str()) == 0) return Status::Ok();
    const int error = errno;
    // Linux says EISDIR for a directory; POSIX allows EPERM.
    if ((error == EISDIR || error == EPERM) && ::rmdir(path.c_str()) == 0) return Status::Ok();
    return Failure("remove", path, error == EISDIR ? errno : error);
  }

  Status Rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) == 0) return Status::Ok();
    return Failure(StrCat("rename ", from, " to"), to, errno);
  }

  Status SyncDirectory(const std::string& directory) override {
    const Descriptor fd(Retry([&] { return ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
    if (fd.get() < 0) return Failure("open", directory, errno);
    if (Retry([&] { return ::fsync(fd.get()); }) == 0) return Status::Ok();
    return Failure("fsync", directory, errno).WithFatal();
  }

  Status SyncAll(const std::string& path) override {
    const Descriptor fd(Retry([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC); }));
    if (fd.get() < 0) return Failure("open", path, errno);
    if (Retry([&] { return ::syncfs(fd.get()); }) == 0) return Status::Ok();
    return Failure("syncfs", path, errno).WithFatal();
  }

  Result<DiskSpace> Space(const std::string& path) override {
    struct statvfs info = {};
    if (Retry([&] { return ::statvfs(path.c_str(), &info); }) != 0) return Failure("statvfs", path, errno);
    const uint64_t unit = info.f_frsize;
    return DiskSpace{info.f_blocks * unit, info.f_bavail * unit};
  }

  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override {
    Descriptor fd(Retry([&] { return ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644); }));
    if (fd.get() < 0) return Failure("open", path, errno);
    struct flock range = {};
    range.l_type = F_WRLCK;
    range.l_whence = SEEK_SET;
    range.l_start = 0;
    range.l_len = 1;
    if (Retry([&] { return ::fcntl(fd.get(), F_OFD_SETLK, &range); }) == 0) {
      return std::unique_ptr<FileLock>(std::make_unique<PosixLock>(std::move(fd)));
    }
    const int error = errno;
    if (error == EAGAIN || error == EACCES) {
      return Status(
          StatusCode::kAlreadyExists,
          StrCat("lock ", path, ": held by another process or by this one; is a second instance running?"));
    }
    return Failure("lock", path, error);
  }

 private:
  static Status MakeOne(const std::string& directory) {
    if (::mkdir(directory.c_str(), 0755) == 0) return Status::Ok();
    const int error = errno;
    struct stat info = {};
    if (::stat(directory.c_str(), &info) == 0) {
      if (S_ISDIR(info.st_mode)) return Status::Ok();
      return {StatusCode::kAlreadyExists, StrCat("mkdir ", directory, ": a file of that name is in the way")};
    }
    // Something is there, and what it is cannot be told.
    if (error == EEXIST && errno != ENOENT) return Failure("stat", directory, errno);
    return Failure("mkdir", directory, error);
  }
};

}  // namespace

std::unique_ptr<FileSystem> NewPosixFileSystem() { return std::make_unique<PosixFileSystem>(); }

}  // namespace orbitmq
