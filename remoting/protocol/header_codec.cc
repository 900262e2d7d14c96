// SPDX-License-Identifier: Apache-2.0
#include "remoting/protocol/header_codec.h"

#include <charconv>

#include "common/strings.h"

namespace orbitmq::proto::header_detail {
namespace {

template <class T>
std::optional<T> ParseDecimal(std::string_view text) {
  // Java's parseInt takes a leading '+', ParseInt does not.
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  return ParseInt<T>(text);
}

}  // namespace

std::optional<int32_t> ParseInt32(std::string_view text) { return ParseDecimal<int32_t>(text); }
std::optional<int64_t> ParseInt64(std::string_view text) { return ParseDecimal<int64_t>(text); }

bool ParseBool(std::string_view text) { return EqualsIgnoreCase(text, "true"); }

Status MissingField(std::string_view name) {
  return {StatusCode::kInvalidArgument, StrCat("header field '", name, "' is missing")};
}

Status BadField(std::string_view name, std::string_view text, std::string_view expected) {
  return {StatusCode::kInvalidArgument,
          StrCat("header field '", name, "' is '", Printable(text, 64), "', not ", expected)};
}

NumberText::NumberText(int64_t value)
    : size_(static_cast<size_t>(std::to_chars(text_, text_ + sizeof(text_), value).ptr - text_)) {}

}  // namespace orbitmq::proto::header_detail
