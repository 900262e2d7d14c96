// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "orbitmq/status.h"

namespace orbitmq::client {

// One numeric option of an application with what it may be.
struct OptionRange {
  std::string_view name;  // With its unit, if it has one: "send_timeout (ms)".
  int64_t value = 0;
  int64_t least = 0;
  int64_t most = 0;
};

// kInvalidArgument names the first option out of its range as "<owner>::<name> is <value>; it must be a..b".
Status CheckRanges(std::string_view owner, std::initializer_list<OptionRange> options);

}  // namespace orbitmq::client
