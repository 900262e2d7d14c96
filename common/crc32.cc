// SPDX-License-Identifier: Apache-2.0
#include "common/crc32.h"

#include <array>

#include <libdeflate.h>

namespace orbitmq {
namespace {

// Polynomials over GF(2) modulo zlib's, the coefficient of x^0 in the top bit. Appending n bytes to a message
// multiplies its CRC by x^(8n).
constexpr uint32_t kPolynomial = 0xEDB88320u;
constexpr uint32_t kOne = 0x80000000u;
constexpr uint64_t kDigitBits = 12;
constexpr size_t kDigits = size_t{1} << kDigitBits;

constexpr uint32_t TimesX(uint32_t value) { return (value >> 1) ^ (kPolynomial & (0u - (value & 1u))); }
constexpr uint32_t TimesX8(uint32_t value) {
  for (int i = 0; i < 8; ++i) value = TimesX(value);
  return value;
}

constexpr std::array<uint32_t, 256> MakeByteTable() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < table.size(); ++i) table[i] = TimesX8(i);
  return table;
}
constexpr std::array<uint32_t, 256> kByteTable = MakeByteTable();

uint32_t TimesX8ByTable(uint32_t value) { return (value >> 8) ^ kByteTable[value & 0xFF]; }

// Four chains, one for each byte of `a`, that do not wait for each other: about 20 ns.
uint32_t Multiply(uint32_t a, uint32_t b) {
  uint32_t b0 = b;
  uint32_t b1 = TimesX8ByTable(b0);
  uint32_t b2 = TimesX8ByTable(b1);
  uint32_t b3 = TimesX8ByTable(b2);
  uint32_t product = 0;
  for (int step = 0; step < 8; ++step) {
    const auto mask = [a, step](int top) { return 0u - ((a >> (top - step)) & 1u); };
    product ^= (b0 & mask(31)) ^ (b1 & mask(23)) ^ (b2 & mask(15)) ^ (b3 & mask(7));
    b0 = TimesX(b0);
    b1 = TimesX(b1);
    b2 = TimesX(b2);
    b3 = TimesX(b3);
  }
  return product;
}

// x^(8n) for n below 4096, and x^(8 * 4096n): lengths up to 16 MiB take one multiplication at most.
struct Powers {
  std::array<uint32_t, kDigits> low{};
  std::array<uint32_t, kDigits> high{};
};
Powers MakePowers() {
  Powers powers;
  powers.low[0] = powers.high[0] = kOne;
  for (size_t i = 1; i < kDigits; ++i) powers.low[i] = TimesX8(powers.low[i - 1]);
  const uint32_t step = TimesX8(powers.low[kDigits - 1]);
  for (size_t i = 1; i < kDigits; ++i) powers.high[i] = Multiply(powers.high[i - 1], step);
  return powers;
}

const Powers& PowerTable() {
  static const Powers powers = MakePowers();
  return powers;
}

}  // namespace

uint32_t Crc32(std::string_view bytes, uint32_t seed) {
  // libdeflate uses carry-less multiplication where the CPU has it. It treats a null buffer as "start value".
  if (bytes.empty()) return seed;
  return libdeflate_crc32(seed, bytes.data(), bytes.size());
}

uint32_t Crc32ShiftOf(uint64_t bytes) {
  const Powers& powers = PowerTable();
  uint32_t shift = powers.low[bytes % kDigits];
  uint64_t rest = bytes / kDigits;
  if (rest == 0) [[likely]]
    return shift;
  shift = Multiply(shift, powers.high[rest % kDigits]);
  // Far above any record: by squaring what one step of the next digit is.
  uint32_t step = Multiply(powers.high[kDigits - 1], powers.high[1]);
  for (rest /= kDigits; rest != 0; rest >>= 1) {
    if ((rest & 1) != 0) shift = Multiply(shift, step);
    step = Multiply(step, step);
  }
  return shift;
}

uint32_t Crc32Combine(uint32_t crc_before, uint32_t shift, uint32_t crc_behind) {
  return Multiply(crc_before, shift) ^ crc_behind;
}

}  // namespace orbitmq
