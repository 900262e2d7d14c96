// SPDX-License-Identifier: Apache-2.0
#include "client/option_ranges.h"

#include "common/strings.h"

namespace orbitmq::client {

Status CheckRanges(std::string_view owner, std::initializer_list<OptionRange> options) {
  for (const OptionRange& option : options) {
    if (option.value >= option.least && option.value <= option.most) continue;
    return {StatusCode::kInvalidArgument, StrCat(owner, "::", option.name, " is ", option.value,
                                                 "; it must be ", option.least, "..", option.most)};
  }
  return {};
}

}  // namespace orbitmq::client
