// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>
#include <vector>

#include "orbitmq/producer.h"
#include "test/client/sim_client_fixture.h"

namespace orbitmq::client {
namespace {

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
