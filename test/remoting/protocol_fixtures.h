// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "common/bytes.h"
#include "remoting/protocol/command_codec.h"
#include "remoting/protocol/frame_decoder.h"
#include "remoting/protocol/json.h"

namespace orbitmq::proto::test {

// Bytes from hex; blanks are for the reader.
inline std::string FromHexText(std::string_view hex) {
  std::string bytes;
  std::string digits;
  for (char c : hex) {
    if (c != ' ') digits += c;
  }
  for (size_t i = 0; i + 1 < digits.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

inline std::string FrameOf(const Command& command, SerializeType serialize) {
  Result<BytesChain> chain = EncodeFrame(command, serialize);
  EXPECT_TRUE(chain.ok()) << chain.status().ToString();
  std::string frame;
  for (const Bytes& piece : *chain) frame += piece.view();
  return frame;
}

// A header with the frame around it.
inline std::string FrameAround(SerializeType serialize, std::string_view header, std::string_view body = {}) {
  std::string frame(8, '\0');
  StoreBig<int32_t>(frame.data(), static_cast<int32_t>(4 + header.size() + body.size()));
  StoreBig<uint32_t>(frame.data() + 4,
                     static_cast<uint32_t>(serialize) << 24 | static_cast<uint32_t>(header.size()));
  frame += header;
  frame += body;
  return frame;
}

// One decoded frame with everything its views point into.
struct Decoded {
  std::string frame;
  CommandDecoder decoder;
  Result<CommandView> view = Status(StatusCode::kInternal, "not decoded");
};

inline std::unique_ptr<Decoded> DecodeFrame(std::string frame) {
  auto decoded = std::make_unique<Decoded>();
  decoded->frame = std::move(frame);
  Result<std::optional<FrameView>> next = NextFrame(decoded->frame);
  if (!next.ok()) {
    decoded->view = next.status();
  } else if (!*next) {
    decoded->view = Status(StatusCode::kCorrupt, "the frame is not complete");
  } else {
    EXPECT_EQ((*next)->frame_bytes, decoded->frame.size());
    decoded->view = decoded->decoder.Decode(**next);
  }
  return decoded;
}

inline std::unique_ptr<Decoded> DecodeJsonHeader(std::string_view header) {
  return DecodeFrame(FrameAround(SerializeType::kJson, header));
}

// The JSON with members and elements sorted, so that texts that differ in order only compare equal.
inline std::string Canonical(JsonRef json) {
  std::vector<std::string> parts;
  if (json.is_object()) {
    for (const JsonRef::Member member : json.members()) {
      parts.push_back(Canonical(member.key) + ":" + Canonical(member.value));
    }
  } else if (json.is_array()) {
    for (JsonRef element : json.elements()) parts.push_back(Canonical(element));
  } else {
    return std::string(json.Text().value_or("null"));
  }
  std::sort(parts.begin(), parts.end());
  std::string joined = json.is_object() ? "{" : "[";
  for (const std::string& part : parts) joined += part + ",";
  return joined + (json.is_object() ? "}" : "]");
}

inline std::string CanonicalText(std::string_view text) {
  Result<JsonDocument> document = JsonDocument::Parse(text);
  EXPECT_TRUE(document.ok()) << document.status().ToString() << " in " << text.substr(0, 200);
  return document.ok() ? Canonical(document->root()) : std::string();
}

}  // namespace orbitmq::proto::test
