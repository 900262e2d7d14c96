// SPDX-License-Identifier: Apache-2.0
#include "common/process/file_logger.h"

#include <atomic>
#include <mutex>
#include <utility>

#include <spdlog/async.h>
#include <spdlog/async_logger.h>
#include <spdlog/details/file_helper.h>
#include <spdlog/details/os.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "common/limits.h"
#include "common/strings.h"

namespace orbitmq::process {
namespace {

constexpr char kPattern[] = "%Y-%m-%d %H:%M:%S.%e %L %v";

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
    case LogLevel::kOff:
      return spdlog::level::off;
  }
  return spdlog::level::off;
}

// spdlog's sinks either rotate or reopen their file, and rotate to names with the number in the middle.
class RotatedFileSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit RotatedFileSink(FileLoggerOptions options) : options_(std::move(options)) { Open(); }
  void Reopen() {
    std::lock_guard lock(mutex_);
    Open();
  }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    if (!open_) Open();  // Throws while it cannot; spdlog tells that on standard error now and then.
    spdlog::memory_buf_t text;
    formatter_->format(message, text);
    file_.write(text);
    bytes_ += text.size();
    if (bytes_ >= options_.bytes_max) Rotate();
  }
  void flush_() override {
    if (open_) file_.flush();
  }

 private:
  void Open() {
    open_ = false;
    file_.close();
    file_.open(options_.path, false);
    open_ = true;
    bytes_ = file_.size();
  }
  // A name that cannot be given leaves the file as it is: it goes on growing, and the next line tries again.
  void Rotate() {
    file_.flush();
    for (int number = options_.files_kept; number > 0; --number) {
      const std::string from = number > 1 ? StrCat(options_.path, ".", number - 1) : options_.path;
      if (spdlog::details::os::path_exists(from)) {
        spdlog::details::os::rename(from, StrCat(options_.path, ".", number));
      }
    }
    Open();
  }

  const FileLoggerOptions options_;
  spdlog::details::file_helper file_;
  size_t bytes_ = 0;
  bool open_ = false;
};

class SpdlogLogger final : public FileLogger {
 public:
  explicit SpdlogLogger(FileLoggerOptions options) : options_(std::move(options)) {}
  ~SpdlogLogger() override {
    if (logger_ != nullptr) {  // There is none when the file could not be opened.
      TellDropped(pool_->overrun_counter());
      logger_->flush();
    }
    // Joins after the queue is written. Before the logger goes, whose last owner would otherwise be a line in
    // the queue by chance: the pool's thread would destroy it.
    pool_.reset();
  }

  Status Start() {
    try {
      pool_ = std::make_shared<spdlog::details::thread_pool>(limits::kLogLinesInFlightMax, 1);
      spdlog::sink_ptr sink;
      if (options_.path.empty()) {
        sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
      } else {
        file_ = std::make_shared<RotatedFileSink>(options_);
        sink = file_;
      }
      sink->set_pattern(kPattern);
      logger_ = std::make_shared<spdlog::async_logger>("orbitmq", std::move(sink), pool_,
                                                       spdlog::async_overflow_policy::overrun_oldest);
      logger_->set_level(ToSpdlog(options_.least));
      logger_->flush_on(spdlog::level::info);
    } catch (const spdlog::spdlog_ex& e) {
      return {StatusCode::kIoError, "cannot open log file " + options_.path + ": " + e.what()};
    }
    return {};
  }

  bool Enabled(LogLevel level) const override { return level >= options_.least && level != LogLevel::kOff; }
  void Write(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) override {
    const std::string line = FormatLogLine(message, fields);
    logger_->log(ToSpdlog(level), "{}", line);
    TellDroppedOnceThereIsRoom();
  }
  Status Reopen() override {
    if (file_ == nullptr) return {};
    try {
      file_->Reopen();
    } catch (const spdlog::spdlog_ex& e) {
      return {StatusCode::kIoError, "cannot reopen log file " + options_.path + ": " + e.what()};
    }
    return {};
  }
  void Flush() override { logger_->flush(); }

 private:
  // In a full queue the line about lost ones would push out another one.
  void TellDroppedOnceThereIsRoom() {
    const size_t dropped = pool_->overrun_counter();
    if (dropped == told_dropped_.load(std::memory_order_relaxed)) return;
    if (pool_->queue_size() <= limits::kLogLinesInFlightMax / 2) TellDropped(dropped);
  }
  // Writes how many lines were lost since the last time.
  void TellDropped(size_t dropped) {
    const size_t told = told_dropped_.exchange(dropped);
    if (dropped <= told) return;
    logger_->log(spdlog::level::warn, "log lines were dropped: the log file is too slow count={}",
                 dropped - told);
  }

  const FileLoggerOptions options_;
  std::shared_ptr<spdlog::details::thread_pool> pool_;
  std::shared_ptr<RotatedFileSink> file_;
  std::shared_ptr<spdlog::async_logger> logger_;
  std::atomic<size_t> told_dropped_{0};
};

}  // namespace

Result<std::unique_ptr<FileLogger>> FileLogger::Open(FileLoggerOptions options) {
  auto logger = std::make_unique<SpdlogLogger>(std::move(options));
  if (Status s = logger->Start(); !s.ok()) return s;
  return std::unique_ptr<FileLogger>(std::move(logger));
}

Result<LogLevel> ParseLogLevel(std::string_view text) {
  const std::pair<std::string_view, LogLevel> levels[] = {{"debug", LogLevel::kDebug},
                                                          {"info", LogLevel::kInfo},
                                                          {"warn", LogLevel::kWarn},
                                                          {"error", LogLevel::kError},
                                                          {"off", LogLevel::kOff}};
  for (const auto& [name, level] : levels) {
    if (EqualsIgnoreCase(name, text)) return level;
  }
  return Status(StatusCode::kInvalidArgument,
                "log level '" + std::string(text) + "' is none of debug, info, warn, error, off");
}

}  // namespace orbitmq::process
