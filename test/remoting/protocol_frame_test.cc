// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "remoting/protocol/frame_decoder.h"
#include "test/remoting/protocol_fixtures.h"

namespace orbitmq::proto {
namespace {

using test::FrameAround;
using test::FromHexText;

TEST(FrameTest, NextFrame_WholeFrame_GivesHeaderAndBody) {
  const std::string frame = FrameAround(SerializeType::kBinary, "head", "the body");
  const std::string input = frame + "more";
  auto next = NextFrame(input);
  ASSERT_TRUE(next.ok() && *next);
  EXPECT_EQ((*next)->serialize, SerializeType::kBinary);
  EXPECT_EQ((*next)->header, "head");
  EXPECT_EQ((*next)->body, "the body");
  EXPECT_EQ((*next)->frame_bytes, frame.size());
}

TEST(FrameTest, NextFrame_EveryCut_AsksForMore) {
  const std::string frame = FrameAround(SerializeType::kJson, "{\"code\":1}", "body");
  for (size_t cut = 0; cut < frame.size(); ++cut) {
    auto next = NextFrame(std::string_view(frame).substr(0, cut));
    ASSERT_TRUE(next.ok()) << cut;
    EXPECT_FALSE(next->has_value()) << cut;
  }
}

TEST(FrameTest, NextFrame_NoBodyAndNoHeader_AreEmptyViews) {
  auto next = NextFrame(FromHexText("00000004 00000000"));
  ASSERT_TRUE(next.ok() && *next);
  EXPECT_TRUE((*next)->header.empty());
  EXPECT_TRUE((*next)->body.empty());
}

TEST(FrameTest, NextFrame_HostileLength_FailsAtFourBytes) {
  for (const char* hex : {"80000000", "FFFFFFFF", "00000000", "00000003", "7FFFFFFF", "00FFFFFD"}) {
    auto next = NextFrame(FromHexText(hex));
    EXPECT_FALSE(next.ok()) << hex;
    EXPECT_EQ(next.status().code(), StatusCode::kCorrupt) << hex;
  }
  // 16 MiB with its own word is Apache's limit and still legal.
  EXPECT_TRUE(NextFrame(FromHexText("00FFFFFC")).ok());
}

TEST(FrameTest, NextFrame_SmallerLimit_IsObeyed) {
  EXPECT_TRUE(NextFrame(FromHexText("0000003C"), 64).ok());
  EXPECT_FALSE(NextFrame(FromHexText("0000003D"), 64).ok());
}

TEST(FrameTest, NextFrame_HeaderBeyondFrame_FailsAtEightBytes) {
  EXPECT_FALSE(NextFrame(FromHexText("00000010 0000000D")).ok());
  EXPECT_TRUE(NextFrame(FromHexText("00000010 0000000C")).ok());
  EXPECT_FALSE(NextFrame(FromHexText("00000004 00000001")).ok());
  EXPECT_FALSE(NextFrame(FromHexText("00FFFFFC 00900000")).ok()) << "above limits::kHeaderBytesMax";
}

TEST(FrameTest, NextFrame_UnknownSerializeType_NamesIt) {
  auto next = NextFrame(FromHexText("00000010 02000004"));
  ASSERT_FALSE(next.ok());
  EXPECT_NE(next.status().text().find("serialize type 2"), std::string_view::npos);
}

}  // namespace
}  // namespace orbitmq::proto
