// SPDX-License-Identifier: Apache-2.0
#include "common/java_hash.h"
#include "common/names.h"
#include "store/message_store.h"
#include "test/store/store_fixture.h"

namespace orbitmq::store {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_F(StoreTest, Append_FirstMessages_GetConsecutiveOffsets) {
  Open();
  EXPECT_EQ(Append({.body = "a"}).queue_offset.value, 0);
  EXPECT_EQ(Append({.body = "b"}).queue_offset.value, 1);
  EXPECT_EQ(Append({.queue_id = 1, .body = "c"}).queue_offset.value, 0);
  ExpectQueue("T", 0, {"a", "b"});
  ExpectQueue("T", 1, {"c"});
  EXPECT_EQ(arrivals, (std::vector<std::string>{"T:0:0", "T:0:1", "T:1:0"}));
}

TEST_F(StoreTest, Append_Batch_IsContiguous) {
  Open();
  RecordDraft draft;
  for (const char* body : {"x", "yy", "zzz"}) AddToDraft({.body = body}, draft);
  const auto receipt = Await(Send(std::move(draft), {"T", 0}));
  ASSERT_TRUE(receipt.ok());
  ASSERT_EQ(receipt->log_offsets.size(), 3u);
  EXPECT_EQ(receipt->log_offsets[0].value, 0);
  EXPECT_EQ(receipt->log_offsets[1].value,
            static_cast<int64_t>(RecordBytes(RecordMagic::kV1, 0, 1, 1, kRecordCrcBytes)));
  ExpectQueue("T", 0, {"x", "yy", "zzz"});
  EXPECT_EQ(Append({.body = "next"}).queue_offset.value, 3);
}

TEST_F(StoreTest, Append_PreparedAndRollback_TakeNoQueueOffset) {
  Open();
  Append({.body = "a"});
  const auto prepared = Append({.body = "p", .sys_flag = static_cast<int32_t>(TransactionType::kPrepared)});
  EXPECT_EQ(prepared.queue_offset.value, 0);
  Append({.body = "r", .sys_flag = static_cast<int32_t>(TransactionType::kRollback)});
  EXPECT_EQ(
      Append({.body = "c", .sys_flag = static_cast<int32_t>(TransactionType::kCommit)}).queue_offset.value,
      1);
  ExpectQueue("T", 0, {"a", "c"});
  const auto record = store().ReadAt(prepared.log_offsets[0]);
  ASSERT_TRUE(record.ok());
  EXPECT_EQ(DecodeMessage(record->view(), BodyCheck::kVerifyCrc)->body, "p");
}

TEST_F(StoreTest, Append_DoesNotFitTheRest_RollsWithFiller) {
  Open();
  // Leaves exactly 8 bytes, which only a filler may take.
  const auto overhead = static_cast<int64_t>(RecordBytes(RecordMagic::kV1, 0, 0, 1, kRecordCrcBytes));
  Append({.body = std::string(static_cast<size_t>(options.segment_bytes - 8 - overhead), 'x')});
  EXPECT_EQ(store().watermarks().appended.value, options.segment_bytes - 8);
  EXPECT_EQ(Append({.body = "next"}).log_offsets[0].value, options.segment_bytes);
  Settle();
  auto file = files().Open("/store/commitlog/00000000000000000000", OpenMode::kReadOnly);
  ASSERT_TRUE(file.ok());
  std::string filler(8, '\0');
  ASSERT_TRUE((*file)->ReadAt(static_cast<uint64_t>(options.segment_bytes - 8), filler).ok());
  EXPECT_EQ(ToHex(filler), "00000008CBD43194");
  EXPECT_EQ(Bodies("T", 0).size(), 2u);
}

TEST_F(StoreTest, Append_OneByteTooMuchForTheRest_MovesToNextFile) {
  Open();
  const auto overhead = static_cast<int64_t>(RecordBytes(RecordMagic::kV1, 0, 0, 1, kRecordCrcBytes));
  const int64_t room = 500;
  Append({.body = std::string(static_cast<size_t>(options.segment_bytes - room - overhead), 'x')});
  // Size + 7 free bytes must roll, + 8 must fit (store.md appendix B 3).
  EXPECT_EQ(Append({.body = std::string(static_cast<size_t>(room - 7 - overhead), 'y')}).log_offsets[0].value,
            options.segment_bytes);
}

TEST_F(StoreTest, Append_LargerThanSegment_IsRefused) {
  Open();
  const auto receipt = Await(Send({.body = std::string(static_cast<size_t>(options.segment_bytes), 'x')}));
  ASSERT_FALSE(receipt.ok());
  EXPECT_EQ(receipt.status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Append({.body = "ok"}).queue_offset.value, 0);
}

TEST_F(StoreTest, Append_ThroughManySegments_ReadsBack) {
  Open();
  std::vector<std::string> expected;
  for (int i = 0; i < 200; ++i) {
    expected.push_back(std::string(700, static_cast<char>('a' + i % 26)) + std::to_string(i));
    Append({.body = expected.back()});
  }
  EXPECT_GT(store().stats().segment_count, 5);
  ExpectQueue("T", 0, expected);
}

TEST_F(StoreTest, SyncFlush_AcknowledgesOnlyWhatIsFlushed) {
  options.flush_mode = FlushMode::kSync;
  Open();
  for (int i = 0; i < 20; ++i) {
    const auto receipt = Append({.body = std::to_string(i)});
    const Watermarks marks = store().watermarks();
    EXPECT_GT(marks.flushed, receipt.log_offsets[0]);
    EXPECT_LE(marks.visible, marks.flushed);
    EXPECT_LE(marks.dispatched, marks.visible);
  }
}

TEST_F(StoreTest, SyncFlush_ManyWaiting_ShareFewSyncs) {
  options.flush_mode = FlushMode::kSync;
  Open();
  AppendMany(500, {});
  EXPECT_LT(store().stats().flush_count, 20);
  EXPECT_GT(store().stats().flush_count, 0);
  ExpectQueue("T", 0, Numbered(500));
}

TEST_F(StoreTest, AsyncFlush_IntervalFlushes) {
  Open();
  Append({});
  EXPECT_EQ(store().watermarks().flushed.value, 0);
  Pass(milliseconds(1200));
  EXPECT_EQ(store().watermarks().flushed, store().watermarks().appended);
}

TEST_F(StoreTest, AsyncFlush_DurabilityFlushed_WaitsForTheSync) {
  Open();
  const auto receipt = Await(Send({}, Durability::kFlushed), milliseconds(100));
  ASSERT_TRUE(receipt.ok());
  EXPECT_EQ(store().watermarks().flushed, store().watermarks().appended);
}

// What was acknowledged is found by name too: every directory above it was made lastingly.
TEST_F(StoreTest, SyncFlush_PowerCutAfterTheFirstMessageEver_ItIsThere) {
  options.root = "/new/machine/store";
  options.commit_log_dir = "/other/disk/log";
  options.flush_mode = FlushMode::kSync;
  Open();
  Append({.body = "first"});
  Crash(Loss::kPower);
  Open();
  ExpectQueue("T", 0, {"first"});
}

TEST_F(StoreTest, FailedSync_StopsForGood) {
  options.flush_mode = FlushMode::kSync;
  Open();
  Append({.body = "good"});
  disk().FailSyncs(1);
  const auto failed = Await(Send({.body = "unsure"}));
  ASSERT_FALSE(failed.ok());
  EXPECT_TRUE(failed.status().fatal());
  EXPECT_EQ(failed.status().persisted(), Persisted::kMaybe);
  // The disk works again, but what it dropped nobody knows: no further write is taken.
  const auto later = Await(Send({.body = "late"}));
  ASSERT_FALSE(later.ok());
  EXPECT_TRUE(later.status().fatal());
  EXPECT_FALSE(store().writable().ok());
  EXPECT_EQ(Bodies("T", 0), (std::vector<std::string>{"good"}));
}

TEST_F(StoreTest, FailedSyncOfQueueOrIndex_StopsForGoodAndReadingGoesOn) {
  Open();
  AppendMany(20, {.keys = "k"});
  Pass(seconds(6));
  // Once more, and synced: the next syncs are those of a checkpoint, of queue files, index and names.
  ASSERT_TRUE(Await(Send({.body = "m20", .keys = "k"}, Durability::kFlushed)).ok());
  ASSERT_EQ(store().watermarks().flushed, store().watermarks().appended);
  disk().FailSyncs(1);
  Pass(seconds(6));
  const Status refused = store().writable();
  EXPECT_TRUE(refused.fatal()) << refused.ToString();
  EXPECT_NE(refused.text().find("stopped for good"), std::string_view::npos) << refused.ToString();
  EXPECT_FALSE(Await(Send({})).ok());
  ExpectQueue("T", 0, Numbered(21));
  Crash(Loss::kPower);
  Open();
  ExpectQueue("T", 0, Numbered(21));
  EXPECT_TRUE(store().writable().ok());
}

TEST_F(StoreTest, DiskFull_EveryRefusalTellsPathUseAndLimit) {
  // ENOSPC from a write below the ratio (a quota): the same message as above the ratio.
  Open();
  Append({.body = "before"});
  disk().SetQuota(disk().UsedBytes() + 1000);
  std::vector<Status> refusals;
  for (int i = 0; i < 500 && refusals.size() < 20; ++i) {
    const auto receipt = Await(Send({.body = std::string(900, 'x')}));
    if (!receipt.ok()) refusals.push_back(receipt.status());
  }
  ASSERT_EQ(refusals.size(), 20u);
  for (const Status& refused : refusals) {
    EXPECT_EQ(refused.code(), StatusCode::kResourceExhausted);
    EXPECT_TRUE(refused.retriable());
    for (const char* part : {"disk is full", "/store/commitlog", "is used to", "90%", "bytes are free"}) {
      EXPECT_NE(refused.text().find(part), std::string_view::npos) << refused.ToString();
    }
  }
  disk().SetQuota(uint64_t{1} << 40);
  Pass(seconds(5));
  Append({.body = "after"});
  Settle();
  EXPECT_EQ(Bodies("T", 0).back(), "after");
}

TEST_F(StoreTest, NextFileRefused_WritesAreRefusedUntilThereIsSpace) {
  Open();
  while (store().watermarks().appended.value < options.segment_bytes - 2000) {
    Append({.body = std::string(900, 'x')});
  }
  disk().SetQuota(disk().UsedBytes() + 1500);  // Not for names, checkpoints and another file.
  std::optional<Status> refusal;
  for (int i = 0; i < 60 && !refusal; ++i) {
    const auto receipt = Await(Send({.body = std::string(900, 'x')}));
    if (!receipt.ok()) refusal = receipt.status();
  }
  ASSERT_TRUE(refusal.has_value());
  EXPECT_NE(refusal->text().find("/store/commitlog"), std::string_view::npos) << refusal->ToString();
  EXPECT_TRUE(std::any_of(log_lines().begin(), log_lines().end(), [](const std::string& line) {
    return line.find("ERROR the next commit log file cannot be made") != std::string::npos &&
           line.find("/store/commitlog/00000000000000032768") != std::string::npos;
  }));
  const size_t readable = (Settle(), Bodies("T", 0).size());
  disk().SetQuota(uint64_t{1} << 40);
  Pass(seconds(5));
  for (int i = 0; i < 20; ++i) Append({.body = std::string(900, 'y')});
  Settle();
  EXPECT_EQ(Bodies("T", 0).size(), readable + 20);
  EXPECT_GT(store().stats().segment_count, 1);
}

TEST_F(StoreTest, DiskFull_RefusesThenRecovers) {
  Open();
  Append({.body = "before"});
  disk().SetSpaceLimit(disk().UsedBytes() + 1000);
  std::optional<Status> refusal;
  for (int i = 0; i < 100 && !refusal; ++i) {
    const auto receipt = Await(Send({.body = std::string(900, 'x')}));
    if (!receipt.ok()) refusal = receipt.status();
  }
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->code(), StatusCode::kResourceExhausted) << refusal->ToString();
  const size_t readable = (Settle(), Bodies("T", 0).size());
  EXPECT_GE(readable, 1u);
  disk().SetSpaceLimit(uint64_t{1} << 40);
  Pass(seconds(5));
  EXPECT_TRUE(store().writable().ok()) << store().writable().ToString();
  EXPECT_EQ(Append({.body = "after"}).queue_offset.value, static_cast<int64_t>(readable));
  Settle();
  EXPECT_EQ(Bodies("T", 0).back(), "after");
}

TEST_F(StoreTest, Read_Statuses_FollowApache) {
  Open();
  EXPECT_EQ(store().Read({"T", 0}, {0}, {}, nullptr).status, ReadStatus::kNoMatchedLogicQueue);
  EXPECT_EQ(store().Range({"T", 0}), std::nullopt);
  AppendMany(3, {});
  Settle();
  const auto one = store().Read({"T", 0}, {3}, {}, nullptr);
  EXPECT_EQ(one.status, ReadStatus::kOffsetOverflowOne);
  EXPECT_EQ(one.next_begin.value, 3);
  const auto badly = store().Read({"T", 0}, {9}, {}, nullptr);
  EXPECT_EQ(badly.status, ReadStatus::kOffsetOverflowBadly);
  EXPECT_EQ(badly.next_begin.value, 3);
  const auto small = store().Read({"T", 0}, {-1}, {}, nullptr);
  EXPECT_EQ(small.status, ReadStatus::kOffsetTooSmall);
  EXPECT_EQ(small.next_begin.value, 0);
  const auto found = store().Read({"T", 0}, {1}, {}, nullptr);
  EXPECT_EQ(found.status, ReadStatus::kFound);
  EXPECT_EQ(found.record_count, 2);
  EXPECT_EQ(found.max.value, 3);
}

TEST_F(StoreTest, Read_Limits_CountAndBytes) {
  Open();
  AppendMany(50, {});
  Settle();
  EXPECT_EQ(store().Read({"T", 0}, {0}, {.messages_max = 10}, nullptr).record_count, 10);
  EXPECT_EQ(store().Read({"T", 0}, {0}, {.messages_max = 32, .bytes_max_hot = 360}, nullptr).record_count, 3);
  // The first message is returned whatever its size.
  EXPECT_EQ(store().Read({"T", 0}, {0}, {.bytes_max_hot = 1}, nullptr).record_count, 1);
}

TEST_F(StoreTest, Read_FarBehindTheEnd_UsesColdLimits) {
  options.hot_bytes = 1000;
  Open();
  AppendMany(100, {});
  Settle();
  const auto slice = store().Read({"T", 0}, {0}, {}, nullptr);
  EXPECT_TRUE(slice.cold);
  EXPECT_EQ(slice.record_count, 8);
  EXPECT_FALSE(store().Read({"T", 0}, {95}, {}, nullptr).cold);
}

TEST_F(StoreTest, Read_TagFilter_SkipsAndAdvances) {
  Open();
  for (int i = 0; i < 20; ++i) Append({.body = std::to_string(i), .tags = i % 5 == 0 ? "A" : "B"});
  Settle();
  SubscriptionData subscription;
  subscription.topic = "T";
  subscription.sub_string = "A";
  subscription.tags_set = {"A"};
  subscription.code_set = {JavaStringHash("A")};
  const TagFilter filter(subscription);
  const auto slice = store().Read({"T", 0}, {1}, {}, &filter);
  EXPECT_EQ(slice.status, ReadStatus::kFound);
  ASSERT_EQ(slice.record_count, 3);
  EXPECT_EQ(slice.offsets[0].value, 5);
  EXPECT_EQ(slice.next_begin.value, 20);
  const auto none = store().Read({"T", 0}, {16}, {}, &filter);
  EXPECT_EQ(none.status, ReadStatus::kNoMatchedMessage);
  EXPECT_EQ(none.next_begin.value, 20);
}

// Written by an Apache broker with enableConsumeQueueExt: a place in another file stands for the tag.
TEST_F(StoreTest, Read_TagFilter_ExtAddress_IsLeftToTheConsumer) {
  Open();
  Append({.tags = "A"});
  Append({.tags = "B"});
  ASSERT_TRUE(Close().ok());
  Boot();
  auto file = files().Open("/store/consumequeue/T/0/00000000000000000000", OpenMode::kReadWrite);
  ASSERT_TRUE(file.ok());
  for (const uint64_t unit : {0, 1}) {
    char address[8];
    StoreBig<int64_t>(address, std::numeric_limits<int64_t>::min() + 48);
    const std::string_view piece[] = {{address, sizeof(address)}};
    ASSERT_TRUE((*file)->WriteAt(unit * 20 + 12, piece).ok());
  }
  Open();
  SubscriptionData subscription;
  subscription.tags_set = {"A"};
  subscription.code_set = {JavaStringHash("A")};
  const TagFilter filter(subscription);
  EXPECT_EQ(store().Read({"T", 0}, {0}, {}, &filter).record_count, 2);
}

TEST_F(StoreTest, ReadAt_WrongOffsets_AreRefused) {
  Open();
  const auto receipt = Append({.body = "a"});
  Append({.body = "b"});
  Settle();
  EXPECT_TRUE(store().ReadAt(receipt.log_offsets[0]).ok());
  EXPECT_EQ(store().ReadAt({1}).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(store().ReadAt({-1}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(store().ReadAt(store().watermarks().appended).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(store().ReadAt({int64_t{1} << 60}).status().code(), StatusCode::kInvalidArgument);
}

TEST_F(StoreTest, ReadUnits_UnflushedTail_IsReadable) {
  Open();
  AppendMany(45, {.tags = "TagA"});  // One and a half queue files, most of it still in memory.
  Settle();
  const auto units = store().ReadUnits({"T", 0}, {40}, 100);
  ASSERT_EQ(units.size(), 5u);
  EXPECT_EQ(units[0].tags_code, 2598919);
  Pass(seconds(3));  // Written out by now.
  EXPECT_EQ(store().ReadUnits({"T", 0}, {0}, 100).size(), 45u);
  EXPECT_TRUE(store().ReadUnits({"T", 0}, {45}, 1).empty());
}

TEST_F(StoreTest, ScheduleTopic_TagsCodeIsTheDeliverTime) {
  options.delay_levels = {seconds(1), seconds(5), seconds(10)};
  Open();
  TestMessage message{.topic = std::string(names::kScheduleTopic), .queue_id = 2};
  AppendProperty(message.extra_properties, property::kDelayTimeLevel, "3");
  const auto receipt = Append(message);
  message.extra_properties.clear();
  AppendProperty(message.extra_properties, property::kDelayTimeLevel, "99");  // Capped at the last level.
  Append(message);
  Settle();
  const auto units = store().ReadUnits({message.topic, 2}, {0}, 2);
  ASSERT_EQ(units.size(), 2u);
  EXPECT_EQ(units[0].tags_code, ToEpochMillis(receipt.store_time) + 10000);
  EXPECT_GE(units[1].tags_code, ToEpochMillis(receipt.store_time) + 10000);
}

TEST_F(StoreTest, OffsetAtTime_LowerAndUpper) {
  Open();
  std::vector<WallTime> times;
  for (int i = 0; i < 5; ++i) {
    times.push_back(Append({}).store_time);
    Pass(milliseconds(100));
  }
  Settle();
  const QueueKey queue{"T", 0};
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(store().OffsetAtTime(queue, times[static_cast<size_t>(i)], TimeBoundary::kLower).value, i);
    EXPECT_EQ(store().OffsetAtTime(queue, times[static_cast<size_t>(i)], TimeBoundary::kUpper).value, i);
    EXPECT_EQ(store().StoreTimeAt(queue, {i}), times[static_cast<size_t>(i)]);
  }
  EXPECT_EQ(store().OffsetAtTime(queue, times[2] + Millis(1), TimeBoundary::kLower).value, 3);
  EXPECT_EQ(store().OffsetAtTime(queue, times[2] + Millis(1), TimeBoundary::kUpper).value, 2);
  EXPECT_EQ(store().OffsetAtTime(queue, times[4] + Millis(1), TimeBoundary::kLower).value, 5);
  EXPECT_EQ(store().OffsetAtTime(queue, times[0] - Millis(1), TimeBoundary::kUpper).value, 0);
  EXPECT_EQ(store().EarliestStoreTime(), times[0]);
  EXPECT_EQ(store().StoreTimeAt(queue, {5}), std::nullopt);
}

TEST_F(StoreTest, Query_ByKeyUniqueKeyAndTag) {
  Open();
  for (int i = 0; i < 10; ++i) {
    TestMessage message{.body = std::to_string(i), .tags = "Tag", .keys = i % 2 == 0 ? "even k" : "odd"};
    AppendProperty(message.extra_properties, property::kUniqueKey, StrCat("ID", i));
    Append(message);
  }
  Settle();
  const auto query = [this](std::string key, KeyType type, int32_t count) {
    const auto reply = store().Query({.topic = "T",
                                      .key = std::move(key),
                                      .type = type,
                                      .messages_max = count,
                                      .begin = FromEpochMillis(0),
                                      .end = env().clock().Wall() + std::chrono::hours(1)});
    std::vector<std::string> bodies;
    if (!reply.ok()) return bodies;
    for (const Bytes& record : reply->records) {
      bodies.emplace_back(DecodeMessage(record.view(), BodyCheck::kVerifyCrc)->body);
    }
    return bodies;
  };
  EXPECT_EQ(query("even", KeyType::kKey, 32), (std::vector<std::string>{"0", "2", "4", "6", "8"}));
  EXPECT_EQ(query("k", KeyType::kKey, 2), (std::vector<std::string>{"6", "8"}));
  EXPECT_EQ(query("ID7", KeyType::kUnique, 32), (std::vector<std::string>{"7"}));
  EXPECT_EQ(query("Tag", KeyType::kTag, 32).size(), 10u);
  EXPECT_TRUE(query("Tag", KeyType::kKey, 32).empty());
  EXPECT_TRUE(query("nothing", KeyType::kAny, 32).empty());
}

TEST_F(StoreTest, Index_FilesFillUp_OlderOnesAreStillSearched) {
  options.index_entries = 8;
  Open();
  for (int i = 0; i < 30; ++i) Append({.body = std::to_string(i), .keys = StrCat("k", i % 3)});
  Settle();
  const auto reply = store().Query({.topic = "T",
                                    .key = "k0",
                                    .messages_max = 64,
                                    .begin = FromEpochMillis(0),
                                    .end = FromEpochMillis(INT64_MAX)});
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(reply->records.size(), 10u);
  EXPECT_GT(files().List("/store/index")->size(), 3u);
}

TEST(StoreDeletionTest, Close_WaitsForADeletion) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    StoreHarness harness(seed);
    harness.Open();
    harness.AppendMany(5, {});
    const Ending deleted = harness.StartDeletion("T");
    ASSERT_TRUE(harness.Close().ok());
    EXPECT_TRUE(deleted->has_value() && (*deleted)->ok()) << seed;
    harness.Open();
    EXPECT_TRUE(harness.store().recovery().clean_shutdown);
    EXPECT_EQ(harness.store().recovery().records_scanned, 0) << seed;
    EXPECT_FALSE(harness.store().Range({"T", 0}).has_value()) << seed;
  }
}

TEST(StoreDeletionTest, DeleteTopic_SparesWhatIsSentRightAfterwards) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    StoreHarness harness(seed);
    harness.Open();
    harness.Append({.body = "old"});
    const Ending deleted = harness.StartDeletion("T");
    std::vector<Pending> fresh;
    for (int i = 0; i < 20; ++i) fresh.push_back(harness.Send({.body = StrCat("m", i)}));
    for (const Pending& pending : fresh) ASSERT_TRUE(harness.Await(pending).ok());
    // Those that took their place before the deletion go with it.
    std::vector<std::string> kept;
    for (size_t i = 0; i < fresh.size(); ++i) {
      if ((*fresh[i])->value().queue_offset.value == 0) kept.clear();
      kept.push_back(StrCat("m", i));
    }
    harness.Settle();
    harness.Pass(std::chrono::seconds(2));
    if ((*fresh.back())->value().queue_offset.value < 20) {
      harness.ExpectQueue("T", 0, kept);
    } else {
      EXPECT_FALSE(harness.store().Range({"T", 0}).has_value());
    }
  }
}

TEST_F(StoreTest, DeleteTopic_StartsAgainAtZero) {
  Open();
  AppendMany(5, {});
  AppendMany(2, {.topic = "Other"});
  ASSERT_TRUE(DeleteTopic("T").ok());
  AppendMany(3, {}, "new");
  Settle();
  ExpectQueue("T", 0, Numbered(3, "new"));
  ExpectQueue("Other", 0, Numbered(2));
  Pass(seconds(1));  // Synced by now; the periodic checkpoint is not due yet.
  Crash(Loss::kPower);
  Open();
  ExpectQueue("T", 0, Numbered(3, "new"));
  ExpectQueue("Other", 0, Numbered(2));
  EXPECT_EQ(Append({}).queue_offset.value, 3);
}

TEST_F(StoreTest, Lock_SecondStoreInTheSameDirectory_IsRefused) {
  Open();
  auto second = MessageStore::Open(env(), options, {});
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().code(), StatusCode::kAlreadyExists);
  EXPECT_NE(second.status().text().find("/store/lock"), std::string_view::npos);
}

TEST_F(StoreTest, Options_OutOfRange_NameTheKey) {
  options.delete_when = "25";
  EXPECT_NE(TryOpen().text().find("deleteWhen"), std::string_view::npos);
  options.delete_when = "04;16";
  options.segment_bytes = 10;
  EXPECT_NE(TryOpen().text().find("mappedFileSizeCommitLog"), std::string_view::npos);
  options.segment_bytes = 16384;
  options.root.clear();
  EXPECT_NE(TryOpen().text().find("storePathRootDir"), std::string_view::npos);
}

TEST_F(StoreTest, Close_RefusesLaterAppends) {
  Open();
  AppendMany(5, {});
  std::optional<Status> closed;
  store().CloseAsync(seconds(10), [&closed](Result<Done> result) { closed = result.status(); });
  const auto late = Await(Send({}));
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.status().code(), StatusCode::kFailedPrecondition);
  Pass(seconds(1));
  ASSERT_TRUE(closed.has_value());
  EXPECT_TRUE(closed->ok()) << closed->ToString();
  EXPECT_FALSE(files().Exists("/store/abort"));
}

TEST_F(StoreTest, Destroyed_EveryAppendIsAnswered) {
  options.flush_mode = FlushMode::kSync;
  Open();
  std::vector<Pending> all;
  for (int i = 0; i < 10; ++i) all.push_back(Send({}));
  Crash(Loss::kPower);
  for (const Pending& pending : all) {
    ASSERT_TRUE(pending->has_value());
    EXPECT_FALSE((*pending)->ok());
  }
}

TEST_F(StoreTest, HotRead_PinsBytesOfDeletedSegments) {
  options.retention = Duration::zero();
  options.delete_when = "00;01;02;03;04;05;06;07;08;09;10;11;12;13;14;15;16;17;18;19;20;21;22;23";
  Open();
  Append({.body = "oldest"});
  Settle();
  const auto slice = store().Read({"T", 0}, {0}, {}, nullptr);
  ASSERT_EQ(slice.status, ReadStatus::kFound);
  for (int i = 0; i < 40; ++i) Append({.body = std::string(1000, 'x')});
  Pass(seconds(30));
  EXPECT_GT(store().watermarks().min.value, 0);
  EXPECT_EQ(DecodeMessage(slice.records[0].view(), BodyCheck::kVerifyCrc)->body, "oldest");
  const auto range = store().Range({"T", 0});
  ASSERT_TRUE(range.has_value());
  EXPECT_GT(range->min.value, 0);
  EXPECT_EQ(store().Read({"T", 0}, {0}, {}, nullptr).status, ReadStatus::kOffsetTooSmall);
  EXPECT_EQ(Bodies("T", 0).size(), static_cast<size_t>(range->max - range->min));
}

}  // namespace
}  // namespace orbitmq::store
