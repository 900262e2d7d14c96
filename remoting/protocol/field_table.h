// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

namespace orbitmq::proto {

// A wire name made at compile time, so that a table entry needs the C++ member only.
class FieldName final {
 public:
  // Keeps the text as it is.
  static consteval FieldName Exact(std::string_view text) {
    FieldName name;
    for (char c : text) name.Push(c);
    return name;
  }
  // "queue_id" becomes "queueId", as the Java classes spell their fields.
  static consteval FieldName FromMember(std::string_view member) {
    FieldName name;
    bool upper = false;
    for (char c : member) {
      if (c == '_') {
        upper = true;
        continue;
      }
      name.Push(upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
      upper = false;
    }
    return name;
  }
  constexpr std::string_view view() const { return {text_.data(), size_}; }

 private:
  constexpr void Push(char c) { text_[size_++] = c; }
  std::array<char, 40> text_{};
  size_t size_ = 0;
};

// What a decoder does when the field is absent or null: fail, or keep the member's default.
enum class Presence : uint8_t { kRequired, kOptional };

// One line of the table of a header or JSON bean: the wire name and the member that holds the value.
template <class Owner, class Member>
struct Field {
  using Value = Member;
  FieldName name;
  Member Owner::*member;
  Presence presence;
  char short_name = 0;  // The one-letter key of the V2 send header; 0 = none.
};

// Fields of a member struct that stand beside the owner's own ones (Java's inherited fields).
template <class Owner, class Member>
struct Inherited {
  Member Owner::*member;
};

// The entries of one table. No std::tuple: its constructors cost the compiler more than all the rest of a
// table, and there are two hundred tables.
template <size_t Index, class Entry>
struct FieldSlot {
  Entry entry;
};
template <class Indexes, class... Entries>
struct FieldList;
template <size_t... Index, class... Entries>
struct FieldList<std::index_sequence<Index...>, Entries...> : FieldSlot<Index, Entries>... {
  // Calls visit(entry) in order until one returns false; whether none did.
  template <class Visit>
  constexpr bool Each([[maybe_unused]] Visit& visit) const {
    return (visit(static_cast<const FieldSlot<Index, Entries>&>(*this).entry) && ...);
  }
};
template <class... Entries>
constexpr auto MakeFields(const Entries&... entries) {
  return FieldList<std::index_sequence_for<Entries...>, Entries...>{{entries}...};
}

// For structs of other modules: specialise with `static constexpr auto Fields()`.
template <class T>
struct ForeignFields;

template <class T>
concept OwnFieldTable = requires {
  T::Fields();
};
template <class T>
concept HasFieldTable = OwnFieldTable<T> || requires {
  ForeignFields<T>::Fields();
};

template <class T>
constexpr auto MakeFieldTable() {
  if constexpr (OwnFieldTable<T>) {
    return T::Fields();
  } else {
    return ForeignFields<T>::Fields();
  }
}
template <HasFieldTable T>
inline constexpr auto kFieldTable = MakeFieldTable<T>();

// Calls fn(const Field<...>&, object) for every field, inherited ones included, in table order; stops and
// returns false as soon as fn returns false. Object is T or const T.
template <class Object, class Fn>
constexpr bool ForEachField(Object& object, Fn&& fn) {
  using Owner = std::remove_const_t<Object>;
  auto visit = [&object, &fn]<class Entry>(const Entry& entry) -> bool {
    if constexpr (requires { entry.presence; }) {
      return fn(entry, object.*(entry.member));
    } else {
      return ForEachField(object.*(entry.member), fn);
    }
  };
  return kFieldTable<Owner>.Each(visit);
}

template <class Owner, class Member>
constexpr Field<Owner, Member> MakeField(FieldName name, Member Owner::*member, Presence presence,
                                         char short_name = 0) {
  return {name, member, presence, short_name};
}

}  // namespace orbitmq::proto

// The table of struct `type`, as its last member:
//   struct GetKVConfigRequestHeader {
//     std::string ns;
//     std::string key;
//     ORBITMQ_FIELDS(GetKVConfigRequestHeader, ORBITMQ_REQUIRED_AS(ns, "namespace"), ORBITMQ_REQUIRED(key))
//   };
// JSON beans list their fields in Java's order (alphabetical by wire name), which is the order of writing.
#define ORBITMQ_FIELDS(type, ...)                     \
  static constexpr auto Fields() {                    \
    using Self = type;                                \
    return ::orbitmq::proto::MakeFields(__VA_ARGS__); \
  }                                                   \
  friend bool operator==(const type&, const type&) = default;

#define ORBITMQ_FIELD_(member, text, presence, ...) \
  ::orbitmq::proto::MakeField(text, &Self::member,  \
                              ::orbitmq::proto::Presence::presence __VA_OPT__(, ) __VA_ARGS__)
#define ORBITMQ_EXACT_(text) ::orbitmq::proto::FieldName::Exact(text)
#define ORBITMQ_MEMBER_(member) ::orbitmq::proto::FieldName::FromMember(#member)

// A field that must be there; one that may be absent; both also with a wire name that the member's name does
// not spell (AS) or with the short name of the V2 send header (V2).
#define ORBITMQ_REQUIRED(member) ORBITMQ_FIELD_(member, ORBITMQ_MEMBER_(member), kRequired)
#define ORBITMQ_OPTIONAL(member) ORBITMQ_FIELD_(member, ORBITMQ_MEMBER_(member), kOptional)
#define ORBITMQ_REQUIRED_AS(member, text) ORBITMQ_FIELD_(member, ORBITMQ_EXACT_(text), kRequired)
#define ORBITMQ_OPTIONAL_AS(member, text) ORBITMQ_FIELD_(member, ORBITMQ_EXACT_(text), kOptional)
#define ORBITMQ_REQUIRED_V2(member, letter) ORBITMQ_FIELD_(member, ORBITMQ_MEMBER_(member), kRequired, letter)
#define ORBITMQ_OPTIONAL_V2(member, letter) ORBITMQ_FIELD_(member, ORBITMQ_MEMBER_(member), kOptional, letter)
#define ORBITMQ_INHERITED(member) \
  ::orbitmq::proto::Inherited<Self, decltype(Self::member)> { &Self::member }
