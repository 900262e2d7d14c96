// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstring>
#include <utility>

#include "common/limits.h"
#include "common/strings.h"
#include "common/utf8.h"
#include "remoting/protocol/json.h"

namespace orbitmq::proto {

// Recursive descent over the text, filling the document's nodes in the order in which values begin.
class JsonParser final {
 public:
  JsonParser(std::string_view text, JsonDocument& document) : text_(text), document_(document) {}

  Status Parse() {
    if (Value()) {
      SkipSpace();
      if (at_ != text_.size()) Expected("the end");
    }
    return failure_;
  }

 private:
  using Node = JsonDocument::Node;

  void SkipSpace() {
    while (at_ < text_.size() && (text_[at_] == ' ' || (text_[at_] >= '\t' && text_[at_] <= '\r'))) ++at_;
  }
  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool Take(char c) {
    SkipSpace();
    if (Peek() != c || at_ == text_.size()) return false;
    ++at_;
    return true;
  }
  bool Expected(std::string_view what) {
    const std::string found =
        at_ >= text_.size() ? "the end" : StrCat("'", Printable(text_.substr(at_, 1)), "'");
    failure_ = Status(StatusCode::kCorrupt,
                      StrCat("bad JSON at byte ", at_, ": expected ", what, ", found ", found));
    return false;
  }
  bool TooMuch(std::string_view what, size_t limit) {
    failure_ = Status(StatusCode::kResourceExhausted, StrCat("JSON has more than ", limit, " ", what));
    return false;
  }

  bool Add(JsonKind kind) {
    if (document_.nodes_.size() >= limits::kJsonValuesMax) return TooMuch("values", limits::kJsonValuesMax);
    Node node;
    node.kind = kind;
    node.next = static_cast<uint32_t>(document_.nodes_.size() + 1);
    document_.nodes_.push_back(node);
    return true;
  }
  Node& Last() { return document_.nodes_.back(); }

  bool Value() {
    SkipSpace();
    switch (Peek()) {
      case '{':
        return Nested(JsonKind::kObject, '}');
      case '[':
        return Nested(JsonKind::kArray, ']');
      case '"':
      case '\'':
        return Text();
      case 't':
        return Word("true", JsonKind::kTrue);
      case 'f':
        return Word("false", JsonKind::kFalse);
      case 'n':
        return Word("null", JsonKind::kNull);
      default:
        return Number();
    }
  }

  bool Word(std::string_view word, JsonKind kind) {
    if (text_.substr(at_, word.size()) != word) return Expected("a value");
    at_ += word.size();
    return Add(kind);
  }

  bool Number() {
    size_t end = at_;
    bool digit = false;
    while (end < text_.size() && std::strchr("0123456789+-.eE", text_[end]) != nullptr &&
           text_[end] != '\0') {
      digit = digit || (text_[end] >= '0' && text_[end] <= '9');
      ++end;
    }
    if (!digit) return Expected("a value");
    if (!Add(JsonKind::kNumber)) return false;
    Last().text = text_.substr(at_, end - at_);
    at_ = end;
    return true;
  }

  // A map key: quoted, a whole object, or a bare number or word.
  bool Key() {
    SkipSpace();
    const char c = Peek();
    if (c == '{' || c == '"' || c == '\'') return Value();
    size_t end = at_;
    while (end < text_.size() && IsKeyCharacter(text_[end])) ++end;
    if (end == at_) return Expected("a key");
    if (!Add(JsonKind::kString)) return false;
    Last().text = text_.substr(at_, end - at_);
    at_ = end;
    return true;
  }
  static bool IsKeyCharacter(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c == '-' || c == '$' || c == '.';
  }

  bool Nested(JsonKind kind, char close) {
    if (depth_ >= limits::kJsonDepthMax) return TooMuch("levels", limits::kJsonDepthMax);
    if (!Add(kind)) return false;
    const size_t self = document_.nodes_.size() - 1;
    ++at_;
    ++depth_;
    uint32_t count = 0;
    while (!Take(close)) {
      if (count > 0 && !Take(',')) return Expected(kind == JsonKind::kObject ? "',' or '}'" : "',' or ']'");
      // What fastjson 1 reads: a comma may stand before the end.
      if (count > 0 && Take(close)) break;
      if (kind == JsonKind::kObject && (!Key() || (!Take(':') && !Expected("':'")))) return false;
      if (!Value()) return false;
      ++count;
    }
    --depth_;
    document_.nodes_[self].count = count;
    document_.nodes_[self].next = static_cast<uint32_t>(document_.nodes_.size());
    if (kind == JsonKind::kObject) DropReference(self);
    return true;
  }

  // {"$ref":"$.a.b"} is how fastjson 1 writes an object for the second time; readers treat it as missing.
  void DropReference(size_t self) {
    auto& nodes = document_.nodes_;
    if (nodes[self].count != 1 || nodes[self + 1].text != "$ref") return;
    nodes.resize(self + 1);
    nodes[self].kind = JsonKind::kMissing;
    nodes[self].count = 0;
    nodes[self].next = static_cast<uint32_t>(self + 1);
  }

  bool Text() {
    const char quote = text_[at_];
    size_t end = at_ + 1;
    while (end < text_.size() && text_[end] != quote && text_[end] != '\\') ++end;
    if (end < text_.size() && text_[end] == '\\') return EscapedText(quote, end);
    if (end == text_.size()) return Unclosed();
    if (!Add(JsonKind::kString)) return false;
    Last().text = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return true;
  }
  bool Unclosed() {
    at_ = text_.size();
    return Expected("the end of a string");
  }

  // No escape is shorter than what it stands for, so the buffer never overflows: it is as long as the text.
  bool EscapedText(char quote, size_t first_escape) {
    if (document_.unescaped_ == nullptr) document_.unescaped_ = std::make_unique<char[]>(text_.size());
    std::string plain(text_.substr(at_ + 1, first_escape - at_ - 1));
    at_ = first_escape;
    while (true) {
      if (at_ >= text_.size()) return Unclosed();
      const char c = text_[at_++];
      if (c == quote) break;
      if (c != '\\') {
        plain += c;
      } else if (!Escape(plain)) {
        return false;
      }
    }
    char* target = document_.unescaped_.get() + unescaped_bytes_;
    std::memcpy(target, plain.data(), plain.size());
    unescaped_bytes_ += plain.size();
    if (!Add(JsonKind::kString)) return false;
    Last().text = {target, plain.size()};
    return true;
  }

  bool Escape(std::string& plain) {
    const char c = Peek();
    constexpr std::string_view kLetters = "\"\\/'bfnrtv0";
    constexpr std::string_view kMeanings("\"\\/'\b\f\n\r\t\v\0", 11);
    if (c == 'u') return UnicodeEscape(plain);
    const size_t which = kLetters.find(c);
    if (at_ >= text_.size() || which == std::string_view::npos) return Expected("an escape");
    plain += kMeanings[which];
    ++at_;
    return true;
  }

  bool UnicodeEscape(std::string& plain) {
    std::optional<uint32_t> unit = HexUnit();
    if (!unit) return Expected("four hex digits");
    if (*unit >= 0xD800 && *unit < 0xDC00 && text_.substr(at_, 2) == "\\u") {
      const size_t before = at_;
      ++at_;
      const std::optional<uint32_t> low = HexUnit();
      if (low && *low >= 0xDC00 && *low < 0xE000) {
        unit = 0x10000 + ((*unit - 0xD800) << 10) + (*low - 0xDC00);
      } else {
        at_ = before;  // A lone surrogate becomes U+FFFD; what follows is read for itself.
      }
    }
    AppendUtf8(plain, *unit);
    return true;
  }

  // Stands on the 'u'.
  std::optional<uint32_t> HexUnit() {
    const std::string_view digits = text_.substr(at_ + 1, 4);
    uint32_t unit = 0;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), unit, 16);
    if (digits.size() != 4 || parsed.ptr != digits.data() + 4) return std::nullopt;
    at_ += 5;
    return unit;
  }

  std::string_view text_;
  JsonDocument& document_;
  size_t at_ = 0;
  size_t depth_ = 0;
  size_t unescaped_bytes_ = 0;
  Status failure_;
};

JsonDocument::JsonDocument() = default;
JsonDocument::JsonDocument(JsonDocument&&) noexcept = default;
JsonDocument& JsonDocument::operator=(JsonDocument&&) noexcept = default;
JsonDocument::~JsonDocument() = default;

Result<JsonDocument> JsonDocument::Parse(std::string_view text) {
  JsonDocument document;
  Status status = JsonParser(text, document).Parse();
  if (!status.ok()) return status;
  return document;
}

JsonKind JsonRef::kind() const noexcept {
  return document_ == nullptr ? JsonKind::kMissing : document_->nodes_[at_].kind;
}

bool JsonRef::missing() const noexcept {
  const JsonKind known = kind();
  return known == JsonKind::kMissing || known == JsonKind::kNull;
}

JsonRef JsonRef::Next() const { return {document_, document_->nodes_[at_].next}; }

size_t JsonRef::size() const noexcept { return document_ == nullptr ? 0 : document_->nodes_[at_].count; }

JsonRef JsonRef::operator[](std::string_view name) const {
  JsonRef found;
  for (const Member member : members()) {
    if (member.key.Text() == name) found = member.value;
  }
  return found;
}

std::optional<std::string_view> JsonRef::Text() const {
  switch (kind()) {
    case JsonKind::kTrue:
      return "true";
    case JsonKind::kFalse:
      return "false";
    case JsonKind::kNumber:
    case JsonKind::kString:
      return document_->nodes_[at_].text;
    default:
      return std::nullopt;
  }
}

std::optional<int64_t> JsonRef::Int64() const {
  if (kind() != JsonKind::kNumber && kind() != JsonKind::kString) return std::nullopt;
  if (auto value = ParseInt<int64_t>(document_->nodes_[at_].text)) return value;
  const std::optional<double> value = Double();
  // 2^63 is the first double above the range.
  if (!value || *value != std::trunc(*value) || *value < -0x1p63 || *value >= 0x1p63) return std::nullopt;
  return static_cast<int64_t>(*value);
}

std::optional<double> JsonRef::Double() const {
  if (kind() != JsonKind::kNumber && kind() != JsonKind::kString) return std::nullopt;
  return ParseDouble(document_->nodes_[at_].text);
}

std::optional<bool> JsonRef::Bool() const {
  if (kind() == JsonKind::kTrue) return true;
  if (kind() == JsonKind::kFalse) return false;
  if (kind() == JsonKind::kString) {
    if (auto value = ParseBool(document_->nodes_[at_].text)) return value;
  }
  if (auto number = Int64()) return *number != 0;
  return std::nullopt;
}

JsonRef::Elements JsonRef::elements() const {
  if (!is_array() || size() == 0) return Elements(Iterator());
  return Elements(Iterator(JsonRef(document_, at_ + 1), size()));
}

JsonRef::Members JsonRef::members() const {
  if (!is_object() || size() == 0) return Members(MemberIterator());
  return Members(MemberIterator(JsonRef(document_, at_ + 1), size()));
}

JsonRef::Iterator& JsonRef::Iterator::operator++() {
  at_ = at_.Next();
  --left_;
  return *this;
}

JsonRef::Member JsonRef::MemberIterator::operator*() const { return {key_, key_.Next()}; }

JsonRef::MemberIterator& JsonRef::MemberIterator::operator++() {
  key_ = key_.Next().Next();
  --left_;
  return *this;
}

}  // namespace orbitmq::proto
