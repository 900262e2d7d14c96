// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "common/limits.h"
#include "common/process/file_logger.h"
#include "common/strings.h"
#include "test/common/temp_directory.h"

namespace orbitmq::process {
namespace {

// A log file that takes no more than 64 KiB until somebody reads it.
class Fifo final {
 public:
  explicit Fifo(const std::string& path) {
    EXPECT_EQ(mkfifo(path.c_str(), 0600), 0);
    descriptor_ = open(path.c_str(), O_RDWR | O_CLOEXEC);
    EXPECT_GE(descriptor_, 0);
  }
  ~Fifo() { close(descriptor_); }
  // Everything until a line that contains `last`.
  std::string ReadUntil(const std::string& last) const {
    std::string text;
    char buffer[4096];
    for (;;) {
      const size_t at = text.rfind(last);
      if (at != std::string::npos && text.find('\n', at) != std::string::npos) return text;
      const ssize_t got = read(descriptor_, buffer, sizeof buffer);
      if (got <= 0) return text;
      text.append(buffer, static_cast<size_t>(got));
    }
  }

 private:
  int descriptor_ = -1;
};

size_t Count(const std::string& text, const std::string& what) {
  size_t count = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

TEST(FileLogger, StuckFile_LosesTheOldestLinesAndTellsHowMany) {
  const TempDirectory directory;
  const Fifo file(directory / "stuck.log");
  auto opened = FileLogger::Open({directory / "stuck.log", LogLevel::kInfo});
  ASSERT_TRUE(opened.ok()) << opened.status().ToString();
  const std::string filler(100, '.');
  constexpr size_t kLines = 2 * limits::kLogLinesInFlightMax;
  // Returns although nobody reads.
  for (size_t i = 0; i < kLines; ++i) (*opened)->Info("line", {{"number", i}, {"text", filler}});
  const std::string about = "too slow count=";
  std::string text;
  std::thread reader([&] { text = file.ReadUntil(about); });
  opened->reset();
  reader.join();
  EXPECT_NE(text.find(StrCat("number=", kLines - 1)), std::string::npos) << "the newest line is there";
  const size_t lost = kLines - Count(text, "line number=");
  EXPECT_GT(lost, kLines / 4);
  const size_t told = std::stoul(text.substr(text.find(about) + about.size()));
  // What it says may itself have pushed out two.
  EXPECT_LE(told, lost);
  EXPECT_GE(told + 2, lost);
}

std::string ReadFile(const std::string& path) {
  std::string text(size_t{1} << 16, '\0');
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const ssize_t got = descriptor < 0 ? 0 : read(descriptor, text.data(), text.size());
  close(descriptor);
  text.resize(got > 0 ? static_cast<size_t>(got) : 0);
  return text;
}

TEST(FileLogger, FullFile_MovesAsideAndTheOldestGoes) {
  const TempDirectory directory;
  const std::string path = directory / "full.log";
  auto opened = FileLogger::Open({.path = path, .bytes_max = 1000, .files_kept = 2});
  ASSERT_TRUE(opened.ok()) << opened.status().ToString();
  for (int i = 0; i < 35; ++i) (*opened)->Info("line", {{"number", i}, {"text", std::string(60, '.')}});
  opened->reset();
  // About 110 bytes a line: ten fill a file.
  EXPECT_NE(ReadFile(path).find("number=34"), std::string::npos);
  EXPECT_NE(ReadFile(path + ".1").find("number=29"), std::string::npos);
  EXPECT_NE(ReadFile(path + ".2").find("number=19"), std::string::npos);
  EXPECT_EQ(ReadFile(path + ".1").size() / 1000, 1U);
  EXPECT_EQ(access((path + ".3").c_str(), F_OK), -1);
}

TEST(FileLogger, Reopen_WritesIntoANewFileOfTheName) {
  const TempDirectory directory;
  const std::string path = directory / "moved.log";
  auto opened = FileLogger::Open({.path = path});
  ASSERT_TRUE(opened.ok()) << opened.status().ToString();
  (*opened)->Info("before");
  (*opened)->Flush();
  ASSERT_EQ(rename(path.c_str(), (path + ".away").c_str()), 0);
  ASSERT_TRUE((*opened)->Reopen().ok());
  (*opened)->Info("after");
  opened->reset();
  EXPECT_NE(ReadFile(path).find("after"), std::string::npos);
  EXPECT_EQ(ReadFile(path + ".away").find("after"), std::string::npos);
}

TEST(FileLogger, FolderThatVanished_IsToldAndWrittenToWhenItIsBack) {
  const TempDirectory directory;
  const std::string folder = directory / "logs";
  ASSERT_EQ(mkdir(folder.c_str(), 0700), 0);
  auto opened = FileLogger::Open({.path = folder + "/a.log"});
  ASSERT_TRUE(opened.ok()) << opened.status().ToString();
  ASSERT_EQ(rename(folder.c_str(), (directory / "elsewhere").c_str()), 0);
  // spdlog makes the folder anew unless it cannot: a file stands there.
  close(open(folder.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  const Status reopened = (*opened)->Reopen();
  EXPECT_EQ(reopened.code(), StatusCode::kIoError);
  EXPECT_NE(reopened.text().find(folder), std::string_view::npos);
  (*opened)->Info("lost");
  (*opened)->Flush();
  ASSERT_EQ(unlink(folder.c_str()), 0);
  // The writer of "lost" still tries for some 50 ms and may be the one who makes it.
  ASSERT_TRUE(mkdir(folder.c_str(), 0700) == 0 || errno == EEXIST);
  ASSERT_TRUE((*opened)->Reopen().ok());
  (*opened)->Info("found");
  opened->reset();
  EXPECT_NE(ReadFile(folder + "/a.log").find("found"), std::string::npos);
}

TEST(FileLogger, PathThatCannotBeOpened_IsNamed) {
  const TempDirectory directory;
  const auto opened = FileLogger::Open({directory.path(), LogLevel::kInfo});
  ASSERT_FALSE(opened.ok());
  EXPECT_NE(opened.status().text().find(directory.path()), std::string_view::npos);
}

}  // namespace
}  // namespace orbitmq::process
