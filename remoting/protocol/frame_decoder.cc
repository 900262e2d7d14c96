// SPDX-License-Identifier: Apache-2.0
#include "remoting/protocol/frame_decoder.h"

#include <cstdint>

#include "common/bytes.h"
#include "common/strings.h"

namespace orbitmq::proto {
namespace {

constexpr size_t kWordBytes = 4;

Status BadFrame(std::string text) { return {StatusCode::kCorrupt, text}; }

}  // namespace

Result<std::optional<FrameView>> NextFrame(std::string_view input, size_t frame_bytes_max) {
  if (input.size() < kWordBytes) return std::optional<FrameView>();
  const auto length = LoadBig<int32_t>(input.data());
  if (length < static_cast<int32_t>(kWordBytes)) {
    return BadFrame(StrCat("frame length ", length, " is less than the 4 bytes of the header word"));
  }
  // The sum is 64 bits wide, so a length near 2^31 cannot wrap.
  const uint64_t frame_bytes = uint64_t{static_cast<uint32_t>(length)} + kWordBytes;
  if (frame_bytes > frame_bytes_max) {
    return BadFrame(StrCat("frame of ", frame_bytes, " bytes exceeds the limit of ", frame_bytes_max));
  }
  if (input.size() < 2 * kWordBytes) return std::optional<FrameView>();
  const auto word = LoadBig<uint32_t>(input.data() + kWordBytes);
  const uint32_t type = word >> 24;
  const size_t header_bytes = word & 0xFFFFFF;
  if (type > static_cast<uint32_t>(SerializeType::kBinary)) {
    return BadFrame(StrCat("unknown serialize type ", type, "; 0 (JSON) and 1 (ROCKETMQ) are known"));
  }
  if (header_bytes > frame_bytes - 2 * kWordBytes) {
    return BadFrame(StrCat("header of ", header_bytes, " bytes does not fit frame length ", length));
  }
  if (header_bytes > limits::kHeaderBytesMax) {
    return BadFrame(
        StrCat("header of ", header_bytes, " bytes exceeds the limit of ", limits::kHeaderBytesMax));
  }
  if (input.size() < frame_bytes) return std::optional<FrameView>();
  FrameView frame;
  frame.serialize = static_cast<SerializeType>(type);
  frame.header = input.substr(2 * kWordBytes, header_bytes);
  frame.frame_bytes = static_cast<size_t>(frame_bytes);
  frame.body = input.substr(2 * kWordBytes + header_bytes, frame.frame_bytes - 2 * kWordBytes - header_bytes);
  return std::optional<FrameView>(frame);
}

}  // namespace orbitmq::proto
