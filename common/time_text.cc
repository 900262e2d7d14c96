// SPDX-License-Identifier: Apache-2.0
#include "common/time_text.h"

#include <ctime>
#include <optional>
#include <string>

#include "common/strings.h"

namespace orbitmq {
namespace {

Status None(std::string_view text) {
  return {StatusCode::kInvalidArgument, StrCat("'", Printable(text), "' is no time")};
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Takes a number of exactly so many digits.
std::optional<int> TakeNumber(std::string_view& text, size_t digits) {
  if (text.size() < digits) return std::nullopt;
  int number = 0;
  for (size_t i = 0; i < digits; ++i) {
    if (!IsDigit(text[i])) return std::nullopt;
    number = number * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return number;
}

bool Take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

// "2026-01-31".
bool TakeDate(std::string_view& text, std::tm& parts) {
  const auto year = TakeNumber(text, 4);
  const bool first = Take(text, '-');
  const auto month = TakeNumber(text, 2);
  const bool second = Take(text, '-');
  const auto day = TakeNumber(text, 2);
  if (!year || !first || !month || !second || !day) return false;
  parts.tm_year = *year - 1900;
  parts.tm_mon = *month - 1;
  parts.tm_mday = *day;
  return true;
}

// "13:45", "13:45:10", "13:45:10.123".
bool TakeClock(std::string_view& text, std::tm& parts, int& millis) {
  const auto hour = TakeNumber(text, 2);
  const bool colon = Take(text, ':');
  const auto minute = TakeNumber(text, 2);
  if (!hour || !colon || !minute || *hour > 23 || *minute > 59) return false;
  parts.tm_hour = *hour;
  parts.tm_min = *minute;
  if (!Take(text, ':')) return true;
  const auto second = TakeNumber(text, 2);
  if (!second || *second > 59) return false;
  parts.tm_sec = *second;
  if (!Take(text, '.')) return true;
  const auto fraction = TakeNumber(text, 3);
  millis = fraction.value_or(0);
  return fraction.has_value();
}

// "Z", "+02:00", "-0330"; minutes ahead of UTC.
std::optional<int> TakeZone(std::string_view& text) {
  if (Take(text, 'Z')) return 0;
  const bool behind = text.starts_with('-');
  if (!behind && !text.starts_with('+')) return std::nullopt;
  text.remove_prefix(1);
  const auto hours = TakeNumber(text, 2);
  (void)Take(text, ':');
  const auto minutes = TakeNumber(text, 2);
  if (!hours || !minutes || *hours > 14 || *minutes > 59) return std::nullopt;
  return (*hours * 60 + *minutes) * (behind ? -1 : 1);
}

}  // namespace

Result<int64_t> ParseTimeText(std::string_view text, BareTime bare) {
  std::string_view rest = text;
  std::tm parts{};
  int millis = 0;
  if (!TakeDate(rest, parts)) return None(text);
  if (!rest.empty() && (rest.front() == ' ' || rest.front() == 'T')) {
    rest.remove_prefix(1);
    if (!TakeClock(rest, parts, millis)) return None(text);
  }
  std::optional<int> ahead;
  if (!rest.empty() && !(ahead = TakeZone(rest))) return None(text);
  if (!rest.empty()) return None(text);
  // A day that its month does not have comes back as one of the next.
  std::tm utc = parts;
  const auto utc_seconds = static_cast<int64_t>(::timegm(&utc));
  if (utc.tm_mday != parts.tm_mday || utc.tm_mon != parts.tm_mon) return None(text);
  if (ahead || bare == BareTime::kUtc) return (utc_seconds - ahead.value_or(0) * 60) * 1000 + millis;
  parts.tm_isdst = -1;
  return static_cast<int64_t>(std::mktime(&parts)) * 1000 + millis;
}

}  // namespace orbitmq
