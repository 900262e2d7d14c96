// SPDX-License-Identifier: Apache-2.0
#include "common/process/serving.h"

#include "common/limits.h"
#include "common/strings.h"

namespace orbitmq::process {

Result<std::vector<ConfigEntry>> ReadConfigEntries(FileSystem& files, const std::string& path,
                                                   std::string_view settings) {
  std::vector<ConfigEntry> entries;
  if (!path.empty()) {
    auto text = ReadWholeFile(files, path, limits::kConfigFileBytesMax);
    if (!text.ok()) return text.status().Annotate("-c " + path);
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

void WaitForStop(FileLogger& log) {
  for (;;) {
    const auto signal = WaitForSignal(std::chrono::hours(24));
    if (signal == Signal::kStop) return;
    if (signal != Signal::kReopenLogs) continue;
    if (Status reopened = log.Reopen(); !reopened.ok()) log.Error(reopened.text());
  }
}

}  // namespace orbitmq::process
