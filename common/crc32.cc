// SPDX-License-Identifier: Apache-2.0
#include "common/crc32.h"

#include <libdeflate.h>

namespace orbitmq {

uint32_t Crc32(std::string_view bytes, uint32_t seed) {
  // libdeflate uses carry-less multiplication where the CPU has it. It treats a null buffer as "start value".
  if (bytes.empty()) return seed;
  return libdeflate_crc32(seed, bytes.data(), bytes.size());
}

}  // namespace orbitmq
