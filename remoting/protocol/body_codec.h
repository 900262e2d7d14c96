// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "orbitmq/result.h"

namespace orbitmq::proto {

// How JSON is spelled; readers take every form.
enum class JsonStyle : uint8_t {
  kFastjson,  // As Apache writes bodies: bare numeric map keys, objects as map keys, raw UTF-8.
  kStandard,  // Valid JSON for peers >= 4.9.4 that ask for a route: keys quoted, non-ASCII as \uXXXX.
  kPretty,    // kFastjson with tabs and line ends: the files below store/config.
};

// The codec of every typed body: a struct with ORBITMQ_FIELDS that its .cc file instantiates with
// ORBITMQ_BODY_CODEC (body_binding.h). Linking fails for a type that is no body.
//
// EncodeBody: members in table order (Java's alphabetical one), nullopt members left out.
template <class Body>
std::string EncodeBody(const Body& body, JsonStyle style = JsonStyle::kFastjson);

// DecodeBody is lenient: unknown members, null, a missing member (unless the table says required), numbers
// and booleans as strings, enums as names or ordinals, sets and lists alike; {"$ref":..} counts as missing;
// an unknown enum name keeps the member's default. kCorrupt names the path of the member and what is wrong,
// or where the JSON breaks; kResourceExhausted when it is deeper or has more values than limits.h allows.
template <class Body>
Result<Body> DecodeBody(std::string_view json);

}  // namespace orbitmq::proto
