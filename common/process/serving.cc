// SPDX-License-Identifier: Apache-2.0
#include "common/process/serving.h"

#include "common/limits.h"
#include "common/process/service_notice.h"
#include "common/strings.h"

namespace orbitmq::process {

Result<std::vector<ConfigEntry>> ReadConfigEntries(FileSystem& files, const std::string& path,
                                                   std::string_view settings) {
  std::vector<ConfigEntry> entries;
  if (!path.empty()) {
    auto text = ReadWholeFile(files, path, limits::kConfigFileBytesMax);
    if (!text.ok()) {
      return Status(StatusCode::kInvalidArgument, StrCat("-c ", path, ": ", text.status().text()));
    }
    auto parsed = ParseProperties(*text, path);
    if (!parsed.ok()) return parsed.status();
    entries = *std::move(parsed);
  }
  for (const std::string_view setting : Split(settings, ',')) {
    if (setting.empty()) continue;
    auto entry = ParseSetting(setting, "--set");
    if (!entry.ok()) return entry.status();
    entries.push_back(*std::move(entry));
  }
  return entries;
}

Result<std::unique_ptr<FileLogger>> OpenLog(FileSystem& files, const std::string& path,
                                            std::string_view level) {
  auto least = ParseLogLevel(level);
  if (!least.ok()) return least.status().Annotate("--log_level");
  if (path.empty() || path == "-") return FileLogger::Open({{}, *least});
  const size_t slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  if (!files.Exists(directory)) {
    return Status(StatusCode::kInvalidArgument,
                  StrCat("--log ", path, ": there is no directory ", directory, "; make it first"));
  }
  return FileLogger::Open({path, *least});
}

void WaitForStop(FileLogger& log) {
  NotifyService("READY=1");
  for (;;) {
    const auto signal = WaitForSignal(std::chrono::hours(24));
    if (signal == Signal::kStop) break;
    if (signal != Signal::kReopenLogs) continue;
    if (Status reopened = log.Reopen(); !reopened.ok()) log.Error(reopened.text());
  }
  NotifyService("STOPPING=1");
}

}  // namespace orbitmq::process
