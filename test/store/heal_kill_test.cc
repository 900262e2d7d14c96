// SPDX-License-Identifier: Apache-2.0
// A follower that is killed while it cuts its log: whoever opens the directory next, Apache's broker too,
// must be able to.
#include <algorithm>

#include "store/segment_file.h"
#include "test/store/log_shipping.h"

namespace orbitmq::store {
namespace {

class HealKillTest : public testing::Test {
 protected:
  void SetUp() override {
    leader_.options.record_crc = follower_.options.record_crc = RecordCrc::kWhole;
    follower_.options.follower = true;
    leader_.Open();
    follower_.Open();
    leader_.AppendMany(200, {});
    Ship(leader_, follower_);
    end_ = follower_.store().watermarks().appended;
    ASSERT_GT(end_.value, follower_.options.segment_bytes) << "one file only";
  }
  // So many bytes: few end in the middle of the last file.
  Status CutSomeRecords(int64_t bytes = 900) {
    const auto last = follower_.store().replication().RecordBefore(bytes);
    const auto before = follower_.store().replication().RecordBefore(bytes + 300);
    if (!last.ok() || !before.ok()) return last.ok() ? before.status() : last.status();
    cut_at_ = *last;
    return EndOf(follower_, [&](ReplicatedLog& log, Completion<Done> done) {
      log.Truncate(*last, RecordThatEndsAt(*before, *last), std::move(done));
    });
  }
  LogOffset RecordThatEndsAt(LogOffset from, LogOffset end) {
    for (LogOffset at = from;;) {
      const auto head = follower_.store().replication().ReadLog(at, 8);
      const auto peek = PeekRecord(head->view());
      if (at + peek->total_bytes >= end) return at;
      at += peek->total_bytes;
    }
  }
  // As Apache 5.5.0 and 4.9.7 look at it: every entry is a file of the full length whose name is a number;
  // 4.9.7 does not let directories pass either. The next file of the log appears empty here alone: the
  // simulated disk cannot make it whole in one step (FileSystem::CreateWhole).
  static std::vector<std::string> WhatApacheRefuses(FileSystem& files, const StoreOptions& options) {
    std::vector<std::string> refused;
    const auto listed = files.List(Directory(options));
    for (const DirEntry& entry : *listed) {
      if (entry.size == 0 && &entry == &listed->back() && ParseOffsetFileName(entry.name)) continue;
      if (entry.is_directory || !ParseOffsetFileName(entry.name) ||
          static_cast<int64_t>(entry.size) != options.segment_bytes) {
        refused.push_back(StrCat(entry.name, " of ", entry.size, " bytes"));
      }
    }
    return refused;
  }
  static std::string Directory(const StoreOptions& options) {
    return options.commit_log_dir.empty() ? options.root + "/commitlog" : options.commit_log_dir;
  }
  static bool HasScratch(sim::SimDisk& disk) {
    const auto files = disk.Files();
    return std::any_of(files.begin(), files.end(), [](const auto& path) { return path.ends_with(".cut"); });
  }
  // Opens what a kill now would leave.
  void TryKilledHere() {
    StoreHarness killed(7);
    killed.options = follower_.options;
    killed.disk().CloneFrom(follower_.disk());
    const bool scratch = HasScratch(killed.disk());
    scratch_seen_ += scratch ? 1 : 0;
    killed.Boot();
    EXPECT_EQ(WhatApacheRefuses(killed.files(), killed.options), std::vector<std::string>());
    killed.Open();
    EXPECT_FALSE(HasScratch(killed.disk()));
    const LogOffset end = killed.store().watermarks().appended;
    // Files go whole, from the back.
    const bool between = end > cut_at_ && end < end_ && end.value % killed.options.segment_bytes == 0;
    EXPECT_TRUE(end == end_ || end == cut_at_ || between) << end.value;
    between_seen_ += between ? 1 : 0;
    ++killed_count_;
  }

  StoreHarness leader_{1};
  StoreHarness follower_{2};
  LogOffset end_;
  LogOffset cut_at_;
  int killed_count_ = 0;
  int scratch_seen_ = 0;
  int between_seen_ = 0;
};

TEST_F(HealKillTest, KilledAmidACut_ApacheLoadsTheDirectory_OursDropsTheRest) {
  follower_.disk().SetObserver([this](const sim::SimDisk::Operation&) { TryKilledHere(); });
  const Status cut = CutSomeRecords();
  follower_.disk().SetObserver({});
  ASSERT_TRUE(cut.ok()) << cut.ToString();
  EXPECT_EQ(follower_.store().watermarks().appended, cut_at_);
  EXPECT_GE(scratch_seen_, 3) << "of " << killed_count_;
  EXPECT_FALSE(HasScratch(follower_.disk()));
}

TEST_F(HealKillTest, KilledAmidACutOfSeveralFiles_TheLogHasNoHole) {
  follower_.disk().SetObserver([this](const sim::SimDisk::Operation&) { TryKilledHere(); });
  const Status cut = CutSomeRecords(end_.value - 2000);
  follower_.disk().SetObserver({});
  ASSERT_TRUE(cut.ok()) << cut.ToString();
  ASSERT_LT(cut_at_.value, follower_.options.segment_bytes);
  EXPECT_EQ(follower_.store().watermarks().appended, cut_at_);
  EXPECT_GE(between_seen_, 1) << "of " << killed_count_;
  EXPECT_FALSE(HasScratch(follower_.disk()));
}

// As with a disk that is mounted at the directory itself, or a parent that is another user's.
TEST_F(HealKillTest, NothingCanBeMadeBesideTheDirectory_ItIsCutAllTheSame) {
  follower_.disk().Seal("/store/commitlog.cut");
  const Status cut = CutSomeRecords();
  ASSERT_TRUE(cut.ok()) << cut.ToString();
  EXPECT_EQ(follower_.store().watermarks().appended, cut_at_);
  EXPECT_EQ(WhatApacheRefuses(follower_.files(), follower_.options), std::vector<std::string>());
  follower_.Reopen();
  EXPECT_EQ(follower_.store().watermarks().appended, cut_at_);
}

// Versions before left it within the directory.
TEST_F(HealKillTest, ScratchWithinTheDirectory_IsDroppedAtTheStart) {
  ASSERT_TRUE(follower_.Close().ok());
  follower_.options.commit_log_dir = "/store/commitlog/";
  follower_.Boot();
  for (const char* path : {"/store/commitlog/00000000000000016384.cut", "/store/commitlog.cut"}) {
    ASSERT_TRUE(follower_.files().Open(path, OpenMode::kCreate).ok());
  }
  follower_.Open();
  EXPECT_FALSE(HasScratch(follower_.disk()));
  EXPECT_EQ(follower_.store().watermarks().appended, end_);
  const Status cut = CutSomeRecords();
  ASSERT_TRUE(cut.ok()) << cut.ToString();
}

}  // namespace
}  // namespace orbitmq::store
