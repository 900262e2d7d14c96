// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/file_system.h"
#include "common/log.h"
#include "common/task.h"

namespace orbitmq {

// Which version of a file that WriteFileAtomically keeps was taken.
enum class FileVersion : uint8_t {
  kNone,      // There is neither: a first start.
  kCurrent,   // The file itself.
  kPrevious,  // Its .bak: the file itself is missing or damaged.
};

// What becomes of a damaged file whose .bak is taken instead.
enum class DamagedFile : uint8_t {
  kLeave,
  // Renamed to `path`.damaged: the next replacement would make it the .bak, over the only good version.
  kSetAside,
};

struct ReplacedFile {
  std::string path;
  uint64_t bytes_max = 0;
  DamagedFile damaged = DamagedFile::kSetAside;
};

// Reads a file that WriteFileAtomically (or Apache's broker) replaces, and says in the log which version it
// took and why. `take` parses and keeps the content; it refuses with kCorrupt (the other version is tried) or
// with anything else (which is final, as kNotSupported for a newer format), and changes nothing then.
//
// An empty file is damaged: no writer leaves one. Errors: kCorrupt when a version is there but none is whole,
// with what to do (never as if nothing had been there); what the disk said when a version cannot be read,
// because falling back would then write the older one over the newer.
// Threads: the caller's, which may block.
Result<FileVersion> LoadReplacedFile(FileSystem& files, Logger& log, const ReplacedFile& file,
                                     UniqueFunction<Status(std::string_view)> take);

}  // namespace orbitmq
