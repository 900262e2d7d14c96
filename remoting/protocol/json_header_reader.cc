// SPDX-License-Identifier: Apache-2.0
#include "remoting/protocol/json_header_reader.h"

#include <cstdint>
#include <optional>
#include <utility>

#include <rapidjson/error/en.h>
#include <rapidjson/reader.h>

#include "common/limits.h"
#include "common/strings.h"
#include "remoting/protocol/command_codec.h"
#include "remoting/protocol/header_codec.h"

namespace orbitmq::proto {
namespace {

enum class HeaderKey : uint8_t { kSkip, kCode, kFlag, kLanguage, kOpaque, kRemark, kVersion, kExtFields };

constexpr std::pair<std::string_view, HeaderKey> kHeaderKeys[] = {
    {"code", HeaderKey::kCode},         {"extFields", HeaderKey::kExtFields}, {"flag", HeaderKey::kFlag},
    {"language", HeaderKey::kLanguage}, {"opaque", HeaderKey::kOpaque},       {"remark", HeaderKey::kRemark},
    {"version", HeaderKey::kVersion},
};

std::string_view NameOf(HeaderKey key) {
  for (const auto& [name, known] : kHeaderKeys) {
    if (known == key) return name;
  }
  return "header";
}

// Receives RapidJSON's events; a false from one ends the parse, `failure` tells why.
class HeaderEvents final {
 public:
  HeaderEvents(CommandView& view, std::vector<ExtEntry>& ext) : view_(view), ext_(ext) {}

  bool Null() { return true; }
  bool Bool(bool value) { return Scalar(value ? "true" : "false"); }
  bool RawNumber(const char* text, size_t size, bool) { return Scalar({text, size}); }
  bool String(const char* text, size_t size, bool) { return Scalar({text, size}); }
  bool Key(const char* text, size_t size, bool) {
    if (depth_ == 1) key_ = KeyOf({text, size});
    if (InExtFields()) ext_key_ = {text, size};
    return true;
  }
  bool StartObject() { return Enter("an object", key_ == HeaderKey::kExtFields); }
  bool EndObject(size_t) { return Leave(); }
  bool StartArray() {
    if (depth_ == 0) return Fail("the header is a JSON array, not an object");
    return Enter("an array", false);
  }
  bool EndArray(size_t) { return Leave(); }
  // Never called: numbers come as RawNumber.
  bool Int(int) { return false; }
  bool Uint(unsigned) { return false; }
  bool Int64(int64_t) { return false; }
  bool Uint64(uint64_t) { return false; }
  bool Double(double) { return false; }

  bool has_code() const { return has_code_; }
  const Status& failure() const { return failure_; }

 private:
  static HeaderKey KeyOf(std::string_view name) {
    for (const auto& [known, key] : kHeaderKeys) {
      if (known == name) return key;
    }
    return HeaderKey::kSkip;
  }
  // Nested values inside extFields have no meaning to anybody and are skipped, like unknown keys.
  bool InExtFields() const { return depth_ == 2 && key_ == HeaderKey::kExtFields; }

  bool Enter(std::string_view what, bool wanted) {
    if (depth_ == 1 && key_ != HeaderKey::kSkip && !wanted) {
      return Fail(StrCat("header key '", NameOf(key_), "' holds ", what));
    }
    if (depth_ >= limits::kJsonDepthMax) {
      return Fail(StrCat("the header nests deeper than ", limits::kJsonDepthMax));
    }
    ++depth_;
    return true;
  }
  bool Leave() {
    --depth_;
    return true;
  }

  bool Scalar(std::string_view text) {
    if (depth_ == 0) return Fail("the header is no JSON object");
    if (InExtFields()) return ExtField(text);
    if (depth_ > 1) return true;
    switch (key_) {
      case HeaderKey::kCode:
        has_code_ = true;
        return Number(text, view_.code);
      case HeaderKey::kFlag:
        return Number(text, view_.flag);
      case HeaderKey::kOpaque:
        return Number(text, view_.opaque);
      case HeaderKey::kVersion:
        return Number(text, view_.version);
      case HeaderKey::kLanguage:
        view_.language = LanguageFromName(text);
        return true;
      case HeaderKey::kRemark:
        view_.remark = text;
        return true;
      case HeaderKey::kExtFields:
        return Fail("header key 'extFields' holds no object");
      case HeaderKey::kSkip:
        return true;
    }
    return true;
  }

  bool Number(std::string_view text, int32_t& field) {
    const std::optional<int32_t> value = header_detail::ParseInt32(text);
    if (!value)
      return Fail(StrCat("header key '", NameOf(key_), "' is '", Printable(text, 64), "', no int32"));
    field = *value;
    return true;
  }

  bool ExtField(std::string_view value) {
    for (auto& [key, old] : ext_) {
      if (key == ext_key_) {
        old = value;
        return true;
      }
    }
    if (ext_.size() >= limits::kExtFieldsMax) {
      failure_ = Status(StatusCode::kResourceExhausted,
                        StrCat("the header has more than ", limits::kExtFieldsMax, " extFields"));
      return false;
    }
    ext_.push_back({ext_key_, value});
    return true;
  }

  bool Fail(std::string_view text) {
    failure_ = Status(StatusCode::kCorrupt, text);
    return false;
  }

  CommandView& view_;
  std::vector<ExtEntry>& ext_;
  size_t depth_ = 0;
  HeaderKey key_ = HeaderKey::kSkip;
  std::string_view ext_key_;
  bool has_code_ = false;
  Status failure_;
};

}  // namespace

Result<CommandView> JsonHeaderReader::Read(std::string_view header, std::vector<ExtEntry>& ext) {
  CommandView view;
  if (ReadPlainJsonHeader(header, unescaped_, view, ext)) return view;
  view = {};
  ext.clear();
  text_.assign(header);
  HeaderEvents events(view, ext);
  rapidjson::InsituStringStream stream(text_.data());
  rapidjson::Reader reader;
  constexpr unsigned kFlags = rapidjson::kParseInsituFlag | rapidjson::kParseNumbersAsStringsFlag;
  const rapidjson::ParseResult parsed = reader.Parse<kFlags>(stream, events);
  if (!events.failure().ok()) return events.failure();
  if (parsed.IsError()) {
    return Status(StatusCode::kCorrupt, StrCat("bad JSON header at byte ", parsed.Offset(), ": ",
                                               rapidjson::GetParseError_En(parsed.Code())));
  }
  if (!events.has_code()) return Status(StatusCode::kCorrupt, "header key 'code' is missing");
  return view;
}

}  // namespace orbitmq::proto
