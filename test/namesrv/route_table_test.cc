// SPDX-License-Identifier: Apache-2.0
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "namesrv/route_table.h"

namespace orbitmq::namesrv {
namespace {

using std::chrono::seconds;

MonoTime At(int64_t second) { return MonoTime(seconds(second)); }

proto::TopicConfig Topic(const std::string& name, int32_t queues = 8, int32_t perm = 6) {
  proto::TopicConfig config;
  config.topic_name = name;
  config.read_queue_nums = queues;
  config.write_queue_nums = queues;
  config.perm = perm;
  return config;
}

// A master of group "b0" in cluster "c" with two topics; fields may be changed before use.
BrokerReport Report(const std::string& name = "b0", BrokerId id = 0,
                    const std::string& addr = "10.0.0.1:10911") {
  BrokerReport report;
  report.cluster = "c";
  report.broker_name = name;
  report.broker_addr = addr;
  report.broker_id = id;
  report.ha_addr = addr + "-ha";
  report.enable_acting_master = false;
  report.topics.data_version.counter = 1;
  report.topics.topic_config_table = {{"T1", Topic("T1")}, {"T2", Topic("T2", 4)}};
  report.peer = 1;
  return report;
}

BrokerKey KeyOf(const BrokerReport& r) { return {r.cluster, r.broker_name, r.broker_addr, r.broker_id}; }

class RouteTableTest : public testing::Test {
 protected:
  std::optional<proto::TopicRouteData> Route(const std::string& topic, bool acting_master = false,
                                             const std::string& zone = "") {
    return table_.Snapshot()->Route({topic, acting_master, zone});
  }
  std::set<std::string> BrokersOf(const std::string& topic) {
    std::set<std::string> out;
    if (const auto route = Route(topic)) {
      for (const auto& queue : route->queue_datas) out.insert(queue.broker_name);
    }
    return out;
  }
  int32_t PermOf(const std::string& topic) { return Route(topic)->queue_datas.at(0).perm; }

  RouteTable table_;
};

TEST_F(RouteTableTest, Register_Master_IsRouted) {
  EXPECT_EQ(table_.Register(Report(), At(0)).outcome, RegisterOutcome::kAccepted);
  const auto route = Route("T2");
  ASSERT_TRUE(route);
  ASSERT_EQ(route->queue_datas.size(), 1u);
  EXPECT_EQ(route->queue_datas[0].write_queue_nums, 4);
  EXPECT_EQ(route->broker_datas[0].broker_addrs, (std::map<BrokerId, std::string>{{0, "10.0.0.1:10911"}}));
  EXPECT_FALSE(Route("T3"));
}

TEST_F(RouteTableTest, Register_SingleTopicOfUnknownBroker_IsRefused) {
  BrokerReport increment = Report();
  increment.topics.topic_config_table = {{"T9", Topic("T9")}};
  EXPECT_EQ(table_.Register(increment, At(0)).outcome, RegisterOutcome::kRefused);
  EXPECT_FALSE(Route("T9"));
  table_.Register(Report(), At(0));
  increment.topics.data_version.counter = 2;
  EXPECT_EQ(table_.Register(increment, At(1)).outcome, RegisterOutcome::kAccepted);
  EXPECT_TRUE(Route("T9"));
  EXPECT_TRUE(Route("T1")) << "an increment takes nothing away";
}

TEST_F(RouteTableTest, Register_SameVersion_ChangesNoQueues) {
  table_.Register(Report(), At(0));
  BrokerReport again = Report();
  again.topics.topic_config_table["T1"] = Topic("T1", 32);
  table_.Register(again, At(1));
  EXPECT_EQ(Route("T1")->queue_datas[0].read_queue_nums, 8);
  again.topics.data_version.counter = 2;
  table_.Register(again, At(2));
  EXPECT_EQ(Route("T1")->queue_datas[0].read_queue_nums, 32);
}

TEST_F(RouteTableTest, Register_AddressUnderAnotherId_ReplacesTheOldOne) {
  table_.Register(Report("b0", 0), At(0));
  table_.Register(Report("b0", 1, "10.0.0.1:10911"), At(1));
  EXPECT_EQ(Route("T1")->broker_datas[0].broker_addrs,
            (std::map<BrokerId, std::string>{{1, "10.0.0.1:10911"}}));
}

TEST_F(RouteTableTest, Register_OlderStateVersionForTakenId_IsIgnored) {
  BrokerReport holder = Report();
  holder.topics.data_version.state_version = 5;
  table_.Register(holder, At(0));
  BrokerReport late = Report("b0", 0, "10.0.0.7:10911");
  late.topics.data_version.state_version = 4;
  EXPECT_EQ(table_.Register(late, At(1)).outcome, RegisterOutcome::kIgnored);
  EXPECT_EQ(Route("T1")->broker_datas[0].broker_addrs.at(0), "10.0.0.1:10911");
}

TEST_F(RouteTableTest, Register_Slave_LearnsItsMaster) {
  EXPECT_EQ(table_.Register(Report("b0", 1, "10.0.0.2:10911"), At(0)).master_addr, "");
  table_.Register(Report(), At(1));
  const RegisterResult result = table_.Register(Report("b0", 1, "10.0.0.2:10911"), At(2));
  EXPECT_EQ(result.master_addr, "10.0.0.1:10911");
  EXPECT_EQ(result.master_ha_addr, "10.0.0.1:10911-ha");
}

TEST_F(RouteTableTest, Unregister_LastMember_TakesTopicsAlong) {
  table_.Register(Report(), At(0));
  table_.Register(Report("b1", 0, "10.0.0.3:10911"), At(0));
  table_.Unregister(KeyOf(Report()));
  EXPECT_EQ(BrokersOf("T1"), (std::set<std::string>{"b1"}));
  table_.Unregister(KeyOf(Report("b1", 0, "10.0.0.3:10911")));
  EXPECT_FALSE(Route("T1"));
  EXPECT_TRUE(table_.Snapshot()->Topics().empty());
  EXPECT_TRUE(table_.Snapshot()->Clusters().broker_addr_table.empty());
}

TEST_F(RouteTableTest, Unregister_OfAnotherAddress_ChangesNothing) {
  table_.Register(Report(), At(0));
  table_.Unregister({"c", "b0", "10.9.9.9:1", 0});
  table_.Unregister({"c", "nobody", "10.0.0.1:10911", 0});
  EXPECT_TRUE(Route("T1"));
}

TEST_F(RouteTableTest, ConnectionClosed_RemovesItsBrokersOnly) {
  BrokerReport other = Report("b1", 0, "10.0.0.3:10911");
  other.peer = 2;
  table_.Register(Report(), At(0));
  table_.Register(other, At(0));
  table_.ConnectionClosed(2);
  EXPECT_EQ(BrokersOf("T1"), (std::set<std::string>{"b0"}));
}

TEST_F(RouteTableTest, ConnectionClosed_AfterReRegistrationOverAnotherOne_KeepsTheBroker) {
  table_.Register(Report(), At(0));
  BrokerReport again = Report();
  again.peer = 7;
  table_.Register(again, At(1));
  table_.ConnectionClosed(1);
  EXPECT_TRUE(Route("T1"));
}

TEST_F(RouteTableTest, Expire_SilentBeyondItsOwnTimeout_IsRemoved) {
  BrokerReport quick = Report("b1", 0, "10.0.0.3:10911");
  quick.timeout = seconds(10);
  quick.peer = 2;
  table_.Register(Report(), At(0));
  table_.Register(quick, At(0));
  EXPECT_TRUE(table_.Expire(At(10)).brokers.empty());
  const RouteTable::Expired expired = table_.Expire(At(11));
  ASSERT_EQ(expired.brokers.size(), 1u);
  EXPECT_EQ(expired.peers, std::vector<uint64_t>{2});
  EXPECT_EQ(BrokersOf("T1"), (std::set<std::string>{"b0"}));
}

TEST_F(RouteTableTest, HeartbeatAndVersionQuery_KeepABrokerAlive) {
  table_.Register(Report(), At(0));
  table_.Heartbeat("c", "10.0.0.1:10911", At(100));
  EXPECT_TRUE(table_.Expire(At(200)).brokers.empty());
  proto::DataVersion same;
  same.counter = 1;
  const auto answer = table_.QueryVersion(KeyOf(Report()), same, At(210));
  EXPECT_FALSE(answer.changed);
  EXPECT_EQ(answer.known->counter, 1);
  EXPECT_TRUE(table_.Expire(At(320)).brokers.empty());
  same.counter = 2;
  EXPECT_TRUE(table_.QueryVersion(KeyOf(Report()), same, At(320)).changed);
  EXPECT_TRUE(table_.QueryVersion({"c", "b9", "1.1.1.1:1", 0}, same, At(320)).changed);
}

TEST_F(RouteTableTest, WritePermission_WipedAndAdded_CountsTopics) {
  table_.Register(Report(), At(0));
  EXPECT_EQ(table_.WipeWritePermission("b0"), 2);
  EXPECT_EQ(PermOf("T1"), proto::kPermRead);
  EXPECT_EQ(table_.AddWritePermission("b0"), 2);
  EXPECT_EQ(PermOf("T1"), proto::kPermRead | proto::kPermWrite);
  EXPECT_EQ(table_.WipeWritePermission("nobody"), 0);
}

TEST_F(RouteTableTest, DeleteTopic_OfOneCluster_LeavesTheOther) {
  BrokerReport other = Report("b1", 0, "10.0.0.3:10911");
  other.cluster = "d";
  table_.Register(Report(), At(0));
  table_.Register(other, At(0));
  table_.DeleteTopic("T1", "d");
  EXPECT_EQ(BrokersOf("T1"), (std::set<std::string>{"b0"}));
  table_.DeleteTopic("T1", "");
  EXPECT_FALSE(Route("T1"));
}

TEST_F(RouteTableTest, RegisterTopic_OfUnknownBroker_IsIgnored) {
  table_.Register(Report(), At(0));
  proto::QueueData known;
  known.broker_name = "b0";
  known.perm = 6;
  proto::QueueData unknown = known;
  unknown.broker_name = "nobody";
  table_.RegisterTopic("T5", {known, unknown});
  EXPECT_EQ(BrokersOf("T5"), (std::set<std::string>{"b0"}));
}

TEST_F(RouteTableTest, MasterLost_WithActingMaster_WriteBitGoesAndSlaveIsShownAsMaster) {
  BrokerReport master = Report();
  master.enable_acting_master = true;
  BrokerReport slave = Report("b0", 1, "10.0.0.2:10911");
  slave.enable_acting_master = true;
  slave.peer = 2;
  table_.Register(master, At(0));
  table_.Register(slave, At(0));
  const std::vector<MinIdNotice> notices = table_.Unregister(KeyOf(master));
  ASSERT_EQ(notices.size(), 1u);
  EXPECT_EQ(notices[0].min_id, 1);
  EXPECT_EQ(notices[0].offline_addr, "10.0.0.1:10911");
  EXPECT_EQ(notices[0].tell, std::vector<uint64_t>{2});
  EXPECT_EQ(PermOf("T1"), proto::kPermRead);
  EXPECT_EQ(Route("T1")->broker_datas[0].broker_addrs.begin()->first, 1);
  EXPECT_EQ(Route("T1", true)->broker_datas[0].broker_addrs.begin()->first, 0);
}

TEST_F(RouteTableTest, MinIdNotice_NewSmallestMember_TellsTheOthers) {
  BrokerReport slave = Report("b0", 1, "10.0.0.2:10911");
  slave.peer = 2;
  table_.Register(slave, At(0));
  const RegisterResult result = table_.Register(Report(), At(1));
  ASSERT_EQ(result.notices.size(), 1u);
  EXPECT_EQ(result.notices[0].tell, std::vector<uint64_t>{2});
  EXPECT_EQ(result.notices[0].min_addr, "10.0.0.1:10911");
  EXPECT_TRUE(table_.Register(Report(), At(2)).notices.empty());
}

TEST_F(RouteTableTest, Zone_OnlyBrokersOfItOrWithoutMaster) {
  BrokerReport here = Report();
  here.zone = "Z1";
  BrokerReport there = Report("b1", 0, "10.0.0.3:10911");
  there.zone = "z2";
  table_.Register(here, At(0));
  table_.Register(there, At(0));
  const auto route = Route("T1", false, "z1");
  ASSERT_EQ(route->queue_datas.size(), 1u);
  EXPECT_EQ(route->queue_datas[0].broker_name, "b0");
}

TEST_F(RouteTableTest, Snapshot_TakenBefore_DoesNotChange) {
  table_.Register(Report(), At(0));
  const auto before = table_.Snapshot();
  EXPECT_EQ(table_.Snapshot(), before) << "nothing changed, nothing is copied";
  table_.Unregister(KeyOf(Report()));
  EXPECT_TRUE(before->Route({"T1", false, ""}));
  EXPECT_FALSE(table_.Snapshot()->Route({"T1", false, ""}));
}

TEST_F(RouteTableTest, LostName_IsRememberedUntilItReturnsOrLongAgo) {
  const auto lost = [this] { return table_.Snapshot()->Clusters().lost_broker_table; };
  BrokerReport slave = Report("b0", 1, "10.0.0.2:10911");
  slave.peer = 2;
  table_.Register(Report(), At(0));
  table_.Register(slave, At(0));
  table_.ConnectionClosed(1);
  EXPECT_FALSE(lost().has_value()) << "its slave is there";
  table_.ConnectionClosed(2);
  ASSERT_TRUE(lost().has_value());
  EXPECT_EQ(lost()->at("b0").broker_addrs.at(1), "10.0.0.2:10911");
  EXPECT_EQ(lost()->at("b0").cluster, "c");
  EXPECT_FALSE(table_.Snapshot()->Clusters().broker_addr_table.contains("b0"));
  table_.Register(Report(), At(1));
  EXPECT_FALSE(lost().has_value()) << "it is back";
  table_.Expire(At(1000));
  EXPECT_TRUE(lost().has_value()) << "silent for too long";
  table_.Expire(At(1001) + RouteTable::kLostKept);
  EXPECT_FALSE(lost().has_value()) << "long ago";
}

TEST_F(RouteTableTest, NameStoppedInOrder_IsNotLost) {
  const auto report = Report();
  table_.Register(report, At(0));
  table_.Unregister(KeyOf(report));
  EXPECT_FALSE(table_.Snapshot()->Clusters().lost_broker_table.has_value());
}

TEST_F(RouteTableTest, UnitTopics_FilteredBySysFlag) {
  BrokerReport report = Report();
  report.topics.topic_config_table["U"] = Topic("U");
  report.topics.topic_config_table["U"].topic_sys_flag = 1;
  report.topics.topic_config_table["S"] = Topic("S");
  report.topics.topic_config_table["S"].topic_sys_flag = 2;
  report.topics.topic_config_table["US"] = Topic("US");
  report.topics.topic_config_table["US"].topic_sys_flag = 3;
  table_.Register(report, At(0));
  const auto snapshot = table_.Snapshot();
  using Filter = RouteSnapshot::UnitFilter;
  EXPECT_EQ(snapshot->UnitTopics(Filter::kUnit), (std::set<std::string>{"U", "US"}));
  EXPECT_EQ(snapshot->UnitTopics(Filter::kHasUnitSub), (std::set<std::string>{"S", "US"}));
  EXPECT_EQ(snapshot->UnitTopics(Filter::kHasUnitSubButNotUnit), (std::set<std::string>{"S"}));
}

TEST(RouteTableOptionsTest, DeleteAbsentTopics_OnlyWithAFullRegistration) {
  RouteTable table({.delete_topics_absent_from_registration = true});
  table.Register(Report(), At(0));
  BrokerReport fewer = Report();
  fewer.topics.data_version.counter = 2;
  fewer.topics.topic_config_table = {{"T2", Topic("T2")}, {"T3", Topic("T3")}};
  table.Register(fewer, At(1));
  EXPECT_EQ(table.Snapshot()->Topics(), (std::set<std::string>{"T2", "T3"}));
  fewer.topics.data_version.counter = 3;
  fewer.topics.topic_config_table = {{"T4", Topic("T4")}};
  table.Register(fewer, At(2));
  EXPECT_EQ(table.Snapshot()->Topics(), (std::set<std::string>{"T2", "T3", "T4"}));
}

}  // namespace
}  // namespace orbitmq::namesrv
