// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orbitmq {

// What a chosen system call of common/posix_file_system does instead of its work.
struct SyscallFault {
  uint64_t at = 0;  // The number of the call, from 1 on; 0 = none.
  int error = 0;    // errno; 0 = the call moves half of the bytes it was asked to, if it moves any.
  int times = 1;    // How many calls in a row.
  // Instead of `at`: every call that a signal may interrupt fails so often and then succeeds; with error 0
  // every transfer is short.
  bool every = false;
};

// While it lives, the calls of this process's posix_file_system are counted and fail as chosen: the linker
// puts the functions of syscall_faults.cc between it and the C library (--wrap in
// test/common/CMakeLists.txt).
// Threads: one. At most one at a time.
class SyscallFaults final {
 public:
  explicit SyscallFaults(SyscallFault fault);
  ~SyscallFaults();
  SyscallFaults(const SyscallFaults&) = delete;
  SyscallFaults& operator=(const SyscallFaults&) = delete;

  // Names of the calls made so far, in order; call number n is [n - 1].
  const std::vector<std::string>& calls() const { return calls_; }
  uint64_t hits() const { return hits_; }

  // Calls that may end with EINTR on one file system or another, and can be made again.
  static bool MayBeInterrupted(std::string_view name);

  // For syscall_faults.cc: the error of this call, if it fails.
  std::optional<int> Error(const char* name);
  // How many of `bytes` a transfer may move.
  size_t Limit(size_t bytes);

 private:
  const SyscallFault fault_;
  std::vector<std::string> calls_;
  uint64_t hits_ = 0;
  int row_ = 0;         // Failures of `every` since the last success.
  bool short_ = false;  // This transfer is to be short.
};

}  // namespace orbitmq
