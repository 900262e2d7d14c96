// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

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

TEST(FileLogger, PathThatCannotBeOpened_IsNamed) {
  const TempDirectory directory;
  const auto opened = FileLogger::Open({directory.path(), LogLevel::kInfo});
  ASSERT_FALSE(opened.ok());
  EXPECT_NE(opened.status().text().find(directory.path()), std::string_view::npos);
}

}  // namespace
}  // namespace orbitmq::process
