// SPDX-License-Identifier: Apache-2.0
// A follower whose disk fails while it cuts its log: either nothing is cut, and the next try heals, or the
// store takes nothing more until it is started again. It never follows with queues of the log before.
#include "test/store/faulty_harness.h"
#include "test/store/log_shipping.h"

namespace orbitmq::store {
namespace {

enum class Cuts : uint8_t { kTheEnd, kEverything };

// A leader and a follower that was a leader for a while, with files that fail as planned.
class Parted {
 public:
  explicit Parted(Cuts cuts) : cuts_(cuts) {
    follower_.options.follower = true;
    leader_.Open();
    follower_.Open();
    leader_.AppendMany(100, {.keys = "k"});
    leader_.AppendMany(20, {.topic = "Other", .queue_id = 3});
    Ship(leader_, follower_);
    common_end_ = follower_.store().watermarks().appended;
    EXPECT_TRUE(ChangeRole(follower_, LogRole::kLeader).ok());
    // Of another size than the leader's, so that no record lies where one of those does.
    follower_.AppendMany(150, {.keys = "k"}, "a stray message ");
    follower_.AppendMany(9, {.topic = "OfNobody"});
    EXPECT_TRUE(ChangeRole(follower_, LogRole::kFollower).ok());
    follower_.Settle();
    leader_.AppendMany(60, {.keys = "k"}, "other");
    leader_.AppendMany(20, {.topic = "Other", .queue_id = 3}, "other");
    leader_.Settle();
  }

  // As a follower that compares does: nothing while its log is the leader's as far as it goes.
  Status Heal() {
    if (IsAPartOfTheLeaders()) return {};
    return EndOf(follower_, [&](ReplicatedLog& log, Completion<Done> done) {
      if (cuts_ == Cuts::kEverything) return log.StartOver({0}, std::move(done));
      log.Truncate(common_end_, LastCommon(), std::move(done));
    });
  }
  Status TakeOneMore() {
    const LogOffset at = follower_.store().watermarks().appended;
    const auto bytes = leader_.store().replication().ReadLog(at, 4096);
    if (!bytes.ok()) return bytes.status();
    const auto record = static_cast<size_t>(PeekRecord(bytes->view())->total_bytes);
    std::optional<Status> ended;
    ReplicaChunk chunk{.begin = at, .last_record = at, .bytes = std::string(bytes->view().substr(0, record))};
    follower_.store().replication().AppendReplica(
        std::move(chunk), [&ended](const Result<LogOffset>& end) { ended = end.status(); });
    follower_.scheduler().RunUntil(follower_.scheduler().now() + std::chrono::seconds(5),
                                   [&ended] { return ended.has_value(); });
    return ended.value_or(Status(StatusCode::kTimeout, "no answer"));
  }
  // Heals if it has to; true when it follows then.
  bool Follows() { return Heal().ok() && TakeOneMore().ok(); }
  void KillAndOpen() {
    follower_.Crash(StoreHarness::Loss::kProcess);
    follower_.ForgetProcess();
    follower_.Open();
  }
  void CloseAndOpen() {
    ASSERT_TRUE(follower_.Close().ok());
    follower_.ForgetProcess();
    follower_.Open();
  }
  void ExpectTheLeadersQueues() {
    follower_.Settle();
    EXPECT_EQ(follower_.Bodies("T", 0), leader_.Bodies("T", 0));
    EXPECT_EQ(follower_.Bodies("Other", 3), leader_.Bodies("Other", 3));
    EXPECT_EQ(follower_.Bodies("OfNobody", 0), std::vector<std::string>());
    EXPECT_EQ(follower_.store().watermarks().appended, leader_.store().watermarks().appended);
  }

  StoreHarness& leader() { return leader_; }
  FaultyHarness& follower() { return follower_; }
  FaultyFiles::Plan& plan() { return *plan_; }

 private:
  bool IsAPartOfTheLeaders() {
    const LogOffset end = follower_.store().watermarks().appended;
    return end <= common_end_;
  }
  LogOffset LastCommon() {
    LogOffset last;
    for (LogOffset at; at < common_end_;) {
      const auto head = leader_.store().replication().ReadLog(at, 8);
      last = at;
      at += PeekRecord(head->view())->total_bytes;
    }
    return last;
  }

  const Cuts cuts_;
  std::shared_ptr<FaultyFiles::Plan> plan_ = std::make_shared<FaultyFiles::Plan>();
  StoreHarness leader_{1};
  FaultyHarness follower_{plan_, 2};
  LogOffset common_end_;
};

TEST(HealFailTest, NoSpaceForTheCopy_NothingIsCut_AndTheNextTryHeals) {
  Parted stores(Cuts::kTheEnd);
  const Watermarks before = stores.follower().store().watermarks();
  const auto bodies = stores.follower().Bodies("T", 0);
  stores.follower().disk().SetQuota(0);
  const Status cut = stores.Heal();
  EXPECT_EQ(cut.code(), StatusCode::kResourceExhausted) << cut.ToString();
  EXPECT_FALSE(cut.fatal());
  EXPECT_EQ(stores.follower().store().watermarks().appended, before.appended);
  EXPECT_EQ(stores.follower().Bodies("T", 0), bodies);
  stores.follower().disk().SetQuota(uint64_t{1} << 40);
  const Status healed = stores.Heal();
  ASSERT_TRUE(healed.ok()) << healed.ToString();
  Ship(stores.leader(), stores.follower());
  stores.ExpectTheLeadersQueues();
}

class HealFaultTest : public testing::TestWithParam<std::tuple<Cuts, Fault::Error>> {};

TEST_P(HealFaultTest, AtAnyCall_TheStoreStopsOrTheNextTryHeals) {
  const auto [cuts, error] = GetParam();
  int stopped = 0;
  for (uint64_t call = 1; !testing::Test::HasFailure(); ++call) {
    Parted stores(cuts);
    const LogOffset before = stores.follower().store().watermarks().appended;
    const uint64_t calls = stores.plan().calls;
    stores.plan().fault = {.at = calls + call, .error = error};
    const Status cut = stores.Heal();
    if (stores.plan().calls < calls + call) break;
    stores.plan().fault = {};
    SCOPED_TRACE(StrCat("call ", call, ", ", stores.plan().hit, ": ", cut.ToString()));
    if (cut.fatal()) {
      ++stopped;
      EXPECT_FALSE(stores.Follows());
    } else if (!cut.ok()) {
      EXPECT_EQ(stores.follower().store().watermarks().appended, before);
    }
    if (!stores.Follows()) {
      stores.KillAndOpen();
      ASSERT_TRUE(stores.Follows());
    }
    Ship(stores.leader(), stores.follower());
    stores.ExpectTheLeadersQueues();
    stores.CloseAndOpen();
    stores.ExpectTheLeadersQueues();
  }
  EXPECT_GT(stopped, 0);
}

INSTANTIATE_TEST_SUITE_P(Cuts, HealFaultTest,
                         testing::Combine(testing::Values(Cuts::kTheEnd, Cuts::kEverything),
                                          testing::Values(Fault::Error::kIo, Fault::Error::kSpace)));

}  // namespace
}  // namespace orbitmq::store
