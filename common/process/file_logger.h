// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "common/log.h"
#include "orbitmq/result.h"

namespace orbitmq::process {

// A log file that has grown to this is moved aside; so many of them are kept beside the one in use.
inline constexpr size_t kLogFileBytesMax = size_t{128} << 20;
inline constexpr int kLogFilesKept = 10;

struct FileLoggerOptions {
  std::string path;  // Empty = standard error.
  LogLevel least = LogLevel::kInfo;
  // A file that has so many bytes becomes PATH.1, what was PATH.1 becomes PATH.2, and so on up to
  // PATH.<files_kept>, which is overwritten.
  size_t bytes_max = kLogFileBytesMax;
  int files_kept = kLogFilesKept;
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
