// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "common/limits.h"
#include "orbitmq/result.h"
#include "remoting/protocol/command.h"

namespace orbitmq::proto {

// One whole frame; the views point into the input.
struct FrameView {
  SerializeType serialize = SerializeType::kJson;
  std::string_view header;
  std::string_view body;
  size_t frame_bytes = 0;  // What to consume from the front of the input, length word included.
};

// Looks for one frame at the front of `input` (more may follow). nullopt: the frame is not complete yet, come
// back with more input behind the same bytes. kCorrupt names the length that does not fit; the connection is
// beyond repair then. Every length is judged as soon as its bytes are there, before anybody waits for, adds
// to or allocates what it promises: a hostile length fails at byte 4, a hostile header length at byte 8.
//
// Format (docs/WIRE_FORMAT.md "Frame"): i32 bytes that follow, u8 serialize type, u24 header bytes, header,
// body. `frame_bytes_max` is compared with the length word plus its own 4 bytes, as in Apache.
Result<std::optional<FrameView>> NextFrame(std::string_view input,
                                           size_t frame_bytes_max = limits::kFrameBytesMax);

}  // namespace orbitmq::proto
