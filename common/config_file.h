// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>

#include "common/config.h"
#include "common/file_system.h"

namespace orbitmq {

// Writes options that a peer changed into the configuration file that the process was started with (decision
// 0026): the lines of `entries` whose keys `tables` know are changed or appended, what else stands there
// stays. Replaced atomically, the old file stays as `path`.bak; not touched when nothing changes. Errors are
// the file system's, and leave the file as it was. Blocks.
Status WriteChangedOptions(FileSystem& files, const std::string& path, std::span<const OptionBinding> tables,
                           std::span<const ConfigEntry> entries);

}  // namespace orbitmq
