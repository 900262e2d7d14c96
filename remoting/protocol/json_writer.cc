// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <cmath>
#include <utility>

#include "common/check.h"
#include "common/utf8.h"
#include "remoting/protocol/json.h"
#include "remoting/protocol/json_scan.h"

namespace orbitmq::proto {
namespace {

constexpr char kHex[] = "0123456789ABCDEF";

void AppendUnicodeEscape(uint32_t unit, std::string& out) {
  const char text[6] = {
      '\\', 'u', kHex[(unit >> 12) & 15], kHex[(unit >> 8) & 15], kHex[(unit >> 4) & 15], kHex[unit & 15]};
  out.append(text, sizeof(text));
}

void AppendControlEscape(unsigned char c, std::string& out) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\t':
      out += "\\t";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\f':
      out += "\\f";
      return;
    case '\r':
      out += "\\r";
      return;
    default:
      AppendUnicodeEscape(c, out);
  }
}

// Digits and decimal exponent of the shortest form: value = 0.d1d2d3... * 10^exponent.
struct Decimal {
  std::string digits;
  int exponent = 0;
};

Decimal ToDecimal(double magnitude) {
  char text[40];
  const auto end = std::to_chars(text, text + sizeof(text), magnitude, std::chars_format::scientific).ptr;
  Decimal decimal;
  const char* at = text;
  for (; at != end && *at != 'e'; ++at) {
    if (*at != '.') decimal.digits += *at;
  }
  int exponent = 0;
  if (at != end) {
    const char* number = at[1] == '+' ? at + 2 : at + 1;
    std::from_chars(number, end, exponent);
  }
  decimal.exponent = exponent + 1;
  return decimal;
}

}  // namespace

void AppendJsonString(std::string_view text, JsonWriter::NonAscii non_ascii, std::string& out) {
  const bool escape_all = non_ascii == JsonWriter::NonAscii::kEscaped;
  out += '"';
  size_t run = 0;  // Where the bytes that go out as they are begin.
  size_t at = 0;
  while (at < text.size()) {
    // All of it at once where bytes beyond ASCII may stay.
    if (!escape_all && (at += PlainJsonBytes(text.substr(at))) == text.size()) break;
    const auto c = static_cast<unsigned char>(text[at]);
    const bool control = c < 0x20 || c == '"' || c == '\\';
    if (!control && (c < 0x80 || !escape_all)) {
      ++at;
      continue;
    }
    out.append(text, run, at - run);
    if (control) {
      AppendControlEscape(c, out);
      ++at;
    } else {
      const Utf8Step decoded = DecodeUtf8(text.substr(at));
      if (decoded.code_point >= 0x10000) {
        AppendUnicodeEscape(0xD800 + ((decoded.code_point - 0x10000) >> 10), out);
        AppendUnicodeEscape(0xDC00 + ((decoded.code_point - 0x10000) & 0x3FF), out);
      } else {
        AppendUnicodeEscape(decoded.code_point, out);
      }
      at += decoded.bytes;
    }
    run = at;
  }
  out.append(text, run, at - run);
  out += '"';
}

std::string FormatJavaDouble(double value) {
  if (value == 0) return std::signbit(value) ? "-0.0" : "0.0";
  std::string out = value < 0 ? "-" : "";
  const double magnitude = std::fabs(value);
  Decimal decimal = ToDecimal(magnitude);
  if (magnitude >= 1e-3 && magnitude < 1e7) {
    if (decimal.exponent <= 0) {
      out += "0." + std::string(static_cast<size_t>(-decimal.exponent), '0') + decimal.digits;
      return out;
    }
    const auto whole = static_cast<size_t>(decimal.exponent);
    if (decimal.digits.size() <= whole) decimal.digits.append(whole + 1 - decimal.digits.size(), '0');
    out += decimal.digits.substr(0, whole) + "." + decimal.digits.substr(whole);
    return out;
  }
  if (decimal.digits.size() == 1) decimal.digits += '0';
  out += decimal.digits.substr(0, 1) + "." + decimal.digits.substr(1) + "E" +
         std::to_string(decimal.exponent - 1);
  return out;
}

void JsonWriter::NewLine() {
  if (options_.layout == Layout::kCompact) return;
  out_ += '\n';
  out_.append(has_items_.size(), '\t');
}

void JsonWriter::BeforeKey() {
  ORBITMQ_CHECK(!has_items_.empty() && !after_key_, "a JSON key outside an object or behind another key");
  if (has_items_.back()) out_ += ',';
  has_items_.back() = true;
  NewLine();
}

void JsonWriter::BeforeValue() {
  if (after_key_) {
    after_key_ = false;
    return;
  }
  if (has_items_.empty()) return;
  if (has_items_.back()) out_ += ',';
  has_items_.back() = true;
  NewLine();
}

void JsonWriter::Open(char bracket) {
  BeforeValue();
  out_ += bracket;
  has_items_.push_back(false);
}

void JsonWriter::Close(char bracket) {
  ORBITMQ_CHECK(!has_items_.empty() && !after_key_, "a JSON bracket closes nothing, or a key has no value");
  const bool had_items = has_items_.back();
  has_items_.pop_back();
  if (had_items) NewLine();
  out_ += bracket;
}

void JsonWriter::Key(std::string_view name) {
  BeforeKey();
  AppendJsonString(name, options_.non_ascii, out_);
  out_ += ':';
  after_key_ = true;
}

void JsonWriter::BareKey(int64_t key) {
  BeforeKey();
  out_ += std::to_string(key);
  out_ += ':';
  after_key_ = true;
}

void JsonWriter::BeginObjectKey() {
  BeforeKey();
  after_key_ = true;
}

void JsonWriter::EndObjectKey() {
  ORBITMQ_CHECK(!after_key_, "an object key without an object");
  out_ += ':';
  after_key_ = true;
}

void JsonWriter::String(std::string_view text) {
  BeforeValue();
  AppendJsonString(text, options_.non_ascii, out_);
}

void JsonWriter::Int(int64_t value) {
  BeforeValue();
  out_ += std::to_string(value);
}

void JsonWriter::Bool(bool value) {
  BeforeValue();
  out_ += value ? "true" : "false";
}

void JsonWriter::Double(double value) {
  BeforeValue();
  out_ += std::isfinite(value) ? FormatJavaDouble(value) : "null";
}

void JsonWriter::Null() {
  BeforeValue();
  out_ += "null";
}

void JsonWriter::Raw(std::string_view json) {
  BeforeValue();
  out_ += json;
}

std::string JsonWriter::Take() {
  ORBITMQ_CHECK(has_items_.empty() && !after_key_, "JSON text is not complete");
  return std::move(out_);
}

}  // namespace orbitmq::proto
