// SPDX-License-Identifier: Apache-2.0
#include "common/utf8.h"

namespace orbitmq {
namespace {

constexpr uint32_t kReplacement = 0xFFFD;

uint32_t ByteAt(std::string_view text, size_t i) { return static_cast<unsigned char>(text[i]); }
bool Continues(std::string_view text, size_t i) {
  return i < text.size() && (ByteAt(text, i) & 0xC0) == 0x80;
}
Utf8Step Bad(size_t bytes) { return {kReplacement, bytes, false}; }

Utf8Step DecodeThree(std::string_view text) {
  const uint32_t first = ByteAt(text, 0);
  if (!Continues(text, 1)) return Bad(1);
  const uint32_t second = ByteAt(text, 1);
  if (first == 0xE0 && second < 0xA0) return Bad(1);  // Overlong.
  if (!Continues(text, 2)) return Bad(2);
  const uint32_t point = (first & 0x0F) << 12 | (second & 0x3F) << 6 | (ByteAt(text, 2) & 0x3F);
  if (point >= 0xD800 && point <= 0xDFFF) return Bad(3);  // Java replaces an encoded surrogate as a whole.
  return {point, 3, true};
}

Utf8Step DecodeFour(std::string_view text) {
  const uint32_t first = ByteAt(text, 0);
  if (first > 0xF4 || !Continues(text, 1)) return Bad(1);
  const uint32_t second = ByteAt(text, 1);
  if ((first == 0xF0 && second < 0x90) || (first == 0xF4 && second >= 0x90)) return Bad(1);
  if (!Continues(text, 2)) return Bad(2);
  if (!Continues(text, 3)) return Bad(3);
  return {
      (first & 0x07) << 18 | (second & 0x3F) << 12 | (ByteAt(text, 2) & 0x3F) << 6 | (ByteAt(text, 3) & 0x3F),
      4, true};
}

}  // namespace

Utf8Step DecodeUtf8(std::string_view text) {
  const uint32_t first = ByteAt(text, 0);
  if (first < 0x80) return {first, 1, true};
  if (first < 0xC2) return Bad(1);  // A stray continuation byte, or overlong.
  if (first < 0xE0) {
    if (!Continues(text, 1)) return Bad(1);
    return {(first & 0x1F) << 6 | (ByteAt(text, 1) & 0x3F), 2, true};
  }
  return first < 0xF0 ? DecodeThree(text) : DecodeFour(text);
}

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const Utf8Step step = DecodeUtf8(text);
    if (!step.valid) return false;
    text.remove_prefix(step.bytes);
  }
  return true;
}

void AppendUtf8(std::string& out, uint32_t code_point) {
  if (code_point > 0x10FFFF || (code_point >= 0xD800 && code_point <= 0xDFFF)) code_point = kReplacement;
  const auto put = [&out](uint32_t byte) { out += static_cast<char>(byte); };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xC0 | code_point >> 6);
    put(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    put(0xE0 | code_point >> 12);
    put(0x80 | (code_point >> 6 & 0x3F));
    put(0x80 | (code_point & 0x3F));
  } else {
    put(0xF0 | code_point >> 18);
    put(0x80 | (code_point >> 12 & 0x3F));
    put(0x80 | (code_point >> 6 & 0x3F));
    put(0x80 | (code_point & 0x3F));
  }
}

}  // namespace orbitmq
