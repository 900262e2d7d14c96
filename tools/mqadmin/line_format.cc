// SPDX-License-Identifier: Apache-2.0
#include "tools/mqadmin/line_format.h"

#include "common/strings.h"
#include "tools/mqadmin/java_format.h"

namespace orbitmq::tools {
namespace {

constexpr std::string_view kLetters = "tBqokgpbdsi%";

// What a backslash and this letter stand for.
std::optional<char> Escaped(char letter) {
  switch (letter) {
    case 'n':
      return '\n';
    case 't':
      return '\t';
    case 'r':
      return '\r';
    case '0':
      return '\0';
    case '\\':
      return '\\';
    default:
      return std::nullopt;
  }
}

std::string UserProperties(const ShownMessage& message) {
  std::string out;
  for (const auto& [name, value] : message.properties) {
    if (IsReservedProperty(name)) continue;
    StrAppend(out, out.empty() ? "" : ",", name, "=", value);
  }
  return out;
}

std::string ValueOf(char letter, const ShownMessage& message) {
  switch (letter) {
    case 't':
      return std::string(message.view.topic);
    case 'B':
      return message.broker_name;
    case 'q':
      return StrCat(message.view.queue_id);
    case 'o':
      return StrCat(message.view.queue_offset.value);
    case 'k':
      return message.Property(property::kKeys, "");
    case 'g':
      return message.Property(property::kTags, "");
    case 'p':
      return UserProperties(message);
    case 'b':
      return message.body;
    case 'd':
      return HumanMillis(ToEpochMillis(message.view.store_time));
    case 's':
      return StrCat(message.body.size());
    case 'i':
      return message.Id();
    default:
      return "%";
  }
}

}  // namespace

Result<std::string> Unescape(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\\') {
      out += text[at];
      continue;
    }
    const std::string_view rest = text.substr(at + 1);
    if (const auto plain = rest.empty() ? std::nullopt : Escaped(rest[0])) {
      out += *plain;
      at += 1;
      continue;
    }
    const auto byte = rest.starts_with('x') && rest.size() >= 3 ? FromHex(rest.substr(1, 2)) : std::nullopt;
    if (!byte) {
      return Status(StatusCode::kInvalidArgument,
                    StrCat("'\\", Printable(rest.substr(0, 1)),
                           "' is no escape; there are \\n \\t \\r \\0 \\\\ and \\xHH"));
    }
    out += *byte;
    at += 3;
  }
  return out;
}

Result<LineFormat> LineFormat::Parse(std::string_view text) {
  const auto plain = Unescape(text);
  if (!plain.ok()) return plain.status();
  LineFormat format;
  std::string literal;
  for (size_t at = 0; at < plain->size(); ++at) {
    if ((*plain)[at] != '%') {
      literal += (*plain)[at];
      continue;
    }
    const char letter = at + 1 < plain->size() ? (*plain)[at + 1] : '\0';
    if (letter == '\0' || kLetters.find(letter) == std::string_view::npos) {
      return Status(StatusCode::kInvalidArgument,
                    StrCat("'%", letter == '\0' ? std::string() : Printable(std::string(1, letter)),
                           "' is no placeholder; there are %t topic, %B broker, %q queue, %o offset, "
                           "%k keys, %g tag, %p properties, %b body, %d time, %s size, %i id and %%"));
    }
    if (!literal.empty()) format.pieces_.push_back({0, std::exchange(literal, {})});
    format.pieces_.push_back({letter, {}});
    ++at;
  }
  if (!literal.empty()) format.pieces_.push_back({0, std::move(literal)});
  return format;
}

std::string LineFormat::Apply(const ShownMessage& message) const {
  std::string out;
  for (const Piece& piece : pieces_) out += piece.letter == 0 ? piece.text : ValueOf(piece.letter, message);
  return out;
}

}  // namespace orbitmq::tools
