// SPDX-License-Identifier: Apache-2.0
// Two stores with one log, of which now one and now the other is the leader.
#include "test/store/log_shipping.h"

namespace orbitmq::store {
namespace {

class LogRoleTest : public testing::TestWithParam<FlushMode> {
 protected:
  LogRoleTest() : one_(1), two_(2) {
    for (StoreHarness* store : {&one_, &two_}) {
      store->options.flush_mode = GetParam();
      store->options.record_crc = RecordCrc::kWhole;
    }
    two_.options.follower = true;
  }
  void SetUp() override {
    one_.Open();
    two_.Open();
  }

  StoreHarness one_;
  StoreHarness two_;
};

TEST_P(LogRoleTest, AFollowerThatLeads_GoesOnWhereTheOldLeaderEnded) {
  one_.AppendMany(40, {.queue_id = 0});
  one_.AppendMany(7, {.queue_id = 1});
  Ship(one_, two_);
  EXPECT_EQ(two_.store().replication().role(), LogRole::kFollower);
  EXPECT_EQ(two_.Await(two_.Send({.body = "refused"})).status().code(), StatusCode::kUnavailable);
  ASSERT_TRUE(ChangeRole(two_, LogRole::kLeader).ok());
  EXPECT_EQ(two_.store().replication().role(), LogRole::kLeader);
  EXPECT_EQ(two_.Append({.queue_id = 0, .body = "m40"}).queue_offset.value, 40);
  EXPECT_EQ(two_.Append({.queue_id = 1, .body = "m7"}).queue_offset.value, 7);
  EXPECT_EQ(two_.Append({.queue_id = 2, .body = "m0"}).queue_offset.value, 0);
  two_.ExpectQueue("T", 0, Numbered(41));
  two_.ExpectQueue("T", 1, Numbered(8));
  // The other way round, and nothing is lost by a kill.
  ASSERT_TRUE(ChangeRole(one_, LogRole::kFollower).ok());
  Ship(two_, one_);
  one_.Crash(StoreHarness::Loss::kProcess);
  one_.options.follower = true;
  one_.Open();
  one_.ExpectQueue("T", 0, Numbered(41));
  one_.ExpectQueue("T", 2, Numbered(1));
}

TEST_P(LogRoleTest, ALeaderThatFollows_PlacesWhatItAcceptedAndTakesNoMore) {
  std::vector<Pending> accepted;
  for (int i = 0; i < 30; ++i) accepted.push_back(one_.Send({.body = StrCat("m", i)}));
  std::optional<Status> changed;
  one_.store().replication().ChangeRole(LogRole::kFollower,
                                        [&](const Result<Done>& done) { changed = done.status(); });
  EXPECT_EQ(one_.Await(one_.Send({.body = "late"})).status().code(), StatusCode::kUnavailable);
  for (const Pending& pending : accepted) EXPECT_TRUE(one_.Await(pending).ok());
  one_.Pass(std::chrono::seconds(1));
  ASSERT_TRUE(changed && changed->ok());
  one_.ExpectQueue("T", 0, Numbered(30));
  // It is a follower in everything: a stream goes on behind its end, cuts are allowed.
  Ship(one_, two_);
  ASSERT_TRUE(ChangeRole(two_, LogRole::kLeader).ok());
  two_.AppendMany(5, {.topic = "New"});
  Ship(two_, one_);
  one_.ExpectQueue("New", 0, Numbered(5));
  ASSERT_TRUE(one_.Close().ok());
  one_.Open();
  one_.ExpectQueue("New", 0, Numbered(5));
}

TEST_P(LogRoleTest, RecordsOfTheNewLeader_NeedNoCrcOfTheOldOne) {
  ASSERT_TRUE(two_.Close().ok());
  two_.options.record_crc = RecordCrc::kNone;  // As Apache's.
  two_.Open();
  one_.AppendMany(3, {});
  Ship(one_, two_);
  ASSERT_TRUE(ChangeRole(one_, LogRole::kFollower).ok());
  ASSERT_TRUE(ChangeRole(two_, LogRole::kLeader).ok());
  two_.AppendMany(9, {.topic = "Plain"});
  Ship(two_, one_);
  one_.Crash(StoreHarness::Loss::kProcess);
  one_.Open();
  one_.ExpectQueue("Plain", 0, Numbered(9));
}

TEST_P(LogRoleTest, ChangesAndCuts_OneAtATime) {
  one_.AppendMany(3, {});
  std::optional<Status> first;
  one_.store().replication().ChangeRole(LogRole::kFollower,
                                        [&](const Result<Done>& done) { first = done.status(); });
  EXPECT_EQ(ChangeRole(one_, LogRole::kLeader).code(), StatusCode::kFailedPrecondition);
  one_.Pass(std::chrono::seconds(1));
  ASSERT_TRUE(first && first->ok());
  EXPECT_TRUE(ChangeRole(one_, LogRole::kFollower).ok());  // It is one.
  EXPECT_TRUE(ChangeRole(one_, LogRole::kLeader).ok());
  EXPECT_EQ(one_.Append({.body = "m3"}).queue_offset.value, 3);
}

// Whoever waits for one message waits for no thread to wake; a stream goes on being read while it is written.
TEST_P(LogRoleTest, AFollower_WritesASmallChunkAtOnce_OthersInTheirOrder) {
  constexpr int kCount = 5;
  StoreHarness leader;
  StoreHarness follower;
  leader.options.segment_bytes = follower.options.segment_bytes = 256 * 1024;
  follower.options.follower = true;
  leader.options.flush_mode = follower.options.flush_mode = GetParam();
  leader.Open();
  follower.Open();
  for (int i = 0; i < kCount; ++i) leader.Append({.body = std::string(i == 1 ? 60'000 : 100, 'b')});
  ReplicatedLog& target = follower.store().replication();
  std::vector<int> order;
  LogOffset at{0};
  for (int i = 0; i < kCount; ++i) {
    const auto head = leader.store().replication().ReadLog(at, 8);
    ASSERT_TRUE(head.ok());
    const auto size = static_cast<size_t>(PeekRecord(head->view())->total_bytes);
    const auto record = leader.store().replication().ReadLog(at, size);
    ASSERT_TRUE(record.ok());
    target.AppendReplica({.begin = at, .last_record = at, .bytes = std::string(record->view())},
                         [&order, i](const Result<LogOffset>& end) {
                           EXPECT_TRUE(end.ok()) << end.status().ToString();
                           order.push_back(i);
                         });
    at += static_cast<int64_t>(size);
    EXPECT_EQ(order.size(), 1u) << "after chunk " << i;
  }
  follower.Pass(std::chrono::seconds(1));
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
  EXPECT_EQ(follower.store().watermarks().appended, at);
}

// A disk that stays full must not keep a role from changing.
TEST_P(LogRoleTest, AFollowerWithAFullDisk_GivesUpWhatWaitsAndLeads) {
  one_.AppendMany(200, {}, std::string(2000, 'b'));
  two_.disk().SetSpaceLimit(two_.disk().UsedBytes());
  ReplicatedLog& target = two_.store().replication();
  std::optional<Status> ended;
  LogOffset at{0};
  while (at < one_.store().watermarks().appended && two_.store().watermarks().appended == at) {
    const auto head = one_.store().replication().ReadLog(at, 8);
    const auto size = static_cast<size_t>(PeekRecord(head->view())->total_bytes);
    const auto record = one_.store().replication().ReadLog(at, size);
    target.AppendReplica({.begin = at, .last_record = at, .bytes = std::string(record->view())},
                         [&ended](const Result<LogOffset>& end) { ended = end.status(); });
    at += static_cast<int64_t>(size);
    two_.Pass(std::chrono::milliseconds(10));
  }
  ASSERT_LT(two_.store().watermarks().appended, at) << "the disk was not full";
  (void)ChangeRole(two_, LogRole::kLeader);
  ASSERT_TRUE(ended.has_value());
  EXPECT_EQ(ended->code(), StatusCode::kCancelled) << ended->ToString();
}

// Or a slave under SYNC_FLUSH would fall ever further behind a master that syncs a whole batch at once.
TEST_P(LogRoleTest, AFollower_SyncsOnceForAllThatWaits) {
  one_.AppendMany(40, {});
  ReplicatedLog& source = one_.store().replication();
  ReplicatedLog& target = two_.store().replication();
  const int64_t before = two_.store().stats().flush_count;
  const LogOffset end = one_.store().watermarks().appended;
  int answered = 0;
  int chunks = 0;
  for (LogOffset at{0}; at < end; ++chunks) {
    const auto head = source.ReadLog(at, 8);
    ASSERT_TRUE(head.ok());
    const auto peek = PeekRecord(head->view());
    ASSERT_TRUE(peek.ok());
    const auto record = source.ReadLog(at, static_cast<size_t>(peek->total_bytes));
    ASSERT_TRUE(record.ok());
    target.AppendReplica({.begin = at, .last_record = at, .bytes = std::string(record->view())},
                         [&answered](const Result<LogOffset>& done) { answered += done.ok() ? 1 : 0; });
    at += peek->total_bytes;
  }
  two_.Pass(std::chrono::seconds(1));
  EXPECT_EQ(answered, chunks);
  EXPECT_GE(chunks, 40);
  EXPECT_EQ(target.reportable(), end);
  EXPECT_LE(two_.store().stats().flush_count - before, 3);
  two_.ExpectQueue("T", 0, Numbered(40));
}

// Its log cannot be synced, or what has to be on the disk not be written.
TEST_P(LogRoleTest, AChangeThatFails_LeavesTheLeader) {
  one_.AppendMany(3, {});
  one_.disk().FailSyncs(100);
  EXPECT_FALSE(ChangeRole(one_, LogRole::kFollower).ok());
  EXPECT_EQ(one_.store().replication().role(), LogRole::kLeader);
  const Status refused = one_.Await(one_.Send({.body = "m3"})).status();
  EXPECT_TRUE(refused.text().find("slave mode") == std::string_view::npos) << refused.ToString();
}

INSTANTIATE_TEST_SUITE_P(Flush, LogRoleTest, testing::Values(FlushMode::kSync, FlushMode::kAsync),
                         [](const auto& mode) { return mode.param == FlushMode::kSync ? "Sync" : "Async"; });

}  // namespace
}  // namespace orbitmq::store
