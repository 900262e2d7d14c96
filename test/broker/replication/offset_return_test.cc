// SPDX-License-Identifier: Apache-2.0
// Offsets that consumers committed to a slave, on their way to its master.
#include "test/broker/replication/master_proxy.h"
#include "test/broker/replication/standby_fixture.h"

namespace orbitmq::broker {
namespace {

constexpr char kProxyIp[] = "10.0.0.9";

// Group G is at 3 of 10 messages of T at the master, which its slave reaches through a proxy only.
class OffsetReturnTest : public StandbyTest {
 protected:
  ~OffsetReturnTest() override { StopSlave(); }

  void SetUp() override {
    BrokerOptions options = Master();
    options.broker_ip1 = kProxyIp;
    options.broker_ip2 = kBrokerIp;
    Start(options);
    ASSERT_EQ(CreateTopic("T").code, ResponseCode::kSuccess);
    for (int i = 0; i < 10; ++i) ASSERT_EQ(Send().code, ResponseCode::kSuccess);
    PullAll("T");
    ASSERT_EQ(CommitOffset("T", 3).code, ResponseCode::kSuccess);
    StartSlave();
    ASSERT_TRUE(Eventually([&] { return OffsetAtSlave() == 3; }));
    ASSERT_GT(proxy_.Count(RequestCode::kGetAllConsumerOffset), 0);
  }

  // So many that the master's table is of a newer version than the slave's copy of it.
  void OthersCommitAtTheMaster() {
    (void)Pull({.group = "H"});
    for (int i = 0; i < 1001; ++i) {
      ASSERT_EQ(CommitOffset("T", i % 10, "H").code, ResponseCode::kSuccess);
    }
  }

  // What the proxy does to commits keeps them from the master for a while.
  void ExpectTheCommitToComeAgain() {
    ASSERT_EQ(AtSlave(CommitRequest(7)).code, ResponseCode::kSuccess);
    Run(seconds(12));  // A time-out.
    ASSERT_NO_FATAL_FAILURE(OthersCommitAtTheMaster());
    Run(seconds(20));
    EXPECT_GT(proxy_.Count(RequestCode::kUpdateConsumerOffset), 1);
    EXPECT_EQ(OffsetAtSlave(), 7);
    EXPECT_EQ(Offset("T"), 3);
    proxy_.Pass(RequestCode::kUpdateConsumerOffset);
    EXPECT_TRUE(Eventually([&] { return Offset("T") == 7; }));
    EXPECT_EQ(OffsetAtSlave(), 7);
  }

  MasterProxy proxy_{scheduler_, network_, log_, {kProxyIp, kBrokerPort}, kMaster};
};

TEST_F(OffsetReturnTest, CommitIsLostOnTheWay_ItComesAgainWithALaterRound) {
  proxy_.Lose(RequestCode::kUpdateConsumerOffset);
  ExpectTheCommitToComeAgain();
}

TEST_F(OffsetReturnTest, MasterIsBusy_ItComesAgainWithALaterRound) {
  proxy_.Refuse(RequestCode::kUpdateConsumerOffset, ResponseCode::kSystemBusy);
  ExpectTheCommitToComeAgain();
}

TEST_F(OffsetReturnTest, MasterRefusesTheCommit_ItsOwnOffsetCounts) {
  proxy_.Refuse(RequestCode::kUpdateConsumerOffset, ResponseCode::kTopicNotExist);
  ASSERT_EQ(AtSlave(CommitRequest(7)).code, ResponseCode::kSuccess);
  Run(seconds(12));
  EXPECT_GT(proxy_.Count(RequestCode::kUpdateConsumerOffset), 0);
  ASSERT_NO_FATAL_FAILURE(OthersCommitAtTheMaster());
  EXPECT_TRUE(Eventually([&] { return OffsetAtSlave() == 3; }));
}

TEST_F(OffsetReturnTest, ConsumerIsBackAtTheMasterMeanwhile_ItDoesNotGoBackwards) {
  proxy_.Hold(RequestCode::kGetMaxOffset);
  ASSERT_EQ(AtSlave(CommitRequest(7)).code, ResponseCode::kSuccess);
  // The master's table, which was at 3, is taken; the commit is on its way.
  ASSERT_TRUE(Eventually([&] { return proxy_.held() > 0; }));
  ASSERT_EQ(CommitOffset("T", 9).code, ResponseCode::kSuccess);
  proxy_.Pass(RequestCode::kGetMaxOffset);
  const MonoTime end = scheduler_.now() + seconds(12);
  while (scheduler_.now() < end) {
    Run(milliseconds(100));
    ASSERT_EQ(Offset("T"), 9);
  }
  EXPECT_EQ(OffsetAtSlave(), 9);
  EXPECT_EQ(proxy_.Count(RequestCode::kUpdateConsumerOffset), 0);
}

}  // namespace
}  // namespace orbitmq::broker
