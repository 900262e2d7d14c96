// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace orbitmq {

// One decoded code point and how many bytes it took.
struct Utf8Step {
  uint32_t code_point = 0;
  size_t bytes = 0;
  bool valid = true;
};

// Decodes the front of a non-empty text. Bytes that are no UTF-8 give U+FFFD with valid = false, and take as
// many bytes as java.nio's UTF-8 decoder replaces by one U+FFFD, so that both sides count alike.
Utf8Step DecodeUtf8(std::string_view text);

bool IsUtf8(std::string_view text);

// Appends the UTF-8 form of a code point; anything that is none (a surrogate, > U+10FFFF) becomes U+FFFD.
void AppendUtf8(std::string& out, uint32_t code_point);

}  // namespace orbitmq
