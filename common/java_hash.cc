// SPDX-License-Identifier: Apache-2.0
#include "common/java_hash.h"

#include <cstring>

#include "common/utf8.h"

namespace orbitmq {
namespace {

constexpr size_t kStep = 8;

bool IsAscii(const char* eight) {
  uint64_t word = 0;
  std::memcpy(&word, eight, sizeof(word));
  return (word & 0x8080808080808080ULL) == 0;
}

// Eight characters at once: their products do not wait for each other.
uint32_t AddStep(uint32_t hash, const char* eight) {
  constexpr uint32_t k2 = 31u * 31u;
  constexpr uint32_t k4 = k2 * k2;
  const auto at = [eight](int i) { return static_cast<uint32_t>(static_cast<unsigned char>(eight[i])); };
  const uint32_t first = (at(0) * 31 + at(1)) * k2 + at(2) * 31 + at(3);
  const uint32_t second = (at(4) * 31 + at(5)) * k2 + at(6) * 31 + at(7);
  return hash * (k4 * k4) + first * k4 + second;
}

}  // namespace

int32_t JavaStringHash(std::string_view utf8) {
  uint32_t hash = 0;
  while (!utf8.empty()) {
    if (utf8.size() >= kStep && IsAscii(utf8.data())) {
      hash = AddStep(hash, utf8.data());
      utf8.remove_prefix(kStep);
      continue;
    }
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
