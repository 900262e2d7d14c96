// SPDX-License-Identifier: Apache-2.0
// Disks that are slow or fail while a slave compares its log with its master's, and masters that send
// rubbish.

#include "test/broker/replication/ha_fixture.h"

namespace orbitmq::broker {
namespace {

class HaFaultsTest : public HaTest {
 protected:
  // The master's log of several files, of which the slave has the first messages. What was written before a
  // start counts as not being in memory.
  void StartWithALogThatIsRead() {
    StartBothThenStopSlave(50, OptionsFor(BrokerRole::kAsyncMaster));
    SendMany(600);
    master_.Stop();
    master_.Start(OptionsFor(BrokerRole::kAsyncMaster));
  }
  void LoseTheConnection() {
    master_.Kill(sim::SimEnv::Loss::kProcess);
    master_.Start(OptionsFor(BrokerRole::kAsyncMaster));
  }
  size_t CountLogged(std::string_view text) const {
    return static_cast<size_t>(
        std::count_if(log_.lines().begin(), log_.lines().end(),
                      [text](const std::string& line) { return line.find(text) != std::string::npos; }));
  }
};

// Under SYNC_FLUSH a report is a promise: equal to the master's is not enough.
TEST_F(HaFaultsTest, Slave_ComparesWhatItHasNotSynced_DoesNotReportIt) {
  master_.Start(OptionsFor(BrokerRole::kAsyncMaster));
  slave_.Start(OptionsFor(BrokerRole::kSlave));
  SendMany(100);
  AwaitCaughtUp();
  const int64_t on_disk = StatusOf(kBrokerIp).master_commit_log_max_offset;
  slave_.host.disk.SlowSyncs(seconds(40));
  SendMany(100);
  Run(seconds(1));
  LoseTheConnection();
  Run(seconds(10));
  const auto status = StatusOf(kBrokerIp);
  ASSERT_EQ(status.ha_connection_info.size(), 1u);
  EXPECT_GT(status.master_commit_log_max_offset, on_disk + 64 * 1024);
  // One message may have been in the sync that was under way.
  EXPECT_LE(status.ha_connection_info[0].slave_ack_offset, on_disk + 2000);
  slave_.host.disk.SlowSyncs(Duration(0));
  AwaitCaughtUp();
}

// A heartbeat meanwhile would tell the slave that the master has nothing, or nothing more, where it asked.
TEST_F(HaFaultsTest, Master_ReadsSlowerThanItsHeartbeats_TheSlaveIsNotMisled) {
  StartWithALogThatIsRead();
  master_.host.disk.SlowReads(seconds(8));
  slave_.Start(OptionsFor(BrokerRole::kSlave));
  Run(seconds(60));
  master_.host.disk.SlowReads(Duration(0));
  AwaitCaughtUp();
  EXPECT_FALSE(Logged("this slave drops its log"));
  EXPECT_FALSE(Logged("this slave has records that its master does not have"));
  EXPECT_EQ(PullCount(kSlaveIp), 650);
  EXPECT_EQ(StatusOf(kSlaveIp).ha_client_runtime_info.heal_count, 0);
}

TEST_F(HaFaultsTest, Master_CannotReadItsLog_SaysSoAndGoesOnWhenItCan) {
  StartWithALogThatIsRead();
  master_.host.disk.FailReads(true);
  slave_.Start(OptionsFor(BrokerRole::kSlave));
  Run(seconds(30));
  const size_t told = CountLogged("EIO");
  EXPECT_GE(told, 2u);
  EXPECT_LE(told, 100u);
  master_.host.disk.FailReads(false);
  AwaitCaughtUp();
  EXPECT_EQ(PullCount(kSlaveIp), 650);
}

// That it cannot read its own log is no difference to its master's.
TEST_F(HaFaultsTest, Slave_CannotReadItsOwnLog_DropsNothing) {
  StartWithALogThatIsRead();
  slave_.Start(OptionsFor(BrokerRole::kSlave));
  AwaitCaughtUp();
  slave_.Stop();
  slave_.Start(OptionsFor(BrokerRole::kSlave));
  AwaitCaughtUp();
  slave_.host.disk.FailReads(true);
  LoseTheConnection();
  Run(seconds(30));
  EXPECT_TRUE(Logged("this slave's own log at "));
  EXPECT_FALSE(Logged("this slave drops its log"));
  EXPECT_FALSE(Logged("it is cut where they part"));
  slave_.host.disk.FailReads(false);
  AwaitCaughtUp();
  EXPECT_EQ(StatusOf(kSlaveIp).ha_client_runtime_info.heal_count, 0);
}

// The next master may be one with a new disk, whose log ends before the place where this slave began.
TEST_F(HaFaultsTest, Slave_EmptyBehindItsMastersEnd_StartsAgainFromTheBegin) {
  StartBothThenStopSlave(50, OptionsFor(BrokerRole::kAsyncMaster));
  {
    sim::SimEnv env(scheduler_, network_, master_.host, log_);
    master_.Stop();
    const LogOffset far{int64_t{8} * OptionsFor(BrokerRole::kAsyncMaster).mapped_file_size_commit_log};
    auto rubbish = std::make_unique<LastFileMaster>(env, Endpoint{kBrokerIp, kHaPort}, far, "x");
    slave_.Start(OptionsFor(BrokerRole::kSlave));
    const MonoTime until = scheduler_.now() + seconds(60);
    while (scheduler_.now() < until && StatusOf(kSlaveIp).ha_client_runtime_info.max_offset < far.value) {
      Run(milliseconds(100));
    }
    ASSERT_TRUE(Logged("this slave drops its log"));
  }
  master_.Start(OptionsFor(BrokerRole::kAsyncMaster));
  SendMany(100);
  AwaitCaughtUp();
  EXPECT_EQ(PullCount(kSlaveIp), 150);
  StopBothAndExpectEqualLogs();
}

TEST_F(HaFaultsTest, Slave_MasterSendsNoRecords_AsksLessAndLessOften) {
  StartBothThenStopSlave(60, OptionsFor(BrokerRole::kAsyncMaster));
  sim::SimEnv env(scheduler_, network_, master_.host, log_);
  const auto rubbish = StopMasterAndGiveItsLastFile(env, std::string(1000, 'x'));
  ASSERT_NE(rubbish, nullptr);
  slave_.Start(OptionsFor(BrokerRole::kSlave));
  Run(seconds(30));
  const size_t tries = CountLogged("the connection to the master is given up");
  EXPECT_GE(tries, 2u);
  EXPECT_LE(tries, 25u);
}

}  // namespace
}  // namespace orbitmq::broker
