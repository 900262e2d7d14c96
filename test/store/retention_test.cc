// SPDX-License-Identifier: Apache-2.0
// What is deleted when, and what a disk that fills up leads to.
#include "store/retention.h"
#include "test/store/store_fixture.h"

namespace orbitmq::store {
namespace {

using std::chrono::seconds;

TEST(RetentionHoursTest, ParseDeleteHours) {
  EXPECT_EQ(*ParseDeleteHours("04"), (std::vector<int>{4}));
  EXPECT_EQ(*ParseDeleteHours("04; 16;"), (std::vector<int>{4, 16}));
  for (const char* bad : {"24", "-1", "x", "4,5"}) {
    const auto parsed = ParseDeleteHours(bad);
    ASSERT_FALSE(parsed.ok()) << bad;
    EXPECT_NE(parsed.status().text().find(bad), std::string_view::npos);
  }
}

class RetentionTest : public StoreTest {
 protected:
  void WriteSegments(int count) {
    for (int i = 0; i < count * 16; ++i) Append({.body = std::string(1000, 'x'), .keys = "k"});
    Settle();
  }
};

TEST_F(RetentionTest, NotExpired_NothingIsDeleted) {
  options.delete_when = "0;1;2;3;4;5;6;7;8;9;10;11;12;13;14;15;16;17;18;19;20;21;22;23";
  Open();
  WriteSegments(3);
  Pass(seconds(60));
  EXPECT_EQ(store().watermarks().min.value, 0);
  Pass(std::chrono::hours(73));
  EXPECT_GT(store().watermarks().min.value, 0);
  EXPECT_EQ(Bodies("T", 0).size(), 6u);  // The last file is never deleted.
}

TEST_F(RetentionTest, AskedToDelete_ExpiredFilesGoAtAnyHour) {
  options.delete_when = "";
  Open();
  WriteSegments(3);
  store().DeleteExpired();
  Pass(seconds(60));
  EXPECT_EQ(store().watermarks().min.value, 0) << "not expired";
  Pass(std::chrono::hours(73));
  EXPECT_EQ(store().watermarks().min.value, 0) << "the rounds are over, and there is no hour for it";
  store().DeleteExpired();
  Pass(seconds(5));
  EXPECT_GT(store().watermarks().min.value, 0);
  EXPECT_EQ(Bodies("T", 0).size(), 6u);  // The last file is never deleted.
}

// Apache takes the time of the file, which a restore or a touch changes.
TEST_F(RetentionTest, FilesWrittenToLately_AreAsOldAsTheirRecords) {
  options.delete_when = "";
  Open();
  WriteSegments(3);
  Pass(std::chrono::hours(73));
  ASSERT_TRUE(Close().ok());
  Boot();
  const auto listed = files().List("/store/commitlog");
  ASSERT_TRUE(listed.ok());
  for (const DirEntry& entry : *listed) {
    auto file = files().Open(StrCat("/store/commitlog/", entry.name), OpenMode::kReadWrite);
    std::string begin(4, '\0');
    ASSERT_TRUE(file.ok() && (*file)->ReadAt(0, begin).ok());
    const std::string_view same[] = {begin};
    ASSERT_TRUE((*file)->WriteAt(0, same).ok());
  }
  Open();
  store().DeleteExpired();
  Pass(seconds(5));
  EXPECT_GT(store().watermarks().min.value, 0);
}

TEST_F(RetentionTest, MoreThanRetentionBytes_TheOldestGoAtAnyHour) {
  options.delete_when = "";
  options.retention_bytes = 3 * options.segment_bytes;
  Open();
  WriteSegments(3);
  Pass(seconds(30));
  EXPECT_EQ(store().watermarks().min.value, 0) << "nothing lies before the newest three files' worth";
  WriteSegments(20);
  Pass(seconds(60));
  const Watermarks marks = store().watermarks();
  EXPECT_GE(marks.appended - marks.min, options.retention_bytes);
  EXPECT_LT(marks.appended - marks.min, options.retention_bytes + options.segment_bytes);
  const auto range = store().Range({"T", 0});
  ASSERT_TRUE(range.has_value());
  EXPECT_GT(range->min.value, 0);
  EXPECT_EQ(Bodies("T", 0).size(), static_cast<size_t>(range->max - range->min));
  // The index forgot them too: what it finds can be read.
  const auto found = store().Query({.topic = "T",
                                    .key = "k",
                                    .messages_max = 1000,
                                    .begin = FromEpochMillis(0),
                                    .end = FromEpochMillis(INT64_MAX)});
  ASSERT_TRUE(found.ok());
  for (const Bytes& record : found->records) {
    EXPECT_GE(DecodeMessage(record.view(), BodyCheck::kVerifyCrc)->log_offset, marks.min);
  }
  const QueueOffset min = range->min;
  Crash(Loss::kProcess);
  Open();
  EXPECT_EQ(store().Range({"T", 0})->min, min);
  EXPECT_EQ(store().watermarks().min, marks.min);
}

TEST_F(RetentionTest, Deleting_NeverHoldsUpAppends) {
  // Removing a file takes 100 ms of the disk's time here, and the disk is busy with it all the time.
  options.retention_bytes = options.segment_bytes;
  Open();
  WriteSegments(40);
  disk().SlowRemoves(std::chrono::milliseconds(100));
  const LogOffset before = store().watermarks().min;
  Duration worst{};
  const MonoTime end = env().clock().Monotonic() + seconds(25);
  while (env().clock().Monotonic() < end) {
    const MonoTime began = env().clock().Monotonic();
    Append({.body = "small"});
    worst = std::max(worst, env().clock().Monotonic() - began);
    Pass(std::chrono::milliseconds(10));
  }
  EXPECT_GE((store().watermarks().min - before) / options.segment_bytes, 5);
  // The next file was made when the last one was begun: not even one removal is waited for.
  EXPECT_LT(worst, std::chrono::milliseconds(5)) << worst.count() << " ns";
}

TEST_F(RetentionTest, DiskAboveForcedRatio_DeletesOldestAndQueuesFollow) {
  Open();
  WriteSegments(5);
  disk().SetSpaceLimit(disk().UsedBytes() * 100 / 87);
  Pass(seconds(60));
  EXPECT_GT(store().watermarks().min.value, 0);
  EXPECT_TRUE(store().writable().ok());
  const auto range = store().Range({"T", 0});
  ASSERT_TRUE(range.has_value());
  EXPECT_GT(range->min.value, 0);
  EXPECT_EQ(Bodies("T", 0).size(), static_cast<size_t>(range->max - range->min));
  const QueueOffset min = range->min;
  Reopen();
  EXPECT_EQ(store().Range({"T", 0})->min, min);
}

TEST_F(RetentionTest, DiskAboveForcedRatio_Forbidden_NothingUnexpiredGoes) {
  options.delete_unexpired = false;
  Open();
  WriteSegments(5);
  Pass(seconds(20));
  disk().SetSpaceLimit(disk().UsedBytes() * 100 / 95);
  Pass(seconds(60));
  EXPECT_EQ(store().watermarks().min.value, 0);
  EXPECT_FALSE(store().writable().ok());
  Pass(std::chrono::hours(73));
  EXPECT_GT(store().watermarks().min.value, 0) << "what is expired goes at any hour";
  EXPECT_TRUE(store().writable().ok()) << store().writable().ToString();
}

TEST_F(RetentionTest, DiskAboveRefuseRatio_ManyFilesTooMuch_WritesGoOnWithinSeconds) {
  Open();
  WriteSegments(20);
  Pass(seconds(20));
  disk().SetSpaceLimit(disk().UsedBytes() * 100 / 99);
  Pass(std::chrono::milliseconds(1100));
  EXPECT_FALSE(store().writable().ok());
  const LogOffset before = store().watermarks().min;
  Pass(seconds(5));
  EXPECT_TRUE(store().writable().ok()) << store().writable().ToString();
  EXPECT_GE((store().watermarks().min - before) / options.segment_bytes, 2);
  EXPECT_LE((store().watermarks().min - before) / options.segment_bytes, 5) << "one at a time";
}

TEST_F(RetentionTest, DiskAboveRefuseRatio_RefusesWithPathUsedAndLimit) {
  Open();
  Append({});
  Pass(seconds(20));  // Until nothing more is written.
  disk().SetSpaceLimit(disk().UsedBytes() * 100 / 95);
  Pass(seconds(3));
  const Status refused = store().writable();
  EXPECT_EQ(refused.code(), StatusCode::kResourceExhausted);
  for (const char* part : {"/store/commitlog", "95", "90%"}) {
    EXPECT_NE(refused.text().find(part), std::string_view::npos) << refused.ToString();
  }
  EXPECT_FALSE(Await(Send({})).ok());
  EXPECT_EQ(Bodies("T", 0).size(), 1u);
  disk().SetSpaceLimit(uint64_t{1} << 40);
  Pass(seconds(3));
  EXPECT_TRUE(Await(Send({})).ok());
}

TEST_F(RetentionTest, QueuesOnAnotherDisk_ThatIsFull_RefusesAndNamesIt) {
  options.commit_log_dir = "/log/commitlog";
  Open();
  WriteSegments(3);
  Pass(seconds(20));
  disk().Mount("/store", uint64_t{1} << 30);
  Pass(seconds(3));
  EXPECT_TRUE(store().writable().ok());
  const auto used = [this] {
    uint64_t bytes = 0;
    for (const std::string& path : disk().Files()) {
      if (!path.starts_with("/store/")) continue;
      const auto file = files().Open(path, OpenMode::kReadOnly);
      if (file.ok()) bytes += *(*file)->Size();
    }
    return bytes;
  };
  disk().Mount("/store", used() * 100 / 95);
  Pass(seconds(3));
  const Status refused = store().writable();
  EXPECT_EQ(refused.code(), StatusCode::kResourceExhausted) << refused.ToString();
  for (const char* part : {"/store is used to 95", "90%"}) {
    EXPECT_NE(refused.text().find(part), std::string_view::npos) << refused.ToString();
  }
  EXPECT_GT(store().watermarks().min.value, 0) << "the oldest log file went, and its queue files with it";
  EXPECT_GT(store().stats().root_disk_used_ratio, 0.9);
  EXPECT_LT(store().stats().disk_used_ratio, 0.1);
  disk().Mount("/store", uint64_t{1} << 30);
  Pass(seconds(3));
  Append({.body = "after"});
}

TEST_F(RetentionTest, RulesChanged_CountAtOnce) {
  options.delete_when = "";
  Open();
  WriteSegments(3);
  Pass(std::chrono::hours(5));
  disk().SetSpaceLimit(disk().UsedBytes() * 100 / 60);
  // Too young, or expired with room on the disk and no hour for it; a while that no round falls into.
  CleaningRules rules{.retention = std::chrono::hours(6), .delete_hours = {}, .disk_ratio_max = 0.5};
  store().SetCleaning(rules);
  Pass(std::chrono::seconds(2));
  EXPECT_EQ(store().watermarks().min.value, 0);
  rules = {.retention = std::chrono::hours(4), .delete_hours = {}, .disk_ratio_max = 0.7};
  store().SetCleaning(rules);
  Pass(std::chrono::seconds(30));
  EXPECT_EQ(store().watermarks().min.value, 0);
  rules.disk_ratio_max = 0.5;
  store().SetCleaning(rules);
  Pass(std::chrono::milliseconds(500));
  EXPECT_GT(store().watermarks().min.value, 0);
  disk().SetSpaceLimit(disk().UsedBytes() * 100 / 95);
  Pass(seconds(3));
  EXPECT_NE(store().writable().text().find("fileReservedTime keeps 4 h"), std::string_view::npos);
}

TEST_F(RetentionTest, ARefusal_TellsTheAgeOfWhatIsOldest) {
  Open();
  Append({});
  Pass(std::chrono::hours(5));
  disk().SetSpaceLimit(disk().UsedBytes() * 100 / 95);
  Pass(seconds(3));
  const Status refused = store().writable();
  EXPECT_NE(refused.text().find("the oldest message is 5 h old, fileReservedTime keeps 72 h"),
            std::string_view::npos)
      << refused.ToString();
}

}  // namespace
}  // namespace orbitmq::store
