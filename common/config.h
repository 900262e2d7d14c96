// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "orbitmq/result.h"
#include "orbitmq/time.h"

namespace orbitmq {

// Option tables: each process describes its options once, bound to the members of a plain struct, and gets
// from it parsing with errors that name file, line, key and range, rendering (GET_BROKER_CONFIG) and
// docs/CONFIG.md. The defaults are the member initialisers of the struct.
//
//   struct BrokerOptions { int32_t listen_port = 10911; std::string broker_name; FlushType flush = ...; };
//   inline constexpr std::string_view kFlushTypes[] = {"ASYNC_FLUSH", "SYNC_FLUSH"};  // In enumerator order.
//   const OptionTable<BrokerOptions>& BrokerOptionTable() {
//     static const OptionTable<BrokerOptions> table({
//         IntOption<&BrokerOptions::listen_port>("listenPort", {0, 65535}, Reload::kNo, "The port ..."),
//         TextOption<&BrokerOptions::broker_name>("brokerName", Reload::kNo, "Default: the host name."),
//         ChoiceOption<&BrokerOptions::flush>("flushDiskType", kFlushTypes, Reload::kNo, "When ..."),
//     }, kIgnoredKeys);
//     return table;
//   }
//   ConfigReport report = ApplyConfig({BrokerOptionTable().Bind(broker), StoreOptionTable().Bind(store)},
//                                     entries, ApplyMode::kStart);
//
// Several tables may share one file (as Apache's broker does); a key that stands in two sets both.

enum class OptionType : uint8_t { kBool, kInt32, kInt64, kMillis, kDouble, kText, kChoice };
enum class Reload : uint8_t { kNo /* read at start only */, kYes /* may change while running */ };

using OptionValue = std::variant<bool, int64_t, double, std::string>;  // kChoice is its index.

// One row of a table. Made by the functions below.
struct OptionSpec {
  std::string_view name;
  OptionType type = OptionType::kText;
  Reload reload = Reload::kNo;
  std::string_view doc;  // One sentence; the unit if there is one.
  int64_t low = std::numeric_limits<int64_t>::min();
  int64_t high = std::numeric_limits<int64_t>::max();
  double low_double = 0;
  double high_double = 0;
  std::span<const std::string_view> choices;
  OptionValue (*get)(const void* object) = nullptr;
  void (*set)(void* object, OptionValue value) = nullptr;
};

template <class S>
struct OptionOf {
  OptionSpec spec;
};

namespace config_internal {
template <class M>
struct MemberOf;
template <class S, class V>
struct MemberOf<V S::*> {
  using Struct = S;
  using Value = V;
};
template <auto kMember>
using StructOf = typename MemberOf<decltype(kMember)>::Struct;
template <auto kMember>
using ValueOf = typename MemberOf<decltype(kMember)>::Value;

// The variant alternative that carries a member of type V, and the ways between.
template <class V>
OptionValue ToOption(const V& value) {
  if constexpr (std::is_same_v<V, Millis>) {
    return static_cast<int64_t>(value.count());
  } else if constexpr (std::is_enum_v<V> || (std::is_integral_v<V> && !std::is_same_v<V, bool>)) {
    return static_cast<int64_t>(value);
  } else {
    return value;
  }
}
template <class V>
void FromOption(OptionValue&& from, V& to) {
  if constexpr (std::is_same_v<V, Millis>) {
    to = Millis(std::get<int64_t>(from));
  } else if constexpr (std::is_enum_v<V> || (std::is_integral_v<V> && !std::is_same_v<V, bool>)) {
    to = static_cast<V>(std::get<int64_t>(from));
  } else {
    to = std::get<V>(std::move(from));
  }
}

template <auto kMember>
OptionOf<StructOf<kMember>> Make(std::string_view name, OptionType type, Reload reload,
                                 std::string_view doc) {
  using S = StructOf<kMember>;
  using V = ValueOf<kMember>;
  OptionSpec spec;
  spec.name = name;
  spec.type = type;
  spec.reload = reload;
  spec.doc = doc;
  spec.get = [](const void* object) { return ToOption<V>(static_cast<const S*>(object)->*kMember); };
  spec.set = [](void* object, OptionValue value) {
    FromOption<V>(std::move(value), static_cast<S*>(object)->*kMember);
  };
  return {spec};
}
}  // namespace config_internal

struct IntRange {
  int64_t low = std::numeric_limits<int64_t>::min();
  int64_t high = std::numeric_limits<int64_t>::max();
};
struct DoubleRange {
  double low = 0;
  double high = 0;
};

// A bool: "true" or "false", any case.
template <auto kMember>
auto BoolOption(std::string_view name, Reload reload, std::string_view doc) {
  static_assert(std::is_same_v<config_internal::ValueOf<kMember>, bool>);
  return config_internal::Make<kMember>(name, OptionType::kBool, reload, doc);
}
// An int32_t or int64_t; the range is inclusive and is cut to that of the type.
template <auto kMember>
auto IntOption(std::string_view name, IntRange range, Reload reload, std::string_view doc) {
  using V = config_internal::ValueOf<kMember>;
  static_assert(std::is_same_v<V, int32_t> || std::is_same_v<V, int64_t>);
  const bool narrow = std::is_same_v<V, int32_t>;
  auto option =
      config_internal::Make<kMember>(name, narrow ? OptionType::kInt32 : OptionType::kInt64, reload, doc);
  option.spec.low = std::max<int64_t>(range.low, std::numeric_limits<V>::min());
  option.spec.high = std::min<int64_t>(range.high, std::numeric_limits<V>::max());
  return option;
}
// A Millis, written as a plain number of milliseconds (Apache's way).
template <auto kMember>
auto MillisOption(std::string_view name, IntRange range, Reload reload, std::string_view doc) {
  static_assert(std::is_same_v<config_internal::ValueOf<kMember>, Millis>);
  auto option = config_internal::Make<kMember>(name, OptionType::kMillis, reload, doc);
  option.spec.low = range.low;
  option.spec.high = range.high;
  return option;
}
template <auto kMember>
auto DoubleOption(std::string_view name, DoubleRange range, Reload reload, std::string_view doc) {
  static_assert(std::is_same_v<config_internal::ValueOf<kMember>, double>);
  auto option = config_internal::Make<kMember>(name, OptionType::kDouble, reload, doc);
  option.spec.low_double = range.low;
  option.spec.high_double = range.high;
  return option;
}
template <auto kMember>
auto TextOption(std::string_view name, Reload reload, std::string_view doc) {
  static_assert(std::is_same_v<config_internal::ValueOf<kMember>, std::string>);
  return config_internal::Make<kMember>(name, OptionType::kText, reload, doc);
}
// An enum whose enumerators count from 0; `choices` are their names in that order and live for ever.
template <auto kMember>
auto ChoiceOption(std::string_view name, std::span<const std::string_view> choices, Reload reload,
                  std::string_view doc) {
  static_assert(std::is_enum_v<config_internal::ValueOf<kMember>>);
  auto option = config_internal::Make<kMember>(name, OptionType::kChoice, reload, doc);
  option.spec.choices = choices;
  return option;
}

// A key of Apache that asks for something which is not here, and without which it is not safe to go on:
// access control, another way of replication. Any other value than `harmless` is an error.
struct RefusedKey {
  std::string_view key;
  std::string_view harmless;  // Apache's default.
  std::string_view why;       // What is not here, and what to do: "there is no ...: ...".
};

// The rows of one table, and the keys of Apache that it accepts without effect.
struct OptionRows {
  std::vector<OptionSpec> options;
  std::vector<std::string_view> ignored;
  std::vector<RefusedKey> refused;
};

// A table and the object it reads from or writes to.
struct OptionBinding {
  const OptionRows* rows = nullptr;
  void* object = nullptr;
};

// Immutable after construction; make one static instance per struct.
template <class S>
class OptionTable final {
 public:
  // Names must be unique: two equal ones are a programmer error.
  explicit OptionTable(std::vector<OptionOf<S>> options, std::span<const std::string_view> ignored = {},
                       std::span<const RefusedKey> refused = {}) {
    for (OptionOf<S>& option : options) rows_.options.push_back(option.spec);
    rows_.ignored.assign(ignored.begin(), ignored.end());
    rows_.refused.assign(refused.begin(), refused.end());
  }
  OptionBinding Bind(S& object) const { return {&rows_, &object}; }
  const OptionRows& rows() const noexcept { return rows_; }

 private:
  OptionRows rows_;
};

// One key=value with where it came from, for messages: "broker.conf:12" or "--set".
struct ConfigEntry {
  std::string key;
  std::string value;
  std::string origin;
};

// Reads a Java .properties text: '#' and '!' comments, '=', ':' or blank after the key, backslash escapes
// (\uXXXX becomes UTF-8), lines continued by a backslash. Unlike Java it takes the bytes as UTF-8 and drops
// blanks at the end of a value. kInvalidArgument ("file:line: ...") for a bad \u escape, an empty key, and
// for what is no text: control characters anywhere, or a key or value that is no UTF-8.
Result<std::vector<ConfigEntry>> ParseProperties(std::string_view text, std::string_view file_name);

// `text` with what `settings` say: the lines of these keys are replaced, those of no key are appended, and
// everything else, comments too, stays as it is. Later settings win.
std::string EditProperties(std::string_view text, std::span<const ConfigEntry> settings);

// "key=value" as given on a command line. kInvalidArgument without '='.
Result<ConfigEntry> ParseSetting(std::string_view text, std::string_view origin);

struct ConfigReport {
  std::vector<std::string> errors;    // "broker.conf:12: listenPort: 70000 not in range 0..65535"
  std::vector<std::string> warnings;  // Unknown keys with the nearest known name; keys given twice.
  std::vector<std::string> notes;     // Keys of Apache that have no effect here.
  std::vector<std::string> changed;   // Names of the options whose value changed.
  // kInvalidArgument with all errors, or OK.
  Status status() const;
};

enum class ApplyMode : uint8_t {
  kStart,
  kReload,  // A different value for an option that is not reloadable is an error.
};

// Sets what the entries say; later entries win, so put the file before the command line. All or nothing: with
// errors no object is changed.
ConfigReport ApplyConfig(std::span<const OptionBinding> bindings, std::span<const ConfigEntry> entries,
                         ApplyMode mode);
inline ConfigReport ApplyConfig(std::initializer_list<OptionBinding> bindings,
                                std::span<const ConfigEntry> entries, ApplyMode mode) {
  return ApplyConfig(std::span(bindings.begin(), bindings.size()), entries, mode);
}

// The value as it would stand in a file.
std::string RenderOption(const OptionSpec& spec, const void* object);

// "key=value\n", escaped so that ParseProperties and Java read it back.
std::string RenderSetting(std::string_view key, std::string_view value);

// Every option as "key=value\n" in table order, escaped so that ParseProperties and Java read it back.
std::string RenderProperties(std::span<const OptionBinding> bindings);
inline std::string RenderProperties(std::initializer_list<OptionBinding> bindings) {
  return RenderProperties(std::span(bindings.begin(), bindings.size()));
}

// A Markdown section: heading, table of the options with their defaults (those of the bound object, which
// should be default-constructed), and the list of accepted keys without effect.
std::string RenderMarkdown(std::string_view heading, const OptionBinding& binding);

}  // namespace orbitmq
