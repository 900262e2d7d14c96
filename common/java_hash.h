// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace orbitmq {

// String.hashCode() of Java for UTF-8 text: h = 31 * h + unit over the UTF-16 units, wrapping at 32 bits. A
// code point above U+FFFF counts as its two surrogates. Bytes that are no UTF-8 count as U+FFFD the way
// Java's decoder replaces them (one per maximal invalid piece), so that broker and Java clients agree on any
// bytes. Used for tag codes, index keys and lock stripes. Does not allocate.
int32_t JavaStringHash(std::string_view utf8);

// What a ConsumeQueue entry holds for a message with this TAGS property: the hash, sign-extended; 0 for none.
inline int64_t TagsCode(std::string_view tags) { return tags.empty() ? 0 : JavaStringHash(tags); }

}  // namespace orbitmq
