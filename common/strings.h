// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace orbitmq {

namespace strings_internal {
// One piece of a StrCat: text as it is, or a number written into a small buffer.
class Piece final {
 public:
  Piece(std::string_view text) : text_(text) {}           // NOLINT: implicit by design
  Piece(const std::string& text) : text_(text) {}         // NOLINT
  Piece(const char* text) : text_(text) {}                // NOLINT
  Piece(char c) : text_(buffer_, 1) { buffer_[0] = c; }   // NOLINT
  Piece(bool value) : text_(value ? "true" : "false") {}  // NOLINT
  template <std::integral T>
  Piece(T value) {  // NOLINT
    text_ = {buffer_,
             static_cast<size_t>(std::to_chars(buffer_, buffer_ + sizeof(buffer_), value).ptr - buffer_)};
  }
  Piece(double value);  // NOLINT: shortest text that reads back the same.
  Piece(const Piece&) = delete;
  Piece& operator=(const Piece&) = delete;
  std::string_view text() const { return text_; }

 private:
  char buffer_[32];
  std::string_view text_;
};
std::string Cat(std::initializer_list<std::string_view> pieces);
void Append(std::string& out, std::initializer_list<std::string_view> pieces);
}  // namespace strings_internal

// Joins strings, characters, bools ("true") and numbers in one allocation.
template <class... Args>
std::string StrCat(const Args&... args) {
  return strings_internal::Cat({strings_internal::Piece(args).text()...});
}
template <class... Args>
void StrAppend(std::string& out, const Args&... args) {
  strings_internal::Append(out, {strings_internal::Piece(args).text()...});
}

// Every piece between separators, empty ones included; "" gives one empty piece.
std::vector<std::string_view> Split(std::string_view text, char separator);
std::vector<std::string_view> Split(std::string_view text, std::string_view separator);
std::string Join(std::span<const std::string> pieces, std::string_view separator);
std::string Join(std::span<const std::string_view> pieces, std::string_view separator);

// Without blanks, tabs, CR and LF at both ends.
std::string_view Trim(std::string_view text);
bool IsBlank(std::string_view text);                            // Empty or white space only.
bool EqualsIgnoreCase(std::string_view a, std::string_view b);  // ASCII.
std::string AsciiLower(std::string_view text);

// The whole text must be one decimal number in the range of T, with at most a leading '-' (no '+', no
// blanks).
template <std::integral T>
std::optional<T> ParseInt(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}
std::optional<double> ParseDouble(std::string_view text);  // Finite only.
std::optional<bool> ParseBool(std::string_view text);      // "true" or "false", any case.

// Upper-case hex, two characters a byte.
std::string ToHex(std::string_view bytes);
void AppendHex(std::string& out, std::string_view bytes);
// Either case; nothing for an odd count or another character.
std::optional<std::string> FromHex(std::string_view hex);

// The candidate with the smallest edit distance (letter case counts half), or empty when none is close enough
// to be a likely misspelling (more than a third of the characters differ).
std::string_view NearestName(std::string_view name, std::span<const std::string_view> candidates);

// For texts that go into errors and logs: control and non-UTF-8 bytes as \xNN, cut to `bytes_max` with "...".
std::string Printable(std::string_view text, size_t bytes_max = 128);

}  // namespace orbitmq
