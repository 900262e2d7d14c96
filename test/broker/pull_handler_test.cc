// SPDX-License-Identifier: Apache-2.0
// Pulls and long polling (store.md 8.1, 8.2).
#include "common/sys_flag.h"
#include "remoting/protocol/client_bodies.h"
#include "test/broker/broker_fixture.h"

namespace orbitmq::broker {
namespace {

using proto::Command;
using proto::RequestCode;
using proto::ResponseCode;
using std::chrono::milliseconds;
using std::chrono::seconds;

class PullHandlerTest : public BrokerFixture {
 protected:
  static proto::PullMessageResponseHeader HeaderOf(const Command& reply) {
    auto header = proto::DecodeHeader<proto::PullMessageResponseHeader>(reply);
    EXPECT_TRUE(header.ok()) << header.status().ToString();
    return header.ok() ? *header : proto::PullMessageResponseHeader{};
  }
};

TEST_F(PullHandlerTest, Pull_Outcomes_HaveApachesCodesAndOffsets) {
  Start();
  for (int i = 0; i < 5; ++i) ASSERT_EQ(Send().code, ResponseCode::kSuccess);
  Run(milliseconds(200));
  const Command found = Pull({.offset = 3});
  EXPECT_EQ(found.code, ResponseCode::kSuccess);
  EXPECT_EQ(found.remark, "FOUND");
  EXPECT_EQ(HeaderOf(found).next_begin_offset, 5);
  EXPECT_EQ(HeaderOf(found).max_offset, 5);
  EXPECT_EQ(Decode(found).size(), 2u);
  const Command at_end = Pull({.offset = 5});
  EXPECT_EQ(at_end.code, ResponseCode::kPullNotFound);
  EXPECT_EQ(HeaderOf(at_end).next_begin_offset, 5);
  const Command beyond = Pull({.offset = 9});
  EXPECT_EQ(beyond.code, ResponseCode::kPullOffsetMoved);
  EXPECT_EQ(HeaderOf(beyond).next_begin_offset, 5);
  EXPECT_EQ(Pull({.queue_id = 1}).code, ResponseCode::kPullNotFound);
  EXPECT_EQ(Pull({.queue_id = 1, .offset = 7}).code, ResponseCode::kPullOffsetMoved);
  EXPECT_EQ(Decode(Pull({.max = 2})).size(), 2u);
  EXPECT_TRUE(PullAll("OFFSET_MOVED_EVENT").empty()) << "4.9.7 stores a message for each";
}

TEST_F(PullHandlerTest, Pull_OfWhatIsOnAStandingDisk_HoldsUpNobodyElse) {
  BrokerOptions options = Options();
  options.server_selector_threads = 1;
  Start(options);
  for (int i = 0; i < 40; ++i) ASSERT_EQ(Send().code, ResponseCode::kSuccess);
  ASSERT_EQ(Send({.topic = "Quiet"}).code, ResponseCode::kSuccess);
  Run(seconds(2));
  Stop();
  Start(options);
  Run(seconds(2));
  broker_host_.disk.SlowReads(seconds(1));
  const auto old = caller_->Begin(PullRequest({.offset = 5}), seconds(60));
  const auto last = caller_->Begin(PullRequest({.topic = "Quiet", .offset = 0}), seconds(60));
  Run(milliseconds(50));
  const MonoTime begin = scheduler_.now();
  const Command sent = Send({.body = "meanwhile"});
  EXPECT_EQ(sent.code, ResponseCode::kSuccess) << sent.remark;
  const Command live = Pull({.offset = 40, .wait = seconds(1)});
  EXPECT_EQ(live.code, ResponseCode::kSuccess) << live.remark;
  EXPECT_LT(scheduler_.now() - begin, milliseconds(500));
  EXPECT_TRUE(scheduler_.RunUntil(scheduler_.now() + seconds(60),
                                  [&] { return old->has_value() && last->has_value(); }));
  EXPECT_EQ((*old)->code, ResponseCode::kSuccess);
  EXPECT_EQ((*last)->code, ResponseCode::kSuccess);
}

TEST_F(PullHandlerTest, Pull_Refusals_HaveApachesCodes) {
  Start();
  EXPECT_EQ(Pull({.topic = "Nope"}).code, ResponseCode::kTopicNotExist);
  ASSERT_EQ(Send().code, ResponseCode::kSuccess);
  EXPECT_EQ(Pull({.queue_id = 4}).code, ResponseCode::kInvalidParameter);
  EXPECT_EQ(Pull({.queue_id = -1}).code, ResponseCode::kInvalidParameter);
  EXPECT_EQ(Pull({.with_subscription = false}).code, ResponseCode::kSubscriptionNotExist);
  EXPECT_EQ(Pull({.group = std::string(121, 'g')}).code, ResponseCode::kSubscriptionGroupNotExist);
  ASSERT_EQ(CreateTopic("WriteOnly", 1, 2).code, ResponseCode::kSuccess);
  EXPECT_EQ(Pull({.topic = "WriteOnly"}).code, ResponseCode::kNoPermission);
  const Command sql = Pull({.expression = "a > 1", .expression_type = "SQL92"});
  EXPECT_EQ(sql.code, ResponseCode::kSystemError);
  EXPECT_NE(sql.remark.find("does not support consumer to filter message by SQL92"), std::string::npos);
}

TEST_F(PullHandlerTest, Pull_TagFilter_PassesOverOthersAndMovesOn) {
  Start();
  for (const char* tag : {"A", "B", "A", "C"}) {
    ASSERT_EQ(Send({.body = tag, .properties = std::string("TAGS\x01") + tag + "\x02"}).code,
              ResponseCode::kSuccess);
  }
  Run(milliseconds(200));
  EXPECT_EQ(Decode(Pull({.expression = "A || C"})).size(), 3u);
  const Command none = Pull({.expression = "Z"});
  EXPECT_EQ(none.code, ResponseCode::kPullRetryImmediately);
  EXPECT_EQ(HeaderOf(none).next_begin_offset, 4);
}

TEST_F(PullHandlerTest, LongPoll_MessageArrives_AnswersAtOnce) {
  Start();
  ASSERT_EQ(Send().code, ResponseCode::kSuccess);
  Run(milliseconds(200));
  const auto answer = caller_->Begin(PullRequest({.offset = 1, .wait = seconds(15)}), seconds(20));
  Run(seconds(3));
  EXPECT_FALSE(answer->has_value());
  ASSERT_EQ(Send({.body = "woke"}).code, ResponseCode::kSuccess);
  const MonoTime sent = scheduler_.now();
  EXPECT_TRUE(scheduler_.RunUntil(sent + milliseconds(100), [&] { return answer->has_value(); }));
  EXPECT_EQ(Decode(**answer).at(0).body, "woke");
}

TEST_F(PullHandlerTest, LongPoll_OnlyOtherTagsArrive_WaitsThenMovesOn) {
  Start();
  ASSERT_EQ(Send().code, ResponseCode::kSuccess);
  Run(milliseconds(200));
  const auto answer =
      caller_->Begin(PullRequest({.offset = 1, .wait = seconds(2), .expression = "A"}), seconds(20));
  Run(milliseconds(200));
  ASSERT_EQ(Send({.properties = "TAGS\x01"
                                "B\x02"})
                .code,
            ResponseCode::kSuccess);
  Run(seconds(1));
  EXPECT_FALSE(answer->has_value());
  Run(seconds(1));
  ASSERT_TRUE(answer->has_value());
  EXPECT_EQ((*answer)->code, ResponseCode::kPullRetryImmediately);
  EXPECT_EQ(HeaderOf(**answer).next_begin_offset, 2);
}

TEST_F(PullHandlerTest, LongPoll_NothingArrives_EndsAtItsOwnTime) {
  Start();
  ASSERT_EQ(Send().code, ResponseCode::kSuccess);
  Run(milliseconds(200));
  const MonoTime begin = scheduler_.now();
  EXPECT_EQ(Pull({.offset = 1, .wait = seconds(2)}).code, ResponseCode::kPullNotFound);
  EXPECT_GE(scheduler_.now() - begin, seconds(2));
  EXPECT_LT(scheduler_.now() - begin, milliseconds(2200));
}

TEST_F(PullHandlerTest, LongPoll_ManyRacingSends_NeverLosesAWakeUp) {
  Start();
  ASSERT_EQ(CreateTopic("T", 1).code, ResponseCode::kSuccess);
  for (int64_t i = 0; i < 200; ++i) {
    // Both are under way at once, so every order of arriving and parking comes up.
    const auto pull = caller_->Begin(PullRequest({.offset = i, .wait = seconds(10)}), seconds(15));
    const auto send = caller_->Begin(SendRequest({}), seconds(3));
    const MonoTime begin = scheduler_.now();
    ASSERT_TRUE(
        scheduler_.RunUntil(begin + seconds(5), [&] { return pull->has_value() && send->has_value(); }));
    ASSERT_EQ((*pull)->code, ResponseCode::kSuccess) << (*pull)->remark << " at " << i;
  }
}

TEST_F(PullHandlerTest, LitePull_And_CommitFlag_Work) {
  Start();
  ASSERT_EQ(Send().code, ResponseCode::kSuccess);
  Run(milliseconds(200));
  Command request = PullRequest({.offset = 0,
                                 .extra_flags = pull_flag::kCommitOffset | pull_flag::kLitePull,
                                 .code = RequestCode::kLitePullMessage});
  request.ext.Set("commitOffset", "1");
  EXPECT_EQ(caller_->Call(std::move(request)).code, ResponseCode::kSuccess);
  EXPECT_EQ(Offset("T"), 1);
}

TEST_F(PullHandlerTest, Heartbeat_Subscription_IsUsedByPulls) {
  Start();
  ASSERT_EQ(Send({.properties = "TAGS\x01"
                                "A\x02"})
                .code,
            ResponseCode::kSuccess);
  ASSERT_EQ(Send({.properties = "TAGS\x01"
                                "B\x02"})
                .code,
            ResponseCode::kSuccess);
  ASSERT_EQ(Heartbeat(*caller_, "c1", "G", "T", "B").code, ResponseCode::kSuccess);
  Run(milliseconds(200));
  EXPECT_EQ(Decode(Pull({.with_subscription = false})).size(), 1u);
  EXPECT_EQ(Pull({.topic = "%RETRY%G", .with_subscription = false}).code,
            ResponseCode::kSubscriptionNotExist);
  Command newer = PullRequest({.with_subscription = false});
  newer.ext.Set("subVersion", "2");
  // Its heartbeat is still to come: everything, for the client to filter; not what clients do not filter.
  EXPECT_EQ(Decode(caller_->Call(std::move(newer))).size(), 2u);
  Command newer_sql = PullRequest({.with_subscription = false});
  newer_sql.ext.Set("subVersion", "2");
  newer_sql.ext.Set("expressionType", "SQL92");
  EXPECT_EQ(caller_->Call(std::move(newer_sql)).code, ResponseCode::kSubscriptionNotLatest);
}

TEST_F(PullHandlerTest, ParkedPull_PermissionTakenMeanwhile_IsRefused) {
  Start();
  ASSERT_EQ(Send().code, ResponseCode::kSuccess);
  const auto answer = caller_->Begin(PullRequest({.offset = 1, .wait = seconds(15)}), seconds(20));
  Run(milliseconds(100));
  ASSERT_FALSE(answer->has_value());
  ASSERT_EQ(caller_->Plain(RequestCode::kUpdateBrokerConfig, "brokerPermission=2\n").code,
            ResponseCode::kSuccess);
  ASSERT_EQ(Send().code, ResponseCode::kSuccess);
  Run(milliseconds(100));
  ASSERT_TRUE(answer->has_value());
  EXPECT_EQ((*answer)->code, ResponseCode::kNoPermission);
}

TEST_F(PullHandlerTest, Shutdown_ParkedPulls_AreAnswered) {
  Start();
  ASSERT_EQ(Send().code, ResponseCode::kSuccess);
  Run(milliseconds(200));
  const auto answer = caller_->Begin(PullRequest({.offset = 1, .wait = seconds(30)}), seconds(40));
  Run(milliseconds(200));
  Stop();
  Run(seconds(1));
  ASSERT_TRUE(answer->has_value());
  EXPECT_EQ((*answer)->code, ResponseCode::kPullNotFound);
}

}  // namespace
}  // namespace orbitmq::broker
