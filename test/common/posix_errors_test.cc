// SPDX-License-Identifier: Apache-2.0
// Every system call of common/posix_file_system, by its number in a life of files: interrupted, failing, and
// moving fewer bytes than asked. Each outcome is defined: done all the same, or an error that says what
// failed.
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/posix_file_system.h"
#include "common/strings.h"
#include "test/common/syscall_faults.h"
#include "test/common/temp_directory.h"

namespace orbitmq {
namespace {

// What every kind of call gave, in order, and what was read back.
struct Life {
  std::vector<Status> failures;
  std::string content;
  std::string replaced;
  bool existed = false;
  std::vector<std::string> calls;
  uint64_t hits = 0;
};

class Living final {
 public:
  explicit Living(Life& life) : life_(life), files_(NewPosixFileSystem()) {}

  void Run() {
    Note(files_->CreateDirectories(dir_ / "a/b"));
    UseFile();
    Note(files_->SyncAll(dir_ / "a"));
    life_.existed = files_->Exists(dir_ / "a");
    Take(files_->Space(dir_ / "a"));
    Take(files_->List(dir_ / "a"));
    Take(files_->Lock(dir_ / "a/lock"));
    for (const std::string_view content : {"one", "two"}) {
      Note(WriteFileAtomically(*files_, dir_ / "a/table", content));
    }
    auto replaced = ReadFileOrBackup(*files_, dir_ / "a/table", 100);
    if (Take(replaced)) life_.replaced = *replaced;
    Note(files_->CreateDirectories(dir_ / "gone"));
    Note(files_->Remove(dir_ / "gone"));
  }

 private:
  void UseFile() {
    auto opened = files_->Open(dir_ / "a/b/f", OpenMode::kCreate);
    if (!Take(opened)) return;
    File& file = **opened;
    Note(file.Allocate(16384));
    std::vector<std::string> parts;
    for (int i = 0; i < 100; ++i) {
      parts.push_back(StrCat(i, std::string(static_cast<size_t>(i % 5 * 30), 'x')));
    }
    const std::vector<std::string_view> pieces(parts.begin(), parts.end());
    Note(file.WriteAt(100, pieces));
    Note(file.Sync());
    Note(file.Truncate(8192));
    Take(file.FindBytes(0));
    Take(file.Size());
    if (auto mapped = file.Map(4096, MapMode::kReadWrite); Take(mapped)) Note((*mapped)->Sync(0, 4096));
    life_.content.resize(8192);
    const auto got = file.ReadAt(0, life_.content);
    life_.content.resize(Take(got) ? *got : 0);
    Note(files_->SyncDirectory(dir_ / "a/b"));
    Note(files_->Rename(dir_ / "a/b/f", dir_ / "a/b/g"));
    Note(files_->Remove(dir_ / "a/b/g"));
  }
  void Note(const Status& status) {
    if (!status.ok()) life_.failures.push_back(status);
  }
  template <class T>
  bool Take(const Result<T>& result) {
    Note(result.status());
    return result.ok();
  }

  Life& life_;
  TempDirectory dir_;
  std::unique_ptr<FileSystem> files_;
};

Life Live(SyscallFault fault) {
  Life life;
  Living living(life);
  const SyscallFaults faults(fault);
  living.Run();
  life.calls = faults.calls();
  life.hits = faults.hits();
  return life;
}

class PosixErrors : public testing::Test {
 protected:
  PosixErrors() : peace_(Live({})) {
    EXPECT_TRUE(peace_.failures.empty()) << peace_.failures.front().ToString();
    EXPECT_EQ(peace_.content.size(), 8192u);
    EXPECT_EQ(peace_.replaced, "two");
  }
  void ExpectPeace(const Life& life, const std::string& what) const {
    for (const Status& failure : life.failures) ADD_FAILURE() << what << ": " << failure.ToString();
    EXPECT_EQ(life.content, peace_.content) << what;
    EXPECT_EQ(life.replaced, peace_.replaced) << what;
    EXPECT_TRUE(life.existed) << what;
  }
  // Call number `at`, for messages.
  std::string Name(size_t at) const { return StrCat("call ", at, " (", peace_.calls[at - 1], ")"); }

  const Life peace_;
};

// What an error of a call may leave: nothing that is not told, and nothing told that did not happen.
void ExpectTold(const Life& life, const std::string& name, StatusCode code, std::string_view text) {
  EXPECT_EQ(life.hits, 1u) << name;
  for (const Status& failure : life.failures) {
    // What follows a step that failed may find nothing to work on.
    if (failure.code() == StatusCode::kNotFound && &failure != &life.failures.front()) continue;
    EXPECT_EQ(failure.code(), code) << name << ": " << failure.ToString();
    EXPECT_NE(failure.text().find(text), std::string_view::npos) << name << ": " << failure.ToString();
    EXPECT_NE(failure.text().find('/'), std::string_view::npos) << "names no path: " << failure.ToString();
  }
}

TEST_F(PosixErrors, Interrupted_IsDoneAllTheSameOrTold) {
  int repeated = 0;
  for (size_t at = 1; at <= peace_.calls.size(); ++at) {
    const std::string name = Name(at);
    if (SyscallFaults::MayBeInterrupted(peace_.calls[at - 1])) {
      const Life life = Live({.at = at, .error = EINTR, .times = 3});
      EXPECT_EQ(life.hits, 3u) << name;
      ExpectPeace(life, name);
      ++repeated;
    } else {
      ExpectTold(Live({.at = at, .error = EINTR}), name, StatusCode::kIoError, "Interrupted system call");
    }
  }
  EXPECT_GT(repeated, 20);
}

TEST_F(PosixErrors, ShortTransfer_GoesOn) {
  int shortened = 0;
  for (size_t at = 1; at <= peace_.calls.size(); ++at) {
    const std::string& call = peace_.calls[at - 1];
    if (call != "pread" && call != "pwritev") continue;
    const Life life = Live({.at = at});
    ExpectPeace(life, Name(at));
    EXPECT_GT(life.calls.size(), peace_.calls.size()) << Name(at);
    ++shortened;
  }
  EXPECT_GT(shortened, 4);
  ExpectPeace(Live({.every = true}), "all transfers short");
}

TEST_F(PosixErrors, FailedCall_SaysWhatFailedAndWhereAndWhy) {
  for (size_t at = 1; at <= peace_.calls.size(); ++at) {
    const std::string& call = peace_.calls[at - 1];
    const Life io = Live({.at = at, .error = EIO});
    ExpectTold(io, Name(at), StatusCode::kIoError, "Input/output error");
    ExpectTold(Live({.at = at, .error = ENOSPC}), Name(at), StatusCode::kResourceExhausted,
               "No space left on device");
    const bool sync = call == "fdatasync" || call == "fsync" || call == "msync" || call == "syncfs";
    if (!sync) continue;
    ASSERT_FALSE(io.failures.empty()) << Name(at);
    EXPECT_TRUE(io.failures[0].fatal()) << "a failed sync is for good: " << Name(at);
    // It is not tried again: the kernel would say that all is well.
    EXPECT_EQ(std::count(io.calls.begin(), io.calls.end(), call) <=
                  std::count(peace_.calls.begin(), peace_.calls.end(), call),
              true)
        << Name(at);
  }
}

TEST_F(PosixErrors, EveryCallCounts) {
  for (const char* call : {"open", "fstat", "stat", "fstatat", "pread", "pwritev", "fdatasync", "fsync",
                           "syncfs", "ftruncate", "fallocate", "lseek", "mmap", "msync", "unlink", "rmdir",
                           "rename", "mkdir", "opendir", "readdir", "statvfs", "fcntl"}) {
    EXPECT_NE(std::find(peace_.calls.begin(), peace_.calls.end(), call), peace_.calls.end()) << call;
  }
}

// A store that takes "cannot tell" for "is not there" takes a crash for an orderly end.
TEST_F(PosixErrors, Exists_WhenTheDiskCannotTell_IsNotAbsence) {
  TempDirectory dir;
  const auto files = NewPosixFileSystem();
  for (const int error : {EIO, EACCES, EINTR}) {
    const SyscallFaults faults({.at = 1, .error = error});
    EXPECT_TRUE(files->Exists(dir / "absent")) << error;
    EXPECT_FALSE(files->Exists(dir / "absent")) << error;
  }
  EXPECT_FALSE(files->Exists(dir / "absent/below"));
}

// The kernel itself writes short at a limit and then refuses, with a signal that no server may die of.
TEST(PosixLimit, FileSizeLimit_PrefixIsWrittenAndTheRestRefused) {
  TempDirectory dir;
  const std::string path = dir / "f";
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const struct rlimit limit = {10000, 10000};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(2);
    const auto files = NewPosixFileSystem();
    const auto file = files->Open(path, OpenMode::kCreate);
    const std::string half(6000, 'h');
    const std::array<std::string_view, 2> pieces = {half, half};
    const Status wrote = (*file)->WriteAt(0, pieces);
    const bool told = wrote.code() == StatusCode::kResourceExhausted &&
                      wrote.text().find("File too large") != std::string_view::npos;
    const bool grew = (*file)->Allocate(20000).ok() || (*file)->Truncate(20000).ok();
    ::_exit(!told ? 3 : grew ? 4 : *(*file)->Size() != 10000 ? 5 : 0);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace orbitmq
