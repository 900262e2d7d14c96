// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "orbitmq/result.h"

namespace orbitmq {

// What a time without a zone means.
enum class BareTime : uint8_t { kUtc, kLocal };

// A time as people write it, in milliseconds since 1970: "2026-01-31", "2026-01-31 13:45",
// "2026-01-31T13:45:10", "2026-01-31T13:45:10.123", and each with a zone behind it, "Z", "+02:00" or "+0200".
// kInvalidArgument, without a text that names the forms, when it is none of these.
Result<int64_t> ParseTimeText(std::string_view text, BareTime bare);

}  // namespace orbitmq
