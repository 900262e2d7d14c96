// SPDX-License-Identifier: Apache-2.0
#include "common/config_file.h"

#include <vector>

#include "common/limits.h"

namespace orbitmq {

Status WriteChangedOptions(FileSystem& files, const std::string& path, std::span<const OptionBinding> tables,
                           std::span<const ConfigEntry> entries) {
  const auto text = ReadFileOrBackup(files, path, limits::kConfigFileBytesMax);
  if (!text.ok()) return text.status();
  std::vector<ConfigEntry> kept;
  for (const OptionBinding& table : tables) {
    for (const OptionSpec& option : table.rows->options) {
      for (const ConfigEntry& entry : entries) {
        if (entry.key == option.name) kept.push_back(entry);
      }
    }
  }
  const std::string edited = EditProperties(*text, kept);
  return edited == *text ? Status::Ok() : WriteFileAtomically(files, path, edited);
}

}  // namespace orbitmq
