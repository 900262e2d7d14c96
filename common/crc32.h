// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace orbitmq {

// CRC-32 with zlib's polynomial (java.util.zip.CRC32). `seed` is the CRC of the bytes before, 0 at the start.
uint32_t Crc32(std::string_view bytes, uint32_t seed = 0);

// For joining the CRCs of two pieces without reading either again:
//   Crc32(a + b) == Crc32Combine(Crc32(a), Crc32ShiftOf(b.size()), Crc32(b)).
// The shift depends on the length alone, so that it can be made where there is time. Any length.
uint32_t Crc32ShiftOf(uint64_t bytes);
uint32_t Crc32Combine(uint32_t crc_before, uint32_t shift, uint32_t crc_behind);

// The CRC that records and REGISTER_BROKER carry: without the top bit, which Java clears to keep it positive.
inline uint32_t BodyCrc(std::string_view body) { return Crc32(body) & 0x7FFFFFFFu; }

}  // namespace orbitmq
