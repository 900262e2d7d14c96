// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <set>

#include "common/message_properties.h"
#include "common/names.h"
#include "orbitmq/push_consumer.h"
#include "remoting/protocol/client_bodies.h"
#include "remoting/protocol/codes.h"
#include "remoting/protocol/offset_bodies.h"
#include "remoting/protocol/running_info.h"
#include "test/client/consumer_fixture.h"

namespace orbitmq::client {
namespace {

using proto::RequestCode;
using proto::ResponseCode;

TEST_F(ConsumerTest, Consume_AllQueues_EveryMessageOnceAndCommitted) {
  RouteToA(4);
  for (int32_t queue = 0; queue < 4; ++queue) StoreMany(queue, 50);
  StartConsumer(ConsumerOptions(), Collect());
  ASSERT_TRUE(RunUntilSeen(200));
  for (const auto& [body, count] : seen_) EXPECT_EQ(count, 1) << body;
  Run(seconds(10));
  for (int32_t queue = 0; queue < 4; ++queue) EXPECT_EQ(a_->fake.Committed(kGroup, Queue(queue)), 50);
  EXPECT_EQ(consumer_->Assignment().size(), 4u);
}

TEST_F(ConsumerTest, Consume_TopicAppearsLater_IsFoundWithinSeconds) {
  StartConsumer(ConsumerOptions(), Collect());
  Run(seconds(5));
  RouteToA(1);
  StoreMany(0, 3);
  EXPECT_TRUE(RunUntilSeen(3, seconds(4)));
}

TEST_F(ConsumerTest, Consume_CommittedOffset_BeginsThere) {
  RouteToA(1);
  StoreMany(0, 10);
  a_->fake.SetCommitted(kGroup, Queue(0), 7);
  StartConsumer(ConsumerOptions(), Collect());
  ASSERT_TRUE(RunUntilSeen(3));
  Run(seconds(1));
  EXPECT_EQ(seen_.size(), 3u);
  EXPECT_TRUE(seen_.contains("q0-7"));
}

TEST_F(ConsumerTest, Begin_NewGroup_FollowsConsumeFrom) {
  RouteToA(1);
  StoreMany(0, 5);
  const std::pair<ConsumeFrom, size_t> cases[] = {
      {ConsumeFrom::kFirstOffset, 5}, {ConsumeFrom::kLastOffset, 0}, {ConsumeFrom::kTimestamp, 3}};
  int number = 0;
  for (const auto& [from, expected] : cases) {
    seen_.clear();
    PushConsumerOptions options = ConsumerOptions();
    options.group = "g" + std::to_string(++number);
    options.consume_from = from;
    StartConsumer(options, Collect());
    Run(seconds(5));
    EXPECT_EQ(seen_.size(), expected) << "case " << number;
    EXPECT_TRUE(Shutdown(*consumer_, seconds(1))->ok());
    consumer_.reset();
  }
}

TEST_F(ConsumerTest, Begin_OffsetQueryFails_NeverTakenForNoOffset) {
  RouteToA(1);
  StoreMany(0, 5);
  a_->fake.SetCommitted(kGroup, Queue(0), 2);
  a_->fake.Override(RequestCode::kQueryConsumerOffset, [](const proto::CommandView&) {
    return Answer(ResponseCode::kSystemError, "not ready");
  });
  PushConsumerOptions options = ConsumerOptions();
  options.consume_from = ConsumeFrom::kLastOffset;
  StartConsumer(options, Collect());
  Run(seconds(5));
  EXPECT_TRUE(seen_.empty());
  a_->fake.Clear(RequestCode::kQueryConsumerOffset);
  EXPECT_TRUE(RunUntilSeen(3));
  EXPECT_TRUE(seen_.contains("q0-2"));
}

TEST_F(ConsumerTest, Consume_TagSubscription_RechecksTheTagItself) {
  RouteToA(1);
  std::string paid, other;
  AppendProperty(paid, property::kTags, "paid");
  AppendProperty(other, property::kTags, "lost");
  a_->fake.Store(Queue(0), "yes", paid);
  a_->fake.Store(Queue(0), "no", other);
  a_->fake.Store(Queue(0), "none");
  PushConsumerOptions options = ConsumerOptions();
  options.subscriptions = {{kTopic, "paid || shipped"}};
  StartConsumer(options, Collect());
  ASSERT_TRUE(RunUntilSeen(1));
  Run(seconds(12));
  EXPECT_EQ(seen_, (std::map<std::string, int>{{"yes", 1}}));
  // What was filtered out counts as consumed.
  EXPECT_EQ(a_->fake.Committed(kGroup, Queue(0)), 3);
}

TEST_F(ConsumerTest, Commit_UnfinishedMessage_IsNeverPassed) {
  RouteToA(1);
  StoreMany(0, 20);
  // The fifth never gets through: neither consumed nor taken back by anybody.
  a_->fake.Override(RequestCode::kConsumerSendMsgBack,
                    [](const proto::CommandView&) { return Answer(ResponseCode::kSystemError); });
  StartConsumer(ConsumerOptions(), Collect([](const ReceivedMessage& message, ConsumeContext&) {
                  return message.queue_offset() == 5 ? ConsumeResult::kReconsumeLater
                                                     : ConsumeResult::kSuccess;
                }));
  ASSERT_TRUE(RunUntilSeen(20));
  Run(seconds(60));
  EXPECT_EQ(a_->fake.Committed(kGroup, Queue(0)), 5);
  EXPECT_GT(seen_["q0-5"], 3);  // Tried again and again by the consumer itself.
  // With the broker back it goes through.
  a_->fake.Clear(RequestCode::kConsumerSendMsgBack);
  Run(seconds(20));
  EXPECT_EQ(a_->fake.Committed(kGroup, Queue(0)), 20);
  for (const int64_t commit : a_->fake.Commits(Queue(0))) EXPECT_TRUE(commit <= 5 || commit == 20) << commit;
}

TEST_F(ConsumerTest, Reconsume_GoesBackAndComesAgainUnderItsOwnTopic) {
  RouteToA(1);
  RouteRetry();
  StoreMany(0, 3);
  std::map<int64_t, int> tries;
  StartConsumer(ConsumerOptions(), Collect([](const ReceivedMessage& message, ConsumeContext& context) {
                  if (message.body() != "q0-1" || message.reconsume_times() > 0)
                    return ConsumeResult::kSuccess;
                  context.delay_level = 2;
                  return ConsumeResult::kReconsumeLater;
                }));
  ASSERT_TRUE(RunUntil(seconds(30), [&] { return seen_["q0-1"] == 2; }));
  EXPECT_EQ(topics_, (std::set<std::string>{kTopic}));
  ASSERT_EQ(a_->fake.send_backs().size(), 1u);
  const auto back = a_->fake.send_backs()[0];
  EXPECT_EQ(back.group, kGroup);
  EXPECT_EQ(back.origin_topic, kTopic);
  EXPECT_EQ(back.delay_level, 2);
  EXPECT_EQ(back.max_reconsume_times, 16);
  Run(seconds(12));
  EXPECT_EQ(a_->fake.Committed(kGroup, Queue(0)), 3);
}

TEST_F(ConsumerTest, Reconsume_BrokerRefuses_PublishesToTheRetryTopic) {
  RouteToA(1);
  RouteRetry();
  StoreMany(0, 1);
  a_->fake.Override(RequestCode::kConsumerSendMsgBack,
                    [](const proto::CommandView&) { return Answer(ResponseCode::kSystemError); });
  StartConsumer(ConsumerOptions(), Collect([](const ReceivedMessage& message, ConsumeContext&) {
                  return message.reconsume_times() == 0 ? ConsumeResult::kReconsumeLater
                                                        : ConsumeResult::kSuccess;
                }));
  ASSERT_TRUE(RunUntil(seconds(30), [&] { return seen_["q0-0"] == 2; }));
  ASSERT_EQ(a_->fake.sends().size(), 1u);
  const auto header = a_->fake.sends()[0];
  EXPECT_EQ(header.topic, RetryTopic(kGroup));
  EXPECT_EQ(header.producer_group, "CLIENT_INNER_PRODUCER");
  EXPECT_EQ(header.reconsume_times, 1);
  EXPECT_EQ(header.max_reconsume_times, 16);
  EXPECT_EQ(FindProperty(header.properties, property::kRetryTopic), kTopic);
  EXPECT_EQ(FindProperty(header.properties, property::kDelayTimeLevel), "3");
}

TEST_F(ConsumerTest, Consume_ListenerThrows_CountsAsReconsumeLater) {
  RouteToA(1);
  StoreMany(0, 1);
  StartConsumer(ConsumerOptions(),
                [](std::span<const ReceivedMessage>, ConsumeContext&) -> ConsumeResult { throw 1; });
  EXPECT_TRUE(RunUntil(seconds(10), [&] { return a_->fake.send_backs().size() == 1; }));
}

TEST_F(ConsumerTest, Consume_PartlyAcked_OnlyTheRestGoesBack) {
  RouteToA(1);
  StoreMany(0, 4);
  PushConsumerOptions options = ConsumerOptions();
  options.consume_batch_size = 4;
  StartConsumer(options, Collect([](const ReceivedMessage&, ConsumeContext& context) {
                  context.acked_count = 3;
                  return ConsumeResult::kSuccess;
                }));
  ASSERT_TRUE(RunUntil(seconds(10), [&] { return !a_->fake.send_backs().empty(); }));
  Run(seconds(6));
  EXPECT_EQ(a_->fake.send_backs().size(), 1u);
  EXPECT_EQ(a_->fake.Committed(kGroup, Queue(0)), 4);
}

TEST_F(ConsumerTest, Rebalance_MembersComeAndGo_QueuesFollow) {
  RouteToA(4);
  StartConsumer(ConsumerOptions(), Collect());
  ASSERT_TRUE(RunUntil(seconds(10), [&] { return consumer_->Assignment().size() == 4; }));
  a_->fake.AddMember("zzz@other");
  proto::Command notice = proto::MakeRequest(RequestCode::kNotifyConsumerIdsChanged,
                                             proto::NotifyConsumerIdsChangedRequestHeader{kGroup, {}});
  a_->fake.Notify(notice);
  ASSERT_TRUE(RunUntil(seconds(3), [&] { return consumer_->Assignment().size() == 2; }));
  EXPECT_EQ(consumer_->Assignment(), (std::vector<MessageQueue>{Queue(0), Queue(1)}));
  a_->fake.RemoveMember("zzz@other");
  // Without a notice the period finds out.
  EXPECT_TRUE(RunUntil(seconds(25), [&] { return consumer_->Assignment().size() == 4; }));
}

TEST_F(ConsumerTest, Rebalance_MemberListUnavailable_KeepsTheQueues) {
  RouteToA(2);
  StartConsumer(ConsumerOptions(), Collect());
  ASSERT_TRUE(RunUntil(seconds(10), [&] { return consumer_->Assignment().size() == 2; }));
  a_->fake.Override(RequestCode::kGetConsumerListByGroup,
                    [](const proto::CommandView&) { return Answer(ResponseCode::kSystemError); });
  Run(seconds(60));
  EXPECT_EQ(consumer_->Assignment().size(), 2u);
}

TEST_F(ConsumerTest, Revoke_LateListener_CommitsNothing) {
  RouteToA(2);
  StoreMany(1, 1);
  StartConsumer(
      ConsumerOptions(), Collect([this](const ReceivedMessage&, ConsumeContext&) {
        // While the listener is at it the queue goes to somebody else.
        a_->fake.AddMember("zzz@other");
        a_->fake.Notify(proto::MakeRequest(RequestCode::kNotifyConsumerIdsChanged,
                                           proto::NotifyConsumerIdsChangedRequestHeader{kGroup, {}}));
        scheduler_.Spend(seconds(3));
        return ConsumeResult::kSuccess;
      }));
  ASSERT_TRUE(RunUntilSeen(1));
  ASSERT_TRUE(RunUntil(seconds(3), [&] { return consumer_->Assignment().size() == 1; }));
  Run(seconds(20));
  // The queue's new owner begins where this member had finished. (The simulated listener ends at once and is
  // only slow in coming back, so its result may still have been in time.)
  for (const int64_t commit : a_->fake.Commits(Queue(1))) EXPECT_LE(commit, 1);
}

TEST_F(ConsumerTest, OffsetMoved_TooSmall_GoesToTheOldestAndLosesNothingThere) {
  RouteToA(1);
  StoreMany(0, 10);
  a_->fake.SetMinOffset(Queue(0), 6);
  a_->fake.SetCommitted(kGroup, Queue(0), 2);
  StartConsumer(ConsumerOptions(), Collect());
  ASSERT_TRUE(RunUntilSeen(4));
  Run(seconds(10));
  EXPECT_EQ(seen_.size(), 4u);
  EXPECT_TRUE(seen_.contains("q0-6"));
  EXPECT_EQ(a_->fake.Committed(kGroup, Queue(0)), 10);
}

TEST_F(ConsumerTest, Pull_BrokenRecord_IsPulledAgainNotSkipped) {
  RouteToA(1);
  StoreMany(0, 3);
  bool broken = true;
  a_->fake.Override(RequestCode::kPullMessage,
                    [&](const proto::CommandView& request) -> std::optional<net::Response> {
                      if (!broken || request.Ext("topic") != kTopic) return std::nullopt;
                      net::Response response = Answer(ResponseCode::kSuccess);
                      proto::PullMessageResponseHeader header;
                      header.next_begin_offset = 3;
                      header.max_offset = 3;
                      proto::EncodeHeader(header, response.ext);
                      response.body.push_back(Bytes(std::string("this is no record")));
                      return response;
                    });
  StartConsumer(ConsumerOptions(), Collect());
  Run(seconds(10));
  EXPECT_TRUE(seen_.empty());
  broken = false;
  EXPECT_TRUE(RunUntilSeen(3));
}

TEST_F(ConsumerTest, Pull_FlowControl_StopsAtTheBound) {
  RouteToA(1);
  StoreMany(0, 500);
  PushConsumerOptions options = ConsumerOptions();
  options.queue_messages_max = 64;
  options.consume_threads = 1;
  size_t most = 0;
  StartConsumer(options, Collect([&](const ReceivedMessage& message, ConsumeContext&) {
                  scheduler_.Spend(milliseconds(20));
                  most = std::max(most, static_cast<size_t>(message.queue_offset()));
                  return ConsumeResult::kSuccess;
                }));
  ASSERT_TRUE(RunUntilSeen(20));
  // 64, and the batch of 32 that was under way when the bound was passed.
  EXPECT_LE(a_->fake.RequestCount(RequestCode::kPullMessage), 6u);
  EXPECT_TRUE(RunUntilSeen(500, seconds(60)));
}

TEST_F(ConsumerTest, Broadcast_TakesEveryQueueAndCommitsNothing) {
  RouteToA(3);
  for (int32_t queue = 0; queue < 3; ++queue) StoreMany(queue, 5);
  a_->fake.AddMember("zzz@other");
  PushConsumerOptions options = ConsumerOptions();
  options.model = MessageModel::kBroadcasting;
  StartConsumer(options, Collect([](const ReceivedMessage& message, ConsumeContext&) {
                  return message.queue_offset() == 0 ? ConsumeResult::kReconsumeLater
                                                     : ConsumeResult::kSuccess;
                }));
  ASSERT_TRUE(RunUntilSeen(15));
  Run(seconds(15));
  EXPECT_TRUE(a_->fake.send_backs().empty());
  EXPECT_EQ(a_->fake.Committed(kGroup, Queue(0)), std::nullopt);
  EXPECT_EQ(consumer_->Assignment().size(), 3u);
}

TEST_F(ConsumerTest, Subscribe_WhileRunning_AddsAndRemovesTopics) {
  RouteToA(1);
  ns_->fake.SetRoute("U", {&a_->fake}, 1);
  a_->fake.Store({"U", "a", 0}, "u");
  StartConsumer(ConsumerOptions(), Collect());
  Run(seconds(2));
  ASSERT_TRUE(consumer_->Subscribe({"U", "*"}).ok());
  ASSERT_TRUE(RunUntilSeen(1, seconds(5)));
  EXPECT_EQ(consumer_->Assignment().size(), 2u);
  ASSERT_TRUE(consumer_->Unsubscribe("U").ok());
  Run(seconds(1));
  EXPECT_EQ(consumer_->Assignment().size(), 1u);
  EXPECT_EQ(consumer_->Subscribe({"bad topic", "*"}).code(), StatusCode::kInvalidArgument);
}

TEST_F(ConsumerTest, Suspend_StopsPullingUntilResume) {
  RouteToA(1);
  StartConsumer(ConsumerOptions(), Collect());
  Run(seconds(3));
  consumer_->Suspend();
  Run(seconds(1));
  StoreMany(0, 2);
  Run(seconds(30));
  EXPECT_TRUE(seen_.empty());
  consumer_->Resume();
  EXPECT_TRUE(RunUntilSeen(2, seconds(2)));
}

TEST_F(ConsumerTest, Heartbeat_CarriesTheSubscriptions) {
  RouteToA(1);
  PushConsumerOptions options = ConsumerOptions();
  options.subscriptions = {{kTopic, "TagA || TagB"}};
  StartConsumer(options, Collect());
  ASSERT_TRUE(RunUntil(seconds(5), [&] { return a_->fake.last_heartbeat().has_value(); }));
  const auto heartbeat = *a_->fake.last_heartbeat();
  ASSERT_EQ(heartbeat.consumer_data_set.size(), 1u);
  const auto& consumer = heartbeat.consumer_data_set[0];
  EXPECT_EQ(consumer.group_name, kGroup);
  EXPECT_EQ(consumer.consume_from_where, proto::ConsumeFromWhere::kConsumeFromFirstOffset);
  ASSERT_EQ(consumer.subscription_data_set.size(), 2u);
  EXPECT_EQ(consumer.subscription_data_set[0].topic, RetryTopic(kGroup));
  EXPECT_EQ(consumer.subscription_data_set[1].code_set, (std::set<int32_t>{2598919, 2598920}));
  EXPECT_GT(consumer.subscription_data_set[1].sub_version, 0);
}

TEST_F(ConsumerTest, BrokerForgetsTheClient_HeartbeatBringsItBack) {
  RouteToA(1);
  StoreMany(0, 1);
  StartConsumer(ConsumerOptions(), Collect());
  ASSERT_TRUE(RunUntilSeen(1));
  network_.ResetRandomConnection();
  network_.ResetRandomConnection();
  a_->fake.Store(Queue(0), "after");
  EXPECT_TRUE(RunUntilSeen(2, seconds(10)));
}

class ConsumerRequestTest : public ConsumerTest {
 protected:
  std::optional<Result<proto::Command>> Ask(proto::Command command) {
    std::optional<Result<proto::Command>> reply;
    a_->fake.Ask(std::move(command), [&](Result<proto::Command> r) { reply = std::move(r); });
    RunUntil(seconds(6), [&] { return reply.has_value(); });
    return reply;
  }
};

TEST_F(ConsumerRequestTest, RunningInfo_TellsQueuesAndSubscriptions) {
  RouteToA(2);
  StoreMany(0, 4);
  StartConsumer(ConsumerOptions(), Collect());
  ASSERT_TRUE(RunUntilSeen(4));
  Run(seconds(1));
  proto::GetConsumerRunningInfoRequestHeader header;
  header.consumer_group = kGroup;
  header.client_id = consumer_->client_id();
  const auto reply = Ask(proto::MakeRequest(RequestCode::kGetConsumerRunningInfo, header));
  ASSERT_TRUE(reply && reply->ok());
  const auto info = proto::DecodeBody<proto::ConsumerRunningInfo>((*reply)->JoinedBody().view());
  ASSERT_TRUE(info.ok()) << info.status().ToString();
  EXPECT_EQ(info->properties.at("PROP_CONSUME_TYPE"), "CONSUME_PASSIVELY");
  ASSERT_EQ(info->mq_table.size(), 2u);
  EXPECT_EQ(info->mq_table.at(Queue(0)).commit_offset, 4);
  EXPECT_EQ(info->subscription_set.size(), 2u);
  EXPECT_GT(info->status_table.at(kTopic).consume_ok_tps, 0.0);

  header.consumer_group = "stranger";
  const auto refused = Ask(proto::MakeRequest(RequestCode::kGetConsumerRunningInfo, header));
  ASSERT_TRUE(refused && refused->ok());
  EXPECT_EQ((*refused)->code, ResponseCode::kSystemError);
}

TEST_F(ConsumerRequestTest, Status_TellsTheOffsets) {
  RouteToA(2);
  StoreMany(1, 3);
  StartConsumer(ConsumerOptions(), Collect());
  ASSERT_TRUE(RunUntilSeen(3));
  Run(seconds(1));
  const auto reply = Ask(proto::MakeRequest(RequestCode::kGetConsumerStatusFromClient,
                                            proto::GetConsumerStatusRequestHeader{kTopic, kGroup, {}, {}}));
  ASSERT_TRUE(reply && reply->ok());
  const auto body = proto::DecodeBody<proto::GetConsumerStatusBody>((*reply)->JoinedBody().view());
  ASSERT_TRUE(body.ok());
  EXPECT_EQ(body->message_queue_table.at(Queue(1)), 3);
}

TEST_F(ConsumerRequestTest, ConsumeDirectly_CallsTheListenerAndTells) {
  RouteToA(1);
  StartConsumer(ConsumerOptions(), Collect([](const ReceivedMessage& message, ConsumeContext&) {
                  return message.body() == "bad" ? ConsumeResult::kReconsumeLater : ConsumeResult::kSuccess;
                }));
  ASSERT_TRUE(RunUntil(seconds(5), [&] { return a_->fake.last_heartbeat().has_value(); }));
  const std::pair<std::string, proto::CMResult> cases[] = {{"good", proto::CMResult::kCrSuccess},
                                                           {"bad", proto::CMResult::kCrLater}};
  for (const auto& [body, expected] : cases) {
    RecordDraft draft{.bytes = {}, .record_count = 0, .crc = RecordCrc::kNone};
    RecordFields fields;
    fields.topic = kTopic;
    fields.body = body;
    ASSERT_TRUE(AppendRecord(fields, draft).ok());
    proto::ConsumeMessageDirectlyResultRequestHeader header;
    header.consumer_group = kGroup;
    proto::Command request = proto::MakeRequest(RequestCode::kConsumeMessageDirectly, header);
    request.body.push_back(Bytes(draft.bytes));
    const auto reply = Ask(std::move(request));
    ASSERT_TRUE(reply && reply->ok());
    const auto result = proto::DecodeBody<proto::ConsumeMessageDirectlyResult>((*reply)->JoinedBody().view());
    ASSERT_TRUE(result.ok());
    EXPECT_EQ(result->consume_result, expected);
  }
  proto::Command garbage = proto::MakeRequest(RequestCode::kConsumeMessageDirectly,
                                              proto::ConsumeMessageDirectlyResultRequestHeader{kGroup});
  garbage.body.push_back(Bytes(std::string("garbage")));
  const auto refused = Ask(std::move(garbage));
  ASSERT_TRUE(refused && refused->ok());
  EXPECT_EQ((*refused)->code, ResponseCode::kSystemError);
}

TEST_F(ConsumerRequestTest, ResetOffset_BothForms_RewindsTheQueue) {
  RouteToA(1);
  StoreMany(0, 5);
  StartConsumer(ConsumerOptions(), Collect());
  ASSERT_TRUE(RunUntilSeen(5));
  const std::string forms[] = {R"({"offsetTable":{{"brokerName":"a","queueId":0,"topic":"T"}:2}})",
                               R"({"offsetTable":[{"brokerName":"a","offset":2,"queueId":0,"topic":"T"}]})"};
  int expected = 1;
  for (const std::string& form : forms) {
    ++expected;
    proto::ResetOffsetRequestHeader header;
    header.topic = kTopic;
    header.group = kGroup;
    proto::Command reset = proto::MakeRequest(RequestCode::kResetConsumerClientOffset, header);
    reset.body.push_back(Bytes(form));
    a_->fake.Notify(std::move(reset));
    EXPECT_TRUE(RunUntil(seconds(5), [&] { return seen_["q0-4"] == expected; })) << form;
    EXPECT_EQ(seen_["q0-2"], expected);
    EXPECT_EQ(seen_["q0-1"], 1);
  }
}

TEST_F(ConsumerTest, Shutdown_CommitsWhatIsDoneAndLeaves) {
  RouteToA(1);
  StoreMany(0, 10);
  StartConsumer(ConsumerOptions(), Collect());
  ASSERT_TRUE(RunUntilSeen(10));
  Run(milliseconds(20));
  EXPECT_TRUE(Shutdown(*consumer_, seconds(1))->ok());
  EXPECT_EQ(a_->fake.Committed(kGroup, Queue(0)), 10);
  EXPECT_TRUE(a_->fake.Members(kGroup).empty());
  a_->fake.Store(Queue(0), "late");
  Run(seconds(30));
  EXPECT_FALSE(seen_.contains("late"));
  EXPECT_TRUE(Shutdown(*consumer_, seconds(1))->ok());
}

TEST_F(ConsumerTest, Shutdown_FromTheListener_Ends) {
  RouteToA(1);
  StoreMany(0, 1);
  bool ended = false;
  StartConsumer(ConsumerOptions(), Collect([&](const ReceivedMessage&, ConsumeContext&) {
                  consumer_->Shutdown(seconds(1), [&](Result<Done>) { ended = true; });
                  return ConsumeResult::kSuccess;
                }));
  EXPECT_TRUE(RunUntil(seconds(10), [&] { return ended; }));
  EXPECT_EQ(a_->fake.Committed(kGroup, Queue(0)), 1);
}

TEST_F(ConsumerTest, Kill_WhileShuttingDown_LeavesNothingBehind) {
  RouteToA(1);
  StoreMany(0, 5);
  StartConsumer(ConsumerOptions(), Collect());
  ASSERT_TRUE(RunUntilSeen(5));
  consumer_->Shutdown(seconds(5), [](Result<Done>) {});
  const std::weak_ptr<PushConsumerCore> core = consumer_;
  consumer_.reset();
  runtime_->Abandon();
  Run(seconds(1));
  EXPECT_TRUE(core.expired());
}

TEST_F(ConsumerTest, Start_BadOptions_NamesTheOption) {
  const auto refused = [this](auto change) {
    PushConsumerOptions options = ConsumerOptions();
    change(options);
    const auto core = PushConsumerCore::Start(runtime_, options, Collect());
    EXPECT_EQ(core.status().code(), StatusCode::kInvalidArgument);
    return core.status().ToString();
  };
  EXPECT_NE(refused([](auto& o) { o.group = "a b"; }).find("group"), std::string::npos);
  EXPECT_NE(refused([](auto& o) { o.subscriptions.clear(); }).find("subscriptions"), std::string::npos);
  EXPECT_NE(refused([](auto& o) { o.subscriptions = {{"T", "||"}}; }).find("expression"), std::string::npos);
  EXPECT_NE(refused([](auto& o) { o.consume_threads = 0; }).find("consume_threads"), std::string::npos);
  EXPECT_NE(refused([](auto& o) { o.pull_batch_size = 1025; }).find("pull_batch_size"), std::string::npos);
  EXPECT_EQ(PushConsumerCore::Start(runtime_, ConsumerOptions(), {}).status().code(),
            StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace orbitmq::client
