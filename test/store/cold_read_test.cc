// SPDX-License-Identifier: Apache-2.0
// Reading what is old: hints for the page cache, and records that are copied instead of referenced.
#include "store/cold_reads.h"
#include "test/store/store_fixture.h"

namespace orbitmq::store {
namespace {

constexpr int64_t kMiB = int64_t{1} << 20;
constexpr int64_t kStep = int64_t{64} << 10;

class ColdReadsTest : public testing::Test {
 protected:
  ColdReads::Hints Read(size_t reader, int64_t begin, int64_t count = kStep) {
    return reads_.Next(reader, {{begin}, {begin + count}}, now_);
  }
  ColdReads reads_;
  MonoTime now_{std::chrono::seconds(1)};
};

TEST_F(ColdReadsTest, AFirstRead_IsNoPatternYet) { EXPECT_TRUE(Read(1, 0).will_need.empty()); }

TEST_F(ColdReadsTest, AReaderThatGoesOn_GetsWhatComesNext_OnceEach) {
  (void)Read(1, 0);
  LogOffset asked_to{2 * kStep};
  for (int64_t i = 1; i < 200; ++i) {
    const auto hint = Read(1, i * kStep).will_need;
    if (hint.empty()) continue;
    EXPECT_EQ(hint.begin, asked_to);
    EXPECT_EQ(hint.end.value, (i + 1) * kStep + ColdReads::kAheadBytes);
    asked_to = hint.end;
  }
  EXPECT_GT(asked_to.value, 199 * kStep);
}

TEST_F(ColdReadsTest, JumpsAndSteppingBack_AreNotFollowed) {
  (void)Read(1, 0);
  EXPECT_TRUE(Read(1, 500 * kMiB).will_need.empty());
  EXPECT_TRUE(Read(1, 100 * kMiB).will_need.empty());
  EXPECT_FALSE(Read(1, 100 * kMiB + kStep).will_need.empty());
}

TEST_F(ColdReadsTest, NeighboursInTheLog_DoNotAskTwice) {
  (void)Read(1, 0);
  (void)Read(2, 0);
  EXPECT_FALSE(Read(1, kStep).will_need.empty());
  EXPECT_TRUE(Read(2, kStep).will_need.empty());
}

TEST_F(ColdReadsTest, WhatAllHavePassed_IsLetGo) {
  std::vector<ColdReads::Range> dropped;
  for (int64_t at = 10 * kMiB; at < 60 * kMiB; at += kStep) {
    const auto hint = Read(1, at).dont_need;
    if (!hint.empty()) dropped.push_back(hint);
    if (!hint.empty()) {
      EXPECT_LE(hint.end + ColdReads::kKeptBehindBytes, LogOffset{at + kStep});
    }
  }
  ASSERT_GE(dropped.size(), 5u);
  EXPECT_EQ(dropped.front().begin.value, 10 * kMiB);
  for (size_t i = 1; i < dropped.size(); ++i) EXPECT_EQ(dropped[i].begin, dropped[i - 1].end);
}

TEST_F(ColdReadsTest, ASlowReader_KeepsWhatItNeeds_UntilItStops) {
  (void)Read(1, 0);
  (void)Read(2, 0);
  for (int64_t at = kStep; at < 100 * kMiB; at += kStep) EXPECT_TRUE(Read(2, at).dont_need.empty());
  now_ += ColdReads::kForgottenAfter + std::chrono::seconds(1);
  const auto hint = Read(2, 100 * kMiB).dont_need;
  EXPECT_EQ(hint.begin.value, 0);
  EXPECT_GT(hint.end.value, 80 * kMiB);
}

class CopiedReadTest : public StoreTest {
 protected:
  void SetUp() override {
    options.reference_bytes = 0;  // Nothing leaves by reference.
    Open();
  }
};

TEST_F(CopiedReadTest, InterleavedQueues_GiveTheSameRecords) {
  std::vector<std::vector<std::string>> bodies(3);
  for (int i = 0; i < 150; ++i) {
    const auto queue = static_cast<QueueId>(i * i % 3);
    const std::string body = std::string(static_cast<size_t>(1 + i * 37 % 900), 'x') + std::to_string(i);
    Append({.queue_id = queue, .body = body});
    bodies[static_cast<size_t>(queue)].push_back(body);
  }
  for (QueueId queue = 0; queue < 3; ++queue) ExpectQueue("T", queue, bodies[static_cast<size_t>(queue)]);
}

TEST_F(CopiedReadTest, NeighboursShareOneCopy) {
  AppendMany(10, {});
  Settle();
  const QueueSlice slice = store().Read({"T", 0}, {0}, {}, nullptr);
  ASSERT_EQ(slice.record_count, 10);
  for (const Bytes& record : slice.records) EXPECT_EQ(record.owner(), slice.records[0].owner());
}

TEST_F(CopiedReadTest, ADamagedRecord_IsSkippedAlone) {
  AppendMany(10, {});
  const AppendReceipt receipt = Append({.body = "bad"});
  AppendMany(10, {}, "n");
  Settle();
  disk().FlipBit("/store/commitlog/00000000000000000000",
                 static_cast<uint64_t>(receipt.log_offsets[0].value) + 4, 3);
  std::vector<std::string> expected = Numbered(10);
  for (const std::string& body : Numbered(10, "n")) expected.push_back(body);
  EXPECT_EQ(Bodies("T", 0), expected);
}

TEST_F(CopiedReadTest, AfterARestart_OldRecordsAreCopied) {
  options.reference_bytes = int64_t{256} << 20;
  AppendMany(5, {});
  Reopen();
  AppendMany(5, {}, "n");
  Settle();
  const auto place = [this](int64_t from) {
    const QueueSlice slice = store().Read({"T", 0}, {from}, {}, nullptr);
    EXPECT_EQ(slice.record_count, 10 - from);
    return slice.records.empty() ? Bytes() : slice.records[0];
  };
  const Bytes copy = place(0);
  EXPECT_NE(copy.data(), place(0).data());
  const Bytes reference = place(5);
  EXPECT_EQ(reference.data(), place(5).data());
}

}  // namespace
}  // namespace orbitmq::store
