// SPDX-License-Identifier: Apache-2.0
// Two running masters of one name: after a partition amid which a slave was made the master.
#include "broker/replication/leader_claim.h"
#include "broker/replication/rival_watch.h"
#include "test/broker/replication/role_change_fixture.h"

namespace orbitmq::broker {
namespace {

constexpr Duration kTwoIntervals = 2 * seconds(10);
constexpr char kSecondNamesrvIp[] = "10.0.1.2";
constexpr char kStandsDown[] = "was made the master later than this one";
constexpr char kGoesOn[] = "another broker of this name serves as master";

class RivalsTest : public RoleChangeTest {
 protected:
  void Cut(const char* one, const char* other) {
    network_.Block(one, other);
    network_.Block(other, one);
  }
  void Mend(const char* one, const char* other) {
    network_.Unblock(one, other);
    network_.Unblock(other, one);
  }
  // The old master is cut off from the NameServer and its slave, which is made the master; both take
  // messages.
  void SplitAndPromote() {
    ASSERT_NO_FATAL_FAILURE(StartPair());
    Cut(kBrokerIp, kNamesrvIp);
    Cut(kBrokerIp, kSlaveIp);
    ASSERT_NO_FATAL_FAILURE(PromoteAndDiverge());
  }
  void StartPair() {
    Start(WithNamesrvs(Master()));
    ASSERT_EQ(CreateTopic("T").code, ResponseCode::kSuccess);
    for (int i = 0; i < 10; ++i) ASSERT_EQ(Send().code, ResponseCode::kSuccess);
    StartSlaveWithFile(kBecomeSlave, WithNamesrvs(Slave()));
    ASSERT_TRUE(Eventually([&] { return Follows(kSlave) && EndAt(kSlave, 0) == 10; }));
    Run(seconds(21));  // Registrations, with which a slave asks for its master's claim.
  }
  BrokerOptions WithNamesrvs(BrokerOptions options) {
    if (second_namesrv_) options.namesrv_addr += StrCat(";", kSecondNamesrvIp, ":9876");
    return options;
  }
  // SplitAndPromote, and the old master gave way.
  void SplitAndReunite() {
    ASSERT_NO_FATAL_FAILURE(SplitAndPromote());
    network_.HealAll();
    Run(kTwoIntervals);
    ASSERT_NO_FATAL_FAILURE(ExpectOnlyTheSlaveServes());
  }
  void PromoteAndDiverge() {
    ASSERT_TRUE(PromoteSlave());
    ASSERT_EQ(Send({.body = "lost"}).code, ResponseCode::kSuccess);
    for (int i = 0; i < 3; ++i) ASSERT_EQ(SendAt(kSlave, {.body = "newer"}), ResponseCode::kSuccess);
  }
  // As its file says once it was made the master.
  BrokerOptions SlaveThatLeads() {
    BrokerOptions options = Slave();
    options.config_file = kFile;
    options.broker_role = BrokerRole::kAsyncMaster;
    options.broker_id = 0;
    return options;
  }
  void ExpectOnlyTheSlaveServes() {
    EXPECT_EQ(Send().code, ResponseCode::kServiceNotAvailable);
    EXPECT_EQ(Pull({}).code, ResponseCode::kServiceNotAvailable);
    EXPECT_FALSE(HaStatusAt(kMaster).master);
    EXPECT_TRUE(HaStatusAt(kSlave).master);
    EXPECT_EQ(SendAt(kSlave), ResponseCode::kSuccess);
    EXPECT_EQ(RouteOf("T").at(0), kSlave.ToString());
  }

  std::unique_ptr<NamesrvProcess> second_namesrv_;
};

TEST_F(RivalsTest, PartitionEnds_TheOneThatWasMadeTheMasterLastGoesOn) {
  ASSERT_NO_FATAL_FAILURE(SplitAndPromote());
  EXPECT_FALSE(Logged(kStandsDown));
  network_.HealAll();
  Run(kTwoIntervals);
  ExpectOnlyTheSlaveServes();
  EXPECT_TRUE(Logged(kStandsDown));
  EXPECT_TRUE(Logged(kGoesOn));
  EXPECT_EQ(HaStatusAt(kMaster).rival, kSlave.ToString());
  EXPECT_EQ(HaStatusAt(kSlave).rival, kMaster.ToString());
  // It keeps out of the routes, and as a slave it gets what the other one took.
  ASSERT_EQ(CreateTopic("Changed").code, ResponseCode::kSuccess);
  Run(kTwoIntervals);
  EXPECT_EQ(RouteOf("T").at(0), kSlave.ToString());
  ASSERT_EQ(Configure(kMaster, kBecomeSlave).code, ResponseCode::kSuccess);
  ASSERT_TRUE(Eventually([&] { return Follows(kMaster) && EndAt(kMaster, 0) == 14; }));
  EXPECT_TRUE(Eventually([&] { return RouteOf("T").size() == 2; }));
  EXPECT_TRUE(Eventually([&] { return !HaStatusAt(kSlave).rival; })) << "it is no rival any more";
  EXPECT_FALSE(HaStatusAt(kMaster).rival);
}

TEST_F(RivalsTest, OnlyTheirConnectionWasCut_BothRegistered_OneServesAfterwards) {
  ASSERT_NO_FATAL_FAILURE(StartPair());
  Cut(kBrokerIp, kSlaveIp);
  ASSERT_NO_FATAL_FAILURE(PromoteAndDiverge());
  Run(kTwoIntervals);
  EXPECT_FALSE(Logged(kStandsDown)) << "neither can ask the other one";
  network_.HealAll();
  Run(kTwoIntervals);
  ExpectOnlyTheSlaveServes();
}

// Clients may reach it all the same.
TEST_F(RivalsTest, OldMasterReachesNoNameServer_ItIsFoundAsTheOneThatWasFollowed) {
  ASSERT_NO_FATAL_FAILURE(SplitAndPromote());
  Mend(kBrokerIp, kSlaveIp);
  Run(kTwoIntervals);
  ExpectOnlyTheSlaveServes();
}

TEST_F(RivalsTest, OldMasterStartedAnewAmidThePartition_ItsClaimIsNoNewer) {
  ASSERT_NO_FATAL_FAILURE(SplitAndPromote());
  Crash();
  Run(seconds(2));
  Start(Master());
  ASSERT_TRUE(Eventually([&] { return Send().code == ResponseCode::kSuccess; }));
  network_.HealAll();
  Run(kTwoIntervals);
  ExpectOnlyTheSlaveServes();
}

// Nobody would look for it: it is in no route.
TEST_F(RivalsTest, OldMasterComesBackAfterACrash_TheNewOneTellsThatItGivesWay) {
  ASSERT_NO_FATAL_FAILURE(StartPair());
  Crash();
  ASSERT_TRUE(PromoteSlave());
  Start(Master());
  Run(kTwoIntervals);
  ExpectOnlyTheSlaveServes();
  EXPECT_EQ(HaStatusAt(kSlave).rival, kMaster.ToString());
  EXPECT_TRUE(Logged("gives way to this one"));
  StopSlave();
  StartSlave(SlaveThatLeads());
  Run(kTwoIntervals);
  EXPECT_EQ(HaStatusAt(kSlave).rival, kMaster.ToString());
  ASSERT_EQ(Configure(kMaster, kBecomeSlave).code, ResponseCode::kSuccess);
  EXPECT_TRUE(Eventually([&] { return !HaStatusAt(kSlave).rival; }));
}

TEST_F(RivalsTest, NewMasterStartedAnewWhileTheOldOneServes_ItGoesOn) {
  ASSERT_NO_FATAL_FAILURE(SplitAndPromote());
  StopSlave();
  network_.HealAll();
  Run(seconds(15));
  ASSERT_EQ(RouteOf("T").at(0), kMaster.ToString());
  StartSlave(SlaveThatLeads());
  Run(kTwoIntervals);
  ExpectOnlyTheSlaveServes();
}

TEST_F(RivalsTest, ClockOfTheNewMasterIsAnHourBehind_ItsClaimIsLaterAllTheSame) {
  slave_host_.skew = -std::chrono::hours(1);
  ASSERT_NO_FATAL_FAILURE(SplitAndPromote());
  network_.HealAll();
  Run(kTwoIntervals);
  ExpectOnlyTheSlaveServes();
  EXPECT_GT(HaStatusAt(kSlave).leads_since.value_or(0), 0);
}

TEST_F(RivalsTest, TheOneThatGoesOnStartsAnew_TheOtherDoesNotTakeItsPlace) {
  ASSERT_NO_FATAL_FAILURE(SplitAndPromote());
  network_.HealAll();
  Run(kTwoIntervals);
  StopSlave();
  Run(seconds(10));
  EXPECT_EQ(Send().code, ResponseCode::kServiceNotAvailable);
  StartSlave(SlaveThatLeads());
  Run(kTwoIntervals);
  ExpectOnlyTheSlaveServes();
  // When that is gone for good, somebody has to.
  StopSlave();
  EXPECT_TRUE(Eventually([&] { return Send().code == ResponseCode::kSuccess; }));
  EXPECT_TRUE(
      Eventually([&] { return RouteOf("T").contains(0) && RouteOf("T").at(0) == kMaster.ToString(); }));
}

// A network that flaps. To lead with a newer claim would take from the other one what it serves meanwhile.
TEST_F(RivalsTest, GaveWayAndIsCutOffAgain_LeadsNotUnlessANameServerKnowsNoOther) {
  ASSERT_NO_FATAL_FAILURE(SplitAndReunite());
  Cut(kBrokerIp, kNamesrvIp);
  Cut(kBrokerIp, kSlaveIp);
  Run(seconds(60));
  EXPECT_EQ(Send().code, ResponseCode::kServiceNotAvailable);
  EXPECT_EQ(SendAt(kSlave), ResponseCode::kSuccess);
  network_.HealAll();
  Run(kTwoIntervals);
  ExpectOnlyTheSlaveServes();
}

TEST_F(RivalsTest, GaveWayAndReachesANameServerOnly_LeadsNotWhileThatKnowsTheOther) {
  ASSERT_NO_FATAL_FAILURE(SplitAndReunite());
  Cut(kBrokerIp, kSlaveIp);
  Run(seconds(60));
  EXPECT_EQ(Send().code, ResponseCode::kServiceNotAvailable);
  network_.HealAll();
  Run(kTwoIntervals);
  ExpectOnlyTheSlaveServes();
}

// Alone with one NameServer is not alone: the partition goes between the two.
TEST_F(RivalsTest, OldMasterStartedAnewBesideANameServerAmidThePartition_ItsClaimIsNoNewer) {
  second_namesrv_ = std::make_unique<NamesrvProcess>(scheduler_, network_, log_, kSecondNamesrvIp);
  ASSERT_NO_FATAL_FAILURE(StartPair());
  Cut(kBrokerIp, kNamesrvIp);
  Cut(kBrokerIp, kSlaveIp);
  Cut(kSlaveIp, kSecondNamesrvIp);
  ASSERT_NO_FATAL_FAILURE(PromoteAndDiverge());
  Crash();
  Run(seconds(2));
  Start(WithNamesrvs(Master()));
  ASSERT_TRUE(Eventually([&] { return Send().code == ResponseCode::kSuccess; }));
  Run(seconds(90));
  network_.HealAll();
  Run(kTwoIntervals);
  ExpectOnlyTheSlaveServes();
}

TEST_F(RivalsTest, ToBecomeASlaveFails_CanBeAskedForAgain) {
  ASSERT_NO_FATAL_FAILURE(SplitAndReunite());
  broker_host_.disk.SetQuota(0);
  const auto failed = Configure(kMaster, kBecomeSlave);
  EXPECT_NE(failed.code, ResponseCode::kSuccess);
  EXPECT_NE(failed.remark, "") << "it was answered";
  broker_host_.disk.SetQuota(uint64_t{1} << 40);
  Run(seconds(2));
  ExpectOnlyTheSlaveServes();
  const auto changed = Configure(kMaster, kBecomeSlave);
  ASSERT_EQ(changed.code, ResponseCode::kSuccess) << changed.remark;
  EXPECT_TRUE(Eventually([&] { return Follows(kMaster); }));
}

// A whole cluster that is killed and started anew, say, after one of its masters gave way to the other.
TEST_F(RivalsTest, BothStartAnew_TheOneThatGaveWayFirst_TheNewerOneGoesOn) {
  ASSERT_NO_FATAL_FAILURE(SplitAndPromote());
  network_.HealAll();
  Run(kTwoIntervals);
  Crash();
  StopSlave();
  Start(Master());
  ASSERT_TRUE(Eventually([&] { return Send().code == ResponseCode::kSuccess; }));
  Run(seconds(5));
  StartSlave(SlaveThatLeads());
  Run(kTwoIntervals);
  ExpectOnlyTheSlaveServes();
}

// What it took by then counts for more than an order that nobody was left to follow.
TEST_F(RivalsTest, BothStartAnew_TheOneThatGaveWayLedAloneForLong_ItGoesOn) {
  ASSERT_NO_FATAL_FAILURE(SplitAndPromote());
  network_.HealAll();
  Run(kTwoIntervals);
  Crash();
  StopSlave();
  Start(Master());
  Run(seconds(60));
  ASSERT_EQ(Send().code, ResponseCode::kSuccess);
  StartSlave(SlaveThatLeads());
  Run(kTwoIntervals);
  EXPECT_TRUE(HaStatusAt(kMaster).master);
  EXPECT_FALSE(HaStatusAt(kSlave).master);
  EXPECT_EQ(Send().code, ResponseCode::kSuccess);
  EXPECT_EQ(RouteOf("T").at(0), kMaster.ToString());
}

TEST_F(RivalsTest, NoRival_ARestartKeepsTheClaimAndAChangeOfRoleRenewsIt) {
  ASSERT_NO_FATAL_FAILURE(StartPair());
  const int64_t first = HaStatusAt(kMaster).leads_since.value_or(0);
  EXPECT_GT(first, 0);
  Run(seconds(60));
  EXPECT_EQ(HaStatusAt(kMaster).leads_since, first);
  EXPECT_FALSE(HaStatusAt(kSlave).leads_since);
  Stop();
  Start(Master());
  ASSERT_TRUE(Eventually([&] { return Send().code == ResponseCode::kSuccess; }));
  EXPECT_EQ(HaStatusAt(kMaster).leads_since, first);
  ASSERT_NO_FATAL_FAILURE(SwitchToSlave());
  EXPECT_GT(HaStatusAt(kSlave).leads_since.value_or(0), first);
  EXPECT_FALSE(HaStatusAt(kSlave).rival);
  EXPECT_FALSE(Logged(kGoesOn));
}

TEST(RivalTest, WhoGivesWay) {
  BrokerIdentity own;
  own.address = "10.0.0.2:10911";
  EXPECT_TRUE(GivesWayTo({.address = "10.0.0.1:10911", .leads_since_ms = 6}, 5, own));
  EXPECT_FALSE(GivesWayTo({.address = "10.0.0.3:10911", .leads_since_ms = 4}, 5, own));
  // Equal claims: exactly one of the two.
  EXPECT_FALSE(GivesWayTo({.address = "10.0.0.1:10911", .leads_since_ms = 5}, 5, own));
  EXPECT_TRUE(GivesWayTo({.address = "10.0.0.3:10911", .leads_since_ms = 5}, 5, own));
  // Apache's, which never gives way itself.
  EXPECT_TRUE(GivesWayTo({.address = "10.0.0.1:10911"}, 5, own));
}

TEST(RivalTest, WhoIsARival) {
  BrokerIdentity own;
  own.address = "10.0.0.2:10911";
  proto::HARuntimeInfo answer;
  EXPECT_FALSE(RivalIn("10.0.0.1:10911", answer, own)) << "a slave";
  answer.master = true;
  answer.leads_since = 7;
  answer.master_commit_log_max_offset = 100;
  EXPECT_EQ(RivalIn("10.0.0.1:10911", answer, own), (Rival{"10.0.0.1:10911", 7, 100}));
  answer.broker_address = "10.0.0.2:10911";
  EXPECT_FALSE(RivalIn("192.168.0.1:10911", answer, own)) << "itself, under the address that it had before";
}

class LeaderClaimTest : public BrokerFixture {
 protected:
  static constexpr char kPath[] = "/store/claim";
  LeaderClaimTest()
      : env_(scheduler_, network_, host_, log_), disk_(env_.NewExecutor({"disk", ExecutorKind::kMayBlock})) {
    EXPECT_TRUE(env_.files().CreateDirectories("/store").ok());
  }
  std::unique_ptr<LeaderClaim> Load() {
    auto claim = LeaderClaim::Load({env_, *disk_, kPath});
    EXPECT_TRUE(claim.ok()) << claim.status().ToString();
    return claim.ok() ? *std::move(claim) : nullptr;
  }
  std::unique_ptr<LeaderClaim> Reload(std::unique_ptr<LeaderClaim> claim) {
    Run(seconds(1));
    claim.reset();
    return Load();
  }

  sim::SimHost host_{"h", "10.0.9.1", 5, {}};
  sim::SimEnv env_;
  std::unique_ptr<Executor> disk_;
};

TEST_F(LeaderClaimTest, IsKept_EndsAndIsNewer) {
  auto claim = Load();
  EXPECT_EQ(claim->since_ms(), 0);
  claim->Begin();
  const int64_t first = claim->since_ms();
  EXPECT_EQ(first, ToEpochMillis(env_.clock().Wall()));
  claim = Reload(std::move(claim));
  EXPECT_EQ(claim->since_ms(), first);
  claim->Begin();
  EXPECT_EQ(claim->since_ms(), first);
  host_.skew = -seconds(100);
  claim->End();
  claim = Reload(std::move(claim));
  EXPECT_EQ(claim->since_ms(), 0);
  claim->Begin();
  EXPECT_EQ(claim->since_ms(), first + 1);
}

TEST_F(LeaderClaimTest, RenewsWhatARestartKept_Once) {
  auto claim = Load();
  claim->Begin();
  const int64_t first = claim->since_ms();
  Run(seconds(1));
  claim->RenewKept();
  EXPECT_EQ(claim->since_ms(), first) << "it is of this run";
  claim = Reload(std::move(claim));
  claim->RenewKept();
  const int64_t second = claim->since_ms();
  EXPECT_GT(second, first);
  Run(seconds(1));
  claim->RenewKept();
  EXPECT_EQ(claim->since_ms(), second);
}

TEST_F(LeaderClaimTest, IsLaterThanWhatWasHeard_AfterARestartToo) {
  auto claim = Load();
  const int64_t other = ToEpochMillis(env_.clock().Wall()) + 3'600'000;
  claim->Heard(other);
  claim->Heard(5);
  claim = Reload(std::move(claim));
  claim->Begin();
  EXPECT_EQ(claim->since_ms(), other + 1);
}

TEST_F(LeaderClaimTest, DamagedFile_CountsAsNoClaim) {
  auto claim = Load();
  claim->Begin();
  Run(seconds(1));
  const std::string good = *ReadWholeFile(env_.files(), kPath, 1000);
  for (size_t i = 0; i < good.size(); ++i) {
    for (const std::string& bad : {good.substr(0, i), good.substr(0, i) + "7" + good.substr(i + 1)}) {
      if (bad == good || Trim(bad) == Trim(good)) continue;
      ASSERT_TRUE(WriteFileAtomically(env_.files(), kPath, bad).ok());
      ASSERT_TRUE(WriteFileAtomically(env_.files(), kPath, bad).ok());  // The version before, too.
      claim = Load();
      ASSERT_NE(claim, nullptr);
      EXPECT_EQ(claim->since_ms(), 0) << bad;
    }
  }
}

}  // namespace
}  // namespace orbitmq::broker
