// SPDX-License-Identifier: Apache-2.0
#include "common/log_sinks.h"

#include <algorithm>

namespace orbitmq {

std::string_view LogLevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "DEBUG";
    case LogLevel::kInfo:
      return "INFO";
    case LogLevel::kWarn:
      return "WARN";
    case LogLevel::kError:
      return "ERROR";
    case LogLevel::kOff:
      return "OFF";
  }
  return "OFF";
}

RingLogger::RingLogger(LogLevel least, size_t lines_max) : least_(least), lines_max_(lines_max) {}

void RingLogger::Write(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  std::string text = FormatLogLine(message, fields);
  const MutexLock lock(mutex_);
  ++written_;
  if (lines_max_ == 0) return;
  if (lines_.size() == lines_max_) lines_.pop_front();
  lines_.push_back({level, std::move(text)});
}

std::vector<RingLogger::Line> RingLogger::Lines() const {
  const MutexLock lock(mutex_);
  return {lines_.begin(), lines_.end()};
}

size_t RingLogger::written() const {
  const MutexLock lock(mutex_);
  return written_;
}

bool RingLogger::Contains(std::string_view text) const {
  const MutexLock lock(mutex_);
  return std::any_of(lines_.begin(), lines_.end(),
                     [&](const Line& line) { return line.text.find(text) != std::string::npos; });
}

void CallbackLogger::Write(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  if (sink_) sink_(level, FormatLogLine(message, fields));
}

}  // namespace orbitmq
