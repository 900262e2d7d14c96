// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "orbitmq/result.h"
#include "orbitmq/time.h"

namespace orbitmq::tools {

// How Java's Formatter spells what scripts cut their columns from. Widths count characters, not bytes.

// `format` knows %s, %d, %n and %% with an optional '-', '0' and width; every argument is text already.
// More conversions than arguments is a programmer's error.
std::string JavaFormat(std::string_view format, std::span<const std::string> arguments);

// Java's "%.<digits>f": the decimal digits of Double.toString rounded half up.
std::string JavaFixed(double value, int digits);

// The first `characters_max` characters (UtilAll.frontStringAtLeast).
std::string FrontCharacters(std::string_view text, size_t characters_max);

// Local time: "2026-01-31 13:45:10,123" (UtilAll.timeMillisToHumanString2), and without the milliseconds.
std::string HumanMillis(int64_t epoch_ms);
std::string HumanSeconds(int64_t epoch_ms);

// Epoch milliseconds, or local time as Java's tools take it, "yyyy-MM-dd#HH:mm:ss:SSS"; kInvalidArgument
// names both forms.
Result<int64_t> ParseToolTime(std::string_view text);

}  // namespace orbitmq::tools
