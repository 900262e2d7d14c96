// SPDX-License-Identifier: Apache-2.0
#include "common/log.h"

#include <algorithm>

namespace orbitmq {
namespace {

class DroppingLogger final : public Logger {
 public:
  bool Enabled(LogLevel) const override { return false; }
  void Write(LogLevel, std::string_view, std::initializer_list<LogField>) override {}
};

bool NeedsQuotes(std::string_view value) {
  return value.empty() || std::any_of(value.begin(), value.end(), [](char c) {
           return static_cast<unsigned char>(c) <= ' ' || c == '"' || c == '\\' || c == '=' || c == '\x7f';
         });
}

// Escapes what would break the line apart, so that a peer's text cannot forge log lines.
void AppendEscaped(std::string& out, std::string_view text, bool quoted) {
  static constexpr char kHex[] = "0123456789abcdef";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (quoted && (c == '"' || c == '\\')) {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < ' ' || byte == 0x7f) {
      out += "\\x";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
}

}  // namespace

std::string FormatLogLine(std::string_view message, std::initializer_list<LogField> fields) {
  std::string line;
  line.reserve(message.size() + fields.size() * 24);
  AppendEscaped(line, message, false);
  for (const LogField& field : fields) {
    line += ' ';
    AppendEscaped(line, field.key, false);
    line += '=';
    const bool quoted = NeedsQuotes(field.value);
    if (quoted) line += '"';
    AppendEscaped(line, field.value, quoted);
    if (quoted) line += '"';
  }
  return line;
}

Logger& NullLogger() {
  static DroppingLogger logger;
  return logger;
}

}  // namespace orbitmq
