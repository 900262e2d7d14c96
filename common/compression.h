// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "orbitmq/result.h"

namespace orbitmq {

// Body compression; the values are those of sysFlag bits 8-10. Formats (remoting.md 4.9): a zlib stream
// (RFC 1950), an LZ4 frame, a zstd frame.
enum class Compression : uint8_t { kLz4 = 1, kZstd = 2, kZlib = 3 };

inline constexpr int kCompressionLevelDefault = 5;  // Apache's, for all three.

// Of a message with the COMPRESSED bit. Type bits 0 mean zlib (old clients); kNotSupported for values that
// nobody has defined.
Result<Compression> CompressionOf(int32_t sys_flag);
// The flags of a body that has been compressed this way: COMPRESSED and the type bits.
int32_t WithCompression(int32_t sys_flag, Compression compression);
std::string_view CompressionName(Compression compression);  // "LZ4", "ZSTD", "ZLIB".
// Any case; kInvalidArgument lists what there is.
Result<Compression> ParseCompression(std::string_view name);

// `level` 1..9 for zlib (9 = smallest), 1..22 for zstd, ignored by LZ4; outside it is clamped.
Result<std::string> Compress(std::string_view plain, Compression compression,
                             int level = kCompressionLevelDefault);

// Never makes more than `plain_bytes_max` bytes, however small the input (kResourceExhausted above). kCorrupt
// when the bytes are cut, damaged, or followed by something else. Concatenated LZ4 and zstd frames are read
// as one, as Java does.
Result<std::string> Decompress(std::string_view packed, Compression compression, size_t plain_bytes_max);

}  // namespace orbitmq
