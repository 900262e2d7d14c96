// SPDX-License-Identifier: Apache-2.0
// A master, its slave and a NameServer: what the slave knows, what it serves, and what comes back.
#include "broker/replication/standby_rules.h"

#include <algorithm>
#include <map>
#include <set>

#include "remoting/protocol/admin_bodies.h"
#include "remoting/protocol/subscription_group.h"
#include "remoting/protocol/topic_config.h"
#include "test/broker/replication/standby_fixture.h"

namespace orbitmq::broker {
namespace {

TEST_F(StandbyTest, Slave_LearnsItsMasterFromTheNameServer_ItsTablesFollow) {
  Start(Master());
  ASSERT_EQ(CreateTopic("T", 3).code, ResponseCode::kSuccess);
  for (int i = 0; i < 5; ++i) ASSERT_EQ(Send().code, ResponseCode::kSuccess);
  PullAll("T");  // Makes the group.
  ASSERT_EQ(CommitOffset("T", 4).code, ResponseCode::kSuccess);
  StartSlave();
  ASSERT_TRUE(Eventually([&] { return OffsetAtSlave() == 4; }));
  const auto topics = proto::DecodeBody<proto::TopicConfigAndMappingSerializeWrapper>(
      BareAtSlave(RequestCode::kGetAllTopicConfig).JoinedBody().view());
  const auto at_master = proto::DecodeBody<proto::TopicConfigAndMappingSerializeWrapper>(
      caller_->Plain(RequestCode::kGetAllTopicConfig).JoinedBody().view());
  ASSERT_TRUE(topics.ok() && at_master.ok());
  EXPECT_EQ(topics->topic_config_table.at("T").read_queue_nums, 3);
  EXPECT_EQ(topics->data_version, at_master->data_version);
  EXPECT_EQ(topics->topic_config_table, at_master->topic_config_table);
  const auto groups = proto::DecodeBody<proto::SubscriptionGroupWrapper>(
      BareAtSlave(RequestCode::kGetAllSubscriptiongroupConfig).JoinedBody().view());
  ASSERT_TRUE(groups.ok());
  EXPECT_TRUE(groups->subscription_group_table.contains("G"));
  // What changes later arrives too, an offset that an administrator moved back among it.
  ASSERT_EQ(CreateTopic("Later").code, ResponseCode::kSuccess);
  ASSERT_EQ(CommitOffset("T", 1).code, ResponseCode::kSuccess);
  const MonoTime changed = scheduler_.now();
  EXPECT_TRUE(Eventually([&] { return OffsetAtSlave() == 1; }));
  EXPECT_LT(scheduler_.now() - changed, seconds(6)) << "an Apache slave looks every 60 s";
  EXPECT_TRUE(Eventually([&] {
    const auto now = proto::DecodeBody<proto::TopicConfigAndMappingSerializeWrapper>(
        BareAtSlave(RequestCode::kGetAllTopicConfig).JoinedBody().view());
    return now.ok() && now->topic_config_table.contains("Later");
  }));
}

TEST_F(StandbyTest, Slave_RefusesWhatOnlyAMasterMayDo_WithApachesCodesAndTexts) {
  Start(Master());
  ASSERT_EQ(CreateTopic("T").code, ResponseCode::kSuccess);
  StartSlave();
  ASSERT_TRUE(Eventually([&] { return RouteOf("T").size() == 2; }));
  const proto::Command sent = AtSlave(SendRequest({}));
  EXPECT_EQ(sent.code, ResponseCode::kSystemBusy);
  EXPECT_EQ(sent.remark, "[REJECTREQUEST]system busy, start flow control for a while");
  EXPECT_EQ(AtSlave(PullRequest({})).code, ResponseCode::kSystemBusy) << "slaveReadEnable is false";
  proto::CreateTopicRequestHeader topic;
  topic.topic = "New";
  topic.default_topic = "TBW102";
  topic.read_queue_nums = topic.write_queue_nums = 4;
  topic.perm = 6;
  topic.topic_filter_type = "SINGLE_TAG";
  const proto::Command made = AtSlave(RequestCode::kUpdateAndCreateTopic, topic);
  EXPECT_EQ(made.code, ResponseCode::kSystemError);
  EXPECT_EQ(made.remark,
            "Can't modify topic or subscription group from slave broker, please execute it from master "
            "broker.");
  // As Apache's: whoever deletes a group asks all brokers, and the master's table counts.
  proto::DeleteSubscriptionGroupRequestHeader group;
  group.group_name = "G";
  EXPECT_EQ(AtSlave(RequestCode::kDeleteSubscriptiongroup, group).code, ResponseCode::kSuccess);
}

TEST_F(StandbyTest, Pull_OfAnOffsetThatTheSlaveDoesNotHave_MovesNobody) {
  ASSERT_NO_FATAL_FAILURE(StartBothWithOffset3Of10());
  const auto ask = [&] {
    return caller_->Begin(PullRequest({.offset = 99, .wait = seconds(3)}), seconds(10), kSlave);
  };
  for (const bool check : {false, true}) {
    StopSlave();
    BrokerOptions slave = Slave();
    slave.slave_read_enable = true;
    slave.offset_check_in_slave = check;
    StartSlave(slave);
    ASSERT_TRUE(Eventually([&] { return RouteOf("T").size() == 2 && EndAt(kSlave, 0) == 10; }));
    const auto sent_on = ask();
    ASSERT_TRUE(Eventually([&] { return sent_on->has_value(); }));
    EXPECT_EQ((*sent_on)->code, ResponseCode::kPullRetryImmediately);
    EXPECT_EQ(*(*sent_on)->ext.Find("suggestWhichBrokerId"), "0") << "the master knows what there is";
    EXPECT_EQ(*(*sent_on)->ext.Find("nextBeginOffset"), "99");
    Crash();
    ASSERT_TRUE(Eventually([&] { return RouteOf("T").size() == 1; }));
    Run(seconds(3));
    const auto alone = ask();
    Run(seconds(1));
    EXPECT_EQ(alone->has_value(), check) << "it waits, unless it is told to look at offsets";
    ASSERT_TRUE(Eventually([&] { return alone->has_value(); }));
    EXPECT_EQ((*alone)->code, check ? ResponseCode::kPullOffsetMoved : ResponseCode::kPullRetryImmediately);
    EXPECT_EQ(*(*alone)->ext.Find("nextBeginOffset"), check ? "10" : "99");
    Start(Master());
  }
}

TEST_F(StandbyTest, Slave_RefusesEachRequestOfTheseKinds) {
  Start(Master());
  ASSERT_EQ(CreateTopic("T").code, ResponseCode::kSuccess);
  StartSlave();
  ASSERT_TRUE(Eventually([&] { return RouteOf("T").size() == 2; }));
  const std::map<int32_t, std::vector<int32_t>> refused = {
      {ResponseCode::kSystemBusy,
       {RequestCode::kSendMessage, RequestCode::kSendMessageV2, RequestCode::kSendBatchMessage,
        RequestCode::kConsumerSendMsgBack, RequestCode::kPullMessage, RequestCode::kLitePullMessage}},
      {ResponseCode::kSystemError,
       {RequestCode::kUpdateAndCreateTopic, RequestCode::kUpdateAndCreateTopicList,
        RequestCode::kUpdateAndCreateSubscriptiongroup, RequestCode::kUpdateAndCreateSubscriptiongroupList,
        RequestCode::kInvokeBrokerToResetOffset, RequestCode::kCloneGroupOffset}}};
  const std::set<std::string> words = {"[REJECTREQUEST]", "Can't modify topic", "Can not reset offset"};
  for (const auto& [code, requests] : refused) {
    for (const int32_t request : requests) {
      const proto::Command reply = BareAtSlave(request);
      EXPECT_EQ(reply.code, code) << request;
      EXPECT_TRUE(std::any_of(words.begin(), words.end(), [&](const std::string& text) {
        return reply.remark.starts_with(text);
      })) << request << ": " << reply.remark;
    }
  }
  EXPECT_EQ(BareAtSlave(RequestCode::kGetAllTopicConfig).code, ResponseCode::kSuccess);
}

TEST_F(StandbyTest, Slave_MasterIsKilled_RouteKeepsTheSlaveAndPullsAreHeldThere) {
  Start(Master());
  ASSERT_EQ(CreateTopic("T").code, ResponseCode::kSuccess);
  StartSlave();
  ASSERT_TRUE(Eventually([&] { return RouteOf("T").size() == 2; }));
  ASSERT_TRUE(Eventually([&] {
    const auto now = proto::DecodeBody<proto::TopicConfigAndMappingSerializeWrapper>(
        BareAtSlave(RequestCode::kGetAllTopicConfig).JoinedBody().view());
    return now.ok() && now->topic_config_table.contains("T");
  }));
  Crash();
  ASSERT_TRUE(Eventually([&] { return RouteOf("T").size() == 1; }));
  EXPECT_EQ(RouteOf("T").begin()->first, 1);
  Run(seconds(2));
  // Apache answers PULL_RETRY_IMMEDIATELY, upon which a consumer asks again at once, and again.
  const auto held = caller_->Begin(PullRequest({.wait = seconds(15)}), seconds(30), kSlave);
  Run(seconds(5));
  EXPECT_FALSE(held->has_value()) << (*held)->code;
  // When the master returns the consumer is sent back to it.
  Start(Master());
  ASSERT_TRUE(Eventually([&] { return held->has_value(); }));
  EXPECT_EQ((*held)->code, ResponseCode::kPullRetryImmediately);
  EXPECT_EQ(*(*held)->ext.Find("suggestWhichBrokerId"), "0");
  EXPECT_LT(scheduler_.now().time_since_epoch(), seconds(60));
}

TEST_F(StandbyTest, Slave_MasterIsKilled_ServesPullsWithoutWaitingForItsNextLook) {
  ASSERT_NO_FATAL_FAILURE(StartBothWithOffset3Of10());
  ASSERT_TRUE(Eventually([&] { return EndAt(kSlave, 0) == 10; }));
  for (int round = 0; round < 5; ++round) {
    EXPECT_EQ(AtSlave(PullRequest({})).code, ResponseCode::kSystemBusy) << "slaveReadEnable is false";
    Run(milliseconds(round * 150));
    Crash();
    Run(milliseconds(200));
    EXPECT_EQ(AtSlave(PullRequest({})).code, ResponseCode::kSuccess) << round;
    Start(Master());
    ASSERT_TRUE(Eventually([&] { return RouteOf("T").size() == 2; }));
    Run(seconds(4));
  }
}

TEST_F(StandbyTest, OffsetsCommittedToTheSlave_MasterReturns_ItHasThemBeforeClientsFindIt) {
  ASSERT_NO_FATAL_FAILURE(StartBothWithOffset3Of10());
  Run(seconds(10));  // The master's file has it.
  Crash();
  ASSERT_TRUE(Eventually([&] { return RouteOf("T").size() == 1; }));
  ASSERT_EQ(AtSlave(CommitRequest(8)).code, ResponseCode::kSuccess);
  Start(Master());
  ASSERT_TRUE(Eventually([&] { return RouteOf("T").size() == 2; }));
  EXPECT_EQ(Offset("T"), 8);
  EXPECT_TRUE(Logged("what a slave held for this master was taken back"));
  // And the slave, which has read the master's table since, has not gone back.
  Run(seconds(12));
  EXPECT_EQ(OffsetAtSlave(), 8);
}

TEST_F(StandbyTest, OffsetsCommittedToTheSlave_MasterDidNotAsk_TheSlaveCommitsThemThere) {
  ASSERT_NO_FATAL_FAILURE(StartBothWithOffset3Of10());
  // As an Apache master, or one that was up before its slave had anything: it never looks at its slaves.
  ASSERT_EQ(AtSlave(CommitRequest(7)).code, ResponseCode::kSuccess);
  EXPECT_TRUE(Eventually([&] { return Offset("T") == 7; }));
  EXPECT_EQ(OffsetAtSlave(), 7);
  // Beyond the end of the master's queue nothing goes: those messages are not written yet.
  ASSERT_EQ(AtSlave(CommitRequest(99)).code, ResponseCode::kSuccess);
  EXPECT_TRUE(Eventually([&] { return Offset("T") == 10; }));
  EXPECT_TRUE(Eventually([&] { return OffsetAtSlave() == 10; }));
}

TEST_F(StandbyTest, Reset_WhileTheSlaveHasTheOldOffset_ARestartDoesNotTakeItBack) {
  Start(Master());
  ASSERT_EQ(CreateTopic("T", 1).code, ResponseCode::kSuccess);
  for (int i = 0; i < 10; ++i) ASSERT_EQ(Send().code, ResponseCode::kSuccess);
  PullAll("T");
  ASSERT_EQ(CommitOffset("T", 9).code, ResponseCode::kSuccess);
  StartSlave();
  ASSERT_TRUE(Eventually([&] { return OffsetAtSlave() == 9; }));
  proto::ResetOffsetRequestHeader reset;
  reset.topic = "T";
  reset.group = "G";
  reset.queue_id = 0;
  reset.offset = 2;
  reset.timestamp = -1;
  ASSERT_EQ(caller_->Call(RequestCode::kInvokeBrokerToResetOffset, reset).code, ResponseCode::kSuccess);
  Stop();
  Start(Master());
  ASSERT_TRUE(Eventually([&] { return RouteOf("T").size() == 2; }));
  EXPECT_EQ(Offset("T"), 2);
}

TEST_F(StandbyTest, MasterWithoutItsDisk_NothingIsDeletedAtTheSlave) {
  Start(Master());
  for (int i = 0; i < 8; ++i) ASSERT_EQ(CreateTopic(StrCat("T", i)).code, ResponseCode::kSuccess);
  StartSlave();
  const auto has = [&](const std::string& topic) {
    const auto all = proto::DecodeBody<proto::TopicConfigAndMappingSerializeWrapper>(
        BareAtSlave(RequestCode::kGetAllTopicConfig).JoinedBody().view());
    return all.ok() && all->topic_config_table.contains(topic);
  };
  ASSERT_TRUE(Eventually([&] { return has("T7"); }));
  Crash();
  Run(seconds(3));
  BrokerOptions empty = Master();
  empty.store_path_root_dir = "/another";
  Start(empty);
  ASSERT_EQ(CreateTopic("Young").code, ResponseCode::kSuccess);
  EXPECT_TRUE(Eventually([&] { return has("Young"); }));
  EXPECT_TRUE(has("T7"));
  EXPECT_TRUE(Logged("older than this slave's copy"));
}

TEST_F(StandbyTest, MasterWithoutItsTopicTable_TheSlaveKeepsItsQueues) {
  Start(Master());
  for (int i = 0; i < 8; ++i) ASSERT_EQ(CreateTopic(StrCat("T", i)).code, ResponseCode::kSuccess);
  ASSERT_EQ(CreateTopic("T").code, ResponseCode::kSuccess);
  SendTo(0, 10);
  StartSlave();
  ASSERT_TRUE(Eventually([&] { return EndAt(kSlave, 0) == 10; }));
  Stop();
  Boot();
  for (const char* file : {"/config/topics.json", "/config/topics.json.bak"}) {
    ASSERT_TRUE(broker_env_->files().Remove(Options().store_path_root_dir + file).ok()) << file;
  }
  ASSERT_TRUE(TryStart(Master()).ok());
  Run(seconds(12));  // Two looks of the slave, which follows the log meanwhile.
  EXPECT_EQ(EndAt(kSlave, 0), 10);
  EXPECT_TRUE(Logged("older than this slave's copy"));
}

TEST_F(StandbyTest, Master_EndsWhileItAsksItsSlaves_DoesNotRegister) {
  Start(Master());
  StartSlave();
  ASSERT_TRUE(Eventually([&] { return RouteOf("SELF_TEST_TOPIC").size() == 2; }));
  Stop();
  // Its question stays on the way.
  network_.Block(kSlaveIp, kBrokerIp);
  Start(Master());
  Run(milliseconds(500));
  Stop();
  Run(seconds(1));
  EXPECT_EQ(RouteOf("SELF_TEST_TOPIC").count(0), 0u);
  Start(Master());
  Run(milliseconds(500));
  Crash();
  network_.HealAll();
}

TEST_F(StandbyTest, Topic_DeletedAtTheMaster_ItsQueuesAndOffsetsGoHereToo) {
  ASSERT_NO_FATAL_FAILURE(StartBothWithOffset3Of10());
  ASSERT_TRUE(Eventually([&] { return EndAt(kSlave, 0) == 10; }));
  ASSERT_EQ(DeleteTopicAt(kMaster, "T").code, ResponseCode::kSuccess);
  EXPECT_TRUE(Eventually([&] { return EndAt(kSlave, 0) <= 0; }));
  EXPECT_TRUE(Eventually([&] { return !OffsetAtSlave().has_value(); }));
  EXPECT_TRUE(Logged("a topic that the master deleted has no queues any more"));
  // A restart brings nothing back.
  StopSlave();
  StartSlave();
  Run(seconds(2));
  EXPECT_LE(EndAt(kSlave, 0), 0);
}

TEST_F(StandbyTest, Topic_DeletedAndMadeAnewAtOnce_TheSlaveHasTheNewMessagesOnly) {
  Start(Master());
  ASSERT_EQ(CreateTopic("T").code, ResponseCode::kSuccess);
  SendTo(0, 10);
  StartSlave();
  ASSERT_TRUE(Eventually([&] { return EndAt(kSlave, 0) == 10; }));
  // Ten times, so that the looks of the slave fall before, between and after.
  for (int round = 0; round < 10; ++round) {
    ASSERT_EQ(DeleteTopicAt(kMaster, "T").code, ResponseCode::kSuccess);
    Run(milliseconds(round * 170));
    ASSERT_EQ(CreateTopic("T").code, ResponseCode::kSuccess);
    SendTo(0, 3 + round);
    Run(milliseconds(700));
    ASSERT_EQ(EndAt(kMaster, 0), 3 + round);
    EXPECT_EQ(EndAt(kSlave, 0), 3 + round) << round;
  }
  Run(seconds(12));
  EXPECT_EQ(EndAt(kSlave, 0), 12);
}

TEST_F(StandbyTest, Topic_TheSlaveIsBehindItsDeletion_WhatComesLaterGoesToo) {
  Start(Master());
  ASSERT_EQ(CreateTopic("T").code, ResponseCode::kSuccess);
  ASSERT_EQ(CreateTopic("Other").code, ResponseCode::kSuccess);
  SendTo(0, 10);
  ASSERT_EQ(DeleteTopicAt(kMaster, "T").code, ResponseCode::kSuccess);
  // An empty slave gets all of the log, with what was deleted long ago.
  StartSlave();
  for (int i = 0; i < 5; ++i) ASSERT_EQ(Send({.topic = "Other"}).code, ResponseCode::kSuccess);
  ASSERT_TRUE(Eventually([&] { return EndAt(kSlave, 0, "Other") == 5; }));
  EXPECT_TRUE(Eventually([&] { return Logged("a topic that the master deleted has no queues any more"); }));
  ASSERT_EQ(CreateTopic("T").code, ResponseCode::kSuccess);
  SendTo(0, 2);
  EXPECT_TRUE(Eventually([&] { return EndAt(kSlave, 0) == 2; }));
}

TEST_F(StandbyTest, Topic_DeletionSentToTheSlave_TheMastersCounts) {
  Start(Master());
  ASSERT_EQ(CreateTopic("T").code, ResponseCode::kSuccess);
  SendTo(0, 4);
  StartSlave();
  ASSERT_TRUE(Eventually([&] { return EndAt(kSlave, 0) == 4; }));
  // The master has the topic.
  EXPECT_EQ(DeleteTopicAt(kSlave, "T").code, ResponseCode::kSuccess);
  Run(seconds(8));
  EXPECT_EQ(EndAt(kSlave, 0), 4);
  // As mqadmin does it: both; the slave looks at once.
  ASSERT_EQ(DeleteTopicAt(kMaster, "T").code, ResponseCode::kSuccess);
  ASSERT_EQ(DeleteTopicAt(kSlave, "T").code, ResponseCode::kSuccess);
  Run(milliseconds(500));
  EXPECT_LE(EndAt(kSlave, 0), 0);
  // Without a master nobody can delete.
  Crash();
  ASSERT_TRUE(Eventually([&] { return RouteOf("SELF_TEST_TOPIC").size() == 1; }));
  Run(seconds(3));
  const auto refused = DeleteTopicAt(kSlave, "T");
  EXPECT_EQ(refused.code, ResponseCode::kSystemError);
  EXPECT_NE(refused.remark.find("no master is alive"), std::string::npos) << refused.remark;
}

TEST_F(StandbyTest, ActingMaster_MasterIsGone_DutiesBeginAndEndWithItsReturn) {
  BrokerOptions master = Master();
  BrokerOptions slave = Slave();
  master.enable_slave_acting_master = slave.enable_slave_acting_master = true;
  Start(master);
  ASSERT_EQ(CreateTopic("T").code, ResponseCode::kSuccess);
  StartSlave(slave);
  ASSERT_TRUE(Eventually([&] { return RouteOf("T").size() == 2; }));
  Run(seconds(6));
  EXPECT_FALSE(Logged("does its duties"));
  const auto active = [&](const Endpoint& at) {
    proto::Command ask;
    ask.code = RequestCode::kGetBrokerRuntimeInfo;
    const Bytes body = caller_->CallAt(at, std::move(ask)).JoinedBody();
    const auto told = proto::DecodeBody<proto::KVTable>(body.view());
    return told.ok() ? told->table.at("brokerActive") : told.status().ToString();
  };
  EXPECT_EQ(active(kMaster), "true");
  EXPECT_EQ(active(kSlave), "false");
  Crash();
  EXPECT_TRUE(Eventually([&] { return Logged("the master is gone; this slave does its duties"); }));
  EXPECT_TRUE(Eventually([&] { return active(kSlave) == "true"; }));
  // Consumers find it under the master's id, producers do not.
  EXPECT_EQ(RouteOf("T").at(0), kSlave.ToString());
  Start(master);
  EXPECT_TRUE(Eventually([&] { return RouteOf("T").size() == 2; }));
  EXPECT_EQ(RouteOf("T").at(0), (Endpoint{kBrokerIp, kBrokerPort}.ToString()));
  EXPECT_TRUE(Eventually([&] { return active(kSlave) == "false" && active(kMaster) == "true"; }));
}

TEST_F(StandbyTest, ActingMaster_NameServerForgetsTheMaster_DutiesDoNotBeginWhileItAnswers) {
  BrokerOptions master = Master();
  BrokerOptions slave = Slave();
  master.enable_slave_acting_master = slave.enable_slave_acting_master = true;
  // The master's registrations are lost, the slave's are not.
  Start(master);
  StartSlave(slave);
  ASSERT_TRUE(Eventually([&] { return RouteOf("SELF_TEST_TOPIC").size() == 2; }));
  Run(seconds(2));
  proto::UnRegisterBrokerRequestHeader gone;
  gone.broker_name = "b0";
  gone.broker_addr = Endpoint{kBrokerIp, kBrokerPort}.ToString();
  gone.cluster_name = "DefaultCluster";
  gone.broker_id = 0;
  caller_->CallAt({kNamesrvIp, 9876}, proto::MakeRequest(RequestCode::kUnregisterBroker, gone));
  Run(seconds(5));
  EXPECT_FALSE(Logged("does its duties"));
}

TEST(PullAdviceTest, FarBehind_SlavesMayBeRead_TheSlaveOfTheGroupIsNamed) {
  BrokerOptions options;
  const ReplicaView group;
  PullStanding far{
      .found = true, .bytes_behind = 101, .bytes_behind_max = 100, .of_group = 0, .when_slow = 2};
  EXPECT_EQ(AdvisePull(options, group, far).broker, 0);
  options.slave_read_enable = true;
  EXPECT_EQ(AdvisePull(options, group, far).broker, 2);
  far.bytes_behind = 100;
  EXPECT_EQ(AdvisePull(options, group, far).broker, 0);
  far.of_group = 3;
  EXPECT_EQ(AdvisePull(options, group, far).broker, 3);
  // A slave sends who is not far behind to the master, at once when it has nothing.
  options.broker_id = 2;
  PullAdvice advice = AdvisePull(options, group, {.found = false, .bytes_behind = 0});
  EXPECT_EQ(advice.broker, 0);
  EXPECT_TRUE(advice.go_now);
  EXPECT_FALSE(AdvisePull(options, group, {.found = true, .bytes_behind = 0}).go_now);
  ReplicaView alone;
  alone.min_id = 2;
  EXPECT_FALSE(AdvisePull(options, alone, {.found = false}).go_now);
}

}  // namespace
}  // namespace orbitmq::broker
