// SPDX-License-Identifier: Apache-2.0
#include "common/delay_levels.h"

#include "common/limits.h"
#include "common/strings.h"

namespace orbitmq {
namespace {

constexpr Millis kDelayMax = std::chrono::hours(24) * 3650;

Millis UnitOf(char c) {
  switch (c) {
    case 's':
      return std::chrono::seconds(1);
    case 'm':
      return std::chrono::minutes(1);
    case 'h':
      return std::chrono::hours(1);
    case 'd':
      return std::chrono::hours(24);
    default:
      return Millis(0);
  }
}

Status Bad(std::string_view entry, std::string_view why) {
  return {StatusCode::kInvalidArgument,
          StrCat("delay level \"", Printable(entry), "\": ", why, "; expected entries like 10s, 5m, 2h, 1d")};
}

}  // namespace

Result<std::vector<Millis>> ParseDelayLevels(std::string_view text) {
  std::vector<Millis> levels;
  for (const std::string_view entry : Split(text, ' ')) {
    if (IsBlank(entry)) continue;
    const Millis unit = UnitOf(entry.back());
    if (unit == Millis(0)) return Bad(entry, "no unit");
    const auto count = ParseInt<int64_t>(entry.substr(0, entry.size() - 1));
    if (!count || *count < 0) return Bad(entry, "no number before the unit");
    if (*count > kDelayMax / unit) return Bad(entry, "longer than 3650 days");
    if (levels.size() == limits::kDelayLevelsMax) return Bad(entry, "more than 256 levels");
    levels.push_back(*count * unit);
  }
  if (levels.empty()) return Bad(text, "no level at all");
  return levels;
}

}  // namespace orbitmq
