// SPDX-License-Identifier: Apache-2.0
// broker.conf: Apache's keys, and what of them this broker takes.
#include <gtest/gtest.h>

#include "broker/broker_options.h"

namespace orbitmq::broker {
namespace {

TEST(BrokerOptionsTest, Apply_BrokerConf_TakesApachesKeysAndWarnsOfUnknownOnes) {
  const auto entries = ParseProperties(
      "brokerClusterName = C\nbrokerName=b-a\nbrokerId=0\ndeleteWhen=04\nfileReservedTime=48\n"
      "brokerRole=ASYNC_MASTER\ncleanFileForciblyEnable=false\nflushDiskType=SYNC_FLUSH\n"
      "sendMessageThreadPoolNums=4\nbrokrName=x\n",
      "broker.conf");
  ASSERT_TRUE(entries.ok());
  BrokerOptions options;
  const auto bindings = BindBrokerOptions(options);
  const ConfigReport report = ApplyConfig(bindings, *entries, ApplyMode::kStart);
  EXPECT_TRUE(report.status().ok());
  EXPECT_EQ(options.broker_cluster_name, "C");
  EXPECT_EQ(options.flush_disk_type, store::FlushMode::kSync);
  EXPECT_FALSE(ToStoreOptions(options, {}).delete_unexpired);
  ASSERT_EQ(report.warnings.size(), 1u);
  EXPECT_NE(report.warnings[0].find("brokerName"), std::string::npos) << report.warnings[0];
  EXPECT_EQ(report.notes.size(), 1u);
}

// Who counts on access control or Raft must not get an open, single broker.
TEST(BrokerOptionsTest, Apply_KeysThatAskForWhatIsNotHere_EndTheStart) {
  BrokerOptions options;
  const auto bindings = BindBrokerOptions(options);
  const auto apply = [&](const std::string& text) {
    const auto entries = ParseProperties(text, "broker.conf");
    return ApplyConfig(bindings, *entries, ApplyMode::kStart);
  };
  const ConfigReport acl = apply("brokerName=b\naclEnable=true\n");
  ASSERT_EQ(acl.errors.size(), 1u);
  EXPECT_NE(acl.errors[0].find("broker.conf:2: aclEnable: is true"), std::string::npos) << acl.errors[0];
  EXPECT_NE(acl.errors[0].find("no access control"), std::string::npos) << acl.errors[0];
  for (const char* line :
       {"authenticationEnabled=TRUE", "authorizationEnabled=true", "storeType=defaultRocksDB",
        "enableControllerMode=true", "enableDLegerCommitLog=true", "messageStorePlugIn=x.Y"}) {
    EXPECT_FALSE(apply(line).status().ok()) << line;
  }
  const ConfigReport harmless = apply(
      "aclEnable=false\nauthenticationEnabled=False\nstoreType=default\nenableControllerMode=false\n"
      "enableDLegerCommitLog=false\nmessageStorePlugIn=\n");
  EXPECT_TRUE(harmless.status().ok());
  EXPECT_TRUE(harmless.warnings.empty());
}

TEST(BrokerOptionsTest, Defaults_ThatAreNotApaches) {
  BrokerOptions options;
  options.broker_role = BrokerRole::kSyncMaster;
  ASSERT_TRUE(ResolveDefaults({.host_name = "h", .ip = "10.0.0.1"}, options).ok());
  EXPECT_EQ(options.store_path_root_dir, "./data");
  EXPECT_EQ(options.register_name_server_period, Millis(10'000));
  EXPECT_EQ(InSyncReplicas(options), 2);
  options.in_sync_replicas = 1;
  EXPECT_EQ(InSyncReplicas(options), 1);
}

TEST(BrokerOptionsTest, SeveralLogDirectories_AreRefused) {
  BrokerOptions options;
  options.store_path_commit_log = "/a,/b";
  const Status refused = ResolveDefaults({.host_name = "h", .ip = "10.0.0.1"}, options);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.text().find("storePathCommitLog"), std::string::npos) << refused.ToString();
}

TEST(BrokerOptionsTest, RoleAndIdThatContradict_AreRefused) {
  const auto resolves = [](BrokerRole role, int64_t id) {
    BrokerOptions options;
    options.broker_role = role;
    options.broker_id = id;
    return ResolveDefaults({.host_name = "h", .ip = "10.0.0.1"}, options).ok();
  };
  EXPECT_TRUE(resolves(BrokerRole::kAsyncMaster, 0));
  EXPECT_TRUE(resolves(BrokerRole::kSlave, 1));
  EXPECT_FALSE(resolves(BrokerRole::kAsyncMaster, 1));
  EXPECT_FALSE(resolves(BrokerRole::kSyncMaster, 1));
  EXPECT_FALSE(resolves(BrokerRole::kSlave, 0));
}

TEST(BrokerOptionsTest, PropertyFilter_IsRefused) {
  BrokerOptions options;
  options.enable_property_filter = true;
  EXPECT_FALSE(ResolveDefaults({.host_name = "h", .ip = "10.0.0.1"}, options).ok());
}

}  // namespace
}  // namespace orbitmq::broker
