// SPDX-License-Identifier: Apache-2.0
// What the broker asks of consumers on behalf of an administrator (remoting.md 6.4-6.7).
#include "remoting/protocol/heartbeat.h"
#include "remoting/protocol/offset_bodies.h"
#include "remoting/protocol/running_info.h"
#include "test/broker/broker_fixture.h"

namespace orbitmq::broker {
namespace {

using proto::Command;
using proto::RequestCode;
using proto::ResponseCode;
using std::chrono::milliseconds;
using std::chrono::seconds;

class RelayTest : public BrokerFixture {
 protected:
  // A consumer of group G on topic T that reports itself as written in `language`.
  std::unique_ptr<Caller> Join(const std::string& name, const std::string& ip, proto::Language language) {
    auto consumer = NewCaller(name, ip);
    proto::HeartbeatData data;
    data.client_id = name;
    proto::ConsumerData member;
    member.group_name = "G";
    member.subscription_data_set.push_back(*BuildSubscription("T", "*"));
    data.consumer_data_set.push_back(std::move(member));
    Command beat = proto::MakeRequest(RequestCode::kHeartBeat, proto::HeartbeatRequestHeader{});
    beat.language = language;
    beat.body.emplace_back(proto::EncodeBody(data));
    EXPECT_EQ(consumer->Call(std::move(beat)).code, ResponseCode::kSuccess);
    return consumer;
  }
  // Resets are pushed to the members of G, which is at 2 of the 5 messages of T.
  void StartPushingResetsAt2Of5() {
    BrokerOptions options = Options();
    options.use_server_side_reset_offset = false;
    Start(options);
    for (int i = 0; i < 5; ++i) ASSERT_EQ(Send().code, ResponseCode::kSuccess);
    Run(milliseconds(200));
    ASSERT_EQ(Pull({}).code, ResponseCode::kSuccess);
    ASSERT_EQ(CommitOffset("T", 2).code, ResponseCode::kSuccess);
  }
  static Command StatusAnswer(int64_t offset) {
    proto::GetConsumerStatusBody body;
    body.message_queue_table[{"T", "b0", 0}] = offset;
    Command answer;
    answer.body.emplace_back(proto::EncodeBody(body));
    return answer;
  }
  static Command AskStatus(const std::string& client = {}) {
    proto::GetConsumerStatusRequestHeader header;
    header.topic = "T";
    header.group = "G";
    header.client_addr = client;
    return proto::MakeRequest(RequestCode::kInvokeBrokerToGetConsumerStatus, header);
  }
  static proto::ConsumeMessageDirectlyResultRequestHeader Directly(const std::string& message_id) {
    proto::ConsumeMessageDirectlyResultRequestHeader header;
    header.consumer_group = "G";
    header.client_id = "c1";
    header.msg_id = message_id;
    header.topic = "T";
    return header;
  }
};

TEST_F(RelayTest, ConsumerStatus_EveryMember_IsAskedAndGathered) {
  Start();
  ASSERT_EQ(Send().code, ResponseCode::kSuccess);
  const Command nobody = caller_->Call(AskStatus());
  EXPECT_EQ(nobody.code, ResponseCode::kSystemError);
  EXPECT_EQ(nobody.remark, "No Any Consumer online in the consumer group: [G]");
  auto first = Join("c1", "10.0.0.3", proto::Language::kJava);
  auto second = Join("c2", "10.0.0.4", proto::Language::kJava);
  const auto asked = first->Expect(RequestCode::kGetConsumerStatusFromClient, StatusAnswer(5));
  second->Expect(RequestCode::kGetConsumerStatusFromClient, StatusAnswer(7));
  const Command both = caller_->Call(AskStatus());
  ASSERT_EQ(both.code, ResponseCode::kSuccess) << both.remark;
  const auto body = proto::DecodeBody<proto::GetConsumerStatusBody>(both.JoinedBody().view());
  ASSERT_TRUE(body.ok());
  ASSERT_EQ(body->consumer_table.size(), 2u);
  EXPECT_EQ(body->consumer_table.at("c1").at({"T", "b0", 0}), 5);
  EXPECT_EQ(body->consumer_table.at("c2").at({"T", "b0", 0}), 7);
  const Command one = caller_->Call(AskStatus("c2"));
  const auto only = proto::DecodeBody<proto::GetConsumerStatusBody>(one.JoinedBody().view());
  ASSERT_TRUE(only.ok());
  EXPECT_EQ(only->consumer_table.size(), 1u);
  EXPECT_EQ(*asked, 1) << "c1 was not asked the second time";
}

TEST_F(RelayTest, ConsumerStatus_MemberThatDoesNotAnswer_IsLeftOut) {
  Start();
  ASSERT_EQ(Send().code, ResponseCode::kSuccess);
  auto first = Join("c1", "10.0.0.3", proto::Language::kJava);
  auto silent = Join("c2", "10.0.0.4", proto::Language::kJava);
  first->Expect(RequestCode::kGetConsumerStatusFromClient, StatusAnswer(5));
  silent->Expect(RequestCode::kGetConsumerStatusFromClient, std::nullopt);
  const Command reply = caller_->Call(AskStatus(), seconds(10));
  ASSERT_EQ(reply.code, ResponseCode::kSuccess);
  const auto body = proto::DecodeBody<proto::GetConsumerStatusBody>(reply.JoinedBody().view());
  ASSERT_TRUE(body.ok());
  EXPECT_EQ(body->consumer_table.size(), 1u);
  EXPECT_TRUE(body->consumer_table.contains("c1"));
}

TEST_F(RelayTest, ConsumeDirectly_StoredMessage_ReachesTheConsumerWhole) {
  Start();
  const Command sent = Send({.body = "look at me", .properties = "k\x01v\x02"});
  ASSERT_EQ(sent.code, ResponseCode::kSuccess);
  const std::string id = *sent.ext.Find("msgId");
  const Command absent = caller_->Call(RequestCode::kConsumeMessageDirectly, Directly(id));
  EXPECT_EQ(absent.code, ResponseCode::kSystemError);
  EXPECT_EQ(absent.remark, "The Consumer <G> <c1> not online");
  auto consumer = Join("c1", "10.0.0.3", proto::Language::kJava);
  Command answer;
  answer.remark = "consumed";
  const auto requests = consumer->Record(RequestCode::kConsumeMessageDirectly, answer);
  const Command reply = caller_->Call(RequestCode::kConsumeMessageDirectly, Directly(id));
  EXPECT_EQ(reply.code, ResponseCode::kSuccess);
  EXPECT_EQ(reply.remark, "consumed");
  ASSERT_EQ(requests->size(), 1u);
  const auto message = Decode(requests->front());
  ASSERT_EQ(message.size(), 1u);
  EXPECT_EQ(message[0].body, "look at me");
  EXPECT_EQ(*requests->front().ext.Find("brokerName"), "b0");
  EXPECT_EQ(*requests->front().ext.Find("msgId"), id);
}

TEST_F(RelayTest, ConsumeDirectly_BadOrUnknownId_IsAnErrorThatNamesIt) {
  Start();
  ASSERT_EQ(Send().code, ResponseCode::kSuccess);
  auto consumer = Join("c1", "10.0.0.3", proto::Language::kJava);
  const auto asked = consumer->Expect(RequestCode::kConsumeMessageDirectly, Command{});
  const std::string nowhere = "0A00000100002A9F00000000000FFFFF";
  for (const std::string& id : {std::string("no id"), std::string(), nowhere}) {
    const Command reply = caller_->Call(RequestCode::kConsumeMessageDirectly, Directly(id));
    EXPECT_EQ(reply.code, ResponseCode::kSystemError) << id;
    EXPECT_NE(reply.remark.find(id), std::string::npos) << reply.remark;
  }
  EXPECT_EQ(*asked, 0);
}

TEST_F(RelayTest, Relay_ConsumerThatNeverAnswers_IsConsumeMessageTimeout) {
  Start();
  const Command sent = Send();
  auto consumer = Join("c1", "10.0.0.3", proto::Language::kJava);
  consumer->Expect(RequestCode::kConsumeMessageDirectly, std::nullopt);
  const Command reply = caller_->Call(
      proto::MakeRequest(RequestCode::kConsumeMessageDirectly, Directly(*sent.ext.Find("msgId"))),
      seconds(15));
  EXPECT_EQ(reply.code, ResponseCode::kConsumeMsgTimeout) << reply.remark;
}

TEST_F(RelayTest, PushedReset_GoesToEveryMemberInTheFormOfItsLanguage) {
  BrokerOptions options = Options();
  options.use_server_side_reset_offset = false;
  Start(options);
  for (int i = 0; i < 5; ++i) ASSERT_EQ(Send().code, ResponseCode::kSuccess);
  Run(milliseconds(200));
  ASSERT_EQ(Pull({}).code, ResponseCode::kSuccess);
  ASSERT_EQ(CommitOffset("T", 3).code, ResponseCode::kSuccess);
  proto::ResetOffsetRequestHeader reset;
  reset.topic = "T";
  reset.group = "G";
  reset.timestamp = 0;
  const Command offline = caller_->Call(RequestCode::kInvokeBrokerToResetOffset, reset);
  EXPECT_EQ(offline.code, ResponseCode::kConsumerNotOnline);
  auto java = Join("c1", "10.0.0.3", proto::Language::kJava);
  auto cpp = Join("c2", "10.0.0.4", proto::Language::kCpp);
  const auto to_java = java->Record(RequestCode::kResetConsumerClientOffset, std::nullopt);
  const auto to_cpp = cpp->Record(RequestCode::kResetConsumerClientOffset, std::nullopt);
  const Command reply = caller_->Call(RequestCode::kInvokeBrokerToResetOffset, reset);
  ASSERT_EQ(reply.code, ResponseCode::kSuccess) << reply.remark;
  Run(milliseconds(500));
  ASSERT_EQ(to_java->size(), 1u);
  ASSERT_EQ(to_cpp->size(), 1u);
  EXPECT_EQ(*to_java->front().ext.Find("topic"), "T");
  EXPECT_EQ(*to_java->front().ext.Find("group"), "G");
  const Bytes map = to_java->front().JoinedBody();
  EXPECT_NE(map.view().find(R"("offsetTable":{{)"), std::string_view::npos) << map.view();
  const Bytes list = to_cpp->front().JoinedBody();
  EXPECT_NE(list.view().find(R"("offsetTable":[{)"), std::string_view::npos) << list.view();
  for (const std::string_view body : {map.view(), list.view()}) {
    const auto table = proto::DecodeBody<proto::ResetOffsetBody>(body);
    ASSERT_TRUE(table.ok());
    EXPECT_EQ(table->offset_table.at({"T", "b0", 0}), 0);
  }
  EXPECT_EQ(Offset("T"), 3) << "the consumers move, and commit; the broker does not";
}

TEST_F(RelayTest, PushedReset_WithoutForce_MovesNobodyForward) {
  ASSERT_NO_FATAL_FAILURE(StartPushingResetsAt2Of5());
  auto java = Join("c1", "10.0.0.3", proto::Language::kJava);
  const auto pushed = java->Record(RequestCode::kResetConsumerClientOffset, std::nullopt);
  proto::ResetOffsetRequestHeader reset;
  reset.topic = "T";
  reset.group = "G";
  reset.timestamp = -1;
  for (const bool force : {false, true}) {
    reset.force = force;
    ASSERT_EQ(caller_->Call(RequestCode::kInvokeBrokerToResetOffset, reset).code, ResponseCode::kSuccess);
    Run(milliseconds(500));
    ASSERT_EQ(pushed->size(), force ? 2u : 1u);
    const auto table = proto::DecodeBody<proto::ResetOffsetBody>(pushed->back().JoinedBody().view());
    ASSERT_TRUE(table.ok());
    EXPECT_EQ(table->offset_table.at({"T", "b0", 0}), force ? 5 : 2);
  }
}

TEST_F(RelayTest, PushedReset_ToAGivenOffset_IsTheOneOfItsQueueAlone) {
  ASSERT_NO_FATAL_FAILURE(StartPushingResetsAt2Of5());
  auto java = Join("c1", "10.0.0.3", proto::Language::kJava);
  const auto pushed = java->Record(RequestCode::kResetConsumerClientOffset, std::nullopt);
  proto::ResetOffsetRequestHeader reset;
  reset.topic = "T";
  reset.group = "G";
  reset.timestamp = -1;
  reset.queue_id = 0;
  reset.offset = 4;
  ASSERT_EQ(caller_->Call(RequestCode::kInvokeBrokerToResetOffset, reset).code, ResponseCode::kSuccess);
  Run(milliseconds(500));
  ASSERT_EQ(pushed->size(), 1u);
  const auto table = proto::DecodeBody<proto::ResetOffsetBody>(pushed->back().JoinedBody().view());
  ASSERT_TRUE(table.ok());
  EXPECT_EQ(table->offset_table.size(), 1u);
  EXPECT_EQ(table->offset_table.at({"T", "b0", 0}), 4) << "said outright, so that no force is needed";
}

}  // namespace
}  // namespace orbitmq::broker
