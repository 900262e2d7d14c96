// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/strings.h"
#include "tools/mqadmin/java_format.h"

namespace orbitmq::tools {

// "1 message", "2 messages"; `noun` in the singular, with an 's' in the plural.
inline std::string Counted(int64_t count, std::string_view noun) {
  return StrCat(count, " ", noun, count == 1 ? "" : "s");
}

// "512 bytes", and with a larger unit where that is shorter: "89562100 bytes (85.4 MiB)".
inline std::string CountedBytes(int64_t bytes) {
  constexpr std::string_view kUnits[] = {"KiB", "MiB", "GiB", "TiB"};
  std::string text = Counted(bytes, "byte");
  double amount = static_cast<double>(bytes) / 1024;
  if (amount < 10) return text;
  size_t unit = 0;
  for (; amount >= 1024 && unit + 1 < std::size(kUnits); ++unit) amount /= 1024;
  return StrCat(text, " (", JavaFixed(amount, 1), " ", kUnits[unit], ")");
}

}  // namespace orbitmq::tools
