// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>

#include "common/sys_flag.h"
#include "orbitmq/producer.h"
#include "remoting/protocol/codes.h"
#include "test/client/sim_client_fixture.h"

namespace orbitmq::client {
namespace {

using proto::RequestCode;
using proto::ResponseCode;

class ProducerTest : public SimClientTest {
 protected:
  void RouteToBoth(int32_t queues = 4) { ns_->fake.SetRoute(kTopic, {&a_->fake, &b_->fake}, queues); }
  void RouteToA(int32_t queues = 4) { ns_->fake.SetRoute(kTopic, {&a_->fake}, queues); }
};

TEST_F(ProducerTest, Send_KnownTopic_TellsWhereItLies) {
  RouteToA();
  StartProducer(Options());
  const auto sent = Send(NewMessage("hello"));
  ASSERT_TRUE(sent.ok()) << sent.status().ToString();
  EXPECT_EQ(sent->status, SendStatus::kOk);
  EXPECT_EQ(sent->queue.topic, kTopic);
  EXPECT_EQ(sent->queue.broker_name, "a");
  EXPECT_EQ(sent->queue_offset, 0);
  EXPECT_EQ(sent->message_id.size(), 32u);
  EXPECT_EQ(a_->fake.StoredBodies(kTopic), std::vector<std::string>{"hello"});
  const auto header = a_->fake.sends().front();
  EXPECT_EQ(header.producer_group, "p");
  EXPECT_EQ(header.default_topic, "TBW102");
  EXPECT_EQ(header.default_topic_queue_nums, 4);
  EXPECT_EQ(header.rpc.bname, "a");
}

TEST_F(ProducerTest, Send_ManyMessages_UsesAllQueuesEvenly) {
  RouteToBoth(2);
  StartProducer(Options());
  std::map<MessageQueue, int> counts;
  for (int i = 0; i < 8; ++i) {
    const auto sent = Send(NewMessage("x"));
    ASSERT_TRUE(sent.ok());
    ++counts[sent->queue];
  }
  EXPECT_EQ(counts.size(), 4u);
  for (const auto& [queue, count] : counts) EXPECT_EQ(count, 2) << queue.broker_name << queue.queue_id;
}

TEST_F(ProducerTest, Send_UnknownTopic_TakesTheTemplatesRouteClamped) {
  ns_->fake.SetRoute("TBW102", {&a_->fake}, 8);
  ProducerOptions options = Options();
  options.default_topic_queue_count = 3;
  StartProducer(options);
  std::set<int32_t> queues;
  for (int i = 0; i < 6; ++i) {
    const auto sent = Send(NewMessage("x", "new"));
    ASSERT_TRUE(sent.ok()) << sent.status().ToString();
    queues.insert(sent->queue.queue_id);
  }
  EXPECT_EQ(queues, (std::set<int32_t>{0, 1, 2}));
  EXPECT_EQ(a_->fake.sends().front().default_topic_queue_nums, 3);
}

TEST_F(ProducerTest, Send_NoRouteAtAll_IsNotFoundAndNotStored) {
  StartProducer(Options());
  const auto sent = Send(NewMessage("x"));
  EXPECT_EQ(sent.status().code(), StatusCode::kNotFound);
  EXPECT_EQ(sent.status().persisted(), Persisted::kNo);
}

TEST_F(ProducerTest, Send_NameServerDown_TriesTheNextOne) {
  RouteToA();
  ProducerOptions options = Options();
  options.client.namesrv_addr = "10.0.0.77:9876;10.0.0.1:10911;10.0.0.78:9876";
  StartProducer(options);
  SendOptions patient;
  patient.timeout = seconds(30);
  EXPECT_TRUE(Send(NewMessage("x"), patient).ok());
}

TEST_F(ProducerTest, Send_BusyBroker_RetriesOnTheOther) {
  RouteToBoth(1);
  a_->fake.Override(RequestCode::kSendMessageV2,
                    [](const proto::CommandView&) { return Answer(ResponseCode::kSystemBusy, "busy"); });
  StartProducer(Options());
  for (int i = 0; i < 4; ++i) {
    const auto sent = Send(NewMessage("x"));
    ASSERT_TRUE(sent.ok()) << sent.status().ToString();
    EXPECT_EQ(sent->queue.broker_name, "b");
  }
  EXPECT_GT(a_->fake.RequestCount(RequestCode::kSendMessageV2), 0u);
}

TEST_F(ProducerTest, Send_Retried_KeepsItsId) {
  RouteToA(1);
  int answers = 0;
  a_->fake.Override(RequestCode::kSendMessageV2,
                    [&](const proto::CommandView&) -> std::optional<net::Response> {
                      if (++answers < 3) return Answer(ResponseCode::kSystemError, "later");
                      return std::nullopt;
                    });
  StartProducer(Options());
  const auto sent = Send(NewMessage("x"));
  ASSERT_TRUE(sent.ok()) << sent.status().ToString();
  EXPECT_EQ(answers, 3);
  ASSERT_EQ(a_->fake.sends().size(), 1u);
  EXPECT_NE(a_->fake.sends()[0].properties.find(sent->message_id), std::string::npos);
}

TEST_F(ProducerTest, Send_AlwaysRefused_EndsAfterAllTriesWithTheBrokersReason) {
  RouteToBoth(1);
  for (auto* server : {a_.get(), b_.get()}) {
    server->fake.Override(RequestCode::kSendMessageV2, [](const proto::CommandView&) {
      return Answer(ResponseCode::kSystemBusy, "[PCBUSY]");
    });
  }
  StartProducer(Options());
  const auto sent = Send(NewMessage("x"));
  EXPECT_EQ(sent.status().code(), StatusCode::kBusy);
  EXPECT_EQ(sent.status().wire_code(), ResponseCode::kSystemBusy);
  EXPECT_EQ(sent.status().persisted(), Persisted::kNo);
  EXPECT_NE(sent.status().text().find("3 tries"), std::string_view::npos) << sent.status().ToString();
  EXPECT_EQ(
      a_->fake.RequestCount(RequestCode::kSendMessageV2) + b_->fake.RequestCount(RequestCode::kSendMessageV2),
      3u);
}

TEST_F(ProducerTest, Send_IllegalMessage_IsNotRetried) {
  RouteToBoth(1);
  for (auto* server : {a_.get(), b_.get()}) {
    server->fake.Override(RequestCode::kSendMessageV2, [](const proto::CommandView&) {
      return Answer(ResponseCode::kMessageIllegal, "too long");
    });
  }
  StartProducer(Options());
  EXPECT_EQ(Send(NewMessage("x")).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(
      a_->fake.RequestCount(RequestCode::kSendMessageV2) + b_->fake.RequestCount(RequestCode::kSendMessageV2),
      1u);
}

TEST_F(ProducerTest, Send_SilentBroker_EndsAtItsDeadlineAsMaybeStored) {
  RouteToA();
  a_->fake.Ignore(RequestCode::kSendMessageV2);
  StartProducer(Options());
  SendOptions options;
  options.timeout = milliseconds(500);
  const MonoTime began = scheduler_.now();
  const auto sent = SendAsync(NewMessage("x"), options);
  ASSERT_TRUE(RunUntil(seconds(10), [&] { return sent->done(); }));
  EXPECT_EQ(sent->status().code(), StatusCode::kUnknown);
  EXPECT_EQ(sent->status().persisted(), Persisted::kMaybe);
  EXPECT_GE(sent->ended - began, milliseconds(490));
  EXPECT_LE(sent->ended - began, milliseconds(700));
}

TEST_F(ProducerTest, Send_AttemptLimit_LeavesTimeForAnotherBroker) {
  RouteToBoth(1);
  a_->fake.Ignore(RequestCode::kSendMessageV2);
  ProducerOptions options = Options();
  options.attempt_timeout_max = milliseconds(300);
  StartProducer(options);
  for (int i = 0; i < 2; ++i) {
    const auto sent = Send(NewMessage("x"));
    ASSERT_TRUE(sent.ok()) << sent.status().ToString();
    EXPECT_EQ(sent->queue.broker_name, "b");
  }
}

TEST_F(ProducerTest, Send_HungBroker_LeavesTimeForAnotherByItself) {
  RouteToBoth(1);
  a_->fake.Ignore(RequestCode::kSendMessageV2);
  StartProducer(Options());
  for (int i = 0; i < 4; ++i) {
    const auto sent = Send(NewMessage("x"));
    ASSERT_TRUE(sent.ok()) << sent.status().ToString();
    EXPECT_EQ(sent->queue.broker_name, "b");
  }
}

TEST_F(ProducerTest, Send_HungBroker_CostsTheSendsAfterItNothing) {
  RouteToBoth(4);
  a_->fake.Ignore(RequestCode::kSendMessageV2);
  StartProducer(Options());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Send(NewMessage("x")).ok());
  const size_t asked = a_->fake.RequestCount(RequestCode::kSendMessageV2);
  EXPECT_EQ(asked, 1u);
  for (int i = 0; i < 20; ++i) {
    const MonoTime began = scheduler_.now();
    ASSERT_TRUE(Send(NewMessage("x")).ok());
    EXPECT_LT(scheduler_.now() - began, milliseconds(100));
  }
  EXPECT_EQ(a_->fake.RequestCount(RequestCode::kSendMessageV2), asked);
  // It is tried again later, and taken back when it answers.
  a_->fake.Clear(RequestCode::kSendMessageV2);
  Run(seconds(11));
  std::set<std::string> brokers;
  for (int i = 0; i < 10; ++i) brokers.insert(Send(NewMessage("x"))->queue.broker_name);
  EXPECT_EQ(brokers.size(), 2u);
}

TEST_F(ProducerTest, Send_OnlyBrokerAnswersLate_HasTheWholeTime) {
  RouteToA();
  a_->fake.Ignore(RequestCode::kSendMessageV2);
  StartProducer(Options());
  const MonoTime began = scheduler_.now();
  const auto sent = SendAsync(NewMessage("x"));
  ASSERT_TRUE(RunUntil(seconds(10), [&] { return sent->done(); }));
  EXPECT_GE(sent->ended - began, milliseconds(2990));
  EXPECT_EQ(a_->fake.RequestCount(RequestCode::kSendMessageV2), 1u);
}

TEST_F(ProducerTest, Send_DeadBroker_GoesToTheLivingOne) {
  RouteToBoth(1);
  network_.KillHost("10.0.0.2");
  StartProducer(Options());
  for (int i = 0; i < 3; ++i) {
    const auto sent = Send(NewMessage("x"));
    ASSERT_TRUE(sent.ok()) << sent.status().ToString();
    EXPECT_EQ(sent->queue.broker_name, "b");
  }
}

TEST_F(ProducerTest, Send_StoredButNotFlushed_IsASuccessWithThatStatus) {
  RouteToA();
  const std::pair<int32_t, SendStatus> cases[] = {
      {ResponseCode::kFlushDiskTimeout, SendStatus::kFlushDiskTimeout},
      {ResponseCode::kFlushSlaveTimeout, SendStatus::kFlushSlaveTimeout},
      {ResponseCode::kSlaveNotAvailable, SendStatus::kSlaveNotAvailable}};
  StartProducer(Options());
  for (const auto& [code, status] : cases) {
    a_->fake.Override(RequestCode::kSendMessageV2, [wire = code](const proto::CommandView&) {
      net::Response response = Answer(wire);
      proto::SendMessageResponseHeader header;
      header.msg_id = "ID";
      header.queue_offset = 7;
      proto::EncodeHeader(header, response.ext);
      return response;
    });
    const auto sent = Send(NewMessage("x"));
    ASSERT_TRUE(sent.ok()) << sent.status().ToString();
    EXPECT_EQ(sent->status, status);
    EXPECT_EQ(sent->queue_offset, 7);
  }
}

TEST_F(ProducerTest, Send_AnswerWithoutHeader_IsCorruptButStored) {
  RouteToA();
  a_->fake.Override(RequestCode::kSendMessageV2, [](const proto::CommandView&) { return Answer(0); });
  StartProducer(Options());
  const auto sent = Send(NewMessage("x"));
  EXPECT_EQ(sent.status().code(), StatusCode::kCorrupt);
  EXPECT_EQ(sent.status().persisted(), Persisted::kYes);
}

TEST_F(ProducerTest, Send_ShardingKey_AlwaysTheSameQueueAndNoOther) {
  RouteToBoth(4);
  StartProducer(Options());
  SendOptions options;
  options.sharding_key = "order-created";
  std::set<MessageQueue> queues;
  for (int i = 0; i < 5; ++i) queues.insert(Send(NewMessage("x"), options)->queue);
  // Java: -392709271 % 8 = -7, so index 7: the last queue of the last broker.
  EXPECT_EQ(queues, (std::set<MessageQueue>{{kTopic, "b", 3}}));

  b_->fake.Override(RequestCode::kSendMessageV2,
                    [](const proto::CommandView&) { return Answer(ResponseCode::kSystemBusy); });
  EXPECT_EQ(Send(NewMessage("x"), options).status().code(), StatusCode::kBusy);
  EXPECT_EQ(a_->fake.RequestCount(RequestCode::kSendMessageV2), 0u);
}

TEST_F(ProducerTest, Send_Selector_IsAskedOnTheCallbackThread) {
  RouteToBoth(2);
  StartProducer(Options());
  SendOptions options;
  options.selector = [this](const std::vector<MessageQueue>& queues, const Message& message) {
    EXPECT_TRUE(callbacks_->Current());
    EXPECT_EQ(queues.size(), 4u);
    EXPECT_TRUE(std::is_sorted(queues.begin(), queues.end()));
    EXPECT_EQ(message.body, "x");
    return size_t{6};  // Beyond the end: taken modulo.
  };
  EXPECT_EQ(Send(NewMessage("x"), options)->queue, (MessageQueue{kTopic, "b", 0}));
}

TEST_F(ProducerTest, Send_SelectorThrows_FailsTheSend) {
  RouteToA();
  StartProducer(Options());
  SendOptions options;
  options.selector = [](const std::vector<MessageQueue>&, const Message&) -> size_t { throw 7; };
  EXPECT_EQ(Send(NewMessage("x"), options).status().code(), StatusCode::kInvalidArgument);
}

TEST_F(ProducerTest, Send_ToAQueue_GoesThere) {
  RouteToBoth(4);
  StartProducer(Options());
  SendOptions options;
  options.queue = MessageQueue{kTopic, "b", 2};
  EXPECT_EQ(Send(NewMessage("x"), options)->queue, *options.queue);
  options.queue->topic = "other";
  EXPECT_EQ(Send(NewMessage("x"), options).status().code(), StatusCode::kInvalidArgument);
  options.queue = MessageQueue{kTopic, "nobody", 0};
  EXPECT_EQ(Send(NewMessage("x"), options).status().code(), StatusCode::kUnavailable);
}

TEST_F(ProducerTest, Send_TwoTargets_IsRefused) {
  StartProducer(Options());
  SendOptions options;
  options.sharding_key = "k";
  options.queue = MessageQueue{kTopic, "a", 0};
  EXPECT_EQ(Send(NewMessage("x"), options).status().code(), StatusCode::kInvalidArgument);
}

TEST_F(ProducerTest, Send_LargeBody_TravelsCompressed) {
  RouteToA();
  StartProducer(Options());
  ASSERT_TRUE(Send(NewMessage(std::string(10000, 'z'))).ok());
  EXPECT_EQ(a_->fake.sends()[0].sys_flag, sys_flag::kCompressed | sys_flag::kCompressionZlib);
  EXPECT_LT(a_->fake.StoredBodies(kTopic)[0].size(), 1000u);
}

TEST_F(ProducerTest, SendBatch_StoresAllInOneRequest) {
  RouteToA();
  StartProducer(Options());
  std::vector<Message> batch = {NewMessage("1"), NewMessage("2"), NewMessage("3")};
  std::optional<Result<SendResult>> sent;
  producer_->SendBatchAsync(batch, {}, [&](Result<SendResult> result) { sent = std::move(result); });
  ASSERT_TRUE(RunUntil(seconds(5), [&] { return sent.has_value(); }));
  ASSERT_TRUE(sent->ok()) << sent->status().ToString();
  EXPECT_EQ((*sent)->message_id.size(), 3u * 32 + 2);
  EXPECT_EQ((*sent)->offset_message_id, "ID,ID,ID");
  EXPECT_EQ(a_->fake.StoredBodies(kTopic), (std::vector<std::string>{"1", "2", "3"}));
  EXPECT_EQ(a_->fake.RequestCount(RequestCode::kSendBatchMessage), 1u);
}

TEST_F(ProducerTest, SendOneway_Arrives) {
  RouteToA();
  StartProducer(Options());
  ASSERT_TRUE(producer_->SendOneway(NewMessage("x"), {}).ok());
  EXPECT_TRUE(RunUntil(seconds(5), [&] { return a_->fake.StoredBodies(kTopic).size() == 1; }));
  EXPECT_EQ(producer_->SendOneway(NewMessage(""), {}).code(), StatusCode::kInvalidArgument);
}

TEST_F(ProducerTest, SendAsync_OverTheBounds_IsBusyAndRecovers) {
  RouteToA();
  a_->fake.Ignore(RequestCode::kSendMessageV2);
  ProducerOptions options = Options();
  options.async_count_max = 2;
  options.send_timeout = seconds(1);
  StartProducer(options);
  const auto first = SendAsync(NewMessage("1"));
  const auto second = SendAsync(NewMessage("2"));
  const auto third = SendAsync(NewMessage("3"));
  ASSERT_TRUE(RunUntil(milliseconds(100), [&] { return third->done(); }));
  EXPECT_EQ(third->status().code(), StatusCode::kBusy);
  EXPECT_TRUE(third->status().retriable());
  EXPECT_EQ(third->status().persisted(), Persisted::kNo);
  ASSERT_TRUE(RunUntil(seconds(5), [&] { return first->done() && second->done(); }));
  a_->fake.Clear(RequestCode::kSendMessageV2);
  EXPECT_TRUE(Send(NewMessage("4")).ok());
}

TEST_F(ProducerTest, Shutdown_CancelledSends_EndInTheOrderOfTheirCalls) {
  RouteToA();
  a_->fake.Ignore(RequestCode::kSendMessageV2);
  StartProducer(Options());
  std::vector<int> order;
  for (int i = 0; i < 100; ++i) {
    producer_->SendAsync(NewMessage("m"), {}, [&order, i](const Result<SendResult>& result) {
      EXPECT_EQ(result.status().code(), StatusCode::kCancelled);
      order.push_back(i);
    });
  }
  Run(milliseconds(50));
  EXPECT_EQ(Shutdown(*producer_, milliseconds(10))->code(), StatusCode::kTimeout);
  ASSERT_EQ(order.size(), 100u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST_F(ProducerTest, SendAsync_CallbackThrows_OthersGoOn) {
  RouteToA();
  StartProducer(Options());
  producer_->SendAsync(NewMessage("1"), {}, [](const Result<SendResult>&) { throw std::string("no"); });
  EXPECT_TRUE(Send(NewMessage("2")).ok());
}

TEST_F(ProducerTest, Route_BrokerMoves_IsFollowed) {
  RouteToA();
  StartProducer(Options());
  ASSERT_EQ(Send(NewMessage("x"))->queue.broker_name, "a");
  ns_->fake.SetRoute(kTopic, {&b_->fake}, 1);
  Run(seconds(31));
  EXPECT_EQ(Send(NewMessage("x"))->queue.broker_name, "b");
}

// Nothing to wait for: whoever made the topic read-only meant it.
TEST_F(ProducerTest, Send_TopicIsReadOnly_FailsAtOnce) {
  RouteToA(1);
  ns_->fake.SetPermission(kTopic, 4);
  StartProducer(Options());
  const auto sent = SendAsync(NewMessage("x"));
  ASSERT_TRUE(RunUntil(milliseconds(200), [&] { return sent->done(); }));
  EXPECT_EQ(sent->status().code(), StatusCode::kNotFound);
  EXPECT_NE(sent->status().text().find("no writable queue"), std::string_view::npos)
      << sent->status().ToString();
}

TEST_F(ProducerTest, Heartbeat_TellsTheGroup) {
  RouteToA();
  StartProducer(Options());
  ASSERT_TRUE(Send(NewMessage("x")).ok());
  ASSERT_TRUE(RunUntil(seconds(2), [&] { return a_->fake.last_heartbeat().has_value(); }));
  EXPECT_EQ(a_->fake.last_heartbeat()->client_id, producer_->client_id());
  ASSERT_EQ(a_->fake.last_heartbeat()->producer_data_set.size(), 1u);
  EXPECT_EQ(a_->fake.last_heartbeat()->producer_data_set[0].group_name, "p");
}

TEST_F(ProducerTest, Shutdown_SendsPending_EveryCallbackComesOnce) {
  RouteToA();
  StartProducer(Options());
  ASSERT_TRUE(Send(NewMessage("warm")).ok());
  a_->fake.Ignore(RequestCode::kSendMessageV2);
  std::vector<std::shared_ptr<Sent>> all;
  for (int i = 0; i < 20; ++i) all.push_back(SendAsync(NewMessage("x")));
  Run(milliseconds(20));
  const MonoTime began = scheduler_.now();
  const auto ended = Shutdown(*producer_, milliseconds(200));
  ASSERT_TRUE(ended.has_value());
  EXPECT_EQ(ended->code(), StatusCode::kTimeout);
  EXPECT_LE(scheduler_.now() - began, milliseconds(1500));
  Run(seconds(10));
  for (const auto& sent : all) {
    ASSERT_EQ(sent->results.size(), 1u);
    EXPECT_EQ(sent->status().code(), StatusCode::kCancelled);
    EXPECT_EQ(sent->status().persisted(), Persisted::kMaybe);
  }
  EXPECT_EQ(a_->fake.RequestCount(RequestCode::kUnregisterClient), 1u);
}

TEST_F(ProducerTest, Shutdown_FromACallback_Ends) {
  RouteToA();
  StartProducer(Options());
  bool ended = false;
  producer_->SendAsync(NewMessage("x"), {}, [&](const Result<SendResult>&) {
    producer_->Shutdown(seconds(1), [&](Result<Done>) { ended = true; });
  });
  EXPECT_TRUE(RunUntil(seconds(5), [&] { return ended; }));
  EXPECT_EQ(Send(NewMessage("y")).status().code(), StatusCode::kFailedPrecondition);
}

TEST_F(ProducerTest, Shutdown_Twice_BothEnd) {
  StartProducer(Options());
  EXPECT_TRUE(Shutdown(*producer_, seconds(1))->ok());
  EXPECT_TRUE(Shutdown(*producer_, seconds(1))->ok());
}

TEST_F(ProducerTest, Start_BadOptions_NamesTheOption) {
  const auto refused = [this](auto change) {
    ProducerOptions options = Options();
    change(options);
    const auto core = ProducerCore::Start(runtime_, options);
    EXPECT_EQ(core.status().code(), StatusCode::kInvalidArgument);
    return core.status().ToString();
  };
  EXPECT_NE(refused([](auto& o) { o.group = ""; }).find("group"), std::string::npos);
  EXPECT_NE(refused([](auto& o) { o.group = "DEFAULT_PRODUCER"; }).find("group"), std::string::npos);
  EXPECT_NE(refused([](auto& o) { o.group = "a b"; }).find("group"), std::string::npos);
  EXPECT_NE(refused([](auto& o) { o.retries = 16; }).find("retries"), std::string::npos);
  EXPECT_NE(refused([](auto& o) { o.send_timeout = Millis(0); }).find("send_timeout"), std::string::npos);
  EXPECT_NE(refused([](auto& o) { o.client.namesrv_addr = "nonsense"; }).find("namesrv_addr"),
            std::string::npos);
  EXPECT_NE(refused([](auto& o) { o.client.heartbeat_interval = Millis(1); }).find("heartbeat"),
            std::string::npos);
}

TEST_F(ProducerTest, Start_SameGroup_NamedInstanceIsRefusedAutomaticOneIsNot) {
  ProducerOptions named = Options();
  named.client.instance_name = "one";
  StartProducer(named);
  EXPECT_EQ(ProducerCore::Start(runtime_, named).status().code(), StatusCode::kAlreadyExists);
  auto automatic = ProducerCore::Start(runtime_, Options());
  auto second = ProducerCore::Start(runtime_, Options());
  ASSERT_TRUE(automatic.ok() && second.ok());
  EXPECT_NE((*automatic)->client_id(), (*second)->client_id());
  EXPECT_TRUE(Shutdown(**automatic, seconds(1)).has_value());
  EXPECT_TRUE(Shutdown(**second, seconds(1)).has_value());
}

TEST_F(ProducerTest, Kill_WithSendsPending_LeavesNothingBehind) {
  RouteToA();
  a_->fake.Ignore(RequestCode::kSendMessageV2);
  StartProducer(Options());
  const auto sent = SendAsync(NewMessage("x"));
  Run(milliseconds(50));
  const std::weak_ptr<ProducerCore> core = producer_;
  producer_.reset();
  runtime_->Abandon();
  Run(milliseconds(50));
  EXPECT_TRUE(core.expired());
  EXPECT_EQ(sent->results.size(), 1u);
}

}  // namespace
}  // namespace orbitmq::client
