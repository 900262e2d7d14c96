// SPDX-License-Identifier: Apache-2.0
// A master, its slave and a NameServer: what the slave knows, what it serves, and what comes back.
#include <map>

#include "broker/standby_rules.h"
#include "common/strings.h"
#include "remoting/protocol/offset_bodies.h"
#include "remoting/protocol/route.h"
#include "remoting/protocol/subscription_group.h"
#include "remoting/protocol/topic_config.h"
#include "test/broker/broker_fixture.h"
#include "test/broker/namesrv_process.h"

namespace orbitmq::broker {
namespace {

using proto::RequestCode;
using proto::ResponseCode;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr char kNamesrvIp[] = "10.0.1.1";
constexpr char kSlaveIp[] = "10.0.0.3";
const Endpoint kMaster{kBrokerIp, kBrokerPort};
const Endpoint kSlave{kSlaveIp, kBrokerPort};

class StandbyTest : public BrokerFixture {
 protected:
  StandbyTest() : namesrv_(scheduler_, network_, log_, kNamesrvIp) {}
  ~StandbyTest() override {
    caller_.reset();
    Stop();
    StopSlave();
  }

  static BrokerOptions Master() {
    BrokerOptions options = Options();
    options.namesrv_addr = StrCat(kNamesrvIp, ":9876");
    return options;
  }
  static BrokerOptions Slave() {
    BrokerOptions options = Master();
    options.broker_ip1 = kSlaveIp;
    options.broker_id = 1;
    options.broker_role = BrokerRole::kSlave;
    return options;
  }
  void StartSlave(const BrokerOptions& options = Slave()) {
    slave_env_ = std::make_unique<sim::SimEnv>(scheduler_, network_, slave_host_, log_);
    auto started = Broker::Start(*slave_env_, options);
    ASSERT_TRUE(started.ok()) << started.status().ToString();
    slave_ = *std::move(started);
  }
  void StopSlave() {
    if (slave_ == nullptr) return;
    bool stopped = false;
    slave_->Shutdown(seconds(10), [&](Result<Done>) { stopped = true; });
    EXPECT_TRUE(scheduler_.RunUntil(scheduler_.now() + seconds(20), [&] { return stopped; }));
    slave_.reset();
    slave_env_.reset();
  }
  proto::Command AtSlave(proto::Command request) { return caller_->CallAt(kSlave, std::move(request)); }
  template <class H>
  proto::Command AtSlave(int32_t code, const H& header) {
    return AtSlave(proto::MakeRequest(code, header));
  }
  proto::Command BareAtSlave(int32_t code) {
    proto::Command request;
    request.code = code;
    return AtSlave(std::move(request));
  }
  // Ten messages of T at the master, group G at 3 of them, and a slave that knows it.
  void StartBothWithOffset3Of10() {
    Start(Master());
    ASSERT_EQ(CreateTopic("T").code, ResponseCode::kSuccess);
    for (int i = 0; i < 10; ++i) ASSERT_EQ(Send().code, ResponseCode::kSuccess);
    PullAll("T");
    ASSERT_EQ(CommitOffset("T", 3).code, ResponseCode::kSuccess);
    StartSlave();
    ASSERT_TRUE(Eventually([&] { return OffsetAtSlave() == 3; }));
  }
  static proto::Command CommitRequest(int64_t offset, const std::string& topic = "T") {
    proto::UpdateConsumerOffsetRequestHeader header;
    header.consumer_group = "G";
    header.topic = topic;
    header.queue_id = 0;
    header.commit_offset = offset;
    return proto::MakeRequest(RequestCode::kUpdateConsumerOffset, header);
  }
  std::optional<int64_t> OffsetAtSlave(const std::string& topic = "T") {
    const auto all = proto::DecodeBody<proto::ConsumerOffsetSerializeWrapper>(
        BareAtSlave(RequestCode::kGetAllConsumerOffset).JoinedBody().view());
    if (!all.ok() || !all->offset_table.contains(topic + "@G")) return std::nullopt;
    return all->offset_table.at(topic + "@G").at(0);
  }
  proto::Command DeleteTopicAt(const Endpoint& at, const std::string& topic) {
    proto::DeleteTopicRequestHeader header;
    header.topic = topic;
    return caller_->CallAt(at, proto::MakeRequest(RequestCode::kDeleteTopicInBroker, header));
  }
  // Where a queue ends; -1 when the broker does not say.
  int64_t EndAt(const Endpoint& at, int32_t queue_id, const std::string& topic = "T") {
    proto::GetMaxOffsetRequestHeader header;
    header.topic = topic;
    header.queue_id = queue_id;
    const auto reply = caller_->CallAt(at, proto::MakeRequest(RequestCode::kGetMaxOffset, header));
    const auto decoded = proto::DecodeHeader<proto::GetMaxOffsetResponseHeader>(reply);
    return reply.code == ResponseCode::kSuccess && decoded.ok() ? decoded->offset : -1;
  }
  void SendTo(int32_t queue_id, int count) {
    for (int i = 0; i < count; ++i) {
      ASSERT_EQ(Send({.queue_id = queue_id}).code, ResponseCode::kSuccess);
    }
  }
  // Until `done` holds, at most a minute of virtual time.
  template <class Fn>
  bool Eventually(Fn done) {
    const MonoTime end = scheduler_.now() + seconds(60);
    while (!done()) {
      if (scheduler_.now() >= end) return false;
      Run(milliseconds(100));
    }
    return true;
  }
  std::map<BrokerId, std::string> RouteOf(const std::string& topic) {
    proto::GetRouteInfoRequestHeader header;
    header.topic = topic;
    const proto::Command reply = caller_->CallAt(
        {kNamesrvIp, 9876}, proto::MakeRequest(RequestCode::kGetRouteinfoByTopic, header));
    const auto route = proto::DecodeBody<proto::TopicRouteData>(reply.JoinedBody().view());
    if (!route.ok() || route->broker_datas.empty()) return {};
    return route->broker_datas[0].broker_addrs;
  }

  NamesrvProcess namesrv_;
  sim::SimHost slave_host_{"b0-slave", kSlaveIp, 4, {}};
  std::unique_ptr<sim::SimEnv> slave_env_;
  std::unique_ptr<Broker> slave_;
};

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
  EXPECT_TRUE(Eventually([&] { return OffsetAtSlave() == 1; }));
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
  Crash();
  EXPECT_TRUE(Eventually([&] { return Logged("the master is gone; this slave does its duties"); }));
  // Consumers find it under the master's id, producers do not.
  EXPECT_EQ(RouteOf("T").at(0), kSlave.ToString());
  Start(master);
  EXPECT_TRUE(Eventually([&] { return RouteOf("T").size() == 2; }));
  EXPECT_EQ(RouteOf("T").at(0), (Endpoint{kBrokerIp, kBrokerPort}.ToString()));
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
  PullStanding far{.found = true, .bytes_behind = 101, .bytes_behind_max = 100, .of_group = 0,
                   .when_slow = 2};
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
