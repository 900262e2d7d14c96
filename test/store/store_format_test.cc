// SPDX-License-Identifier: Apache-2.0
// The bytes that we write for known messages, against the tables of the format (source: Apache's CommitLog,
// ConsumeQueue, IndexFile and StoreCheckpoint; vectors computed from them by hand).
#include "store/checkpoint.h"
#include "store/consume_queue.h"
#include "store/index_file.h"
#include "store/segment_file.h"
#include "test/store/store_fixture.h"

namespace orbitmq::store {
namespace {

std::string WholeFile(FileSystem& files, const std::string& path) {
  auto content = ReadWholeFile(files, path, uint64_t{1} << 30);
  EXPECT_TRUE(content.ok()) << content.status().ToString();
  return content.ok() ? *content : "";
}

TEST(StoreFormatTest, ConsumeQueueUnit) {
  std::string unit;
  EncodeUnit({{1234}, 124, 2598919}, unit);
  EXPECT_EQ(ToHex(unit), "00000000000004D20000007C000000000027A807");
  const QueueUnit back = DecodeUnit(unit.data());
  EXPECT_EQ(back.log_offset.value, 1234);
  EXPECT_EQ(back.record_bytes, 124);
  EXPECT_EQ(back.tags_code, 2598919);
}

TEST(StoreFormatTest, FileNames) {
  EXPECT_EQ(OffsetFileName(0), "00000000000000000000");
  EXPECT_EQ(OffsetFileName(1073741824), "00000000001073741824");
  EXPECT_EQ(ParseOffsetFileName("00000000001073741824"), 1073741824);
  for (const char* bad : {"", "1", "0000000000000000000x", "000000000000000000000", "99999999999999999999"}) {
    EXPECT_EQ(ParseOffsetFileName(bad), std::nullopt) << bad;
  }
}

TEST(StoreFormatTest, IndexKeyHashes) {
  EXPECT_EQ(IndexKeyHash("TopicTest#OrderID188"), 1231271670);
  EXPECT_EQ(IndexKeyHash("TopicTest#7F0000010000000000000000000000000001"), 140325197);
  EXPECT_EQ(IndexKeyHash("polygenelubricants"), 0);
}

TEST(StoreFormatTest, ApacheCheckpoint_Is48BytesBigEndian) {
  const ApacheCheckpoint checkpoint{1, 2, 3, 4, 5, 6};
  EXPECT_EQ(ToHex(checkpoint.Encode()),
            "000000000000000100000000000000020000000000000003"
            "000000000000000400000000000000050000000000000006");
  EXPECT_EQ(ApacheCheckpoint::Decode(checkpoint.Encode()), checkpoint);
  EXPECT_EQ(ApacheCheckpoint::Decode("short"), ApacheCheckpoint{});
  EXPECT_EQ((ApacheCheckpoint{.physic_time_ms = 5000, .logics_time_ms = 9000}.SafeTimeMs()), 2000);
  EXPECT_EQ((ApacheCheckpoint{.physic_time_ms = 500, .logics_time_ms = 9000}.SafeTimeMs()), 0);
}

TEST(StoreFormatTest, ExactCheckpoint_RoundTripsAndRefusesEveryCut) {
  ExactCheckpoint checkpoint;
  checkpoint.log_min = {100};
  checkpoint.dispatched = {2000};
  checkpoint.last_record = {1900};
  checkpoint.last_store_time_ms = 1700000000000;
  checkpoint.apache_crcs = {7, 8};
  checkpoint.index = {"20260101000000000", {.begin_time_ms = 1, .next_entry = 5}};
  checkpoint.removed_topics = {"Gone"};
  checkpoint.queues = {{{"T", 3}, {1}, {9}, {2000}}, {{"%RETRY%g", 0}, {0}, {0}, {0}}};
  const std::string bytes = checkpoint.Encode();
  const auto back = ExactCheckpoint::Decode(bytes);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->Encode(), bytes);
  ASSERT_EQ(back->queues.size(), 2u);
  EXPECT_EQ(back->queues[0].queue, (QueueKey{"T", 3}));
  for (size_t kept = 0; kept < bytes.size(); ++kept) {
    EXPECT_FALSE(ExactCheckpoint::Decode(bytes.substr(0, kept)).ok()) << kept;
  }
  for (size_t at = 0; at < bytes.size(); ++at) {
    std::string flipped = bytes;
    flipped[at] = static_cast<char>(flipped[at] ^ 0x40);
    EXPECT_FALSE(ExactCheckpoint::Decode(flipped).ok()) << at;
  }
}

std::string QueuesOf(const Result<ExactCheckpoint>& checkpoint) {
  if (!checkpoint.ok()) return checkpoint.status().ToString();
  std::string text = StrCat(checkpoint->dispatched.value);
  for (const QueueEnds& ends : checkpoint->queues) {
    StrAppend(text, " ", ends.queue.topic, ":", ends.queue.queue_id, "=", ends.max.value);
  }
  return text;
}

TEST(StoreFormatTest, ExactCheckpoint_LaterFramesAreAppliedUntilOneIsTorn) {
  ExactCheckpoint first;
  first.dispatched = {1000};
  first.queues = {{{"A", 0}, {0}, {5}, {0}}, {{"A", 1}, {0}, {6}, {0}}, {{"B", 0}, {0}, {7}, {0}}};
  ExactCheckpoint second;
  second.dispatched = {2000};
  second.queues = {{{"A", 1}, {0}, {16}, {0}}, {{"0New", 0}, {0}, {1}, {0}}};
  ExactCheckpoint third;
  third.dispatched = {3000};
  third.removed_topics = {"A"};
  third.queues = {{{"A", 1}, {0}, {1}, {0}}};
  const std::string one = first.Encode();
  const std::string two = one + second.EncodeFrame();
  const std::string three = two + third.EncodeFrame();
  EXPECT_EQ(QueuesOf(ExactCheckpoint::Decode(one)), "1000 A:0=5 A:1=6 B:0=7");
  EXPECT_EQ(QueuesOf(ExactCheckpoint::Decode(two)), "2000 0New:0=1 A:0=5 A:1=16 B:0=7");
  EXPECT_EQ(QueuesOf(ExactCheckpoint::Decode(three)), "3000 0New:0=1 A:1=1 B:0=7");
  for (size_t kept = two.size(); kept < three.size(); ++kept) {
    EXPECT_EQ(QueuesOf(ExactCheckpoint::Decode(three.substr(0, kept))),
              QueuesOf(ExactCheckpoint::Decode(two)));
    std::string flipped = three;
    flipped[kept] = static_cast<char>(flipped[kept] ^ 1);
    EXPECT_EQ(QueuesOf(ExactCheckpoint::Decode(flipped)), QueuesOf(ExactCheckpoint::Decode(two))) << kept;
  }
}

class StoreFilesTest : public StoreTest {};

TEST_F(StoreFilesTest, ExactCheckpointFile_AppendsChanges_UntilTheyOutgrowTheFirst) {
  Boot();
  ExactCheckpointFile file(files(), "/s");
  EXPECT_TRUE(file.wants_whole());
  ExactCheckpoint whole;
  for (int i = 0; i < 1000; ++i) whole.queues.push_back({{StrCat("Topic", 1000 + i), 0}, {0}, {1}, {0}});
  ASSERT_TRUE(file.SaveWhole(whole).ok());
  const size_t whole_bytes = ReadWholeFile(files(), "/s/orbitmq/checkpoint", 1 << 20)->size();
  ExactCheckpoint change;
  change.queues = {{{"Topic1500", 0}, {0}, {2}, {0}}};
  ASSERT_FALSE(file.wants_whole());
  ASSERT_TRUE(file.Append(change).ok());
  const size_t grown = ReadWholeFile(files(), "/s/orbitmq/checkpoint", 1 << 20)->size();
  EXPECT_LT(grown - whole_bytes, 200u) << "a change of one queue of 1000 must not cost all of them";
  disk().Crash();
  const auto loaded = LoadExactCheckpoint(files(), NullLogger(), "/s");
  ASSERT_TRUE(loaded.ok());
  EXPECT_EQ(loaded->queues[500].max.value, 2);
  int appended = 0;
  for (; !file.wants_whole() && appended < 10000; ++appended) ASSERT_TRUE(file.Append(change).ok());
  EXPECT_GT(appended, 100);
  EXPECT_LT(appended, 10000);
  ASSERT_TRUE(file.SaveWhole(whole).ok());
  EXPECT_FALSE(file.wants_whole());
  disk().FailSyncs(1);
  EXPECT_FALSE(file.Append(change).ok());
  EXPECT_TRUE(file.wants_whole());
}

TEST_F(StoreFilesTest, KnownMessage_AllFiles) {
  Open();
  for (int i = 0; i < 7; ++i) Append({.topic = "TopicTest", .queue_id = 3, .body = "x"});
  const auto receipt = Append(
      {.topic = "TopicTest", .queue_id = 3, .body = "Hello RocketMQ", .tags = "TagA", .keys = "OrderID188"});
  const int64_t at = receipt.log_offsets[0].value;
  const int64_t stored = ToEpochMillis(receipt.store_time);
  const int64_t dispatched_to = (Settle(), store().watermarks().appended.value);
  ASSERT_TRUE(Close().ok());
  Boot();

  const std::string log = WholeFile(files(), "/store/commitlog/00000000000000000000");
  EXPECT_EQ(log.size(), 16384u);
  std::string expected_place;
  ByteWriter place(expected_place);
  place.Write<int64_t>(7);
  place.Write<int64_t>(at);
  EXPECT_EQ(ToHex(log.substr(static_cast<size_t>(at), 20)), "000000A0DAA320A769C865ED0000000300000000");
  EXPECT_EQ(ToHex(log.substr(static_cast<size_t>(at) + 20, 16)), ToHex(expected_place));
  EXPECT_EQ(LoadBig<int64_t>(log.data() + at + 56), stored);
  EXPECT_EQ(log.find_first_not_of('\0', static_cast<size_t>(dispatched_to)), std::string::npos);

  const std::string queue = WholeFile(files(), "/store/consumequeue/TopicTest/3/00000000000000000000");
  EXPECT_EQ(queue.size(), 600u);
  std::string unit;
  EncodeUnit({{at}, 160, 2598919}, unit);
  EXPECT_EQ(ToHex(queue.substr(140, 20)), ToHex(unit));

  const auto index_files = files().List("/store/index");
  ASSERT_TRUE(index_files.ok());
  ASSERT_EQ(index_files->size(), 1u);
  EXPECT_EQ((*index_files)[0].name.size(), 17u);
  const std::string index = WholeFile(files(), "/store/index/" + (*index_files)[0].name);
  EXPECT_EQ(index.size(), 40u + 4 * 100 + 20 * 400);
  const IndexHeader header = IndexHeader::Decode(index);
  EXPECT_EQ(header.begin_time_ms, stored);
  EXPECT_EQ(header.begin_log_offset, at);
  EXPECT_EQ(header.end_log_offset, at);
  EXPECT_EQ(header.next_entry, 3);  // KEYS and the tag's extra entry of 5.5.0, after the unused entry 0.
  EXPECT_EQ(header.slots_used, 2);
  EXPECT_EQ(LoadBig<int32_t>(index.data() + 40 + 4 * (1231271670 % 100)), 1);
  EXPECT_EQ(LoadBig<int32_t>(index.data() + 440 + 20), 1231271670);
  EXPECT_EQ(LoadBig<int64_t>(index.data() + 440 + 24), at);
  EXPECT_EQ(LoadBig<int32_t>(index.data() + 440 + 40), IndexKeyHash("TopicTest#T#TagA"));

  const std::string checkpoint = WholeFile(files(), "/store/checkpoint");
  EXPECT_EQ(checkpoint.size(), 4096u);
  const ApacheCheckpoint apache = ApacheCheckpoint::Decode(checkpoint);
  EXPECT_EQ(apache.physic_time_ms, stored);
  EXPECT_EQ(apache.logics_time_ms, stored);
  EXPECT_EQ(apache.index_time_ms, stored + ApacheCheckpoint::kIndexLeadMs);
  EXPECT_EQ(apache.SafeIndexTimeMs(), stored);
  EXPECT_EQ(apache.confirm_log_offset, dispatched_to);
  EXPECT_EQ(apache.logics_log_offset, at);
  EXPECT_EQ(checkpoint.find_first_not_of('\0', 48), std::string::npos);
}

TEST_F(StoreFilesTest, LongTopic_IsStoredAsV2) {
  Open();
  const std::string topic = "%RETRY%" + std::string(150, 'g');
  const auto receipt = Append({.topic = topic, .body = "v2"});
  Settle();
  const auto record = store().ReadAt(receipt.log_offsets[0]);
  ASSERT_TRUE(record.ok());
  EXPECT_EQ(DecodeMessage(record->view(), BodyCheck::kVerifyCrc)->magic, RecordMagic::kV2);
  ExpectQueue(topic, 0, {"v2"});
  Crash(Loss::kProcess);
  Open();
  ExpectQueue(topic, 0, {"v2"});
}

}  // namespace
}  // namespace orbitmq::store
