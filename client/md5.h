// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace orbitmq::client {

// RFC 1321, for the consistent-hash allocation only, which must agree with Java's. Not for security.
std::array<uint8_t, 16> Md5(std::string_view text);

}  // namespace orbitmq::client
