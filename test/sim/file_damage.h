// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "common/file_system.h"
#include "common/random.h"

namespace orbitmq::sim {

// What a disk, or a hand, may do to a file. Bytes in [begin, end) are not what they were; end is UINT64_MAX
// when nothing is left behind `begin`.
struct FileDamage {
  std::string what;
  uint64_t begin = 0;
  uint64_t end = 0;
};

// Damages one file in a way that `random` draws: a bit flipped, some bytes overwritten, a page zeroed, the
// end cut off, the file removed. Mostly where there is something other than zeros.
FileDamage DamageFile(FileSystem& files, const std::string& path, Random& random);

}  // namespace orbitmq::sim
