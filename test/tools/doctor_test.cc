// SPDX-License-Identifier: Apache-2.0
#include <string>

#include <gtest/gtest.h>

#include "common/strings.h"
#include "tools/mqadmin/cluster_findings.h"

namespace orbitmq::tools {
namespace {

// A NameServer, a master and a slave in good health.
ClusterFacts HealthyCluster() {
  ClusterFacts facts;
  for (const char* address : {"10.0.0.9:9876", "10.0.0.8:9876"}) {
    facts.name_servers.push_back({.address = address});
    NameServerFacts& server = facts.name_servers.back();
    server.brokers = {{{"a", 0}, "10.0.0.1:10911"}, {{"a", 1}, "10.0.0.2:10911"}};
    server.config = {{"orderMessageEnable", "false"}, {"listenPort", "9876"}};
  }
  facts.brokers = {{.cluster = "c", .name = "a", .id = 0, .address = "10.0.0.1:10911"},
                   {.cluster = "c", .name = "a", .id = 1, .address = "10.0.0.2:10911"}};
  for (BrokerFacts& broker : facts.brokers) {
    broker.runtime = {{"brokerVersionDesc", "V5_5_0"}, {"commitLogDiskRatio", "0.5"}};
    broker.topics["T"].topic_name = "T";
    broker.clock_ahead_ms = 300;
  }
  facts.brokers[0].config["brokerRole"] = "SYNC_MASTER";
  proto::HARuntimeInfo replication;
  replication.ha_connection_info.emplace_back();
  replication.ha_connection_info[0].in_sync = true;
  facts.brokers[0].replication = replication;
  facts.routes = {{.topic = "T", .broker_names = {"a"}}};
  return facts;
}

void Configure(ClusterFacts& facts, const std::string& key, const std::string& master,
               const std::string& slave) {
  facts.brokers[0].config[key] = master;
  facts.brokers[1].config[key] = slave;
}

// "E where: what" and "W where: what", without remedies, which all must have.
std::string Told(const ClusterFacts& facts) {
  std::string text;
  for (const Finding& finding : Examine(facts)) {
    EXPECT_FALSE(finding.remedy.empty()) << finding.what;
    StrAppend(text, finding.severity == Severity::kError ? "E " : "W ", finding.where, ": ", finding.what,
              "\n");
  }
  return text;
}

TEST(Doctor, HealthyCluster_HasNoFindings) { EXPECT_EQ(Told(HealthyCluster()), ""); }

TEST(Doctor, ServersThatDoNotAnswer_AreErrors) {
  ClusterFacts facts = HealthyCluster();
  facts.name_servers[1].reached = {StatusCode::kUnavailable, "refused"};
  for (BrokerFacts& broker : facts.brokers) broker.reached = {StatusCode::kUnavailable, "gone"};
  EXPECT_EQ(Told(facts),
            "E 10.0.0.8:9876: the NameServer does not answer: refused\n"
            "E a: the routes of 1 topic, such as T, name it, but it is dead\n"
            "E a 10.0.0.1:10911: clients are told this address, but nobody answers: gone\n"
            "E a 10.0.0.2:10911: clients are told this address, but nobody answers: gone\n");
  EXPECT_EQ(Told({}), "E brokers: no broker is registered\n");
}

TEST(Doctor, NameServersThatDisagree_AreTold) {
  ClusterFacts facts = HealthyCluster();
  facts.name_servers[1].brokers.erase({"a", 1});
  facts.name_servers[1].config = {{"orderMessageEnable", "true"}, {"listenPort", "1"}};
  EXPECT_EQ(Told(facts),
            "E 10.0.0.8:9876: it and 10.0.0.9:9876 know different brokers: a:1\n"
            "W 10.0.0.8:9876: orderMessageEnable is true here and false at 10.0.0.9:9876\n");
}

TEST(Doctor, DiskClockAndVersion_AreTold) {
  ClusterFacts facts = HealthyCluster();
  facts.brokers[0].runtime["commitLogDiskRatio"] = "0.86";
  facts.brokers[0].clock_ahead_ms = -7000;
  facts.brokers[1].runtime["consumeQueueDiskRatio"] = "0.91";
  facts.brokers[1].runtime["brokerVersionDesc"] = "V4_9_7";
  EXPECT_EQ(Told(facts),
            "E a 10.0.0.2:10911: its disk is full to 91 %\n"
            "W a 10.0.0.1:10911: its disk is full to 86 %; files go before their time\n"
            "W a 10.0.0.1:10911: its clock is 7 s behind the one here\n"
            "W brokers: different versions: V4_9_7 (a 10.0.0.2:10911), V5_5_0 (a 10.0.0.1:10911)\n");
  facts = HealthyCluster();
  facts.brokers[0].runtime["storeWritable"] = "false";
  facts.brokers[0].runtime["storeWriteRefusal"] = "fsync failed";
  EXPECT_EQ(Told(facts), "E a 10.0.0.1:10911: takes no messages: fsync failed\n");
}

TEST(Doctor, ReplicationThatDoesNotWork_IsTold) {
  ClusterFacts facts = HealthyCluster();
  facts.brokers[0].replication->ha_connection_info.clear();
  facts.brokers[1].topics["T"].perm = 4;
  EXPECT_EQ(Told(facts),
            "E a 10.0.0.1:10911: 0 of 1 slaves are connected to it\n"
            "W a 10.0.0.2:10911: 1 topic is not as on its master, such as T\n");
  facts = HealthyCluster();
  proto::HAConnectionRuntimeInfo& slave = facts.brokers[0].replication->ha_connection_info[0];
  slave.addr = "10.0.0.2:4";
  slave.diff = 100;
  slave.in_sync = false;
  EXPECT_EQ(Told(facts), "W a 10.0.0.1:10911: its slave 10.0.0.2:4 is not in step: 100 bytes behind\n");
  slave.in_sync = true;
  EXPECT_EQ(Told(facts), "");
  slave.lag_millis = 3102;
  EXPECT_EQ(Told(facts),
            "W a 10.0.0.1:10911: its slave 10.0.0.2:4 is not in step: 100 bytes and 3102 ms behind\n");
  facts.brokers.erase(facts.brokers.begin());
  EXPECT_EQ(Told(facts), "E a: no master is registered: it takes no messages\n");
}

TEST(Doctor, NameOfWhichNobodyIsLeft_IsTold) {
  ClusterFacts facts = HealthyCluster();
  facts.lost = {{"a", "10.0.0.1:10911"}, {"b", "10.0.0.3:10911"}};
  EXPECT_EQ(Told(facts), "E b: all brokers of this name are gone, the last one seen was 10.0.0.3:10911\n")
      << "a is back at another NameServer";
}

// A master that is alone.
ClusterFacts WithoutSlave(std::map<std::string, std::string> config) {
  ClusterFacts facts = HealthyCluster();
  for (NameServerFacts& server : facts.name_servers) server.brokers.erase({"a", 1});
  facts.brokers.pop_back();
  facts.brokers[0].config = std::move(config);
  facts.brokers[0].config["brokerRole"] = "SYNC_MASTER";
  facts.brokers[0].replication->ha_connection_info.clear();
  return facts;
}

TEST(Doctor, SyncMasterWithoutSlave_IsAnErrorOnlyIfItWaitsForOne) {
  const std::string told =
      "E a 10.0.0.1:10911: it is SYNC_MASTER, waits for 2 brokers and has no slave: sends are answered "
      "SLAVE_NOT_AVAILABLE or time out\n";
  EXPECT_EQ(Told(WithoutSlave({{"inSyncReplicas", "0"}})), told) << "our default";
  EXPECT_EQ(Told(WithoutSlave({{"inSyncReplicas", "2"}})), told);
  EXPECT_EQ(Told(WithoutSlave({{"inSyncReplicas", "1"}})), "") << "Apache's default";
  EXPECT_EQ(Told(WithoutSlave({})), "");
  EXPECT_EQ(Told(WithoutSlave({{"inSyncReplicas", "2"}, {"enableAutoInSyncReplicas", "true"}})), "");
}

TEST(Doctor, DemandsThatCannotBeMet_AreTold) {
  ClusterFacts facts = HealthyCluster();
  facts.brokers[0].config["inSyncReplicas"] = "3";
  EXPECT_EQ(Told(facts),
            "E a 10.0.0.1:10911: it waits for 3 brokers (inSyncReplicas), but only 2 are registered: no send "
            "is answered OK\n");
  facts.brokers[0].config["inSyncReplicas"] = "2";
  facts.brokers[0].config["minInSyncReplicas"] = "3";
  EXPECT_EQ(Told(facts),
            "E a 10.0.0.1:10911: minInSyncReplicas is 3, but only 2 brokers are registered: it refuses "
            "sends\n");
  facts.brokers[0].config["brokerRole"] = "ASYNC_MASTER";
  EXPECT_EQ(Told(facts), "");
}

TEST(Doctor, ARivalOfTheMaster_IsTold) {
  ClusterFacts facts = HealthyCluster();
  facts.brokers[0].replication->master = true;
  facts.brokers[0].replication->rival = "10.0.0.7:10911";
  EXPECT_EQ(
      Told(facts),
      "W a 10.0.0.1:10911: another broker, 10.0.0.7:10911, served as the master of a, too, until it found "
      "this one; what it took meanwhile is in its log only\n");
}

TEST(Doctor, ReplicasThatAreConfiguredApart_AreTold) {
  ClusterFacts facts = HealthyCluster();
  Configure(facts, "mappedFileSizeCommitLog", "1073741824", "65536");
  Configure(facts, "messageDelayLevel", "1s 5s", "1s 6s");
  Configure(facts, "flushDiskType", "SYNC_FLUSH", "ASYNC_FLUSH");
  Configure(facts, "fileReservedTime", "72", "48");
  EXPECT_EQ(Told(facts),
            "W a 10.0.0.2:10911: mappedFileSizeCommitLog is 65536 here and 1073741824 at its master: their "
            "log files do not match, and it may stop following\n"
            "W a 10.0.0.2:10911: messageDelayLevel is 1s 6s here and 1s 5s at its master: delayed messages "
            "come at other times when it stands in for the master\n"
            "W a 10.0.0.2:10911: flushDiskType is ASYNC_FLUSH here and SYNC_FLUSH at its master: what the "
            "slave has is not on its disk yet when a send is answered\n");
  facts = HealthyCluster();
  Configure(facts, "flushDiskType", "ASYNC_FLUSH", "SYNC_FLUSH");
  EXPECT_EQ(Told(facts), "");
}

TEST(Doctor, BrokersThatAreNotWhatIsRegistered_AreTold) {
  ClusterFacts facts = HealthyCluster();
  Configure(facts, "brokerId", "0", "0");
  facts.brokers[1].config["brokerRole"] = "ASYNC_MASTER";
  EXPECT_EQ(Told(facts),
            "E a: 2 brokers say that they are its master: 10.0.0.1:10911, 10.0.0.2:10911\n"
            "E a 10.0.0.2:10911: it is registered with the id 1, but its brokerId is 0\n");
  facts = HealthyCluster();
  facts.brokers[1].config["brokerName"] = "b";
  EXPECT_EQ(Told(facts), "E a 10.0.0.2:10911: the broker there is called b\n");
}

TEST(Doctor, ActingMasters_NeedTheNameServers) {
  ClusterFacts facts = HealthyCluster();
  facts.brokers[1].config["enableSlaveActingMaster"] = "true";
  facts.name_servers[0].config["supportActingMaster"] = "true";
  EXPECT_EQ(Told(facts),
            "W 10.0.0.8:9876: supportActingMaster is false here, but enableSlaveActingMaster is true at 1 "
            "broker, such as a 10.0.0.2:10911: no slave will stand in for its master\n");
  facts.name_servers[1].config["supportActingMaster"] = "true";
  EXPECT_EQ(Told(facts), "");
}

TEST(Doctor, BrokerClock_IsBootTimeAndRuntime) {
  const std::string runtime = "[ 1 days, 2 hours, 3 minutes, 4 seconds ]";
  EXPECT_EQ(BrokerClock({{"bootTimestamp", "1000"}, {"runtime", runtime}}), 1000 + 93'784'000);
  EXPECT_EQ(BrokerClock({{"runtime", runtime}}), std::nullopt);
  EXPECT_EQ(BrokerClock({{"bootTimestamp", "1000"}, {"runtime", "[ 1 days ]"}}), std::nullopt);
}

TEST(Doctor, ClockAhead_IsWhatTheRoundTripCannotExplain) {
  EXPECT_EQ(ClockAhead(9'000, 10'000, 10'100), -1);
  EXPECT_EQ(ClockAhead(9'500, 10'000, 10'100), 0);
  EXPECT_EQ(ClockAhead(10'050, 10'000, 10'100), 0);
  EXPECT_EQ(ClockAhead(17'100, 10'000, 10'100), 7'000);
  // Another server held up the rest for long: this one is in time all the same.
  EXPECT_EQ(ClockAhead(10'000, 10'000, 18'000), 0);
  EXPECT_EQ(ClockAhead(1'001, 10'000, 18'000), -8'000);
}

}  // namespace
}  // namespace orbitmq::tools
