// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "remoting/protocol/enum_names.h"
#include "remoting/protocol/field_table.h"

namespace orbitmq::proto {

// What 5.x peers may add to most requests; all of it may be ignored (Apache's RpcRequestHeader and
// TopicRequestHeader). `Text` is std::string, or std::string_view in the views of the hot headers. As
// everywhere in typed headers an absent string is empty.
template <class Text>
struct BasicRpcRequestHeader {
  Text ns{};                   // Namespace.
  std::optional<bool> nsd{};   // Topic and group carry their namespace already.
  Text bname{};                // The broker meant.
  std::optional<bool> oway{};  // A one-way hint.
  ORBITMQ_FIELDS(BasicRpcRequestHeader, ORBITMQ_OPTIONAL(ns), ORBITMQ_OPTIONAL(nsd),
                 ORBITMQ_OPTIONAL_V2(bname, 'n'), ORBITMQ_OPTIONAL(oway))
};

template <class Text>
struct BasicTopicRequestHeader {
  Text ns{};
  std::optional<bool> nsd{};
  Text bname{};
  std::optional<bool> oway{};
  std::optional<bool> lo{};  // false = a physical queue id of a static topic.
  ORBITMQ_FIELDS(BasicTopicRequestHeader, ORBITMQ_OPTIONAL(ns), ORBITMQ_OPTIONAL(nsd),
                 ORBITMQ_OPTIONAL_V2(bname, 'n'), ORBITMQ_OPTIONAL(oway), ORBITMQ_OPTIONAL(lo))
};

using RpcRequestHeader = BasicRpcRequestHeader<std::string>;
using TopicRequestHeader = BasicTopicRequestHeader<std::string>;

// Which message a search by time answers with when several carry the same store time.
enum class BoundaryType : uint8_t { kLower, kUpper };
template <>
struct EnumNames<BoundaryType> {
  static constexpr std::pair<BoundaryType, std::string_view> kNames[] = {
      {BoundaryType::kLower, "LOWER"},
      {BoundaryType::kUpper, "UPPER"},
  };
};

}  // namespace orbitmq::proto
