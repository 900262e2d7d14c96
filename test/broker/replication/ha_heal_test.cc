// SPDX-License-Identifier: Apache-2.0
// A slave whose log is not its master's: what it keeps, and where it goes on.

#include "test/broker/replication/ha_fixture.h"

namespace orbitmq::broker {
namespace {

TEST_F(HaTest, Slave_WithRecordsOfAnotherMaster_CutsThemOffLoudly) {
  // The slave's machine was a master once, with a part of its own behind a common one.
  StartBothThenStopSlave(100, OptionsFor(BrokerRole::kAsyncMaster));
  TakeStraysAtTheSlave(30, 3000);
  SendMany(50);
  slave_.Start(OptionsFor(BrokerRole::kSlave));
  AwaitCaughtUp();
  EXPECT_TRUE(Logged("this slave's log differs from its master's; it is cut where they part"));
  EXPECT_EQ(PullCount(kSlaveIp), 150);
  SendMany(200);
  AwaitCaughtUp();
  EXPECT_EQ(PullCount(kSlaveIp), 350);
  StopBothAndExpectEqualLogs();
}

// What both had is deleted at the master, whose log begins within the slave's.
TEST_F(HaTest, Slave_SharesNothingFromTheMastersBeginOn_StartsOverThere) {
  BrokerOptions options = OptionsFor(BrokerRole::kAsyncMaster);
  options.retention_bytes = 256 * 1024;
  StartBothThenStopSlave(50, options);
  TakeStraysAtTheSlave(600, 1000);
  SendMany(600);
  Run(seconds(60));  // Retention.
  slave_.Start(OptionsFor(BrokerRole::kSlave));
  AwaitCaughtUp();
  EXPECT_TRUE(Logged("this slave drops its log, queues and index, and starts over"));
  EXPECT_EQ(PullCount(kSlaveIp), 650);
  EXPECT_EQ(StatusOf(kSlaveIp).ha_client_runtime_info.heal_count, 1);
  SendMany(50);
  AwaitCaughtUp();
  EXPECT_EQ(PullCount(kSlaveIp), 700);
  StopBothAndExpectEqualLogs();
}

// An Apache master cannot be asked where its log begins.
TEST_F(HaTest, Slave_SharesNothingWithTheMastersLastFile_StartsOverThere) {
  StartBothThenStopSlave(50, OptionsFor(BrokerRole::kAsyncMaster));
  TakeStraysAtTheSlave(600, 1000);
  SendMany(400);
  sim::SimEnv env(scheduler_, network_, master_.host, log_);
  const auto master = StopMasterAndGiveItsLastFile(env);
  ASSERT_NE(master, nullptr);
  slave_.Start(OptionsFor(BrokerRole::kSlave));
  AwaitCountAtTheSlave(sent_);
  EXPECT_TRUE(Logged("the master gives its last file only: older messages are not copied"));
}

// What a master without a log made the slave ask for says nothing about the next one's.
TEST_F(HaTest, Slave_MasterWithItsLogComesAfterOneWithout_KeepsWhatBothHave) {
  StartBothThenStopSlave(200, OptionsFor(BrokerRole::kAsyncMaster));
  TakeStraysAtTheSlave(600, 1000);
  SendMany(300);
  master_.Stop();
  {
    sim::SimEnv env(scheduler_, network_, master_.host, log_);
    const LastFileMaster without(env, {kBrokerIp, kHaPort}, {int64_t{1} << 40}, {});
    slave_.Start(OptionsFor(BrokerRole::kSlave));
    Run(seconds(10));
  }
  master_.Start(OptionsFor(BrokerRole::kAsyncMaster));
  AwaitCaughtUp();
  EXPECT_TRUE(Logged("this slave's log differs from its master's; it is cut where they part"));
  EXPECT_FALSE(Logged("this slave drops its log, queues and index, and starts over"));
  EXPECT_EQ(PullCount(kSlaveIp), 500);
  StopBothAndExpectEqualLogs();
}

TEST_F(HaTest, Slave_BelowTheMastersBegin_StartsOverLoudly) {
  BrokerOptions options = OptionsFor(BrokerRole::kAsyncMaster);
  options.retention_bytes = 256 * 1024;
  StartBothThenStopSlave(50, options);
  SendMany(1500);
  Run(seconds(60));  // Retention.
  slave_.Start(OptionsFor(BrokerRole::kSlave));
  AwaitCaughtUp();
  EXPECT_TRUE(Logged("this slave drops its log, queues and index, and starts over"));
  EXPECT_EQ(PullCount(kSlaveIp), 1550);
  slave_.Stop();
  slave_.Start(OptionsFor(BrokerRole::kSlave));
  SendMany(10);
  AwaitCaughtUp();
  EXPECT_EQ(PullCount(kSlaveIp), 1560);
}

}  // namespace
}  // namespace orbitmq::broker
