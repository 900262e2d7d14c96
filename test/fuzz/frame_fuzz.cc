// SPDX-License-Identifier: Apache-2.0
// The frame decoder on hostile streams: whatever it accepts must lie inside the input.
#include "common/check.h"
#include "remoting/protocol/frame_decoder.h"
#include "test/fuzz/fuzz_driver.h"
#include "test/fuzz/golden_corpus.h"

namespace {

using orbitmq::fuzz::Verdict;
using orbitmq::proto::NextFrame;

Verdict ReadStream(std::string_view input) {
  size_t at = 0;
  while (at < input.size()) {
    const auto next = NextFrame(input.substr(at));
    if (!next.ok()) {
      ORBITMQ_CHECK(!next.status().text().empty(), "a refused frame must say why");
      return Verdict::kRefused;
    }
    if (!*next) return Verdict::kRefused;
    const orbitmq::proto::FrameView& frame = **next;
    ORBITMQ_CHECK(frame.frame_bytes == 8 + frame.header.size() + frame.body.size(), "parts make the frame");
    ORBITMQ_CHECK(at + frame.frame_bytes <= input.size(), "a frame ends inside the input");
    // A frame does not change with what follows it, and is never seen in part of itself.
    ORBITMQ_CHECK(NextFrame(input.substr(at, frame.frame_bytes)).ok(), "the frame alone is a frame");
    const auto cut = NextFrame(input.substr(at, frame.frame_bytes - 1));
    ORBITMQ_CHECK(cut.ok() && !*cut, "a cut frame waits for more");
    at += frame.frame_bytes;
  }
  return Verdict::kAccepted;
}

}  // namespace

int main(int argc, char** argv) {
  return orbitmq::fuzz::FuzzMain(argc, argv, {"frame", orbitmq::fuzz::GoldenFrames(), ReadStream});
}
