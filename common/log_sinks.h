// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <vector>

#include "common/log.h"
#include "common/mutex.h"
#include "common/task.h"

namespace orbitmq {

// "DEBUG", "INFO", "WARN", "ERROR", "OFF".
std::string_view LogLevelName(LogLevel level);

// Keeps the newest lines in memory: for tests, and for what a crash report shows. Threads: any.
class RingLogger final : public Logger {
 public:
  struct Line {
    LogLevel level;
    std::string text;
  };
  explicit RingLogger(LogLevel least = LogLevel::kDebug, size_t lines_max = 10000);
  bool Enabled(LogLevel level) const override { return level >= least_ && level != LogLevel::kOff; }
  void Write(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) override;

  std::vector<Line> Lines() const;
  // How many lines were written since the start, dropped ones included.
  size_t written() const;
  bool Contains(std::string_view text) const;

 private:
  const LogLevel least_;
  const size_t lines_max_;
  mutable Mutex mutex_;
  std::deque<Line> lines_ ORBITMQ_GUARDED_BY(mutex_);
  size_t written_ ORBITMQ_GUARDED_BY(mutex_) = 0;
};

// Hands each formatted line to a function, as applications give one to the SDK. The function is called on any
// thread, also on several at once, and must not call back into the SDK.
class CallbackLogger final : public Logger {
 public:
  using Sink = UniqueFunction<void(LogLevel level, std::string_view line)>;
  CallbackLogger(LogLevel least, Sink sink) : least_(least), sink_(std::move(sink)) {}
  bool Enabled(LogLevel level) const override { return level >= least_ && level != LogLevel::kOff; }
  void Write(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) override;

 private:
  const LogLevel least_;
  Sink sink_;
};

}  // namespace orbitmq
