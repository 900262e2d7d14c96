// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "orbitmq/result.h"

namespace orbitmq::proto {

enum class JsonKind : uint8_t { kMissing, kNull, kFalse, kTrue, kNumber, kString, kArray, kObject };

class JsonDocument;

// A value inside a JsonDocument; cheap to copy, valid as long as the document and the text that it came from.
// Looking into what is not there yields a missing value, so that chains need no checks.
class JsonRef final {
 public:
  JsonRef() noexcept = default;

  // Null and {"$ref":..} count as missing.
  bool missing() const noexcept;
  JsonKind kind() const noexcept;
  bool is_object() const noexcept { return kind() == JsonKind::kObject; }
  bool is_array() const noexcept { return kind() == JsonKind::kArray; }

  // The last member of that name; missing if there is none or this is no object.
  JsonRef operator[](std::string_view name) const;
  // Members of an object or elements of an array.
  size_t size() const noexcept;

  // A string's or number's text, "true" or "false"; nullopt for everything else.
  std::optional<std::string_view> Text() const;
  // Of a number or a string that holds one; nullopt if it does not fit or is none; 1.0 and 1e3 are integers.
  std::optional<int64_t> Int64() const;
  std::optional<double> Double() const;
  // true/false, the same as a string, or a number (0 is false).
  std::optional<bool> Bool() const;

  class Iterator;
  class Elements;
  class MemberIterator;
  class Members;
  struct Member;
  // Of an array; empty for anything else. A single value where Java sends a list is not promoted.
  Elements elements() const;
  // Of an object; empty for anything else. Keys are values too: object-keyed maps have object keys.
  Members members() const;

 private:
  friend class JsonDocument;
  JsonRef(const JsonDocument* document, uint32_t at) : document_(document), at_(at) {}
  JsonRef Next() const;  // The value behind this one and all it holds.
  const JsonDocument* document_ = nullptr;
  uint32_t at_ = 0;
};

// A parsed JSON text of an admin or metadata body (not for message headers: those need no document).
// Reads what fastjson writes beyond JSON: map keys that are bare numbers or words, or whole objects
// ({{"brokerName":"b",..}:7}); white space, a trailing comma and single quotes are taken as well.
// Bounds: limits::kJsonDepthMax and limits::kJsonValuesMax (32 bytes of memory per value).
class JsonDocument final {
 public:
  // kCorrupt names the byte position and what was expected there; kResourceExhausted names the bound.
  // Views point into `text` wherever a string has no escapes.
  static Result<JsonDocument> Parse(std::string_view text);

  JsonDocument(JsonDocument&&) noexcept;
  JsonDocument& operator=(JsonDocument&&) noexcept;
  ~JsonDocument();

  // Valid until the document is moved or destroyed.
  JsonRef root() const { return JsonRef(this, 0); }

 private:
  friend class JsonRef;
  friend class JsonParser;
  friend class JsonRef::Iterator;
  friend class JsonRef::MemberIterator;
  struct Node {
    std::string_view text;
    uint32_t next = 0;   // The index behind this value and all it holds.
    uint32_t count = 0;  // Elements, or members (two nodes each).
    JsonKind kind = JsonKind::kNull;
  };
  JsonDocument();
  std::vector<Node> nodes_;
  std::unique_ptr<char[]> unescaped_;  // As long as the text, once a string with an escape came.
};

class JsonRef::Iterator final {
 public:
  Iterator() noexcept = default;
  Iterator(JsonRef at, size_t left) : at_(at), left_(left) {}
  JsonRef operator*() const { return at_; }
  Iterator& operator++();
  friend bool operator==(const Iterator& a, const Iterator& b) { return a.left_ == b.left_; }

 private:
  JsonRef at_;
  size_t left_ = 0;  // Elements from here on; 0 = the end.
};

class JsonRef::Elements final {
 public:
  explicit Elements(Iterator begin) : begin_(begin) {}
  Iterator begin() const { return begin_; }
  Iterator end() const { return {}; }

 private:
  Iterator begin_;
};

struct JsonRef::Member {
  JsonRef key;
  JsonRef value;
};

class JsonRef::MemberIterator final {
 public:
  MemberIterator() noexcept = default;
  MemberIterator(JsonRef key, size_t left) : key_(key), left_(left) {}
  Member operator*() const;
  MemberIterator& operator++();
  friend bool operator==(const MemberIterator& a, const MemberIterator& b) { return a.left_ == b.left_; }

 private:
  JsonRef key_;
  size_t left_ = 0;
};

class JsonRef::Members final {
 public:
  explicit Members(MemberIterator begin) : begin_(begin) {}
  MemberIterator begin() const { return begin_; }
  MemberIterator end() const { return {}; }

 private:
  MemberIterator begin_;
};

// Writes JSON text piece by piece. Commas, indentation and escaping are its business, balance is the caller's
// (checked: ORBITMQ_CHECK in Take).
class JsonWriter final {
 public:
  enum class Layout : uint8_t { kCompact, kPretty /* tabs, as Apache's config files */ };
  enum class NonAscii : uint8_t { kRaw, kEscaped /* \uXXXX */ };
  struct Options {
    Layout layout = Layout::kCompact;
    NonAscii non_ascii = NonAscii::kRaw;
  };
  JsonWriter() : JsonWriter(Options()) {}
  explicit JsonWriter(Options options) : options_(options) {}

  void BeginObject() { Open('{'); }
  void EndObject() { Close('}'); }
  void BeginArray() { Open('['); }
  void EndArray() { Close(']'); }

  // A quoted key, or a bare one (numbers), of the member whose value follows.
  void Key(std::string_view name);
  void BareKey(int64_t key);
  // Between the two a whole object is written: it is the key ({{..}:value}).
  void BeginObjectKey();
  void EndObjectKey();

  void String(std::string_view text);
  void Int(int64_t value);
  void Bool(bool value);
  // As Java's Double.toString: 0.0, 12.5, 1.23456789E7; NaN and infinities are null.
  void Double(double value);
  void Null();
  // Appends JSON that is finished already.
  void Raw(std::string_view json);

  // The text; the writer is spent.
  std::string Take();

 private:
  void Open(char bracket);
  void Close(char bracket);
  void BeforeValue();
  void BeforeKey();
  void NewLine();
  Options options_;
  std::string out_;
  std::vector<bool> has_items_;  // One per open bracket.
  bool after_key_ = false;
};

// Appends `text` as a quoted JSON string; what JsonWriter and the header codec share.
void AppendJsonString(std::string_view text, JsonWriter::NonAscii non_ascii, std::string& out);

// Java's Double.toString.
std::string FormatJavaDouble(double value);

}  // namespace orbitmq::proto
