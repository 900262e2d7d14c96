// SPDX-License-Identifier: Apache-2.0
#include <string>

#include <gtest/gtest.h>

#include "bench/send_load.h"
#include "common/bytes.h"
#include "remoting/protocol/codes.h"
#include "remoting/protocol/command_codec.h"
#include "remoting/protocol/frame_decoder.h"
#include "remoting/protocol/headers.h"

namespace orbitmq::bench {
namespace {

PerfPlan Plan(size_t body_bytes) {
  PerfPlan plan;
  plan.topic = "T";
  plan.group = "G";
  plan.body_bytes = body_bytes;
  return plan;
}

std::string FrameBytes(const PerfPlan& plan, const SendFrame::Variable& variable) {
  const auto frame = SendFrame::Make(plan, {"broker-a", 3, {"127.0.0.1", 1}});
  EXPECT_TRUE(frame.ok());
  std::string out;
  frame->AppendTo(out, variable);
  return out;
}

TEST(SendFrame, IsAWholeSendRequestWithItsVariableParts) {
  const std::string bytes = FrameBytes(
      Plan(40),
      {.opaque = SendFrame::kFirstOpaque + 77, .wall_ms = "1700000000123", .due_nanos = 42, .run_id = 99});
  const auto frame = proto::NextFrame(bytes);
  ASSERT_TRUE(frame.ok() && frame->has_value());
  EXPECT_EQ((*frame)->frame_bytes, bytes.size());
  proto::CommandDecoder decoder;
  const auto command = decoder.Decode(**frame);
  ASSERT_TRUE(command.ok());
  EXPECT_EQ(command->code, proto::RequestCode::kSendMessageV2);
  EXPECT_EQ(command->opaque, SendFrame::kFirstOpaque + 77);
  const auto header =
      proto::DecodeHeader<proto::SendMessageRequestHeaderView>(*command, proto::NameForm::kShort);
  ASSERT_TRUE(header.ok());
  EXPECT_EQ(header->topic, "T");
  EXPECT_EQ(header->queue_id, 3);
  EXPECT_EQ(header->born_timestamp, 1700000000123);
  ASSERT_EQ(command->body.size(), 40u);
  EXPECT_EQ(LoadBig<int64_t>(command->body.data()), 42);
  EXPECT_EQ(LoadBig<uint64_t>(command->body.data() + kDueBytes), 99u);
}

TEST(SendFrame, ShortBodyHasNoRoomForTheRun) {
  const std::string bytes = FrameBytes(
      Plan(8), {.opaque = SendFrame::kFirstOpaque, .wall_ms = "1700000000123", .due_nanos = 5, .run_id = 9});
  const auto frame = proto::NextFrame(bytes);
  ASSERT_TRUE(frame.ok() && frame->has_value());
  ASSERT_EQ((*frame)->body.size(), 8u);
  EXPECT_EQ(LoadBig<int64_t>((*frame)->body.data()), 5);
}

TEST(SendFrame, SeveralStandOneBehindTheOther) {
  const auto frame = SendFrame::Make(Plan(16), {"b", 0, {}});
  ASSERT_TRUE(frame.ok());
  std::string out;
  for (int32_t i = 0; i < 3; ++i)
    frame->AppendTo(out, {.opaque = SendFrame::kFirstOpaque + i, .wall_ms = "1700000000123", .due_nanos = i});
  ASSERT_EQ(out.size(), 3 * frame->size());
  proto::CommandDecoder decoder;
  const auto second = proto::NextFrame(std::string_view(out).substr(frame->size()));
  ASSERT_TRUE(second.ok() && second->has_value());
  EXPECT_EQ(decoder.Decode(**second)->opaque, SendFrame::kFirstOpaque + 1);
}

TEST(GlanceAtReply, ReadsWhatBrokersWrite) {
  const auto glance = GlanceAtReply(
      R"({"code":0,"extFields":{"msgId":"A"},"flag":1,"language":"JAVA","opaque":1000000007,"version":513})");
  ASSERT_TRUE(glance.has_value());
  EXPECT_EQ(glance->code, 0);
  EXPECT_EQ(glance->opaque, 1000000007);
}

TEST(GlanceAtReply, LeavesOtherShapesToTheDecoder) {
  EXPECT_FALSE(GlanceAtReply(R"({"opaque":1,"code":0})").has_value());
  EXPECT_FALSE(GlanceAtReply(R"({"code":0,"flag":1})").has_value());
  EXPECT_FALSE(GlanceAtReply(R"({"code":"0","opaque":1})").has_value());
  EXPECT_FALSE(GlanceAtReply("").has_value());
}

TEST(GlanceAtReply, IsNotFooledByTheRemark) {
  const auto glance = GlanceAtReply(R"({"code":1,"opaque":5,"remark":"say \",\"opaque\":6"})");
  ASSERT_TRUE(glance.has_value());
  EXPECT_EQ(glance->opaque, 5);
}

}  // namespace
}  // namespace orbitmq::bench
