// SPDX-License-Identifier: Apache-2.0
// Brokers that change their role while they run: by turns, after a crash, and when they must not.
#include <algorithm>

#include "test/broker/replication/role_change_fixture.h"

namespace orbitmq::broker {
namespace {

TEST_F(RoleChangeTest, Switch_BothGoOn_QueuesOffsetsAndRoutesFollow) {
  ASSERT_NO_FATAL_FAILURE(StartBothWithOffset3Of10());
  ASSERT_NO_FATAL_FAILURE(SwitchToSlave());
  EXPECT_TRUE(Eventually([&] {
    const auto route = RouteOf("T");
    return route.size() == 2 && route.at(0) == kSlave.ToString() && route.at(1) == kMaster.ToString();
  }));
  EXPECT_TRUE(HaStatusAt(kSlave).master);
  EXPECT_FALSE(HaStatusAt(kMaster).master);
  // The queue goes on where it was, and the old master gets what the new one stores.
  ASSERT_EQ(SendAt(kSlave), ResponseCode::kSuccess);
  EXPECT_EQ(EndAt(kSlave, 0), 11);
  EXPECT_TRUE(Eventually([&] { return EndAt(kMaster, 0) == 11; }));
  ASSERT_EQ(AtSlave(CommitRequest(9)).code, ResponseCode::kSuccess);
  EXPECT_TRUE(Eventually([&] { return Offset("T") == 9; }));
  // And back.
  ASSERT_TRUE(Eventually([&] { return Follows(kMaster); }));
  ASSERT_EQ(Configure(kSlave, kBecomeSlave).code, ResponseCode::kSuccess);
  ASSERT_TRUE(Eventually([&] { return Configure(kMaster, kBecomeMaster).code == ResponseCode::kSuccess; }));
  ASSERT_EQ(SendAt(kMaster), ResponseCode::kSuccess);
  EXPECT_TRUE(Eventually([&] { return EndAt(kSlave, 0) == 12; }));
  EXPECT_EQ(Offset("T"), 9);
  EXPECT_FALSE(Logged("is cut where they part"));
}

TEST_F(RoleChangeTest, Switch_WhatWasChangedInTheLastMoment_TheNewMasterHasIt) {
  ASSERT_NO_FATAL_FAILURE(StartBothWithOffset3Of10());
  ASSERT_TRUE(Eventually([&] { return Follows(kSlave); }));
  Run(seconds(6));  // A look of the slave is just over.
  ASSERT_EQ(CreateTopic("Last").code, ResponseCode::kSuccess);
  ASSERT_EQ(CommitOffset("T", 8).code, ResponseCode::kSuccess);
  ASSERT_EQ(Configure(kMaster, kBecomeSlave).code, ResponseCode::kSuccess);
  ASSERT_TRUE(PromoteSlave());
  EXPECT_EQ(OffsetAtSlave(), 8);
  EXPECT_EQ(SendAt(kSlave, {.topic = "Last", .default_topic = "none"}), ResponseCode::kSuccess);
}

// It is stored, and synced where that is asked; only whether a slave has it is open.
TEST_F(RoleChangeTest, Demote_ASendWaitsForTheSlave_EndsAsFlushSlaveTimeoutWithItsPlace) {
  for (const auto flush : {store::FlushMode::kSync, store::FlushMode::kAsync}) {
    BrokerOptions options = Master();
    options.broker_role = BrokerRole::kSyncMaster;
    options.flush_disk_type = flush;
    options.slave_timeout = seconds(60);
    Start(options);
    StartSlave();
    ASSERT_TRUE(Eventually([&] { return Follows(kSlave); }));
    ASSERT_TRUE(Eventually([&] { return Send().code == ResponseCode::kSuccess; }));
    const int64_t end = EndAt(kMaster, 0);
    network_.Block(kSlaveIp, kBrokerIp);
    const auto waiting = caller_->Begin(SendRequest({.body = "open"}), seconds(10));
    Run(milliseconds(300));
    ASSERT_FALSE(waiting->has_value());
    ASSERT_EQ(Configure(kMaster, kBecomeSlave).code, ResponseCode::kSuccess);
    ASSERT_TRUE(waiting->has_value());
    EXPECT_EQ((*waiting)->code, ResponseCode::kFlushSlaveTimeout) << (*waiting)->remark;
    const auto header = proto::DecodeHeader<proto::SendMessageResponseHeader>(**waiting);
    ASSERT_TRUE(header.ok()) << header.status().ToString();
    EXPECT_EQ(header->queue_offset, end);
    EXPECT_FALSE(header->msg_id.empty());
    EXPECT_EQ(BodiesAt(kMaster, "T").back(), "open");
    network_.HealAll();
    StopSlave();
    Stop();
  }
}

TEST_F(RoleChangeTest, Switch_DelayedMessages_AreDeliveredOnce) {
  Start(Master());
  ASSERT_EQ(CreateTopic("T").code, ResponseCode::kSuccess);
  StartSlave();
  for (int i = 0; i < 20; ++i) {
    SendArguments delayed;
    delayed.properties = StrCat("DELAY\x01", 1 + i % 2, "\x02");
    ASSERT_EQ(Send(delayed).code, ResponseCode::kSuccess);
    Run(milliseconds(200));
  }
  ASSERT_NO_FATAL_FAILURE(SwitchToSlave());
  Run(seconds(12));
  EXPECT_EQ(EndAt(kSlave, 0), 20);
}

TEST_F(RoleChangeTest, Promote_TheSlaveIsFarBehind_ADelayedMessageIsNotPassedOver) {
  ASSERT_NO_FATAL_FAILURE(StartSlaveFarBehindADelivery());
  Crash();
  ASSERT_TRUE(PromoteSlave());
  Run(seconds(15));
  EXPECT_EQ(BodiesAt(kSlave, "T"), (std::vector<std::string>{"delayed"}));
}

TEST_F(RoleChangeTest, Promote_TheOldMasterIsFarAhead_ADelayedMessageIsNotPassedOver) {
  ASSERT_NO_FATAL_FAILURE(StartSlaveFarBehindADelivery());
  ASSERT_EQ(Configure(kMaster, kBecomeSlave).code, ResponseCode::kSuccess);
  ASSERT_TRUE(PromoteSlave());
  Run(seconds(15));
  EXPECT_EQ(BodiesAt(kSlave, "T"), (std::vector<std::string>{"delayed"}));
}

TEST_F(RoleChangeTest, Promote_TheSlaveHasTheCopy_ADelayedMessageIsNotDeliveredAgain) {
  Start(Master());
  ASSERT_EQ(CreateTopic("T", 1).code, ResponseCode::kSuccess);
  StartSlave();
  ASSERT_TRUE(Eventually([&] { return Follows(kSlave); }));
  ASSERT_EQ(SendAt(kMaster, Delayed(3)), ResponseCode::kSuccess);
  Run(seconds(30));  // It is due after 10 s, counts within 10 more, and the slave looks every 5 s.
  ASSERT_EQ(DelayOffsetAt(kSlave, 3), 1);
  Crash();
  ASSERT_TRUE(PromoteSlave());
  Run(seconds(15));
  EXPECT_EQ(BodiesAt(kSlave, "T"), (std::vector<std::string>{"delayed"}));
}

// What it was told first is true for it some seconds later, whatever comes meanwhile.
TEST_F(RoleChangeTest, Slave_IsAlwaysBehind_ItsDelayOffsetsMoveOn) {
  BrokerOptions master = Master();
  master.ha_flow_control_enable = true;
  master.max_ha_transfer_byte_in_second = 65'536;
  Start(master);
  ASSERT_EQ(CreateTopic("T", 1).code, ResponseCode::kSuccess);
  StartSlave();
  ASSERT_TRUE(Eventually([&] { return Follows(kSlave); }));
  const std::string filler(20'000, 'x');
  for (int second = 0; second < 60; ++second) {
    ASSERT_EQ(SendAt(kMaster, Delayed(1)), ResponseCode::kSuccess);
    for (int i = 0; i < 10; ++i) {
      ASSERT_EQ(SendAt(kMaster, {.topic = "Other", .body = filler}), ResponseCode::kSuccess);
    }
    Run(seconds(1));
  }
  EXPECT_GT(EndAt(kMaster, 0), EndAt(kSlave, 0) + 5) << "it is not behind";
  EXPECT_GT(DelayOffsetAt(kSlave, 1), 10);
  EXPECT_LE(DelayOffsetAt(kSlave, 1), EndAt(kSlave, 0));
}

TEST_F(RoleChangeTest, Promote_MasterIsAlive_IsRefusedAndNothingChanges) {
  Start(Master());
  ASSERT_EQ(Send().code, ResponseCode::kSuccess);
  StartSlaveWithFile("brokerRole=SLAVE\nbrokerId=1\n");
  ASSERT_TRUE(Eventually([&] { return Follows(kSlave); }));
  const auto refused = Configure(kSlave, kBecomeMaster);
  EXPECT_EQ(refused.code, ResponseCode::kSystemError);
  EXPECT_NE(refused.remark.find("follows a master that is alive"), std::string::npos) << refused.remark;
  EXPECT_NE(refused.remark.find("mqadmin switchMaster"), std::string::npos) << refused.remark;
  EXPECT_FALSE(HaStatusAt(kSlave).master);
  EXPECT_EQ(SlaveFile(), "brokerRole=SLAVE\nbrokerId=1\n");
  // Neither does a role without the id that it needs.
  const auto incomplete = Configure(kMaster, "brokerRole=SLAVE\n");
  EXPECT_NE(incomplete.code, ResponseCode::kSuccess);
  EXPECT_NE(incomplete.remark.find("brokerId"), std::string::npos) << incomplete.remark;
  EXPECT_TRUE(HaStatusAt(kMaster).master);
}

// The master is alive, and only the way from its slave to it is cut.
TEST_F(RoleChangeTest, Promote_MasterIsAliveButLost_GoesBackAndFollowsLater) {
  ASSERT_NO_FATAL_FAILURE(StartBothWithOffset3Of10());
  ASSERT_TRUE(Eventually([&] { return Follows(kSlave); }));
  network_.Block(kBrokerIp, kSlaveIp);
  network_.Block(kSlaveIp, kBrokerIp);
  ASSERT_TRUE(Eventually([&] { return !Follows(kSlave); }));
  // Its next attempt to connect is a moment away.
  network_.HealAll();
  const proto::Command refused = Configure(kSlave, kBecomeMaster);
  EXPECT_EQ(refused.code, ResponseCode::kSystemError);
  EXPECT_NE(refused.remark.find("which this slave has lost"), std::string::npos) << refused.remark;
  EXPECT_TRUE(Eventually([&] { return Follows(kSlave); }));
  EXPECT_EQ(SendAt(kSlave), ResponseCode::kSystemBusy);
  ASSERT_EQ(Send().code, ResponseCode::kSuccess);
  EXPECT_TRUE(Eventually([&] { return EndAt(kSlave, 0) == 11; }));
  EXPECT_EQ(RouteOf("T").at(0), kMaster.ToString());
}

// It hangs: connections stay, and nothing comes.
TEST_F(RoleChangeTest, Promote_MasterHangs_TheSlaveLeadsWithinSeconds) {
  ASSERT_NO_FATAL_FAILURE(StartBothWithOffset3Of10());
  ASSERT_TRUE(Eventually([&] { return Follows(kSlave) && EndAt(kSlave, 0) == 10; }));
  network_.Block(kBrokerIp, kSlaveIp);
  const MonoTime hung = scheduler_.now();
  ASSERT_TRUE(PromoteSlave());
  EXPECT_LT(scheduler_.now() - hung, seconds(10));
  ASSERT_EQ(SendAt(kSlave), ResponseCode::kSuccess);
}

// An idle master is asked and answers, again and again.
TEST_F(RoleChangeTest, Promote_MasterIsIdle_IsRefused) {
  ASSERT_NO_FATAL_FAILURE(StartBothWithOffset3Of10());
  ASSERT_TRUE(Eventually([&] { return Follows(kSlave); }));
  for (int i = 0; i < 7; ++i) {
    Run(milliseconds(1300));
    const auto refused = Configure(kSlave, kBecomeMaster);
    ASSERT_NE(refused.remark.find("follows a master that is alive"), std::string::npos) << refused.remark;
  }
  EXPECT_TRUE(Eventually([&] { return Follows(kSlave); }));
  EXPECT_FALSE(HaStatusAt(kSlave).master);
}

TEST_F(RoleChangeTest, Promote_MasterIsGone_TheSlaveServesAndItsFileSaysSo) {
  ASSERT_NO_FATAL_FAILURE(StartBothWithOffset3Of10());
  StopSlave();
  StartSlaveWithFile("# kept\nbrokerRole=SLAVE\nbrokerId=1\n");
  ASSERT_TRUE(Eventually([&] { return Follows(kSlave); }));
  ASSERT_TRUE(Eventually([&] { return EndAt(kSlave, 0) == 10; }));
  Crash();
  ASSERT_TRUE(PromoteSlave());
  EXPECT_EQ(SlaveFile(), "# kept\nbrokerRole=ASYNC_MASTER\nbrokerId=0\n");
  ASSERT_EQ(SendAt(kSlave), ResponseCode::kSuccess);
  EXPECT_EQ(EndAt(kSlave, 0), 11);
  EXPECT_EQ(OffsetAtSlave(), 3);
}

TEST_F(RoleChangeTest, Promote_MasterIsGone_TopicOfTheLastMomentIsKnown) {
  ASSERT_NO_FATAL_FAILURE(StartBothWithOffset3Of10());
  ASSERT_TRUE(Eventually([&] { return Follows(kSlave); }));
  Run(seconds(6));  // A look of the slave is just over.
  ASSERT_EQ(CreateTopic("Last", 1).code, ResponseCode::kSuccess);
  ASSERT_EQ(Send({.topic = "Last"}).code, ResponseCode::kSuccess);
  ASSERT_TRUE(Eventually([&] { return EndAt(kSlave, 0, "Last") == 1; }));
  Run(milliseconds(500));
  Crash();
  ASSERT_TRUE(PromoteSlave());
  // Not made anew as the template says.
  EXPECT_EQ(SendAt(kSlave, {.topic = "Last", .queue_id = 3}), ResponseCode::kInvalidParameter);
  EXPECT_EQ(SendAt(kSlave, {.topic = "Last", .default_topic = "none"}), ResponseCode::kSuccess);
  EXPECT_EQ(EndAt(kSlave, 0, "Last"), 2);
}

TEST_F(RoleChangeTest, Slave_ManyUnknownTopics_AreNotALookEach) {
  ASSERT_NO_FATAL_FAILURE(StartBothWithOffset3Of10());
  ASSERT_TRUE(Eventually([&] { return Follows(kSlave); }));
  Run(seconds(6));
  const auto looks = [this] {
    return std::count_if(log_.lines().begin(), log_.lines().end(), [](const std::string& line) {
      return line.find("a table of the master was taken over") != std::string::npos;
    });
  };
  const auto before = looks();
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(CreateTopic(StrCat("Many", i), 1).code, ResponseCode::kSuccess);
    ASSERT_EQ(Send({.topic = StrCat("Many", i)}).code, ResponseCode::kSuccess);
  }
  Run(seconds(1));
  EXPECT_EQ(EndAt(kSlave, 0, "Many99"), 1);
  EXPECT_GT(looks(), before);
  EXPECT_LE(looks(), before + 10);
}

// An administrator made the slave the master while this one was down, and its file still says master.
TEST_F(RoleChangeTest, OldMasterReturns_AnotherLeads_ItServesNobodyUntilItIsASlave) {
  ASSERT_NO_FATAL_FAILURE(StartBothWithOffset3Of10());
  ASSERT_TRUE(Eventually([&] { return Follows(kSlave) && EndAt(kSlave, 0) == 10; }));
  // It has what the slave does not.
  network_.Block(kBrokerIp, kSlaveIp);
  ASSERT_EQ(Send().code, ResponseCode::kSuccess);
  Run(milliseconds(50));
  Crash();
  network_.HealAll();
  ASSERT_TRUE(PromoteSlave());
  for (int i = 0; i < 3; ++i) ASSERT_EQ(SendAt(kSlave, {.body = "newer"}), ResponseCode::kSuccess);
  Start(Master());
  ASSERT_TRUE(Eventually([&] { return Logged("another broker of this name is alive as master"); }));
  EXPECT_EQ(Send().code, ResponseCode::kServiceNotAvailable);
  PullArguments pull;
  EXPECT_EQ(Pull(pull).code, ResponseCode::kServiceNotAvailable);
  ASSERT_EQ(CreateTopic("Changed").code, ResponseCode::kSuccess);  // Which other brokers would be told.
  Run(seconds(12));
  EXPECT_EQ(RouteOf("T").at(0), kSlave.ToString());
  const auto refused = Configure(kMaster, "brokerRole=SYNC_MASTER\n");
  EXPECT_NE(refused.remark.find("can only become its slave"), std::string::npos) << refused.remark;
  ASSERT_EQ(Configure(kMaster, kBecomeSlave).code, ResponseCode::kSuccess);
  ASSERT_TRUE(Eventually([&] { return Follows(kMaster); }));
  EXPECT_TRUE(Eventually([&] { return EndAt(kMaster, 0) == 13; }));
  EXPECT_TRUE(Logged("is cut where they part"));
  EXPECT_TRUE(Eventually([&] { return RouteOf("T").size() == 2; }));
}

TEST_F(RoleChangeTest, OldMasterReturns_TheOtherOneEnds_ItServes) {
  Start(Master());
  ASSERT_EQ(Send().code, ResponseCode::kSuccess);
  StartSlave();
  ASSERT_TRUE(Eventually([&] { return Follows(kSlave); }));
  Crash();
  ASSERT_TRUE(PromoteSlave());
  Start(Master());
  ASSERT_TRUE(Eventually([&] { return Logged("another broker of this name is alive as master"); }));
  StopSlave();
  EXPECT_TRUE(Eventually([&] { return Send().code == ResponseCode::kSuccess; }));
  EXPECT_TRUE(Eventually([&] { return RouteOf("T").size() == 1 && RouteOf("T").begin()->first == 0; }));
}

TEST_F(RoleChangeTest, HandOver_ConsumersThatDoNotKnowYet_GoOnReading) {
  ASSERT_NO_FATAL_FAILURE(StartBothWithOffset3Of10());
  const auto waiting = caller_->Begin(PullRequest({.offset = 10, .wait = seconds(15)}), seconds(30), kMaster);
  ASSERT_NO_FATAL_FAILURE(SwitchToSlave());
  EXPECT_TRUE(Eventually([&] { return waiting->has_value(); }));
  // slaveReadEnable is false, and there is a master.
  ASSERT_TRUE(Eventually([&] { return Follows(kMaster); }));
  Run(seconds(3));
  EXPECT_EQ(AllAt(kMaster, "T").size(), 10u);
  Run(seconds(70));
  EXPECT_EQ(Pull({}).code, ResponseCode::kSystemBusy);
}

// Producers that look at the routes every 30 s get a later answer, and no error.
TEST_F(RoleChangeTest, HandOver_WhatIsSentToTheOldMaster_GoesToTheNewOne) {
  ASSERT_NO_FATAL_FAILURE(StartBothWithOffset3Of10());
  ASSERT_TRUE(Eventually([&] { return Follows(kSlave); }));
  ASSERT_EQ(Configure(kMaster, kBecomeSlave).code, ResponseCode::kSuccess);
  std::vector<std::shared_ptr<std::optional<proto::Command>>> answers;
  for (int i = 0; i < 20; ++i) {
    answers.push_back(caller_->Begin(SendRequest({}), seconds(5), kMaster));
    Run(milliseconds(40));
  }
  EXPECT_FALSE(answers.front()->has_value()) << "nobody leads";
  ASSERT_TRUE(PromoteSlave());
  Run(seconds(2));
  for (const auto& answer : answers) {
    ASSERT_TRUE(answer->has_value());
    EXPECT_EQ((*answer)->code, ResponseCode::kSuccess) << (*answer)->remark;
  }
  EXPECT_EQ(EndAt(kSlave, 0), 30);
  // At once now, and a consumer's send-back too.
  EXPECT_EQ(SendAt(kMaster), ResponseCode::kSuccess);
  const auto stored = AllAt(kSlave, "T");
  ASSERT_FALSE(stored.empty());
  EXPECT_EQ(SendBack(stored[0].log_offset, 1).code, ResponseCode::kSuccess);
  // Not for ever.
  Run(seconds(70));
  EXPECT_EQ(SendAt(kMaster), ResponseCode::kSystemBusy);
  EXPECT_EQ(EndAt(kSlave, 0), 31);
}

TEST_F(RoleChangeTest, HandOver_NobodyLeads_SendsAreRefusedInTime) {
  ASSERT_NO_FATAL_FAILURE(StartBothWithOffset3Of10());
  ASSERT_TRUE(Eventually([&] { return Follows(kSlave); }));
  ASSERT_EQ(Configure(kMaster, kBecomeSlave).code, ResponseCode::kSuccess);
  const auto answer = caller_->Begin(SendRequest({}), seconds(5), kMaster);
  Run(milliseconds(2900));  // A producer waits 3 s.
  ASSERT_TRUE(answer->has_value());
  EXPECT_EQ((*answer)->code, ResponseCode::kSystemBusy);
  EXPECT_EQ(EndAt(kSlave, 0), 10);
}

TEST_F(RoleChangeTest, SyncMaster_DemandsChangeWhileItRuns) {
  Start(Master());
  ASSERT_EQ(CreateTopic("T").code, ResponseCode::kSuccess);
  ASSERT_EQ(Send().code, ResponseCode::kSuccess);
  // No slave is there.
  ASSERT_EQ(Configure(kMaster, "brokerRole=SYNC_MASTER\n").code, ResponseCode::kSuccess);
  EXPECT_EQ(Send().code, ResponseCode::kSlaveNotAvailable);
  ASSERT_EQ(Configure(kMaster, "inSyncReplicas=1\n").code, ResponseCode::kSuccess);
  EXPECT_EQ(Send().code, ResponseCode::kSuccess);
  ASSERT_EQ(Configure(kMaster, "inSyncReplicas=2\n").code, ResponseCode::kSuccess);
  EXPECT_EQ(Send().code, ResponseCode::kSlaveNotAvailable);
  ASSERT_EQ(Configure(kMaster, "minInSyncReplicas=2\n").code, ResponseCode::kSuccess);
  EXPECT_EQ(Send().code, ResponseCode::kSystemError) << "nothing is written";
  ASSERT_EQ(Configure(kMaster, "minInSyncReplicas=1\nbrokerRole=ASYNC_MASTER\n").code,
            ResponseCode::kSuccess);
  EXPECT_EQ(Send().code, ResponseCode::kSuccess);
  const auto impossible = Configure(kMaster, "brokerRole=SYNC_MASTER\ntotalReplicas=2\ninSyncReplicas=3\n");
  EXPECT_NE(impossible.code, ResponseCode::kSuccess);
  EXPECT_NE(impossible.remark.find("inSyncReplicas"), std::string::npos) << impossible.remark;
}

TEST_F(RoleChangeTest, Stop_AmidAChange_EndsInOrder) {
  ASSERT_NO_FATAL_FAILURE(StartBothWithOffset3Of10());
  ASSERT_TRUE(Eventually([&] { return Follows(kSlave); }));
  for (const int64_t after : {0, 1, 2, 5, 20, 100}) {
    proto::Command request;
    request.code = RequestCode::kUpdateBrokerConfig;
    request.body.emplace_back(std::string(kBecomeSlave));
    const auto answer = caller_->Begin(std::move(request), seconds(20), kMaster);
    Run(milliseconds(after));
    Stop();
    Start(Master());
    ASSERT_TRUE(Eventually([&] { return Send().code == ResponseCode::kSuccess; })) << after;
  }
}

}  // namespace
}  // namespace orbitmq::broker
