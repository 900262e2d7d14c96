// SPDX-License-Identifier: Apache-2.0
#include "common/java_hash.h"

#include "common/utf8.h"

namespace orbitmq {

int32_t JavaStringHash(std::string_view utf8) {
  uint32_t hash = 0;
  while (!utf8.empty()) {
    const auto first = static_cast<unsigned char>(utf8.front());
    if (first < 0x80) {
      hash = hash * 31 + first;
      utf8.remove_prefix(1);
      continue;
    }
    const Utf8Step step = DecodeUtf8(utf8);
    if (step.code_point >= 0x10000) {
      const uint32_t rest = step.code_point - 0x10000;
      hash = hash * 31 + (0xD800 + (rest >> 10));
      hash = hash * 31 + (0xDC00 + (rest & 0x3FF));
    } else {
      hash = hash * 31 + step.code_point;
    }
    utf8.remove_prefix(step.bytes);
  }
  return static_cast<int32_t>(hash);
}

}  // namespace orbitmq
