// SPDX-License-Identifier: Apache-2.0
// Reading what is old: hints for the page cache, and records that are copied instead of referenced.
#include <fstream>

#include "store/cold_reads.h"
#include "test/store/posix_harness.h"

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

// What ColdReads says reaches the files: read-ahead before the reader, and nothing kept far behind it.
TEST_F(CopiedReadTest, AReaderOfABacklog_GetsItsHints) {
  ASSERT_TRUE(Close().ok());
  options.root = "/backlog";
  options.segment_bytes = kMiB;
  Open();
  for (int i = 0; i < 480; ++i) Append({.body = std::string(60'000, 'x')});
  Settle();
  for (QueueOffset at{0}; at.value < 480;) {
    const QueueSlice slice = store().Read({"T", 0}, at, {}, nullptr);
    ASSERT_GT(slice.record_count, 0);
    at = slice.next_begin;
  }
  int64_t fetched_to = 0;
  int64_t dropped = 0;
  for (const auto& hint : disk().hints()) {
    const int64_t begin = std::stoll(hint.path.substr(hint.path.rfind('/') + 1)) +
                          static_cast<int64_t>(hint.offset);
    const auto count = static_cast<int64_t>(hint.count);
    if (hint.access == Access::kWillNeed) fetched_to = std::max(fetched_to, begin + count);
    if (hint.access == Access::kDontNeed) {
      dropped += count;
      EXPECT_LE(begin + count + ColdReads::kKeptBehindBytes, fetched_to);
    }
  }
  EXPECT_GT(fetched_to, 27 * kMiB);
  EXPECT_GE(dropped, 8 * kMiB);
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

class InMemoryTest : public StoreTest {
 protected:
  std::optional<QueueSlice> Ask(int64_t from) { return store().ReadInMemory({"T", 0}, {from}, {}, nullptr); }
};

TEST_F(InMemoryTest, WhatThisProcessWroteLately_IsGiven_AndWhatLiesFarBackIsNot) {
  options.reference_bytes = 20'000;
  Open();
  for (int i = 0; i < 40; ++i) Append({.body = std::string(1000, 'x')});
  Settle();
  EXPECT_FALSE(Ask(0).has_value());
  EXPECT_FALSE(Ask(20).has_value());
  const auto near = Ask(30);
  ASSERT_TRUE(near.has_value());
  EXPECT_EQ(near->status, ReadStatus::kFound);
  EXPECT_EQ(near->record_count, 10);
  EXPECT_EQ(Ask(40)->status, ReadStatus::kOffsetOverflowOne);
  EXPECT_EQ(Ask(41)->status, ReadStatus::kOffsetOverflowBadly);
  EXPECT_EQ(store().ReadInMemory({"T", 9}, {0}, {}, nullptr)->status, ReadStatus::kNoMatchedLogicQueue);
}

// A quiet queue of a busy broker: its last message is one message behind and gigabytes ago.
TEST_F(InMemoryTest, TheLastMessageOfAQuietQueue_LiesFarBackInTheLog) {
  options.reference_bytes = 20'000;
  Open();
  Append({.body = "quiet"});
  EXPECT_TRUE(Ask(0).has_value());
  for (int i = 0; i < 40; ++i) Append({.topic = "busy", .body = std::string(1000, 'x')});
  Settle();
  EXPECT_FALSE(Ask(0).has_value());
}

TEST_F(InMemoryTest, WhatAnEarlierProcessWrote_IsNotAskedForAtAll) {
  Open();
  AppendMany(5, {});
  Reopen();
  AppendMany(2, {}, "n");
  Settle();
  disk().SlowReads(std::chrono::seconds(1));
  const MonoTime before = env().clock().Monotonic();
  for (int64_t from = 0; from < 5; ++from) EXPECT_FALSE(Ask(from).has_value()) << from;
  EXPECT_EQ(env().clock().Monotonic(), before);
  disk().SlowReads({});
  ASSERT_TRUE(Ask(5).has_value());
  EXPECT_EQ(Ask(5)->record_count, 2);
  ASSERT_TRUE(DeleteTopic("T").ok());
  AppendMany(3, {}, "o");
  Settle();
  ASSERT_TRUE(Ask(0).has_value()) << "the topic is this process's";
  EXPECT_EQ(Ask(0)->record_count, 3);
}

TEST_F(InMemoryTest, WhatThePageCacheGaveUp_IsReadElsewhereAndCopied) {
  options.segment_bytes = kMiB;
  Open();
  for (int i = 0; i < 400; ++i) Append({.body = std::string(60'000, 'x')});
  Settle();
  ASSERT_TRUE(Ask(0).has_value());
  EXPECT_EQ(Ask(0)->records[0].data(), Ask(0)->records[0].data()) << "by reference";
  disk().EvictPages();
  EXPECT_FALSE(Ask(0).has_value());
  EXPECT_TRUE(Ask(390).has_value()) << "written a moment ago";
  const QueueSlice one = store().Read({"T", 0}, {0}, {}, nullptr);
  const QueueSlice other = store().Read({"T", 0}, {0}, {}, nullptr);
  ASSERT_GT(one.record_count, 0);
  EXPECT_NE(one.records[0].data(), other.records[0].data());
}

size_t MappedSegments(const std::string& root) {
  std::ifstream maps("/proc/self/maps");
  size_t count = 0;
  for (std::string line; std::getline(maps, line);) {
    if (line.find(root + "/commitlog/") != std::string::npos) ++count;
  }
  return count;
}

TEST(MappingsTest, OnlyFilesNearTheEndStayMapped_ReadersKeepTheirBytes) {
  PosixHarness harness(1);
  harness.options.reference_bytes = 3 * harness.options.segment_bytes;
  harness.Open();
  harness.AppendMany(1, {}, "first");
  harness.Settle();
  const QueueSlice slice = harness.store().Read({"T", 0}, {0}, {}, nullptr);
  ASSERT_EQ(slice.record_count, 1);
  for (int i = 0; i < 400; ++i) harness.Append({.body = std::string(1000, 'x')});
  harness.Settle();
  harness.Pass(std::chrono::seconds(1));
  EXPECT_GT(harness.store().stats().segment_count, 20);
  EXPECT_LE(MappedSegments(harness.options.root), 3u + 3u);
  EXPECT_EQ(DecodeMessage(slice.records[0].view(), BodyCheck::kVerifyCrc)->body, "first0");
}

}  // namespace
}  // namespace orbitmq::store
