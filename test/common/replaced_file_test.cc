// SPDX-License-Identifier: Apache-2.0
#include <deque>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "common/log.h"
#include "common/posix_file_system.h"
#include "common/replaced_file.h"
#include "common/strings.h"
#include "test/common/temp_directory.h"

namespace orbitmq {
namespace {

class Lines final : public Logger {
 public:
  bool Enabled(LogLevel) const override { return true; }
  void Write(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) override {
    lines_.push_back(StrCat(level == LogLevel::kError  ? "E "
                            : level == LogLevel::kWarn ? "W "
                                                       : "I ",
                            FormatLogLine(message, fields)));
  }
  bool Has(std::string_view level, std::string_view text) const {
    for (const std::string& line : lines_) {
      if (line.starts_with(level) && line.find(text) != std::string::npos) return true;
    }
    return false;
  }

 private:
  std::deque<std::string> lines_;
};

// What may stand in each of the two places.
constexpr std::string_view kGood = "good";
constexpr std::string_view kOlder = "good older";
constexpr std::string_view kBad = "rotten";
constexpr std::string_view kEmpty = "";

class ReplacedFileTest : public testing::Test {
 protected:
  void Put(const std::string& path, std::string_view content) {
    auto file = files_->Open(path, OpenMode::kCreate);
    ASSERT_TRUE(file.ok());
    const std::string_view pieces[] = {content};
    ASSERT_TRUE((*file)->WriteAt(0, pieces).ok());
  }
  Result<FileVersion> Load() {
    taken_.clear();
    return LoadReplacedFile(*files_, log_, {.path = path_, .bytes_max = 100},
                            [this](std::string_view text) -> Status {
                              if (text == "newer") return {StatusCode::kNotSupported, "format 9"};
                              if (!text.starts_with("good")) return {StatusCode::kCorrupt, "no good"};
                              taken_ = text;
                              return {};
                            });
  }

  TempDirectory dir_;
  std::unique_ptr<FileSystem> files_ = NewPosixFileSystem();
  const std::string path_ = dir_ / "table.json";
  const std::string backup_ = path_ + ".bak";
  Lines log_;
  std::string taken_;
};

TEST_F(ReplacedFileTest, EveryCombination_HasItsOutcome) {
  const struct {
    std::optional<std::string_view> current;
    std::optional<std::string_view> previous;
    std::optional<FileVersion> version;  // nullopt = refused.
    std::string_view taken;
    std::string_view level;
    std::string_view line;
  } rows[] = {
      {kGood, kOlder, FileVersion::kCurrent, kGood, "I", "version=current"},
      {kGood, std::nullopt, FileVersion::kCurrent, kGood, "I", "version=current"},
      {kGood, kBad, FileVersion::kCurrent, kGood, "I", "version=current"},
      {std::nullopt, kOlder, FileVersion::kPrevious, kOlder, "W", "because=missing"},
      {kBad, kOlder, FileVersion::kPrevious, kOlder, "E", "a file is damaged"},
      {kEmpty, kOlder, FileVersion::kPrevious, kOlder, "W", "because=damaged"},
      {std::nullopt, std::nullopt, FileVersion::kNone, "", "I", "version=none"},
      {kBad, kBad, std::nullopt, "", "E", "a file is damaged"},
      {kBad, std::nullopt, std::nullopt, "", "E", "a file is damaged"},
      {kEmpty, std::nullopt, std::nullopt, "", "E", "it is empty"},
      {kEmpty, kEmpty, std::nullopt, "", "E", "it is empty"},
      {std::nullopt, kBad, std::nullopt, "", "", ""},
  };
  int row_number = 0;
  for (const auto& row : rows) {
    SCOPED_TRACE(row_number++);
    for (const std::string& path : {path_, backup_, path_ + ".damaged"}) (void)files_->Remove(path);
    if (row.current) Put(path_, *row.current);
    if (row.previous) Put(backup_, *row.previous);
    log_ = Lines();
    const auto version = Load();
    EXPECT_EQ(taken_, row.taken);
    if (!row.version) {
      ASSERT_FALSE(version.ok());
      EXPECT_EQ(version.status().code(), StatusCode::kCorrupt);
      for (const std::string& part : {path_, backup_, std::string("put a good copy")}) {
        EXPECT_NE(version.status().text().find(part), std::string_view::npos) << version.status().ToString();
      }
    } else {
      ASSERT_TRUE(version.ok()) << version.status().ToString();
      EXPECT_EQ(*version, *row.version);
    }
    EXPECT_TRUE(row.level.empty() || log_.Has(row.level, row.line));
    // What was refused stays as it was.
    EXPECT_TRUE(row.version || files_->Exists(path_) == row.current.has_value());
  }
}

TEST_F(ReplacedFileTest, DamagedCurrent_DoesNotBecomeTheBackup) {
  Put(path_, kBad);
  Put(backup_, kOlder);
  ASSERT_EQ(*Load(), FileVersion::kPrevious);
  EXPECT_EQ(*ReadWholeFile(*files_, path_ + ".damaged", 100), kBad);
  ASSERT_TRUE(WriteFileAtomically(*files_, path_, "good newest").ok());
  EXPECT_EQ(*ReadWholeFile(*files_, backup_, 100), kOlder);
  ASSERT_EQ(*Load(), FileVersion::kCurrent);
  EXPECT_EQ(taken_, "good newest");
}

TEST_F(ReplacedFileTest, NewerFormat_IsFinal) {
  Put(path_, "newer");
  Put(backup_, kOlder);
  EXPECT_EQ(Load().status().code(), StatusCode::kNotSupported);
  EXPECT_EQ(taken_, "");
}

TEST_F(ReplacedFileTest, UnreadableOrTooLarge_IsRefusedAndNotReplacedByTheOlder) {
  Put(backup_, kOlder);
  ASSERT_TRUE(files_->CreateDirectories(path_).ok());  // Opening it as a file fails.
  EXPECT_EQ(Load().status().code(), StatusCode::kIoError);
  ASSERT_TRUE(files_->Remove(path_).ok());
  Put(path_, std::string(101, 'g'));
  EXPECT_EQ(Load().status().code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(taken_, "");
}

}  // namespace
}  // namespace orbitmq
