// SPDX-License-Identifier: Apache-2.0
#pragma once

// Binds structs with field tables to JSON, both ways. For the .cc files of bodies only.

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/strings.h"
#include "remoting/protocol/body_codec.h"
#include "remoting/protocol/enum_names.h"
#include "remoting/protocol/field_table.h"
#include "remoting/protocol/json.h"
#include "remoting/protocol/shared_tables.h"

namespace orbitmq::proto::body_detail {

template <class T>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;
template <class T>
inline constexpr bool kIsList = false;
template <class T>
inline constexpr bool kIsList<std::vector<T>> = true;
template <class T>
inline constexpr bool kIsList<std::set<T>> = true;
template <class T>
inline constexpr bool kIsMap = false;
template <class K, class V>
inline constexpr bool kIsMap<std::map<K, V>> = true;

class BodyWriter final {
 public:
  explicit BodyWriter(JsonStyle style) : style_(style), json_(OptionsOf(style)) {}

  template <class T>
  void Write(const T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      json_.Bool(value);
    } else if constexpr (std::is_integral_v<T>) {
      json_.Int(value);
    } else if constexpr (std::is_same_v<T, double>) {
      json_.Double(value);
    } else if constexpr (NamedEnum<T>) {
      json_.String(EnumName(value));
    } else if constexpr (kIsList<T>) {
      json_.BeginArray();
      for (const auto& element : value) Write(element);
      json_.EndArray();
    } else if constexpr (kIsMap<T>) {
      json_.BeginObject();
      for (const auto& [key, mapped] : value) {
        WriteKey(key);
        Write(mapped);
      }
      json_.EndObject();
    } else if constexpr (HasFieldTable<T>) {
      json_.BeginObject();
      ForEachField(value, [this](const auto& entry, const auto& member) {
        this->WriteMember(entry.name.view(), member);
        return true;
      });
      json_.EndObject();
    } else {
      json_.String(value);
    }
  }
  std::string Take() { return json_.Take(); }

 private:
  static JsonWriter::Options OptionsOf(JsonStyle style) {
    JsonWriter::Options options;
    if (style == JsonStyle::kPretty) options.layout = JsonWriter::Layout::kPretty;
    if (style == JsonStyle::kStandard) options.non_ascii = JsonWriter::NonAscii::kEscaped;
    return options;
  }

  template <class T>
  void WriteMember(std::string_view name, const T& member) {
    if constexpr (kIsOptional<T>) {
      if (member) WriteMember(name, *member);
    } else {
      if constexpr (NamedEnum<T>) {
        if (EnumName(member).empty()) return;  // A value that Java has no name for is null, thus left out.
      }
      json_.Key(name);
      Write(member);
    }
  }

  template <class K>
  void WriteKey(const K& key) {
    if constexpr (std::is_integral_v<K>) {
      if (style_ == JsonStyle::kStandard) {
        json_.Key(std::to_string(key));
      } else {
        json_.BareKey(key);
      }
    } else if constexpr (HasFieldTable<K>) {
      json_.BeginObjectKey();
      Write(key);
      json_.EndObjectKey();
    } else {
      json_.Key(key);
    }
  }

  JsonStyle style_;
  JsonWriter json_;
};

// Reads values; nullopt means that failure() tells what was wrong where.
class BodyReader final {
 public:
  template <class T>
  std::optional<T> Read(JsonRef json) {
    if constexpr (kIsOptional<T>) {
      auto value = Read<typename T::value_type>(json);
      return value ? std::optional<T>(std::move(*value)) : std::nullopt;
    } else if constexpr (std::is_same_v<T, bool>) {
      return OrFail(json.Bool(), "a boolean");
    } else if constexpr (std::is_integral_v<T>) {
      auto value = json.Int64();
      if (!value || !std::in_range<T>(*value)) return Fail<T>(sizeof(T) == 4 ? "an int32" : "an int64");
      return static_cast<T>(*value);
    } else if constexpr (std::is_same_v<T, double>) {
      return OrFail(json.Double(), "a number");
    } else if constexpr (kIsList<T>) {
      return ReadList<T>(json);
    } else if constexpr (kIsMap<T>) {
      return ReadMap<T>(json);
    } else if constexpr (HasFieldTable<T>) {
      return ReadStruct<T>(json);
    } else {
      auto text = json.Text();
      if (!text) return Fail<T>("a string");
      return T(*text);
    }
  }

  Status failure() const {
    const std::string_view where = path_.empty() ? "the body" : std::string_view(path_);
    return {StatusCode::kCorrupt, StrCat(where, ": expected ", expected_)};
  }

 private:
  template <class T>
  std::optional<T> Fail(std::string_view expected) {
    expected_ = expected;
    return std::nullopt;
  }
  template <class T>
  std::optional<T> OrFail(std::optional<T> value, std::string_view expected) {
    if (!value) expected_ = expected;
    return value;
  }
  // Prepends one step of the way to the value that failed.
  void Within(std::string_view step) {
    const bool dotted = !path_.empty() && path_[0] != '[';
    path_ = StrCat(step, dotted ? "." : "", path_);
  }

  template <class T>
  std::optional<T> ReadList(JsonRef json) {
    if (!json.is_array()) return Fail<T>("an array");
    T list;
    size_t at = 0;
    for (JsonRef element : json.elements()) {
      const size_t index = at++;
      if (element.missing()) continue;
      auto value = Read<typename T::value_type>(element);
      if (!value) {
        Within(StrCat("[", index, "]"));
        return std::nullopt;
      }
      list.insert(list.end(), std::move(*value));
    }
    return list;
  }

  template <class T>
  std::optional<T> ReadMap(JsonRef json) {
    using K = typename T::key_type;
    using V = typename T::mapped_type;
    if constexpr (HasFieldTable<K> && std::is_same_v<V, int64_t>) {
      if (json.is_array()) return ReadPairs<T>(json);
    }
    if (!json.is_object()) return Fail<T>("an object");
    T map;
    for (const JsonRef::Member member : json.members()) {
      if (member.value.missing()) continue;
      auto key = ReadKey<K>(member.key);
      if (!key) return std::nullopt;
      auto value = Read<V>(member.value);
      if (!value) {
        Within(Printable(member.key.Text().value_or("{key}"), 64));
        return std::nullopt;
      }
      map.insert_or_assign(std::move(*key), std::move(*value));
    }
    return map;
  }

  // A bean as a key comes as an object, or (fastjson 1 takes that) as a string that holds one.
  template <class K>
  std::optional<K> ReadKey(JsonRef key) {
    if constexpr (HasFieldTable<K>) {
      if (key.kind() == JsonKind::kString) {
        const Result<JsonDocument> inner = JsonDocument::Parse(*key.Text());
        if (!inner.ok()) return Fail<K>("an object as map key");
        return Read<K>(inner->root());
      }
    }
    return Read<K>(key);
  }

  // What C++ peers get instead of an object-keyed map, [{..,"offset":1}], and what Go peers read, [[{..},1]].
  template <class T>
  std::optional<T> ReadPairs(JsonRef json) {
    T map;
    for (JsonRef element : json.elements()) {
      JsonRef key = element;
      JsonRef value = element["offset"];
      if (element.is_array() && element.size() == 2) {
        auto at = element.elements().begin();
        key = *at;
        value = *++at;
      }
      auto parsed_key = Read<typename T::key_type>(key);
      auto parsed_value = Read<int64_t>(value);
      if (!parsed_key || !parsed_value) return Fail<T>("queues with offsets");
      map.insert_or_assign(std::move(*parsed_key), *parsed_value);
    }
    return map;
  }

  template <class T>
  std::optional<T> ReadStruct(JsonRef json) {
    if (!json.is_object()) return Fail<T>("an object");
    T object;
    const bool ok = ForEachField(object, [this, json](const auto& entry, auto& member) {
      if (this->ReadMember(json[entry.name.view()], entry.presence, member)) return true;
      this->Within(entry.name.view());
      return false;
    });
    if (!ok) return std::nullopt;
    return object;
  }

  template <class T>
  bool ReadMember(JsonRef json, Presence presence, T& member) {
    if (json.missing()) {
      if (presence == Presence::kRequired) expected_ = "a value";
      return presence == Presence::kOptional;
    }
    if constexpr (NamedEnum<T>) {
      member = ReadEnum<T>(json).value_or(member);
      return true;
    } else if constexpr (kIsOptional<T>) {
      if constexpr (NamedEnum<typename T::value_type>) {
        member = ReadEnum<typename T::value_type>(json);
        return true;
      } else {
        return Assign(Read<T>(json), member);
      }
    } else {
      return Assign(Read<T>(json), member);
    }
  }
  template <class T>
  static bool Assign(std::optional<T> value, T& member) {
    if (value) member = std::move(*value);
    return value.has_value();
  }

  template <class E>
  static std::optional<E> ReadEnum(JsonRef json) {
    if (const auto ordinal = json.Int64()) return EnumFromOrdinal<E>(*ordinal);
    return EnumFromName<E>(json.Text().value_or(""));
  }

  std::string expected_;
  std::string path_;
};

}  // namespace orbitmq::proto::body_detail

namespace orbitmq::proto {

template <class Body>
std::string EncodeBody(const Body& body, JsonStyle style) {
  body_detail::BodyWriter writer(style);
  writer.Write(body);
  return writer.Take();
}

template <class Body>
Result<Body> DecodeBody(std::string_view json) {
  const Result<JsonDocument> document = JsonDocument::Parse(json);
  if (!document.ok()) return document.status();
  body_detail::BodyReader reader;
  std::optional<Body> body = reader.Read<Body>(document->root());
  if (!body) return reader.failure();
  return *std::move(body);
}

}  // namespace orbitmq::proto

// Makes EncodeBody and DecodeBody of a struct linkable; once, in a .cc file, inside namespace orbitmq::proto.
#define ORBITMQ_BODY_CODEC(Body)                                            \
  template std::string EncodeBody<Body>(const Body& body, JsonStyle style); \
  template Result<Body> DecodeBody<Body>(std::string_view json);
