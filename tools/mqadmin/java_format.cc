// SPDX-License-Identifier: Apache-2.0
#include "tools/mqadmin/java_format.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>

#include "common/check.h"
#include "common/strings.h"
#include "common/time_text.h"

namespace orbitmq::tools {
namespace {

bool StartsCharacter(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }

size_t Characters(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), StartsCharacter));
}

// One conversion: what stands between '%' and its letter.
struct Conversion {
  bool left = false;
  bool zero = false;
  size_t width = 0;
  char letter = 0;
};

Conversion ReadConversion(std::string_view format, size_t& at) {
  Conversion conversion;
  for (; at < format.size() && (format[at] == '-' || format[at] == '0'); ++at) {
    (format[at] == '-' ? conversion.left : conversion.zero) = true;
  }
  for (; at < format.size() && format[at] >= '0' && format[at] <= '9'; ++at) {
    conversion.width = conversion.width * 10 + static_cast<size_t>(format[at] - '0');
  }
  ORBITMQ_CHECK(at < format.size(), "a format ends within a conversion");
  conversion.letter = format[at++];
  return conversion;
}

void AppendPadded(const Conversion& conversion, std::string_view text, std::string& out) {
  const size_t characters = Characters(text);
  const size_t padding = conversion.width > characters ? conversion.width - characters : 0;
  if (!conversion.left) out.append(padding, conversion.zero ? '0' : ' ');
  out += text;
  if (conversion.left) out.append(padding, ' ');
}

std::tm LocalTime(int64_t epoch_ms) {
  const auto seconds = static_cast<std::time_t>(epoch_ms >= 0 ? epoch_ms / 1000 : (epoch_ms - 999) / 1000);
  std::tm local{};
  ::localtime_r(&seconds, &local);
  return local;
}

}  // namespace

std::string JavaFormat(std::string_view format, std::span<const std::string> arguments) {
  std::string out;
  size_t next = 0;
  for (size_t at = 0; at < format.size();) {
    if (format[at] != '%') {
      out += format[at++];
      continue;
    }
    ++at;
    const Conversion conversion = ReadConversion(format, at);
    if (conversion.letter == 'n' || conversion.letter == '%') {
      out += conversion.letter == 'n' ? '\n' : '%';
      continue;
    }
    ORBITMQ_CHECK(next < arguments.size(), "a format has more conversions than arguments");
    AppendPadded(conversion, arguments[next++], out);
  }
  return out;
}

std::string JavaFixed(double value, int digits) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  char buffer[512];
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), std::fabs(value), std::chars_format::fixed);
  std::string text(buffer, end.ptr);
  size_t point = text.find('.');
  if (point == std::string::npos) {
    point = text.size();
    text += '.';
  }
  const size_t wanted = point + 1 + static_cast<size_t>(digits);
  const bool up = text.size() > wanted && text[wanted] >= '5';
  text.resize(wanted, '0');
  for (size_t at = wanted; up && at-- > 0;) {
    if (text[at] == '.') continue;
    if (text[at] != '9') {
      ++text[at];
      break;
    }
    text[at] = '0';
    if (at == 0) text.insert(0, 1, '1');
  }
  if (digits == 0) text.pop_back();
  return std::signbit(value) ? "-" + text : text;
}

std::string FrontCharacters(std::string_view text, size_t characters_max) {
  size_t characters = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    if (StartsCharacter(text[at]) && characters++ == characters_max) return std::string(text.substr(0, at));
  }
  return std::string(text);
}

std::string HumanSeconds(int64_t epoch_ms) {
  const std::tm local = LocalTime(epoch_ms);
  char text[96];
  std::snprintf(text, sizeof(text), "%04d-%02d-%02d %02d:%02d:%02d", local.tm_year + 1900, local.tm_mon + 1,
                local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec);
  return text;
}

std::string HumanMillis(int64_t epoch_ms) {
  char millis[16];
  std::snprintf(millis, sizeof(millis), ",%03d", static_cast<int>((epoch_ms % 1000 + 1000) % 1000));
  return HumanSeconds(epoch_ms) + millis;
}

Result<int64_t> ParseToolTime(std::string_view text) {
  if (const auto millis = ParseInt<int64_t>(text)) return *millis;
  if (const auto time = ParseTimeText(text, BareTime::kLocal); time.ok()) return *time;
  const std::string copy(text);
  std::tm local{};
  int millis = 0;
  int read = 0;
  const int fields =
      std::sscanf(copy.c_str(), "%4d-%2d-%2d#%2d:%2d:%2d:%3d%n", &local.tm_year, &local.tm_mon,
                  &local.tm_mday, &local.tm_hour, &local.tm_min, &local.tm_sec, &millis, &read);
  const bool sound = fields == 7 && static_cast<size_t>(read) == text.size() && local.tm_mon >= 1 &&
                     local.tm_mon <= 12 && local.tm_mday >= 1 && local.tm_mday <= 31 && local.tm_hour < 24 &&
                     local.tm_min < 60 && local.tm_sec < 60;
  if (!sound) {
    return Status(
        StatusCode::kInvalidArgument,
        StrCat("'", Printable(text), "' is no time; give milliseconds since 1970, or local time as ",
               "2026-01-31, 2026-01-31 13:45, 2026-01-31T13:45:10 or, as Java's tools, ",
               "2026-01-31#13:45:10:000, or with a zone as 2026-01-31T13:45:10+02:00"));
  }
  local.tm_year -= 1900;
  local.tm_mon -= 1;
  local.tm_isdst = -1;
  return static_cast<int64_t>(std::mktime(&local)) * 1000 + millis;
}

}  // namespace orbitmq::tools
