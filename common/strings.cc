// SPDX-License-Identifier: Apache-2.0
#include "common/strings.h"

#include <algorithm>
#include <cmath>

#include "common/utf8.h"

namespace orbitmq {
namespace strings_internal {

Piece::Piece(double value) {
  const auto result = std::to_chars(buffer_, buffer_ + sizeof(buffer_), value);
  text_ = {buffer_, static_cast<size_t>(result.ptr - buffer_)};
}

void Append(std::string& out, std::initializer_list<std::string_view> pieces) {
  size_t bytes = out.size();
  for (const std::string_view piece : pieces) bytes += piece.size();
  // Growing by doubling at least: reserve(bytes) alone would make a loop of appends quadratic.
  if (bytes > out.capacity()) out.reserve(std::max(bytes, out.capacity() * 2));
  for (const std::string_view piece : pieces) out.append(piece);
}

std::string Cat(std::initializer_list<std::string_view> pieces) {
  std::string out;
  Append(out, pieces);
  return out;
}

}  // namespace strings_internal

namespace {

constexpr std::string_view kBlanks = " \t\r\n\f\v";

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

template <class T>
std::string JoinPieces(std::span<const T> pieces, std::string_view separator) {
  std::string out;
  for (const T& piece : pieces) {
    if (&piece != pieces.data()) out.append(separator);
    out.append(piece);
  }
  return out;
}

// Twice the edit distance, where a difference in letter case alone counts 1 instead of 2.
size_t HalfEdits(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = 2 * j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = 2 * i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t replace = diagonal;
      if (a[i - 1] != b[j - 1]) replace += Lower(a[i - 1]) == Lower(b[j - 1]) ? 1 : 2;
      diagonal = row[j];
      row[j] = std::min({replace, row[j] + 2, row[j - 1] + 2});
    }
  }
  return row[b.size()];
}

}  // namespace

std::vector<std::string_view> Split(std::string_view text, char separator) {
  return Split(text, std::string_view(&separator, 1));
}

std::vector<std::string_view> Split(std::string_view text, std::string_view separator) {
  std::vector<std::string_view> out;
  while (true) {
    const size_t at = text.find(separator);
    out.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return out;
    text.remove_prefix(at + separator.size());
  }
}

std::string Join(std::span<const std::string> pieces, std::string_view separator) {
  return JoinPieces(pieces, separator);
}
std::string Join(std::span<const std::string_view> pieces, std::string_view separator) {
  return JoinPieces(pieces, separator);
}

std::string_view Trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

bool IsBlank(std::string_view text) { return text.find_first_not_of(kBlanks) == std::string_view::npos; }

bool EqualsIgnoreCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return Lower(x) == Lower(y); });
}

std::string AsciiLower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), Lower);
  return out;
}

std::optional<double> ParseDouble(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::optional<bool> ParseBool(std::string_view text) {
  if (EqualsIgnoreCase(text, "true")) return true;
  if (EqualsIgnoreCase(text, "false")) return false;
  return std::nullopt;
}

void AppendHex(std::string& out, std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  const size_t at = out.size();
  out.resize(at + 2 * bytes.size());
  char* to = out.data() + at;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    *to++ = kDigits[byte >> 4];
    *to++ = kDigits[byte & 15];
  }
}

std::string ToHex(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  AppendHex(out, bytes);
  return out;
}

std::optional<std::string> FromHex(std::string_view hex) {
  if (hex.size() % 2 != 0) return std::nullopt;
  std::string out;
  out.reserve(hex.size() / 2);
  for (size_t i = 0; i < hex.size(); i += 2) {
    const int high = HexValue(hex[i]);
    const int low = HexValue(hex[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
  }
  return out;
}

std::string_view NearestName(std::string_view name, std::span<const std::string_view> candidates) {
  static constexpr size_t kNameBytesMax = 256;  // A key of a file may be huge; distances cost its square.
  std::string_view best;
  if (name.size() > kNameBytesMax) return best;
  size_t best_edits = 2 * ((name.size() + 2) / 3) + 1;
  for (const std::string_view candidate : candidates) {
    const size_t edits = HalfEdits(name, candidate);
    if (edits < best_edits) {
      best_edits = edits;
      best = candidate;
    }
  }
  return best;
}

std::string Printable(std::string_view text, size_t bytes_max) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  while (!text.empty()) {
    const Utf8Step step = DecodeUtf8(text);
    const bool plain = step.valid && step.code_point >= ' ' && step.code_point != 0x7F;
    const size_t bytes = plain ? step.bytes : step.bytes * 4;
    if (out.size() + bytes > bytes_max) return out.append("...");
    if (plain) {
      out.append(text.substr(0, step.bytes));
    } else {
      for (const char c : text.substr(0, step.bytes)) {
        const auto byte = static_cast<unsigned char>(c);
        out.append("\\x");
        out += kDigits[byte >> 4];
        out += kDigits[byte & 15];
      }
    }
    text.remove_prefix(step.bytes);
  }
  return out;
}

}  // namespace orbitmq
