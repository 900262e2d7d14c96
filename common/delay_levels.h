// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <vector>

#include "orbitmq/result.h"
#include "orbitmq/time.h"

namespace orbitmq {

// Apache's default of messageDelayLevel: level 1 is the first.
inline constexpr std::string_view kDelayLevelsDefault =
    "1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h";

// Numbers with a unit of s, m, h or d, separated by blanks; level n is element n - 1. kInvalidArgument names
// the entry: no number, no unit, negative, longer than 3650 d, no entry at all, or more than kDelayLevelsMax.
Result<std::vector<Millis>> ParseDelayLevels(std::string_view text);

}  // namespace orbitmq
