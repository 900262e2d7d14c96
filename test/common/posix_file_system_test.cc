// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sched.h>

#include "common/posix_file_system.h"
#include "test/common/temp_directory.h"

namespace orbitmq {
namespace {

class PosixFiles : public ::testing::Test {
 protected:
  std::unique_ptr<File> Make(const std::string& name, std::string_view content = {}) {
    auto file = files_->Open(dir_ / name, OpenMode::kCreate);
    EXPECT_TRUE(file.ok()) << file.status().text();
    if (!content.empty()) {
      EXPECT_TRUE((*file)->WriteAt(0, std::span(&content, 1)).ok());
    }
    return *std::move(file);
  }
  std::string Read(const std::string& name) {
    auto content = ReadWholeFile(*files_, dir_ / name, 1 << 20);
    EXPECT_TRUE(content.ok()) << content.status().text();
    return content.ok() ? *content : std::string();
  }

  TempDirectory dir_;
  std::unique_ptr<FileSystem> files_ = NewPosixFileSystem();
};

TEST_F(PosixFiles, WriteAndRead_AtOffsets) {
  auto file = Make("f");
  const std::array<std::string_view, 4> pieces = {"ab", "", "cde", ""};
  ASSERT_TRUE(file->WriteAt(3, pieces).ok());
  EXPECT_EQ(*file->Size(), 8u);
  EXPECT_EQ(Read("f"), std::string("\0\0\0abcde", 8));
  std::array<char, 16> buffer{};
  EXPECT_EQ(*file->ReadAt(6, buffer), 2u);
  EXPECT_EQ(std::string_view(buffer.data(), 2), "de");
  EXPECT_EQ(*file->ReadAt(100, buffer), 0u);
  EXPECT_TRUE(file->WriteAt(0, {}).ok());
  EXPECT_TRUE(file->Sync().ok());
}

TEST_F(PosixFiles, ManyPieces_GoBeyondOneSystemCall) {
  std::vector<std::string> parts;
  std::string whole;
  for (int i = 0; i < 1000; ++i) {
    parts.push_back(std::string(static_cast<size_t>(i % 7), static_cast<char>('a' + i % 26)));
    whole += parts.back();
  }
  const std::vector<std::string_view> pieces(parts.begin(), parts.end());
  ASSERT_TRUE(Make("f")->WriteAt(0, pieces).ok());
  EXPECT_EQ(Read("f"), whole);
}

TEST_F(PosixFiles, Open_ErrorsNameOperationPathAndReason) {
  const auto absent = files_->Open(dir_ / "absent", OpenMode::kReadWrite);
  EXPECT_EQ(absent.status().code(), StatusCode::kNotFound);
  EXPECT_EQ(absent.status().text(), "open " + dir_ / "absent" + ": No such file or directory");
  EXPECT_EQ(files_->Open(dir_.path(), OpenMode::kReadOnly).status().code(), StatusCode::kIoError);
  Make("file");
  EXPECT_FALSE(files_->Open(dir_ / "file/below", OpenMode::kCreate).ok());
}

TEST_F(PosixFiles, ReadOnlyFile_RefusesWrites) {
  Make("f", "x");
  auto file = files_->Open(dir_ / "f", OpenMode::kReadOnly);
  ASSERT_TRUE(file.ok());
  const std::string_view piece = "y";
  EXPECT_EQ((*file)->WriteAt(0, std::span(&piece, 1)).code(), StatusCode::kIoError);
  EXPECT_EQ((*file)->Map(1, MapMode::kReadWrite).status().code(), StatusCode::kInvalidArgument);
}

TEST_F(PosixFiles, SizeBeyondTheFileSystem_IsAnError) {
  auto file = Make("f");
  const Status status = file->Truncate(uint64_t{1} << 62);
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.text().find("truncate"), std::string_view::npos);
}

TEST_F(PosixFiles, AllocateAndTruncate_SetTheSize) {
  auto file = Make("f", "abc");
  const Status allocated = file->Allocate(8192);
  if (allocated.ok()) {
    EXPECT_EQ(*file->Size(), 8192u);
  } else {
    EXPECT_EQ(allocated.code(), StatusCode::kNotSupported);
  }
  EXPECT_TRUE(file->Truncate(2).ok());
  EXPECT_EQ(Read("f"), "ab");
}

TEST_F(PosixFiles, Mapping_SeesWritesAndWritesThrough) {
  auto file = Make("f", std::string(10000, '.'));
  auto reader = file->Map(10000, MapMode::kReadOnly);
  ASSERT_TRUE(reader.ok()) << reader.status().text();
  const std::string_view piece = "new";
  ASSERT_TRUE(file->WriteAt(5000, std::span(&piece, 1)).ok());
  EXPECT_EQ(std::string_view((*reader)->data() + 5000, 3), "new");
  auto writer = file->Map(10000, MapMode::kReadWrite);
  ASSERT_TRUE(writer.ok());
  (*writer)->data()[9999] = '!';
  EXPECT_TRUE((*writer)->Sync(9999, 1).ok());
  EXPECT_TRUE((*writer)->Sync(0, 10000).ok());
  EXPECT_TRUE((*writer)->Sync(10000, 0).ok());
  EXPECT_FALSE((*writer)->Sync(9999, 2).ok());
  EXPECT_EQ(Read("f").back(), '!');
}

TEST_F(PosixFiles, Mapping_WhatWasJustWritten_IsResident) {
  auto file = files_->Open(dir_ / "r", OpenMode::kCreate);
  ASSERT_TRUE(file.ok());
  const std::string content(size_t{1} << 20, 'r');
  const std::string_view pieces[] = {content};
  ASSERT_TRUE((*file)->WriteAt(0, pieces).ok());
  auto mapping = (*file)->Map(content.size(), MapMode::kReadOnly);
  ASSERT_TRUE(mapping.ok());
  for (const size_t offset : {size_t{0}, size_t{4095}, size_t{4096}, content.size() - 1, content.size()}) {
    EXPECT_TRUE((*mapping)->Resident(offset, content.size())) << offset;
  }
}

TEST_F(PosixFiles, MappingBeyondTheEnd_IsRefused) {
  auto file = Make("f", "abc");
  EXPECT_EQ(file->Map(4, MapMode::kReadOnly).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(file->Map(0, MapMode::kReadOnly).status().code(), StatusCode::kInvalidArgument);
}

TEST_F(PosixFiles, List_IsSortedAndTellsKindAndSize) {
  Make("b", "12345");
  Make("a");
  ASSERT_TRUE(files_->CreateDirectories(dir_ / "c/d/e").ok());
  ASSERT_TRUE(files_->CreateDirectories(dir_ / "c/d/e").ok());
  const auto entries = files_->List(dir_.path());
  ASSERT_TRUE(entries.ok());
  ASSERT_EQ(entries->size(), 3u);
  EXPECT_EQ((*entries)[0].name, "a");
  EXPECT_EQ((*entries)[1].size, 5u);
  EXPECT_GT((*entries)[1].modified_ms, 1500000000000);
  EXPECT_TRUE((*entries)[2].is_directory);
  EXPECT_EQ(files_->List(dir_ / "absent").status().code(), StatusCode::kNotFound);
}

TEST_F(PosixFiles, CreateDirectories_FileInTheWayIsNamed) {
  Make("f");
  EXPECT_EQ(files_->CreateDirectories(dir_ / "f/x").code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(files_->CreateDirectories(dir_ / "f").code(), StatusCode::kAlreadyExists);
}

TEST_F(PosixFiles, Remove_FilesAndEmptyDirectoriesOnly) {
  Make("f");
  ASSERT_TRUE(files_->CreateDirectories(dir_ / "d/e").ok());
  EXPECT_TRUE(files_->Remove(dir_ / "f").ok());
  EXPECT_FALSE(files_->Exists(dir_ / "f"));
  EXPECT_EQ(files_->Remove(dir_ / "f").code(), StatusCode::kNotFound);
  EXPECT_FALSE(files_->Remove(dir_ / "d").ok());
  EXPECT_TRUE(files_->Remove(dir_ / "d/e").ok());
  EXPECT_TRUE(files_->Remove(dir_ / "d").ok());
}

TEST_F(PosixFiles, Rename_ReplacesAndErrorsNameBothPaths) {
  Make("a", "A");
  Make("b", "B");
  EXPECT_TRUE(files_->Rename(dir_ / "a", dir_ / "b").ok());
  EXPECT_EQ(Read("b"), "A");
  const Status status = files_->Rename(dir_ / "a", dir_ / "c");
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_NE(status.text().find(dir_ / "a"), std::string_view::npos);
  EXPECT_NE(status.text().find(dir_ / "c"), std::string_view::npos);
  EXPECT_TRUE(files_->SyncDirectory(dir_.path()).ok());
  EXPECT_EQ(files_->SyncDirectory(dir_ / "absent").code(), StatusCode::kNotFound);
}

TEST_F(PosixFiles, Space_IsPlausible) {
  const auto space = files_->Space(dir_.path());
  ASSERT_TRUE(space.ok());
  EXPECT_GT(space->total_bytes, 0u);
  EXPECT_LE(space->free_bytes, space->total_bytes);
  EXPECT_EQ(files_->Space(dir_ / "absent").status().code(), StatusCode::kNotFound);
}

TEST_F(PosixFiles, Lock_ExcludesThisProcessToo) {
  auto first = files_->Lock(dir_ / "lock");
  ASSERT_TRUE(first.ok()) << first.status().text();
  const auto second = files_->Lock(dir_ / "lock");
  EXPECT_EQ(second.status().code(), StatusCode::kAlreadyExists);
  // Opening and closing the file otherwise must not release it.
  { auto file = files_->Open(dir_ / "lock", OpenMode::kReadWrite); }
  EXPECT_FALSE(files_->Lock(dir_ / "lock").ok());
  *first = nullptr;
  EXPECT_TRUE(files_->Lock(dir_ / "lock").ok());
}

TEST_F(PosixFiles, Lock_ExcludesAnotherProcess) {
  auto held = files_->Lock(dir_ / "lock");
  ASSERT_TRUE(held.ok());
  const std::string path = dir_ / "lock";
  const pid_t child = ::fork();
  if (child == 0)
    ::_exit(NewPosixFileSystem()->Lock(path).status().code() == StatusCode::kAlreadyExists ? 0 : 1);
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST_F(PosixFiles, ReadWholeFile_RefusesLargerOnes) {
  Make("f", "12345");
  EXPECT_EQ(*ReadWholeFile(*files_, dir_ / "f", 5), "12345");
  EXPECT_EQ(ReadWholeFile(*files_, dir_ / "f", 4).status().code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(ReadWholeFile(*files_, dir_ / "absent", 4).status().code(), StatusCode::kNotFound);
}

TEST_F(PosixFiles, CreateWhole_ANewFileOfItsSize_NeverInPlaceOfAnother) {
  auto made = files_->CreateWhole(dir_ / "whole", 600);
  ASSERT_TRUE(made.ok()) << made.status().ToString();
  EXPECT_EQ(*(*made)->Size(), 600u);
  const std::string_view piece = "x";
  EXPECT_TRUE((*made)->WriteAt(599, std::span(&piece, 1)).ok());
  EXPECT_TRUE((*made)->Sync().ok());
  EXPECT_EQ(Read("whole"), std::string(599, '\0') + "x");
  EXPECT_EQ(files_->CreateWhole(dir_ / "whole", 10).status().code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(Read("whole").size(), 600u);
  EXPECT_FALSE(files_->CreateWhole(dir_ / "none/whole", 10).ok());
}

TEST_F(PosixFiles, WritePrivateFile_IsOfThisUserAlone) {
  const mode_t before = umask(0);
  const Status written = files_->WritePrivateFile(dir_.path(), "a/b/c", "one");
  umask(before);
  ASSERT_TRUE(written.ok()) << written.ToString();
  EXPECT_EQ(Read("a/b/c"), "one");
  struct stat info = {};
  for (const auto& [path, mode] : {std::pair("a", 0700u), {"a/b", 0700u}, {"a/b/c", 0600u}}) {
    ASSERT_EQ(stat((dir_ / path).c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, mode) << path;
  }
  ASSERT_TRUE(files_->WritePrivateFile(dir_.path(), "a/b/c", "").ok());
  EXPECT_EQ(Read("a/b/c"), "");
}

TEST_F(PosixFiles, WritePrivateFile_GoesThroughNoLink) {
  Make("victim", "precious");
  ASSERT_TRUE(files_->CreateDirectories(dir_ / "mine").ok());
  ASSERT_TRUE(files_->CreateDirectories(dir_ / "elsewhere").ok());
  ASSERT_EQ(symlink((dir_ / "victim").c_str(), (dir_ / "mine/c").c_str()), 0);
  ASSERT_EQ(link((dir_ / "victim").c_str(), (dir_ / "mine/d").c_str()), 0);
  for (const char* name : {"mine/c", "mine/d"}) {
    EXPECT_TRUE(files_->WritePrivateFile(dir_.path(), name, "body").ok()) << name;
    EXPECT_EQ(Read(name), "body");
  }
  EXPECT_EQ(Read("victim"), "precious");
  ASSERT_EQ(symlink((dir_ / "elsewhere").c_str(), (dir_ / "link").c_str()), 0);
  for (const char* name : {"link/c", "victim/c"}) {
    EXPECT_EQ(files_->WritePrivateFile(dir_.path(), name, "body").code(), StatusCode::kPermissionDenied)
        << name;
  }
  EXPECT_FALSE(files_->Exists(dir_ / "elsewhere/c"));
}

TEST_F(PosixFiles, WritePrivateFile_RefusesTheFolderOfAnother) {
  std::string base = "/";
  std::string folder = "tmp";
  if (geteuid() == 0) {
    ASSERT_TRUE(files_->CreateDirectories(dir_ / "foreign").ok());
    ASSERT_EQ(chown((dir_ / "foreign").c_str(), 65534, 65534), 0);
    base = dir_.path();
    folder = "foreign";
  }
  const Status refused = files_->WritePrivateFile(base, folder + "/c", "body");
  EXPECT_EQ(refused.code(), StatusCode::kPermissionDenied) << refused.ToString();
  EXPECT_NE(refused.text().find("belongs to another user"), std::string::npos) << refused.ToString();
  EXPECT_FALSE(files_->Exists(base + "/" + folder + "/c"));
}

// Whoever opens the directory next may be Apache's broker, which wants every file to have its size.
TEST_F(PosixFiles, CreateWhole_KilledAmidIt_NoFileIsShort) {
  for (int round = 0; round < 10; ++round) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      for (int i = 0;; ++i) (void)files_->CreateWhole(dir_ / std::to_string(round * 1'000'000 + i), 600);
    }
    while (files_->List(dir_.path())->size() < static_cast<size_t>(round + 1) * 30) sched_yield();
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
  }
  const auto made = files_->List(dir_.path());
  ASSERT_TRUE(made.ok());
  for (const DirEntry& entry : *made) EXPECT_EQ(entry.size, 600u) << entry.name;
}

TEST_F(PosixFiles, WriteFileAtomically_KeepsTheOldVersionAsBackup) {
  const std::string path = dir_ / "topics.json";
  ASSERT_TRUE(WriteFileAtomically(*files_, path, "one").ok());
  EXPECT_FALSE(files_->Exists(path + ".bak"));
  ASSERT_TRUE(WriteFileAtomically(*files_, path, "").ok());
  EXPECT_EQ(Read("topics.json"), "");
  EXPECT_EQ(Read("topics.json.bak"), "one");
  ASSERT_TRUE(WriteFileAtomically(*files_, path, "three").ok());
  EXPECT_EQ(Read("topics.json"), "three");
  EXPECT_FALSE(files_->Exists(path + ".tmp"));
}

TEST_F(PosixFiles, WriteFileAtomically_LongerLeftoverOfACrashIsCut) {
  Make("x.tmp", "a longer leftover");
  ASSERT_TRUE(WriteFileAtomically(*files_, dir_ / "x", "new").ok());
  EXPECT_EQ(Read("x"), "new");
}

TEST_F(PosixFiles, WriteFileAtomically_FailureLeavesTheOldVersion) {
  EXPECT_EQ(WriteFileAtomically(*files_, dir_ / "absent/x", "new").code(), StatusCode::kNotFound);
  Make("x", "old");
  ASSERT_TRUE(files_->CreateDirectories(dir_ / "x.tmp").ok());
  EXPECT_FALSE(WriteFileAtomically(*files_, dir_ / "x", "new").ok());
  EXPECT_EQ(Read("x"), "old");
}

TEST_F(PosixFiles, ReadFileOrBackup_FallsBackOnlyWhenAbsent) {
  EXPECT_EQ(ReadFileOrBackup(*files_, dir_ / "x", 100).status().code(), StatusCode::kNotFound);
  Make("x.bak", "old");
  EXPECT_EQ(*ReadFileOrBackup(*files_, dir_ / "x", 100), "old");
  Make("x", "new");
  EXPECT_EQ(*ReadFileOrBackup(*files_, dir_ / "x", 100), "new");
  EXPECT_EQ(ReadFileOrBackup(*files_, dir_ / "x", 1).status().code(), StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace orbitmq
