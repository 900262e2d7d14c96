// SPDX-License-Identifier: Apache-2.0
#include "test/common/syscall_faults.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdarg>

namespace orbitmq {
namespace {

SyscallFaults* installed = nullptr;

// True when the call is to fail; errno is set then.
bool Fails(const char* name) {
  if (installed == nullptr) return false;
  const auto error = installed->Error(name);
  if (!error) return false;
  errno = *error;
  return true;
}

size_t Limit(size_t bytes) { return installed == nullptr ? bytes : installed->Limit(bytes); }

}  // namespace

SyscallFaults::SyscallFaults(SyscallFault fault) : fault_(fault) { installed = this; }
SyscallFaults::~SyscallFaults() { installed = nullptr; }

std::optional<int> SyscallFaults::Error(const char* name) {
  calls_.emplace_back(name);
  const uint64_t number = calls_.size();
  short_ = false;
  if (fault_.every) {
    if (fault_.error == 0) {
      short_ = true;
      return std::nullopt;
    }
    if (!MayBeInterrupted(name)) return std::nullopt;
    row_ = row_ < fault_.times ? row_ + 1 : 0;
    if (row_ == 0) return std::nullopt;
  } else if (fault_.at == 0 || number < fault_.at ||
      number >= fault_.at + static_cast<uint64_t>(fault_.times)) {
    return std::nullopt;
  }
  ++hits_;
  short_ = fault_.error == 0;
  if (short_) return std::nullopt;
  return fault_.error;
}

bool SyscallFaults::MayBeInterrupted(std::string_view name) {
  static constexpr std::string_view kNames[] = {
      "open",   "pread",     "pwritev",   "fdatasync", "fsync", "msync",
      "syncfs", "ftruncate", "fallocate", "lseek",     "fcntl", "statvfs"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

size_t SyscallFaults::Limit(size_t bytes) {
  if (!short_ || bytes < 2) return bytes;
  if (fault_.every) ++hits_;
  return bytes / 2;
}

}  // namespace orbitmq

// The C library's own, by the linker's names, and what stands before them.
extern "C" {
int __real_open(const char* path, int flags, ...);
int __real_fstat(int fd, struct stat* info);
int __real_stat(const char* path, struct stat* info);
int __real_fstatat(int fd, const char* path, struct stat* info, int flags);
ssize_t __real_pread(int fd, void* buffer, size_t count, off_t offset);
ssize_t __real_pwritev(int fd, const struct iovec* parts, int count, off_t offset);
int __real_fdatasync(int fd);
int __real_fsync(int fd);
int __real_syncfs(int fd);
int __real_ftruncate(int fd, off_t size);
int __real_fallocate(int fd, int mode, off_t offset, off_t size);
off_t __real_lseek(int fd, off_t offset, int whence);
void* __real_mmap(void* address, size_t size, int protection, int flags, int fd, off_t offset);
int __real_msync(void* address, size_t size, int flags);
int __real_unlink(const char* path);
int __real_rmdir(const char* path);
int __real_rename(const char* from, const char* to);
int __real_mkdir(const char* path, mode_t mode);
DIR* __real_opendir(const char* path);
struct dirent* __real_readdir(DIR* directory);
int __real_statvfs(const char* path, struct statvfs* info);
int __real_fcntl(int fd, int command, ...);

int __wrap_open(const char* path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & O_CREAT) != 0) {
    va_list arguments;
    va_start(arguments, flags);
    mode = va_arg(arguments, mode_t);
    va_end(arguments);
  }
  return orbitmq::Fails("open") ? -1 : __real_open(path, flags, mode);
}
int __wrap_fstat(int fd, struct stat* info) { return orbitmq::Fails("fstat") ? -1 : __real_fstat(fd, info); }
int __wrap_stat(const char* path, struct stat* info) {
  return orbitmq::Fails("stat") ? -1 : __real_stat(path, info);
}
int __wrap_fstatat(int fd, const char* path, struct stat* info, int flags) {
  return orbitmq::Fails("fstatat") ? -1 : __real_fstatat(fd, path, info, flags);
}
ssize_t __wrap_pread(int fd, void* buffer, size_t count, off_t offset) {
  return orbitmq::Fails("pread") ? -1 : __real_pread(fd, buffer, orbitmq::Limit(count), offset);
}
// A short write ends within a piece or behind one, as the kernel likes.
ssize_t __wrap_pwritev(int fd, const struct iovec* parts, int count, off_t offset) {
  if (orbitmq::Fails("pwritev")) return -1;
  size_t bytes = 0;
  for (int i = 0; i < count; ++i) bytes += parts[i].iov_len;
  size_t left = orbitmq::Limit(bytes);
  std::array<struct iovec, 1024> shorter;
  int used = 0;
  for (; used < count && left > 0; ++used) {
    shorter[static_cast<size_t>(used)] = {parts[used].iov_base, std::min(left, parts[used].iov_len)};
    left -= shorter[static_cast<size_t>(used)].iov_len;
  }
  return __real_pwritev(fd, shorter.data(), used, offset);
}
int __wrap_fdatasync(int fd) { return orbitmq::Fails("fdatasync") ? -1 : __real_fdatasync(fd); }
int __wrap_fsync(int fd) { return orbitmq::Fails("fsync") ? -1 : __real_fsync(fd); }
int __wrap_syncfs(int fd) { return orbitmq::Fails("syncfs") ? -1 : __real_syncfs(fd); }
int __wrap_ftruncate(int fd, off_t size) {
  return orbitmq::Fails("ftruncate") ? -1 : __real_ftruncate(fd, size);
}
int __wrap_fallocate(int fd, int mode, off_t offset, off_t size) {
  return orbitmq::Fails("fallocate") ? -1 : __real_fallocate(fd, mode, offset, size);
}
off_t __wrap_lseek(int fd, off_t offset, int whence) {
  return orbitmq::Fails("lseek") ? -1 : __real_lseek(fd, offset, whence);
}
void* __wrap_mmap(void* address, size_t size, int protection, int flags, int fd, off_t offset) {
  return orbitmq::Fails("mmap") ? reinterpret_cast<void*>(-1)
                                : __real_mmap(address, size, protection, flags, fd, offset);
}
int __wrap_msync(void* address, size_t size, int flags) {
  return orbitmq::Fails("msync") ? -1 : __real_msync(address, size, flags);
}
int __wrap_unlink(const char* path) { return orbitmq::Fails("unlink") ? -1 : __real_unlink(path); }
int __wrap_rmdir(const char* path) { return orbitmq::Fails("rmdir") ? -1 : __real_rmdir(path); }
int __wrap_rename(const char* from, const char* to) {
  return orbitmq::Fails("rename") ? -1 : __real_rename(from, to);
}
int __wrap_mkdir(const char* path, mode_t mode) {
  return orbitmq::Fails("mkdir") ? -1 : __real_mkdir(path, mode);
}
DIR* __wrap_opendir(const char* path) { return orbitmq::Fails("opendir") ? nullptr : __real_opendir(path); }
struct dirent* __wrap_readdir(DIR* directory) {
  return orbitmq::Fails("readdir") ? nullptr : __real_readdir(directory);
}
int __wrap_statvfs(const char* path, struct statvfs* info) {
  return orbitmq::Fails("statvfs") ? -1 : __real_statvfs(path, info);
}
int __wrap_fcntl(int fd, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  void* const argument = va_arg(arguments, void*);
  va_end(arguments);
  return orbitmq::Fails("fcntl") ? -1 : __real_fcntl(fd, command, argument);
}
}
