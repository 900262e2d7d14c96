// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "remoting/protocol/frame_decoder.h"
#include "remoting/protocol/json.h"
#include "test/golden/golden.h"

namespace orbitmq::fuzz {

// Every frame captured from Apache 5.5.0.
inline std::vector<std::string> GoldenFrames() {
  std::vector<std::string> frames;
  const std::string manifest = golden::LoadGolden("frames/manifest.json");
  const auto files = proto::JsonDocument::Parse(manifest);
  if (!files.ok()) std::abort();
  for (proto::JsonRef file : files->root().elements()) {
    frames.push_back(golden::LoadGolden(file["file"].Text().value_or("")));
  }
  return frames;
}

// Their bodies, the empty ones left out.
inline std::vector<std::string> GoldenBodies() {
  std::vector<std::string> bodies;
  for (const std::string& frame : GoldenFrames()) {
    const auto next = proto::NextFrame(frame);
    if (next.ok() && *next && !(*next)->body.empty()) bodies.emplace_back((*next)->body);
  }
  return bodies;
}

}  // namespace orbitmq::fuzz
