// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace orbitmq::proto {

// The wire names of an enum: specialise with `static constexpr std::pair<E, std::string_view> kNames[]`, in
// Java's ordinal order, because some peers send the ordinal (the C++ client in heartbeats).
template <class E>
struct EnumNames;

template <class E>
concept NamedEnum = requires {
  EnumNames<E>::kNames;
};

template <NamedEnum E>
constexpr std::string_view EnumName(E value) {
  for (const auto& [known, name] : EnumNames<E>::kNames) {
    if (known == value) return name;
  }
  return {};
}

// nullopt for a name that we do not know.
template <NamedEnum E>
constexpr std::optional<E> EnumFromName(std::string_view text) {
  for (const auto& [known, name] : EnumNames<E>::kNames) {
    if (name == text) return known;
  }
  return std::nullopt;
}

template <NamedEnum E>
constexpr std::optional<E> EnumFromOrdinal(int64_t ordinal) {
  int64_t at = 0;
  for (const auto& [known, name] : EnumNames<E>::kNames) {
    if (at++ == ordinal) return known;
  }
  return std::nullopt;
}

}  // namespace orbitmq::proto
