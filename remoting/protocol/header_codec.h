// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "orbitmq/result.h"
#include "remoting/protocol/command.h"
#include "remoting/protocol/command_codec.h"
#include "remoting/protocol/enum_names.h"
#include "remoting/protocol/field_table.h"

namespace orbitmq::proto {

// Which wire names: the long ones everywhere but in the V2 send header.
enum class NameForm : uint8_t { kLong, kShort };

namespace header_detail {

template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};

// Plain decimal with an optional sign, as Java's parseInt and parseLong take it.
std::optional<int32_t> ParseInt32(std::string_view text);
std::optional<int64_t> ParseInt64(std::string_view text);
// Java's parseBoolean: "true" in any case is true, everything else is false.
bool ParseBool(std::string_view text);

Status MissingField(std::string_view name);
Status BadField(std::string_view name, std::string_view text, std::string_view expected);

// The text form of a number, on the stack.
class NumberText final {
 public:
  explicit NumberText(int64_t value);
  std::string_view view() const { return {text_, size_}; }

 private:
  char text_[24];
  size_t size_;
};

// What one walk over a header's fields knows; every key is asked for once.
struct ExtWalk {
  size_t next = 0;   // Where the next key may be: behind the last one that was found.
  size_t found = 0;  // When all are found, no other key can be there.
};

inline std::optional<std::string_view> FindExt(const CommandView& view, std::string_view key, ExtWalk& walk) {
  if (walk.found == view.ext.size()) return std::nullopt;
  const size_t at = view.Find(key, walk.next);
  if (at == view.ext.size()) return std::nullopt;
  walk.next = at + 1;
  ++walk.found;
  return view.ext[at].second;
}
inline std::optional<std::string_view> FindExt(const ExtFields& ext, std::string_view key, ExtWalk&) {
  const std::string* value = ext.Find(key);
  if (value == nullptr) return std::nullopt;
  return *value;
}
inline std::optional<std::string_view> FindExt(const Command& command, std::string_view key, ExtWalk& walk) {
  return FindExt(command.ext, key, walk);
}

// Returns the value, or nullopt after it has set `failure`.
template <class T>
std::optional<T> ParseValue(std::string_view name, std::string_view text, Status& failure) {
  if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, std::string_view>) {
    return T(text);
  } else if constexpr (std::is_same_v<T, bool>) {
    return ParseBool(text);
  } else if constexpr (std::is_same_v<T, int32_t>) {
    auto value = ParseInt32(text);
    if (!value) failure = BadField(name, text, "a decimal number of 32 bits");
    return value;
  } else {
    static_assert(std::is_same_v<T, int64_t>, "a header field is a string, bool, int32, int64 or named enum");
    auto value = ParseInt64(text);
    if (!value) failure = BadField(name, text, "a decimal number of 64 bits");
    return value;
  }
}

template <class Entry>
std::string_view WireName(const Entry& entry, NameForm form) {
  if (form == NameForm::kShort && entry.short_name != 0) return {&entry.short_name, 1};
  return entry.name.view();
}

template <class Sink, class Value>
void WriteValue(Sink& sink, std::string_view name, Presence presence, const Value& value) {
  if constexpr (IsOptional<Value>::value) {
    if (value) WriteValue(sink, name, Presence::kRequired, *value);
  } else if constexpr (std::is_same_v<Value, std::string> || std::is_same_v<Value, std::string_view>) {
    if (presence == Presence::kRequired || !value.empty()) sink.Field(name, value);
  } else if constexpr (std::is_same_v<Value, bool>) {
    sink.Field(name, value ? "true" : "false");
  } else if constexpr (NamedEnum<Value>) {
    sink.Field(name, EnumName(value));
  } else {
    sink.Field(name, NumberText(value).view());
  }
}

// Sets one member from its text; OK or what is wrong with it.
template <class Entry, class Member>
Status ReadValue(const Entry& entry, Member& member, std::string_view name,
                 std::optional<std::string_view> text) {
  if (!text) return entry.presence == Presence::kRequired ? MissingField(name) : Status();
  if constexpr (IsOptional<Member>::value) {
    using Inner = typename Member::value_type;
    // An empty text of a nullable number stands for null, as in binary headers.
    if (!std::is_same_v<Inner, std::string> && text->empty()) return {};
    Status failure;
    member = ParseValue<Inner>(name, *text, failure);
    return failure;
  } else if constexpr (NamedEnum<Member>) {
    member = EnumFromName<Member>(*text).value_or(member);
    return {};
  } else {
    Status failure;
    auto value = ParseValue<Member>(name, *text, failure);
    if (value) member = *std::move(value);
    return failure;
  }
}

struct ExtFieldsSink {
  ExtFields& ext;
  void Field(std::string_view name, std::string_view value) { ext.Set(name, std::string(value)); }
};

}  // namespace header_detail

// Reads typed header H from the extFields of `source` (a CommandView, a Command or ExtFields). Unknown keys
// are ignored. kInvalidArgument names the field that is missing, or is not what it must be; its text is fit
// to be the remark of the error reply. Headers with string_view members point into the source.
template <class H, class Source>
Result<H> DecodeHeader(const Source& source, NameForm form = NameForm::kLong) {
  H header;
  Status failure;
  header_detail::ExtWalk walk;
  ForEachField(header, [&](const auto& entry, auto& member) {
    const std::string_view name = header_detail::WireName(entry, form);
    failure = header_detail::ReadValue(entry, member, name, header_detail::FindExt(source, name, walk));
    return failure.ok();
  });
  if (!failure.ok()) return failure;
  return header;
}

// Adds the fields of `header` to `ext`: required ones always, optional strings unless empty, optional numbers
// unless nullopt.
template <class H>
void EncodeHeader(const H& header, ExtFields& ext, NameForm form = NameForm::kLong) {
  header_detail::ExtFieldsSink sink{ext};
  ForEachField(header, [&](const auto& entry, const auto& member) {
    header_detail::WriteValue(sink, header_detail::WireName(entry, form), entry.presence, member);
    return true;
  });
}

// EncodeFrameHead with a typed header instead of ExtFields in between; command.ext is written behind it.
template <class H>
Result<std::string> EncodeFrameHead(const Command& command, const H& header, SerializeType serialize,
                                    NameForm form = NameForm::kLong) {
  FrameHeadWriter writer(command, serialize);
  ForEachField(header, [&](const auto& entry, const auto& member) {
    header_detail::WriteValue(writer, header_detail::WireName(entry, form), entry.presence, member);
    return true;
  });
  writer.Fields(command.ext);
  return writer.Finish();
}

// A request with its code and typed header set.
template <class H>
Command MakeRequest(int32_t code, const H& header, NameForm form = NameForm::kLong) {
  Command command;
  command.code = code;
  EncodeHeader(header, command.ext, form);
  return command;
}

}  // namespace orbitmq::proto
