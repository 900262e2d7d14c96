// SPDX-License-Identifier: Apache-2.0
// Delay levels, send-back and the dead letter queue (store.md 5.1, 7).
#include <set>

#include "common/message_properties.h"
#include "common/strings.h"
#include "remoting/protocol/offset_bodies.h"
#include "test/broker/broker_fixture.h"

namespace orbitmq::broker {
namespace {

using proto::Command;
using proto::RequestCode;
using proto::ResponseCode;
using std::chrono::milliseconds;
using std::chrono::seconds;

class RetryDelayTest : public BrokerFixture {};

TEST_F(RetryDelayTest, DelayLevel_AnySend_IsDeliveredWhenDueAndNotBefore) {
  Start();
  ASSERT_EQ(CreateTopic("T").code, ResponseCode::kSuccess);
  const Command reply = Send({.properties = "DELAY\x01"
                                            "2\x02",
                              .queue_id = 3});
  ASSERT_EQ(reply.code, ResponseCode::kSuccess);
  EXPECT_EQ(*reply.ext.Find("queueId"), "3");
  Run(milliseconds(4500));
  EXPECT_TRUE(PullAll("T", 3).empty());
  Run(milliseconds(600));
  const auto seen = PullAll("T", 3);
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].body, "hello");
  EXPECT_EQ(FindProperty(seen[0].properties, "REAL_TOPIC"), "T");
}

TEST_F(RetryDelayTest, DelayLevel_BeyondTheLast_IsCapped) {
  BrokerOptions options = Options();
  options.message_delay_level = "1s 2s";
  Start(options);
  ASSERT_EQ(Send({.properties = "DELAY\x01"
                                "99\x02"})
                .code,
            ResponseCode::kSuccess);
  Run(seconds(3));
  EXPECT_EQ(PullAll("T").size(), 1u);
}

TEST_F(RetryDelayTest, Delayed_RestartBeforeDue_IsDeliveredOnce) {
  Start();
  ASSERT_EQ(Send({.properties = "DELAY\x01"
                                "3\x02"})
                .code,
            ResponseCode::kSuccess);
  Run(seconds(2));
  Stop();
  Start();
  Run(seconds(12));
  EXPECT_EQ(PullAll("T").size(), 1u);
  Stop();
  Start();
  Run(seconds(12));
  EXPECT_EQ(PullAll("T").size(), 1u) << "delayOffset.json is past it";
  const Command table = caller_->Plain(RequestCode::kGetAllDelayOffset);
  const auto offsets = proto::DecodeBody<proto::DelayOffsetSerializeWrapper>(table.JoinedBody().view());
  ASSERT_TRUE(offsets.ok());
  EXPECT_EQ(offsets->offset_table.at(3), 1);
}

// The place in the level's queue is written past copies only that are on the disk.
TEST_F(RetryDelayTest, Delivered_PowerCutBeforeTheCopyIsSynced_NoneIsLost) {
  BrokerOptions options = Options();
  options.flush_interval_commit_log = seconds(20);
  options.flush_delay_offset_interval = seconds(1);
  Start(options);
  // By chance some pages of the copy outlive the cut; then it is there twice.
  std::set<std::string> sent;
  for (int round = 0; round < 6; ++round) {
    const std::string body = StrCat("message ", round);
    ASSERT_EQ(Send({.body = body, .properties = std::string("DELAY\x01") + "4\x02"}).code,
              ResponseCode::kSuccess);
    sent.insert(body);
    Run(seconds(33));
    ASSERT_EQ(PullAll("T").back().body, body) << "delivered after 30 s";
    Crash(sim::SimEnv::Loss::kPower);
    Start(options);
    Run(seconds(3));
    std::set<std::string> delivered;
    for (const Seen& message : PullAll("T")) delivered.insert(message.body);
    ASSERT_EQ(delivered, sent);
  }
}

TEST_F(RetryDelayTest, SendBack_LevelZero_ComesBackByTheRetryTopic) {
  Start();
  ASSERT_EQ(Send({.properties = "KEYS\x01k\x02"}).code, ResponseCode::kSuccess);
  const auto original = PullAll("T").at(0);
  ASSERT_EQ(SendBack(original.log_offset, 0).code, ResponseCode::kSuccess);
  Run(seconds(9));
  EXPECT_TRUE(PullAll("%RETRY%G").empty()) << "level 3 is 10 s";
  Run(seconds(2));
  const auto retried = PullAll("%RETRY%G");
  ASSERT_EQ(retried.size(), 1u);
  EXPECT_EQ(retried[0].reconsume_times, 1);
  EXPECT_EQ(retried[0].body, "hello");
  EXPECT_EQ(FindProperty(retried[0].properties, "RETRY_TOPIC"), "T");
  EXPECT_EQ(FindProperty(retried[0].properties, "ORIGIN_MESSAGE_ID")->size(), 32u);
  EXPECT_EQ(FindProperty(retried[0].properties, "KEYS"), "k");
  // The second retry keeps the origin and goes one level up.
  ASSERT_EQ(SendBack(retried[0].log_offset, 0).code, ResponseCode::kSuccess);
  Run(seconds(31));
  const auto second = PullAll("%RETRY%G");
  ASSERT_EQ(second.size(), 2u);
  EXPECT_EQ(second[1].reconsume_times, 2);
  EXPECT_EQ(FindProperty(second[1].properties, "ORIGIN_MESSAGE_ID"),
            FindProperty(retried[0].properties, "ORIGIN_MESSAGE_ID"));
}

TEST_F(RetryDelayTest, RecordCrc_RetriesDeadLettersAndDelays_HaveTheirOwn) {
  Start();
  ASSERT_EQ(Send({.properties = "DELAY\x01"
                                "1\x02"})
                .code,
            ResponseCode::kSuccess);
  Run(seconds(2));
  const auto delivered = PullAll("T").at(0);
  ASSERT_EQ(SendBack(delivered.log_offset, 1).code, ResponseCode::kSuccess);
  Run(seconds(2));
  const auto retried = PullAll("%RETRY%G").at(0);
  ASSERT_EQ(SendBack(retried.log_offset, -1).code, ResponseCode::kSuccess);
  const auto dead = PullAll("%DLQ%G").at(0);
  for (const Seen& message : {PullAll("SCHEDULE_TOPIC_XXXX").at(0), delivered, retried, dead}) {
    EXPECT_EQ(message.record_crc, RecordCrcCheck::kMatches) << message.topic;
    EXPECT_EQ(message.properties.find("__CRC32#"), message.properties.rfind("__CRC32#")) << message.topic;
  }
}

TEST_F(RetryDelayTest, SendBack_NegativeLevelOrTooOften_GoesToTheDlq) {
  Start();
  ASSERT_EQ(Send().code, ResponseCode::kSuccess);
  const auto original = PullAll("T").at(0);
  ASSERT_EQ(SendBack(original.log_offset, -1).code, ResponseCode::kSuccess);
  ASSERT_EQ(SendBack(original.log_offset, 0, 0).code, ResponseCode::kSuccess);
  const auto dead = PullAll("%DLQ%G");
  ASSERT_EQ(dead.size(), 2u);
  EXPECT_EQ(FindProperty(dead[0].properties, "DELAY"), "0");
  EXPECT_EQ(dead[1].reconsume_times, 1);
}

TEST_F(RetryDelayTest, SendBack_UnknownOffset_IsAnError) {
  Start();
  ASSERT_EQ(Send().code, ResponseCode::kSuccess);
  for (const int64_t offset : {int64_t{1}, int64_t{1} << 40, int64_t{-5}}) {
    const Command reply = SendBack(offset, 0);
    EXPECT_EQ(reply.code, ResponseCode::kSystemError);
    EXPECT_NE(reply.remark.find("look message by offset failed"), std::string::npos) << reply.remark;
  }
}

}  // namespace
}  // namespace orbitmq::broker
