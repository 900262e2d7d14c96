// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "common/log.h"
#include "orbitmq/result.h"

namespace orbitmq::process {

struct FileLoggerOptions {
  std::string path;  // Empty = standard error.
  LogLevel least = LogLevel::kInfo;
};

// The log of a server, through spdlog with a thread of its own: writers never wait for the disk; when its
// queue (limits.h kLogLinesInFlightMax) is full the oldest lines go, and a line says how many.
class FileLogger : public Logger {
 public:
  // kIoError names the path.
  static Result<std::unique_ptr<FileLogger>> Open(FileLoggerOptions options);
  // Closes and opens the file anew, for log rotation (SIGHUP).
  virtual Status Reopen() = 0;
  virtual void Flush() = 0;
};

// "debug", "info", "warn", "error", "off", any case; kInvalidArgument lists them.
Result<LogLevel> ParseLogLevel(std::string_view text);

}  // namespace orbitmq::process
