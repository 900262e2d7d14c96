// SPDX-License-Identifier: Apache-2.0
// Consumers that meet damaged records, or go away in the middle of everything.
#include "remoting/protocol/codes.h"
#include "test/client/consumer_fixture.h"

namespace orbitmq::client {
namespace {

using proto::RequestCode;

TEST_F(ConsumerTest, Pull_RecordThatNeverDecodes_IsPassedOverAloneAndLoudly) {
  RouteToA(1);
  StoreMany(0, 6);
  a_->fake.Damage(Queue(0), 2);
  StartConsumer(ConsumerOptions(), Collect());
  ASSERT_TRUE(RunUntilSeen(2));
  Run(seconds(25));
  EXPECT_EQ(seen_.size(), 2u) << "it may be the connection: it is pulled again first";
  EXPECT_EQ(a_->fake.Committed(kGroup, Queue(0)), 2);
  ASSERT_TRUE(RunUntilSeen(5, seconds(10)));
  EXPECT_FALSE(seen_.contains("q0-2"));
  for (const auto& [body, count] : seen_) EXPECT_EQ(count, 1) << body;
  Run(seconds(10));
  EXPECT_EQ(a_->fake.Committed(kGroup, Queue(0)), 6);
  size_t told = 0;
  for (const std::string& line : log_.lines()) {
    if (line.find("a message is passed over") == std::string::npos) continue;
    ++told;
    EXPECT_NE(line.find("queue=T/a/0 offset=2"), std::string::npos) << line;
  }
  EXPECT_EQ(told, 1u);
}

TEST_F(ConsumerTest, Pull_RecordThatDecodesTheNextTime_IsDelivered) {
  RouteToA(1);
  StoreMany(0, 3);
  a_->fake.Damage(Queue(0), 1);
  StartConsumer(ConsumerOptions(), Collect());
  ASSERT_TRUE(RunUntilSeen(1));
  Run(seconds(3));
  a_->fake.Damage(Queue(0), 1);  // The same byte again: it is whole.
  ASSERT_TRUE(RunUntilSeen(3, seconds(3)));
  EXPECT_EQ(seen_["q0-1"], 1);
}

// The simulation found this: the calls that the connections of a dropped instance end asked stubs that were
// gone already.
TEST_F(ConsumerTest, Drop_WithCallsUnderWay_TouchesNothingThatIsGone) {
  RouteToA(2);
  StoreMany(0, 3);
  a_->fake.Ignore(RequestCode::kQueryConsumerOffset);
  StartConsumer(ConsumerOptions(), Collect());
  ASSERT_TRUE(
      RunUntil(seconds(5), [&] { return a_->fake.RequestCount(RequestCode::kQueryConsumerOffset) > 0; }));
  // Questions for offsets are open; then pulls, heartbeats and routes of a second life.
  for (const bool pulls : {false, true}) {
    if (pulls) {
      a_->fake.Clear(RequestCode::kQueryConsumerOffset);
      StartConsumer(ConsumerOptions(), Collect());
      ASSERT_TRUE(
          RunUntil(seconds(10), [&] { return a_->fake.RequestCount(RequestCode::kPullMessage) > 2; }));
      ns_->fake.Ignore(RequestCode::kGetRouteinfoByTopic);
      a_->fake.Ignore(RequestCode::kHeartBeat);
      Run(seconds(32));
    }
    const std::weak_ptr<PushConsumerCore> core = consumer_;
    consumer_.reset();
    runtime_->Abandon();
    EXPECT_TRUE(core.expired());
    Run(seconds(1));
  }
}

}  // namespace
}  // namespace orbitmq::client
