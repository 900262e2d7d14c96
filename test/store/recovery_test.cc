// SPDX-License-Identifier: Apache-2.0
#include "store/recovery.h"
#include "test/store/store_fixture.h"

namespace orbitmq::store {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr char kFirstSegment[] = "/store/commitlog/00000000000000000000";

class RecoveryTest : public StoreTest {
 protected:
  void RemoveTree(const std::string& path) {
    auto listed = files().List(path);
    if (!listed.ok()) return;  // It was never made.
    for (const DirEntry& entry : *listed) {
      const std::string child = path + "/" + entry.name;
      if (entry.is_directory) {
        RemoveTree(child);
      } else {
        ASSERT_TRUE(files().Remove(child).ok());
      }
    }
    (void)files().Remove(path);
  }
  void Overwrite(const std::string& path, uint64_t offset, std::string_view bytes) {
    auto file = files().Open(path, OpenMode::kCreate);
    ASSERT_TRUE(file.ok()) << file.status().ToString();
    const std::string_view pieces[] = {bytes};
    ASSERT_TRUE((*file)->WriteAt(offset, pieces).ok());
    ASSERT_TRUE((*file)->Sync().ok());
  }
  size_t CountByKey(const std::string& key) {
    const auto reply = store().Query(
        {.topic = "T", .key = key, .begin = FromEpochMillis(0), .end = FromEpochMillis(INT64_MAX)});
    return reply.ok() ? reply->records.size() : 0;
  }
  std::string Content(const std::string& path) {
    auto content = ReadWholeFile(files(), path, uint64_t{1} << 30);
    EXPECT_TRUE(content.ok()) << content.status().ToString();
    return content.ok() ? *content : "";
  }
};

TEST_F(RecoveryTest, CleanClose_ReopensWithoutScanning) {
  Open();
  AppendMany(100, {.tags = "A", .keys = "k"});
  Reopen();
  EXPECT_TRUE(store().recovery().clean_shutdown);
  EXPECT_EQ(store().recovery().records_scanned, 0);
  EXPECT_EQ(store().recovery().truncated_bytes, 0);
  ExpectQueue("T", 0, Numbered(100));
  EXPECT_EQ(Append({.body = "next"}).queue_offset.value, 100);
}

TEST_F(RecoveryTest, ProcessKilled_NothingIsLost) {
  Open();
  AppendMany(100, {});
  AppendMany(7, {.queue_id = 1});
  Crash(Loss::kProcess);
  Open();
  EXPECT_FALSE(store().recovery().clean_shutdown);
  ExpectQueue("T", 0, Numbered(100));
  ExpectQueue("T", 1, Numbered(7));
  EXPECT_EQ(Append({.body = "next"}).queue_offset.value, 100);
}

TEST_F(RecoveryTest, KilledBeforeTheIndexHeaderWasWritten_TheFirstRecordIsIndexed) {
  Open();
  Append({.body = "first", .keys = "k"});
  Settle();  // The index file is there, its header still says that it is empty.
  Crash(Loss::kProcess);
  Open();
  Settle();
  EXPECT_EQ(CountByKey("k"), 1u);
}

TEST_F(RecoveryTest, KilledWithARecordsEntriesInTwoIndexFiles_TheLostOnesComeBack) {
  options.index_entries = 2;  // One entry a file: entry 0 is never used.
  Open();
  Append({.body = "spread", .keys = "k1 k2 k3"});
  Settle();
  Crash(Loss::kProcess);
  Boot();
  auto names = files().List("/store/index");
  ASSERT_TRUE(names.ok());
  ASSERT_EQ(names->size(), 3u);
  ASSERT_TRUE(files().Remove("/store/index/" + names->back().name).ok());
  Open();
  Settle();
  for (const char* key : {"k1", "k2", "k3"}) EXPECT_EQ(CountByKey(key), 1u) << key;
}

TEST_F(RecoveryTest, IndexFileWithoutItsHeader_NothingIsIndexedTwice) {
  options.index_entries = 4;
  Open();
  for (int i = 0; i < 5; ++i) Append({.body = "x", .keys = StrCat("k", i)});
  Settle();
  Crash(Loss::kProcess);
  Boot();
  auto names = files().List("/store/index");
  ASSERT_TRUE(names.ok());
  ASSERT_EQ(names->size(), 2u);
  Overwrite("/store/index/" + names->back().name, 0, std::string(40, '\0'));  // Its page was lost.
  Open();
  Settle();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(CountByKey(StrCat("k", i)), 1u) << i;
}

TEST_F(RecoveryTest, IndexAheadOfTheLog_KeepsWhatTheLogHas) {
  Open();
  Append({.body = "stays", .keys = "k1"});
  const AppendReceipt lost = Append({.body = "goes", .keys = "k2"});
  Settle();
  Pass(seconds(2));
  Crash(Loss::kProcess);
  Boot();
  RemoveTree("/store/orbitmq");
  // As if Apache had noted that the index is on the disk, and the log's last page was lost.
  auto checkpoint = LoadApacheCheckpoint(files(), env().log(), env().clock().Wall(), "/store");
  ASSERT_TRUE(checkpoint.ok());
  checkpoint->index_time_ms = ToEpochMillis(env().clock().Wall());
  ASSERT_TRUE(SaveApacheCheckpoint(files(), "/store", *checkpoint).ok());
  Overwrite(kFirstSegment, static_cast<uint64_t>(lost.log_offsets[0].value), std::string(200, '\0'));
  Open();
  Settle();
  EXPECT_EQ(CountByKey("k1"), 1u);
  EXPECT_EQ(CountByKey("k2"), 0u);
  Append({.body = "more", .keys = "k2"});
  Settle();
  EXPECT_EQ(CountByKey("k2"), 1u);
}

TEST_F(RecoveryTest, KilledInTheDeletionOfATopic_QueuesThatAreLeftAreWhole) {
  Open();
  AppendMany(20, {});
  AppendMany(20, {.queue_id = 1});
  Settle();
  Pass(seconds(6));  // A checkpoint knows both queues.
  Crash(Loss::kProcess);
  Boot();
  // As far as the deletion came.
  RemoveTree("/store/consumequeue/T/0");
  Open();
  ExpectQueue("T", 0, Numbered(20));
  ExpectQueue("T", 1, Numbered(20));
}

TEST_F(RecoveryTest, PowerCut_SyncFlush_KeepsEverythingAcknowledged) {
  options.flush_mode = FlushMode::kSync;
  for (int round = 0; round < 20; ++round) {
    Open();
    const std::vector<std::string> before = Bodies("T", 0);
    AppendMany(30, {}, StrCat("r", round, "-"));
    std::vector<Pending> unsure;
    for (int i = 0; i < 10; ++i) unsure.push_back(Send({.body = StrCat("u", round, "-", i)}));
    Pass(std::chrono::microseconds(20 * round));
    std::vector<std::string> acknowledged = before;
    for (const auto& name : Numbered(30, StrCat("r", round, "-"))) acknowledged.push_back(name);
    for (size_t i = 0; i < unsure.size(); ++i) {
      if (unsure[i]->has_value() && (*unsure[i])->ok()) acknowledged.push_back(StrCat("u", round, "-", i));
    }
    Crash(Loss::kPower);
    Open();
    Settle();
    const std::vector<std::string> after = Bodies("T", 0);
    ASSERT_GE(after.size(), acknowledged.size());
    ASSERT_TRUE(std::equal(acknowledged.begin(), acknowledged.end(), after.begin())) << "round " << round;
    ASSERT_TRUE(Close().ok());
  }
}

TEST_F(RecoveryTest, PowerCut_AsyncFlush_LosesOnlyTheUnflushedTail) {
  for (int round = 0; round < 20; ++round) {
    Open();
    AppendMany(60, {.tags = "A", .keys = "k"}, StrCat("r", round, "-"));
    Pass(milliseconds(25 * round));
    Settle();
    const LogOffset flushed = store().watermarks().flushed;
    const std::vector<std::string> before = Bodies("T", 0);
    Crash(Loss::kPower);
    Open();
    Settle();
    EXPECT_GE(store().recovery().log_end, flushed);
    const std::vector<std::string> after = Bodies("T", 0);
    ASSERT_LE(after.size(), before.size());
    for (size_t i = 0; i < after.size(); ++i) ASSERT_EQ(after[i], before[i]) << "round " << round << " " << i;
    EXPECT_EQ(Append({.body = "next"}).queue_offset.value, static_cast<int64_t>(after.size()));
    Crash(Loss::kProcess);
  }
}

TEST_F(RecoveryTest, TornTail_CutAtEveryByteOfTheLastRecord) {
  Open();
  AppendMany(3, {.tags = "A"});
  const int64_t end = store().watermarks().appended.value;
  // TAGS 0x01 A 0x02
  const auto record = static_cast<int64_t>(RecordBytes(RecordMagic::kV1, 0, 2, 1, 7 + kRecordCrcBytes));
  Crash(Loss::kProcess);
  Boot();
  const std::string whole = Content(kFirstSegment);
  for (int64_t kept = 0; kept < record; ++kept) {
    Boot();
    std::string torn = whole;
    const auto cut = static_cast<std::ptrdiff_t>(end - record + kept);
    std::fill(torn.begin() + cut, torn.end(), '\0');
    Overwrite(kFirstSegment, 0, torn);
    Open();
    EXPECT_EQ(Bodies("T", 0).size(), 2u) << "kept " << kept;
    EXPECT_EQ(store().watermarks().appended.value, end - record) << "kept " << kept;
    Crash(Loss::kProcess);
  }
}

TEST_F(RecoveryTest, TornTail_WithoutRecordCrc_OnlyTheEndOfThePropertiesIsUnchecked) {
  options.record_crc = RecordCrc::kNone;
  Open();
  AppendMany(3, {.tags = "A"});
  const int64_t end = store().watermarks().appended.value;
  const int64_t record = static_cast<int64_t>(RecordBytes(RecordMagic::kV1, 0, 2, 1, 7));
  Crash(Loss::kProcess);
  Boot();
  const std::string whole = Content(kFirstSegment);
  for (int64_t kept = 0; kept < record; ++kept) {
    Boot();
    const auto cut = static_cast<size_t>(end - record + kept);
    std::string torn = whole;
    std::fill(torn.begin() + static_cast<std::ptrdiff_t>(cut), torn.end(), '\0');
    Overwrite(kFirstSegment, 0, torn);
    Open();
    // Nothing in the format covers the last bytes of the properties (sectors lost whole are found, see
    // below).
    const bool unchanged = kept > record - 8;
    const size_t expected = unchanged ? 3 : 2;
    EXPECT_EQ(Bodies("T", 0).size(), expected) << "kept " << kept;
    EXPECT_EQ(store().watermarks().appended.value, unchanged ? end : end - record);
    Crash(Loss::kProcess);
  }
}

TEST_F(RecoveryTest, TornTail_LostSectorOfPropertiesIsFound) {
  Open();
  TestMessage message{.body = "small"};
  AppendProperty(message.extra_properties, "name", std::string(2000, 'v'));
  AppendMany(1, {});
  Append(message);
  Crash(Loss::kProcess);
  Boot();
  const std::string whole = Content(kFirstSegment);
  for (const uint64_t sector : {512u, 1024u, 1536u, 2048u}) {
    Boot();
    Overwrite(kFirstSegment, 0, whole);
    Overwrite(kFirstSegment, sector, std::string(512, '\0'));
    Open();
    EXPECT_EQ(Bodies("T", 0), Numbered(1)) << "sector " << sector;
    Crash(Loss::kProcess);
  }
}

TEST_F(RecoveryTest, TornTail_EveryFlippedByteIsFound) {
  Open();
  AppendMany(2, {.tags = "A", .keys = "k"});
  const auto end = static_cast<size_t>(store().watermarks().appended.value);
  Crash(Loss::kProcess);
  Boot();
  const std::string whole = Content(kFirstSegment);
  const auto record = static_cast<size_t>(PeekRecord(whole)->total_bytes);
  for (size_t at = end - record; at < end; ++at) {
    Boot();
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
    Overwrite(kFirstSegment, 0, damaged);
    Open();
    EXPECT_EQ(Bodies("T", 0).size(), 1u) << "byte " << at;
    EXPECT_GT(store().recovery().truncated_bytes, 0);
    Crash(Loss::kProcess);
  }
}

TEST_F(RecoveryTest, TornTail_WithoutRecordCrc_FlippedBytesOfWhatHasChecksAreFound) {
  options.record_crc = RecordCrc::kNone;
  Open();
  AppendMany(2, {});
  const int64_t end = store().watermarks().appended.value;
  const auto record = static_cast<int64_t>(RecordBytes(RecordMagic::kV1, 0, 2, 1, 0));
  Crash(Loss::kProcess);
  Boot();
  const std::string whole = Content(kFirstSegment);
  // Lengths, magic, CRC, log offset, body: what recovery can check. Other fields carry no check in Apache's
  // format.
  const std::vector<int64_t> checked = {0, 3, 4, 7, 8, 11, 28, 35, 84, 87, 88, 89, 90, 92, 93};
  for (const int64_t at : checked) {
    ASSERT_LT(at, record);
    Boot();
    std::string damaged = whole;
    damaged[static_cast<size_t>(end - record + at)] =
        static_cast<char>(damaged[static_cast<size_t>(end - record + at)] ^ 0x55);
    Overwrite(kFirstSegment, 0, damaged);
    Open();
    EXPECT_EQ(Bodies("T", 0).size(), 1u) << "byte " << at;
    EXPECT_GT(store().recovery().truncated_bytes, 0);
    Crash(Loss::kProcess);
  }
}

TEST_F(RecoveryTest, StaleRecordBehindTheCut_IsNotResurrected) {
  Open();
  AppendMany(3, {});
  const auto record = static_cast<uint64_t>(RecordBytes(RecordMagic::kV1, 0, 2, 1, kRecordCrcBytes));
  Crash(Loss::kProcess);
  Boot();
  Overwrite(kFirstSegment, record + 8, "\xff\xff\xff\xff");  // The second record is torn, the third whole.
  Open();
  EXPECT_EQ(Bodies("T", 0), Numbered(1));
  AppendMany(1, {}, "n");  // Exactly as long as the torn one: the old third record would follow it.
  Crash(Loss::kProcess);
  Open();
  EXPECT_EQ(Bodies("T", 0), (std::vector<std::string>{"m0", "n0"}));
}

TEST_F(RecoveryTest, OurFolderDeleted_CostsTimeOnly) {
  for (const bool clean : {true, false}) {
    Open();
    AppendMany(120, {.tags = "A", .keys = "key"});
    Pass(seconds(6));
    AppendMany(10, {.keys = "key"}, "late");
    const std::vector<std::string> before = (Settle(), Bodies("T", 0));
    if (clean) {
      ASSERT_TRUE(Close().ok());
    } else {
      Crash(Loss::kProcess);
    }
    Boot();
    RemoveTree("/store/orbitmq");
    Open();
    EXPECT_GT(store().recovery().records_scanned, 0);
    ExpectQueue("T", 0, before);
    EXPECT_EQ(Append({.body = "next"}).queue_offset.value, static_cast<int64_t>(before.size()));
    const auto reply = store().Query({.topic = "T",
                                      .key = "key",
                                      .messages_max = 64,
                                      .begin = FromEpochMillis(0),
                                      .end = FromEpochMillis(INT64_MAX)});
    ASSERT_TRUE(reply.ok());
    EXPECT_EQ(reply->records.size(), 64u);
    ASSERT_TRUE(Close().ok());
  }
}

// The tags code is the last part of a unit; without it the unit still names the record.
TEST_F(RecoveryTest, UnitOfWhichTheEndIsMissing_IsDerivedAgainFromTheLog) {
  Open();
  AppendMany(3, {.tags = "A"});
  Pass(seconds(6));
  const auto whole = store().ReadUnits({"T", 0}, {2}, 1);
  ASSERT_EQ(whole.size(), 1u);
  ASSERT_NE(whole[0].tags_code, 0);
  Crash(Loss::kProcess);
  Boot();
  RemoveTree("/store/orbitmq");
  Overwrite("/store/consumequeue/T/0/00000000000000000000", 2 * kUnitBytes + 12, std::string(8, '\0'));
  Open();
  const auto units = store().ReadUnits({"T", 0}, {2}, 1);
  ASSERT_EQ(units.size(), 1u);
  EXPECT_EQ(units[0].log_offset, whole[0].log_offset);
  EXPECT_EQ(units[0].tags_code, whole[0].tags_code);
}

TEST_F(RecoveryTest, QueuesAndIndexDeleted_AreRebuilt) {
  for (const bool clean : {true, false}) {
    Open();
    AppendMany(100, {.keys = "key"});
    AppendMany(40, {.queue_id = 3});
    const std::vector<std::string> zero = (Settle(), Bodies("T", 0));
    const std::vector<std::string> three = Bodies("T", 3);
    if (clean) {
      ASSERT_TRUE(Close().ok());
    } else {
      Crash(Loss::kProcess);
    }
    Boot();
    RemoveTree("/store/consumequeue");
    RemoveTree("/store/index");
    Open();
    ExpectQueue("T", 0, zero);
    ExpectQueue("T", 3, three);
    const auto reply = store().Query(
        {.topic = "T", .key = "key", .begin = FromEpochMillis(0), .end = FromEpochMillis(INT64_MAX)});
    ASSERT_TRUE(reply.ok());
    EXPECT_EQ(reply->records.size(), 32u);
    ASSERT_TRUE(Close().ok());
  }
}

TEST_F(RecoveryTest, SeveralIndexFilesFilledBetweenCheckpoints_SurviveLossOfPower) {
  options.flush_mode = FlushMode::kSync;
  options.index_entries = 10;
  Open();
  for (int i = 0; i < 60; ++i) Append({.body = StrCat("m", i), .keys = StrCat("key", i)});
  Pass(seconds(6));  // One checkpoint, after which the log below it is not read again.
  Append({.body = "last"});
  Crash(Loss::kPower);
  Open();
  Settle();
  for (int i = 0; i < 60; ++i) {
    const auto reply = store().Query({.topic = "T",
                                      .key = StrCat("key", i),
                                      .begin = FromEpochMillis(0),
                                      .end = FromEpochMillis(INT64_MAX)});
    ASSERT_TRUE(reply.ok());
    EXPECT_EQ(reply->records.size(), 1u) << "key" << i;
  }
  ASSERT_TRUE(Close().ok());
}

TEST_F(RecoveryTest, CheckpointDamaged_FallsBack) {
  Open();
  AppendMany(50, {});
  ASSERT_TRUE(Close().ok());
  Boot();
  const std::string whole = Content("/store/orbitmq/checkpoint");
  for (size_t at = 0; at < whole.size(); at += 3) {
    Boot();
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    if (at == 7) continue;  // The version: a newer one is refused, see below.
    Overwrite("/store/orbitmq/checkpoint", 0, damaged);
    Open();
    EXPECT_EQ(Bodies("T", 0), Numbered(50)) << "byte " << at;
    Crash(Loss::kProcess);
  }
}

TEST_F(RecoveryTest, CheckpointOfANewerVersion_IsRefusedWithItsNumber) {
  Open();
  ASSERT_TRUE(Close().ok());
  Boot();
  Overwrite("/store/orbitmq/checkpoint", 7, "\x09");
  const Status refused = TryOpen();
  EXPECT_EQ(refused.code(), StatusCode::kNotSupported);
  EXPECT_NE(refused.text().find("format 9"), std::string_view::npos) << refused.ToString();
}

TEST_F(RecoveryTest, JavaBrokerRanSince_EndsComeFromTheFiles) {
  Open();
  AppendMany(50, {});
  ASSERT_TRUE(Close().ok());
  Boot();
  ApacheCheckpoint changed = *LoadApacheCheckpoint(files(), env().log(), env().clock().Wall(), "/store");
  changed.physic_time_ms += 5000;
  ASSERT_TRUE(SaveApacheCheckpoint(files(), "/store", changed).ok());
  Open();
  EXPECT_GT(store().recovery().records_scanned, 0);
  ExpectQueue("T", 0, Numbered(50));
}

TEST_F(RecoveryTest, DamageBeforeSyncedFiles_IsRefusedAndChangesNothing) {
  Open();
  for (int i = 0; i < 60; ++i) {
    Append({.body = std::string(700, 'x')});
    Pass(seconds(1));
  }
  Pass(seconds(6));
  Crash(Loss::kProcess);
  Boot();
  RemoveTree("/store/orbitmq");
  RemoveTree("/store/consumequeue");
  RemoveTree("/store/index");
  Overwrite(kFirstSegment, 200, "garbage in the middle");
  const auto before = disk().Files();
  const Status refused = TryOpen();
  EXPECT_EQ(refused.code(), StatusCode::kCorrupt) << refused.ToString();
  EXPECT_NE(refused.text().find(kFirstSegment), std::string_view::npos) << refused.ToString();
  EXPECT_NE(refused.text().find("Nothing was changed"), std::string_view::npos);
  for (const std::string& path : before) EXPECT_TRUE(files().Exists(path)) << path;
}

TEST_F(RecoveryTest, SegmentOfAnotherSize_NamesTheSetting) {
  Open();
  Append({});
  ASSERT_TRUE(Close().ok());
  options.segment_bytes = 8192;
  const Status refused = TryOpen();
  EXPECT_EQ(refused.code(), StatusCode::kCorrupt);
  EXPECT_NE(refused.text().find("mappedFileSizeCommitLog"), std::string_view::npos) << refused.ToString();
}

TEST_F(RecoveryTest, ShortLastSegment_IsMended) {
  Open();
  AppendMany(5, {});
  Pass(seconds(1));
  Crash(Loss::kProcess);
  Boot();
  for (const uint64_t bytes : {uint64_t{0}, uint64_t{100}}) {
    Boot();
    auto file = files().Open("/store/commitlog/00000000000000016384", OpenMode::kCreate);
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE((*file)->Truncate(bytes).ok());
    (*file).reset();
    Open();
    EXPECT_EQ(Bodies("T", 0), Numbered(5));
    Crash(Loss::kProcess);
  }
}

TEST_F(RecoveryTest, QueueBeginsPastZero_LeadingFiller) {
  Open();
  AppendMany(40, {});
  ASSERT_TRUE(Close().ok());
  // A store whose log lost its head: the first record left is number 20 of the queue.
  Boot();
  const std::string log = Content(kFirstSegment);
  RemoveTree("/store/consumequeue");
  RemoveTree("/store/index");
  RemoveTree("/store/orbitmq");
  const auto record =
      RecordBytes(RecordMagic::kV1, 0, 2, 1, kRecordCrcBytes);  // Of m0..m9; the others have a byte more.
  std::string rest;
  LogOffset at{0};
  for (size_t from = record * 10 + (record + 1) * 10; from < log.size();) {
    const auto peek = PeekRecord(std::string_view(log).substr(from));
    if (!peek.ok() || peek->total_bytes <= 0) break;
    std::string moved = log.substr(from, static_cast<size_t>(peek->total_bytes));
    from += moved.size();
    const auto view = DecodeMessage(moved, BodyCheck::kTrust);
    PatchRecord(moved.data(),
                {.queue_offset = view->queue_offset, .log_offset = at, .store_time = view->store_time},
                RecordCrc::kNone);
    at += static_cast<int64_t>(moved.size());
    rest += moved;
  }
  rest.resize(log.size());
  Overwrite(kFirstSegment, 0, rest);
  Open();
  const auto range = store().Range({"T", 0});
  ASSERT_TRUE(range.has_value());
  EXPECT_EQ(range->min.value, 20);
  EXPECT_EQ(range->max.value, 40);
  EXPECT_EQ(Bodies("T", 0), Numbered(40, "m", 20));
  Reopen();
  EXPECT_EQ(Bodies("T", 0), Numbered(40, "m", 20));
  EXPECT_EQ(ToHex(Content("/store/consumequeue/T/0/00000000000000000000").substr(0, 20)),
            "00000000000000007FFFFFFF0000000000000000");
  ASSERT_TRUE(Close().ok());
  Boot();
  RemoveTree("/store/orbitmq");
  Open();
  EXPECT_EQ(Bodies("T", 0), Numbered(40, "m", 20));
}

TEST_F(RecoveryTest, AbortFile_HoldsThePidWhileOpen) {
  Open();
  // The second line is ours (record_crc); Apache looks only whether the file is there.
  EXPECT_TRUE(Content("/store/abort").starts_with(StrCat(env().identity().pid, "\norbitmq ")));
  EXPECT_TRUE(Content("/store/lock").starts_with("orbitmq "));
  ASSERT_TRUE(Close().ok());
  Boot();
  EXPECT_FALSE(files().Exists("/store/abort"));
}

TEST_F(RecoveryTest, HostileTopicInTheLog_StaysOutsideOfDirectories) {
  Open();
  Append({.topic = "good"});
  Append({.topic = "../../etc"});
  Append({.topic = ".."});
  Append({.topic = "good"});
  ExpectQueue("good", 0, {"body", "body"});
  EXPECT_EQ(store().Queues(), (std::vector<QueueKey>{{"good", 0}}));
  Crash(Loss::kProcess);
  Open();
  EXPECT_EQ(store().Queues(), (std::vector<QueueKey>{{"good", 0}}));
  EXPECT_FALSE(files().Exists("/etc"));
}

TEST_F(RecoveryTest, TransactionsAfterCrash_PreparedStaysHidden) {
  Open();
  Append({.body = "a"});
  Append({.body = "half", .sys_flag = static_cast<int32_t>(TransactionType::kPrepared)});
  Append({.body = "b"});
  Crash(Loss::kProcess);
  Open();
  ExpectQueue("T", 0, {"a", "b"});
  EXPECT_EQ(Append({.body = "c"}).queue_offset.value, 2);
}

}  // namespace
}  // namespace orbitmq::store
