// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace orbitmq {

enum class LogLevel : uint8_t { kDebug, kInfo, kWarn, kError, kOff };

// One key=value pair of a log line.
struct LogField {
  LogField(std::string_view k, std::string_view v) : key(k), value(v) {}
  LogField(std::string_view k, const char* v) : key(k), value(v) {}
  LogField(std::string_view k, const std::string& v) : key(k), value(v) {}
  LogField(std::string_view k, int64_t v) : key(k), value(std::to_string(v)) {}
  LogField(std::string_view k, int v) : key(k), value(std::to_string(v)) {}
  LogField(std::string_view k, uint64_t v) : key(k), value(std::to_string(v)) {}
  std::string_view key;
  std::string value;
};

// Where log lines go: spdlog in the servers, a callback in the SDK, memory in tests.
// A line is a stable message with fields behind it: state changes and surprises, no bodies, no credentials.
// Threads: any. Never blocks on the disk.
class Logger {
 public:
  virtual ~Logger() = default;
  virtual bool Enabled(LogLevel level) const = 0;
  virtual void Write(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) = 0;

  void Debug(std::string_view message, std::initializer_list<LogField> fields = {}) {
    Log(LogLevel::kDebug, message, fields);
  }
  void Info(std::string_view message, std::initializer_list<LogField> fields = {}) {
    Log(LogLevel::kInfo, message, fields);
  }
  void Warn(std::string_view message, std::initializer_list<LogField> fields = {}) {
    Log(LogLevel::kWarn, message, fields);
  }
  void Error(std::string_view message, std::initializer_list<LogField> fields = {}) {
    Log(LogLevel::kError, message, fields);
  }

 private:
  void Log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
    if (Enabled(level)) Write(level, message, fields);
  }
};

// "message key=value key="value with spaces"", the text form every sink shares.
std::string FormatLogLine(std::string_view message, std::initializer_list<LogField> fields);

// Drops everything.
Logger& NullLogger();

}  // namespace orbitmq
