// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/log.h"
#include "common/log_sinks.h"

namespace orbitmq {
namespace {

TEST(FormatLogLine, Fields_AreQuotedOnlyWhenNeeded) {
  EXPECT_EQ(FormatLogLine("broker registered",
                          {{"name", "b0"}, {"port", 10911}, {"text", "two words"}, {"none", ""}}),
            "broker registered name=b0 port=10911 text=\"two words\" none=\"\"");
  EXPECT_EQ(FormatLogLine("m", {{"k", "a\"b\\c"}}), "m k=\"a\\\"b\\\\c\"");
}

TEST(FormatLogLine, TextOfAPeer_CannotForgeALine) {
  const std::string line = FormatLogLine("bad topic\nERROR forged", {{"topic", "x\r\nERROR y\x1b[31m"}});
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(line.find('\r'), std::string::npos);
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
  EXPECT_EQ(line, "bad topic\\nERROR forged topic=\"x\\x0d\\nERROR y\\x1b[31m\"");
}

TEST(NullLogger, Everything_IsOff) {
  EXPECT_FALSE(NullLogger().Enabled(LogLevel::kError));
  NullLogger().Error("dropped", {{"k", "v"}});
}

TEST(RingLogger, Lines_KeepTheNewestAndFilterByLevel) {
  RingLogger log(LogLevel::kInfo, 2);
  log.Debug("too fine");
  log.Info("one");
  log.Warn("two", {{"n", 2}});
  log.Error("three");
  const std::vector<RingLogger::Line> lines = log.Lines();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].text, "two n=2");
  EXPECT_EQ(lines[0].level, LogLevel::kWarn);
  EXPECT_EQ(lines[1].text, "three");
  EXPECT_EQ(log.written(), 3u);
  EXPECT_TRUE(log.Contains("n=2"));
  EXPECT_FALSE(log.Contains("one"));
}

TEST(CallbackLogger, Lines_ReachTheFunction) {
  std::vector<std::string> lines;
  CallbackLogger log(LogLevel::kWarn, [&](LogLevel level, std::string_view line) {
    lines.push_back(std::string(LogLevelName(level)) + ' ' + std::string(line));
  });
  log.Info("no");
  log.Warn("yes", {{"a", 1}});
  EXPECT_EQ(lines, std::vector<std::string>{"WARN yes a=1"});
}

TEST(CallbackLogger, WithoutFunctionOrOff_IsSilent) {
  CallbackLogger none(LogLevel::kDebug, nullptr);
  none.Error("nowhere");
  CallbackLogger off(LogLevel::kOff, [](LogLevel, std::string_view) { FAIL(); });
  off.Error("off");
  EXPECT_FALSE(off.Enabled(LogLevel::kOff));
}

}  // namespace
}  // namespace orbitmq
