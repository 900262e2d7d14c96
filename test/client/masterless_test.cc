// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/names.h"
#include "orbitmq/producer.h"
#include "remoting/protocol/codes.h"
#include "test/client/sim_client_fixture.h"

namespace orbitmq::client {
namespace {

using proto::RequestCode;
using proto::ResponseCode;

constexpr char kOther[] = "U";

// What a send meets amid a change of the master: the client heard of the route between the two.
class MasterlessTest : public SimClientTest {
 protected:
  // The client knows the route without a master when this returns.
  void StartWithoutMaster() {
    ns_->fake.SetRoute(kTopic, {&a_->fake}, 1);
    StartProducer(Options());
    ASSERT_TRUE(Send(NewMessage("before")).ok());
    ns_->fake.TellAsSlaves(kTopic);
    Run(seconds(31));
  }
  // T's route has a and b; then U's, which came later, says that the masters of `lost` are gone.
  void StartWithOthersNews(const std::vector<FakeBroker*>& lost, const ProducerOptions& options) {
    ns_->fake.SetRoute(kOther, lost, 1);
    ns_->fake.TellAsSlaves(kOther);
    ns_->fake.SetRoute(kTopic, {&a_->fake, &b_->fake}, 1);
    StartProducer(options);
    for (int i = 0; i < 2; ++i) ASSERT_TRUE(Send(NewMessage("before")).ok());
    SendOptions brief;
    brief.timeout = milliseconds(50);
    ASSERT_EQ(Send(NewMessage("news", kOther), brief).status().code(), StatusCode::kUnavailable);
  }
  size_t RouteQuestions() { return ns_->fake.RequestCount(RequestCode::kGetRouteinfoByTopic); }
  // Whether it ends well within the time.
  bool Succeeds(const std::shared_ptr<Sent>& sent, Duration most = milliseconds(500)) {
    const bool ended = RunUntil(most, [&] { return sent->done(); });
    EXPECT_TRUE(ended && sent->results.front().ok()) << (ended ? sent->status().ToString() : "it waits");
    return ended && sent->results.front().ok();
  }
  // A reply that tells of a message that is stored.
  static net::Response StoredWith(int32_t code) {
    net::Response response = Answer(code);
    proto::SendMessageResponseHeader header;
    header.msg_id = "ID";
    proto::EncodeHeader(header, response.ext);
    return response;
  }
};

TEST_F(MasterlessTest, Send_MasterComesInTime_Succeeds) {
  StartWithoutMaster();
  const auto sent = SendAsync(NewMessage("amid"));
  Run(seconds(1));
  EXPECT_FALSE(sent->done());
  ns_->fake.TellAsMasters(kTopic);
  ASSERT_TRUE(RunUntil(milliseconds(500), [&] { return sent->done(); }));
  EXPECT_TRUE(sent->results.front().ok()) << sent->status().ToString();
}

TEST_F(MasterlessTest, Send_NoMasterComes_EndsAtItsDeadlineUnstored) {
  StartWithoutMaster();
  const MonoTime began = scheduler_.now();
  SendOptions options;
  options.timeout = seconds(2);
  const auto sent = SendAsync(NewMessage("amid"), options);
  ASSERT_TRUE(RunUntil(seconds(10), [&] { return sent->done(); }));
  EXPECT_EQ(sent->status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(sent->status().persisted(), Persisted::kNo);
  EXPECT_TRUE(sent->status().retriable());
  EXPECT_NE(sent->status().text().find("no master"), std::string_view::npos) << sent->status().ToString();
  EXPECT_GE(sent->ended - began, seconds(2));
  EXPECT_LT(sent->ended - began, milliseconds(2100));
}

TEST_F(MasterlessTest, Send_ToOneQueue_WaitsToo) {
  StartWithoutMaster();
  SendOptions options;
  options.queue = MessageQueue{kTopic, "a", 0};
  const auto to_queue = SendAsync(NewMessage("queue"), options);
  SendOptions keyed;
  keyed.sharding_key = "k";
  const auto by_key = SendAsync(NewMessage("key"), keyed);
  Run(milliseconds(500));
  ns_->fake.TellAsMasters(kTopic);
  ASSERT_TRUE(RunUntil(milliseconds(500), [&] { return to_queue->done() && by_key->done(); }));
  EXPECT_TRUE(to_queue->results.front().ok()) << to_queue->status().ToString();
  EXPECT_TRUE(by_key->results.front().ok()) << by_key->status().ToString();
}

TEST_F(MasterlessTest, Send_ManyWait_KeepTheirOrder) {
  StartWithoutMaster();
  std::vector<std::string> expected = {"before"};
  std::vector<std::shared_ptr<Sent>> sends;
  const auto send = [&] {
    expected.push_back(std::to_string(sends.size()));
    sends.push_back(SendAsync(NewMessage(expected.back())));
  };
  for (int i = 0; i < 20; ++i) {
    send();
    Run(milliseconds(37));
  }
  ns_->fake.TellAsMasters(kTopic);
  for (int i = 0; i < 20; ++i) {
    send();
    Run(milliseconds(11));
  }
  ASSERT_TRUE(RunUntil(seconds(1), [&] { return sends.back()->done(); }));
  for (const auto& sent : sends) {
    ASSERT_TRUE(sent->done());
    EXPECT_TRUE(sent->results.front().ok()) << sent->status().ToString();
  }
  EXPECT_EQ(a_->fake.StoredBodies(kTopic), expected);
}

TEST_F(MasterlessTest, Send_AnotherBrokerHasAMaster_GoesThere) {
  StartWithoutMaster();
  ns_->fake.SetRoute(kTopic, {&a_->fake, &b_->fake}, 1);
  ns_->fake.TellAsSlaves(kTopic);
  const auto sent = SendAsync(NewMessage("amid"));
  Run(milliseconds(500));
  ns_->fake.SetRoute(kTopic, {&b_->fake}, 1);
  ASSERT_TRUE(RunUntil(milliseconds(500), [&] { return sent->done(); }));
  ASSERT_TRUE(sent->results.front().ok()) << sent->status().ToString();
  EXPECT_EQ(sent->results.front()->queue.broker_name, "b");
}

TEST_F(MasterlessTest, SendOneway_WaitsToo) {
  StartWithoutMaster();
  ASSERT_TRUE(producer_->SendOneway(NewMessage("oneway"), {}).ok());
  Run(seconds(1));
  EXPECT_EQ(a_->fake.StoredBodies(kTopic).size(), 1u);
  ns_->fake.TellAsMasters(kTopic);
  ASSERT_TRUE(RunUntil(milliseconds(500), [&] { return a_->fake.StoredBodies(kTopic).size() == 2; }));
  EXPECT_EQ(a_->fake.StoredBodies(kTopic).back(), "oneway");
}

TEST_F(MasterlessTest, SendBatch_WaitsToo) {
  StartWithoutMaster();
  const auto sent = std::make_shared<Sent>();
  producer_->SendBatchAsync({NewMessage("1"), NewMessage("2")}, {}, [sent](Result<SendResult> result) {
    sent->results.push_back(std::move(result));
  });
  Run(seconds(1));
  EXPECT_FALSE(sent->done());
  ns_->fake.TellAsMasters(kTopic);
  EXPECT_TRUE(Succeeds(sent));
  EXPECT_EQ(a_->fake.StoredBodies(kTopic), (std::vector<std::string>{"before", "1", "2"}));
}

TEST_F(MasterlessTest, Send_BySelector_IsAskedWhenThereIsAMaster) {
  StartWithoutMaster();
  int asked = 0;
  SendOptions options;
  options.selector = [&asked](const std::vector<MessageQueue>& queues, const Message&) {
    ++asked;
    EXPECT_EQ(queues.size(), 1u);
    return size_t{0};
  };
  const auto sent = SendAsync(NewMessage("amid"), options);
  Run(seconds(1));
  EXPECT_EQ(asked, 0);
  ns_->fake.TellAsMasters(kTopic);
  EXPECT_TRUE(Succeeds(sent));
  EXPECT_EQ(asked, 1);
}

// The topic is to be made by its first send, and the broker that would make it is without a master.
TEST_F(MasterlessTest, Send_TopicDoesNotExistYet_WaitsForTheTemplatesBroker) {
  ns_->fake.SetRoute(std::string(names::kAutoCreateTopic), {&a_->fake}, 8);
  ns_->fake.TellAsSlaves(std::string(names::kAutoCreateTopic));
  StartProducer(Options());
  const auto sent = SendAsync(NewMessage("first"));
  Run(seconds(1));
  EXPECT_FALSE(sent->done());
  ns_->fake.TellAsMasters(std::string(names::kAutoCreateTopic));
  EXPECT_TRUE(Succeeds(sent));
  EXPECT_EQ(a_->fake.StoredBodies(kTopic), std::vector<std::string>{"first"});
}

TEST_F(MasterlessTest, Send_LongWait_AsksOnceASecondAndSucceeds) {
  StartWithoutMaster();
  SendOptions options;
  options.timeout = seconds(30);
  const auto sent = SendAsync(NewMessage("amid"), options);
  Run(seconds(6));
  const size_t before = RouteQuestions();
  Run(seconds(10));
  EXPECT_NEAR(static_cast<double>(RouteQuestions() - before), 10, 2);
  ns_->fake.TellAsMasters(kTopic);
  EXPECT_TRUE(Succeeds(sent, milliseconds(1100)));
}

// A topic that waits for long must not make another's change of master a matter of seconds.
TEST_F(MasterlessTest, Send_AnotherTopicWaitsForLong_IsAskedForQuicklyAllTheSame) {
  StartWithoutMaster();
  ns_->fake.SetRoute(kOther, {&b_->fake}, 1);
  ASSERT_TRUE(Send(NewMessage("before", kOther)).ok());
  ns_->fake.TellAsSlaves(kOther);
  Run(seconds(31));
  SendOptions patient;
  patient.timeout = seconds(60);
  const auto first = SendAsync(NewMessage("T"), patient);
  Run(milliseconds(10'050));
  const auto second = SendAsync(NewMessage("U", kOther));
  Run(milliseconds(420));
  EXPECT_FALSE(second->done());
  ns_->fake.TellAsMasters(kOther);
  EXPECT_TRUE(Succeeds(second, milliseconds(150)));
  EXPECT_FALSE(first->done());
  ns_->fake.TellAsMasters(kTopic);
  EXPECT_TRUE(Succeeds(first, milliseconds(1100)));
}

TEST_F(MasterlessTest, Send_WaitEndedOnce_TheNextOneIsQuickAgain) {
  StartWithoutMaster();
  SendOptions patient;
  patient.timeout = seconds(60);
  const auto first = SendAsync(NewMessage("long"), patient);
  Run(seconds(10));
  ns_->fake.TellAsMasters(kTopic);
  ASSERT_TRUE(Succeeds(first, milliseconds(1100)));
  ns_->fake.TellAsSlaves(kTopic);
  Run(seconds(31));
  const auto next = SendAsync(NewMessage("next"));
  Run(milliseconds(420));
  ns_->fake.TellAsMasters(kTopic);
  EXPECT_TRUE(Succeeds(next, milliseconds(150)));
}

// As after a restart of the NameServer: another broker that makes topics is there first.
TEST_F(MasterlessTest, Send_NameServerForgotTheTopic_WaitsForItsBroker) {
  StartWithoutMaster();
  ns_->fake.RemoveRoute(kTopic);
  ns_->fake.SetRoute(std::string(names::kAutoCreateTopic), {&b_->fake}, 8);
  const auto sent = SendAsync(NewMessage("amid"));
  SendOptions keyed;
  keyed.sharding_key = "k";
  const auto by_key = SendAsync(NewMessage("key"), keyed);
  Run(seconds(2));
  EXPECT_FALSE(sent->done());
  EXPECT_FALSE(by_key->done());
  ns_->fake.SetRoute(kTopic, {&a_->fake}, 1);
  EXPECT_TRUE(Succeeds(sent));
  EXPECT_TRUE(Succeeds(by_key));
  EXPECT_TRUE(b_->fake.StoredBodies(kTopic).empty());
}

// Its only broker died without a slave. Others would make it anew, for good, and it would be in two places.
TEST_F(MasterlessTest, Send_NameServerForgotTheTopic_ARetryMakesItNowhereElse) {
  ns_->fake.SetRoute(kTopic, {&a_->fake}, 1);
  StartProducer(Options());
  ASSERT_TRUE(Send(NewMessage("before")).ok());
  network_.KillHost("10.0.0.2");
  ns_->fake.RemoveRoute(kTopic);
  ns_->fake.SetRoute(std::string(names::kAutoCreateTopic), {&b_->fake}, 8);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Send(NewMessage("lost")).status().code(), StatusCode::kUnavailable);
    Run(seconds(1));
  }
  EXPECT_TRUE(b_->fake.StoredBodies(kTopic).empty());
}

// A broker without a master costs no try: nothing left for it.
TEST_F(MasterlessTest, Send_AnotherTopicsRouteKnowsThatOneIsWithoutAMaster_GoesToTheOther) {
  ProducerOptions options = Options();
  options.retries = 0;
  StartWithOthersNews({&a_->fake}, options);
  for (int i = 0; i < 4; ++i) {
    const auto sent = Send(NewMessage("amid"));
    ASSERT_TRUE(sent.ok()) << sent.status().ToString();
    EXPECT_EQ(sent->queue.broker_name, "b");
  }
}

TEST_F(MasterlessTest, Send_AnotherTopicsRouteKnowsThatNoneHasAMaster_Waits) {
  StartWithOthersNews({&a_->fake, &b_->fake}, Options());
  ns_->fake.TellAsSlaves(kTopic);
  const auto sent = SendAsync(NewMessage("amid"));
  Run(seconds(1));
  EXPECT_FALSE(sent->done());
  ns_->fake.TellAsMasters(kTopic);
  EXPECT_TRUE(Succeeds(sent));
}

// Another queue would break what the send is bound to.
TEST_F(MasterlessTest, Send_ToAQueueOfABrokerWithoutAMaster_WaitsThoughAnotherHasOne) {
  StartWithOthersNews({&a_->fake}, Options());
  ns_->fake.TellAsSlaves(kTopic);
  SendOptions options;
  options.queue = MessageQueue{kTopic, "a", 0};
  const auto sent = SendAsync(NewMessage("amid"), options);
  Run(seconds(1));
  EXPECT_FALSE(sent->done());
  ns_->fake.TellAsMasters(kTopic);
  EXPECT_TRUE(Succeeds(sent));
  EXPECT_EQ(sent->results.front()->queue.broker_name, "a");
}

TEST_F(MasterlessTest, Send_ToAQueueOfABrokerThatNoRouteKnows_FailsAtOnce) {
  StartWithoutMaster();
  ns_->fake.TellAsMasters(kTopic);
  Run(seconds(31));
  SendOptions options;
  options.queue = MessageQueue{kTopic, "nobody", 0};
  const auto sent = SendAsync(NewMessage("x"), options);
  ASSERT_TRUE(RunUntil(milliseconds(100), [&] { return sent->done(); }));
  EXPECT_EQ(sent->status().code(), StatusCode::kUnavailable);
}

// With the other broker of the route without a master, the same one is tried again, and after a pause.
TEST_F(MasterlessTest, Send_TheOneWithAMasterIsBusy_IsTriedAgainAfterAPause) {
  StartWithOthersNews({&a_->fake}, Options());
  int left = 2;
  b_->fake.Override(RequestCode::kSendMessageV2, [&left](const proto::CommandView&) {
    return left-- > 0 ? std::optional(Answer(ResponseCode::kSystemBusy)) : std::nullopt;
  });
  const MonoTime began = scheduler_.now();
  const auto sent = SendAsync(NewMessage("amid"));
  EXPECT_TRUE(Succeeds(sent));
  EXPECT_GE(sent->ended - began, milliseconds(150));
}

TEST_F(MasterlessTest, Send_StoredButNotOkAndNoOtherMaster_EndsAtOnceWithThat) {
  ProducerOptions options = Options();
  options.retry_when_not_stored_ok = true;
  StartWithOthersNews({&a_->fake}, options);
  b_->fake.Override(RequestCode::kSendMessageV2,
                    [](const proto::CommandView&) { return StoredWith(ResponseCode::kSlaveNotAvailable); });
  const size_t before = b_->fake.RequestCount(RequestCode::kSendMessageV2);
  const auto sent = SendAsync(NewMessage("stored"));
  ASSERT_TRUE(Succeeds(sent, milliseconds(100)));
  EXPECT_EQ(sent->results.front()->status, SendStatus::kSlaveNotAvailable);
  EXPECT_EQ(b_->fake.RequestCount(RequestCode::kSendMessageV2), before + 1);
}

// The masters are gone when the second try ends, and the first has stored the message.
TEST_F(MasterlessTest, Send_StoredButNotOkAndTheMastersAreLost_EndsAtOnceWithThat) {
  ns_->fake.SetRoute(kTopic, {&a_->fake, &b_->fake}, 1);
  ProducerOptions options = Options();
  options.retry_when_not_stored_ok = true;
  options.send_timeout = seconds(90);
  options.attempt_timeout_max = seconds(35);
  StartProducer(options);
  // The next one goes to a.
  while (Send(NewMessage("before"))->queue.broker_name != "b") {
  }
  a_->fake.Override(RequestCode::kSendMessageV2,
                    [](const proto::CommandView&) { return StoredWith(ResponseCode::kSlaveNotAvailable); });
  b_->fake.Ignore(RequestCode::kSendMessageV2);
  const auto sent = SendAsync(NewMessage("stored"));
  Run(seconds(1));
  ns_->fake.TellAsSlaves(kTopic);
  EXPECT_FALSE(sent->done());
  ASSERT_TRUE(Succeeds(sent, milliseconds(34'500)));
  EXPECT_EQ(sent->results.front()->status, SendStatus::kSlaveNotAvailable);
}

TEST_F(MasterlessTest, Send_StoredButNotOk_IsTriedAtTheOtherBroker) {
  ns_->fake.SetRoute(kTopic, {&a_->fake, &b_->fake}, 1);
  ProducerOptions options = Options();
  options.retry_when_not_stored_ok = true;
  StartProducer(options);
  a_->fake.Override(RequestCode::kSendMessageV2,
                    [](const proto::CommandView&) { return StoredWith(ResponseCode::kSlaveNotAvailable); });
  for (int i = 0; i < 2; ++i) {
    const auto sent = Send(NewMessage("twice"));
    ASSERT_TRUE(sent.ok()) << sent.status().ToString();
    EXPECT_EQ(sent->status, SendStatus::kOk);
    EXPECT_EQ(sent->queue.broker_name, "b");
  }
}

TEST_F(MasterlessTest, Shutdown_AmidTheWait_CancelsTheSend) {
  StartWithoutMaster();
  const auto sent = SendAsync(NewMessage("amid"));
  Run(milliseconds(100));
  EXPECT_TRUE(Shutdown(*producer_, milliseconds(200)).has_value());
  ASSERT_TRUE(sent->done());
  EXPECT_EQ(sent->status().code(), StatusCode::kCancelled);
  EXPECT_EQ(sent->status().persisted(), Persisted::kNo);
}

}  // namespace
}  // namespace orbitmq::client
