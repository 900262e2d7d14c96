// SPDX-License-Identifier: Apache-2.0
// Opens the store that Apache 5.5.0 left (test/golden/store) and reads everything in it; rebuilds its queues
// and index from its log and compares the bytes with Apache's.
#include <filesystem>
#include <map>

#include "test/golden/golden.h"
#include "test/store/store_fixture.h"

namespace orbitmq::store {
namespace {

class GoldenStoreTest : public StoreTest {
 protected:
  void SetUp() override {
    options.segment_bytes = 16384;
    options.queue_file_units = 30;
    options.index_slots = 100;
    options.index_entries = 400;
    options.delay_levels = {std::chrono::seconds(1), std::chrono::hours(2)};
    Boot();
    const std::filesystem::path root = std::filesystem::path(ORBITMQ_GOLDEN_DIR) / "store";
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
      if (!entry.is_regular_file()) continue;
      const std::string name = std::filesystem::relative(entry.path(), root).string();
      original_[name] = golden::LoadGolden("store/" + name);
      Write("/store/" + name, original_[name]);
    }
    ASSERT_GT(original_.size(), 10u);
  }
  void Write(const std::string& path, const std::string& content) {
    ASSERT_TRUE(files().CreateDirectories(path.substr(0, path.rfind('/'))).ok());
    auto file = files().Open(path, OpenMode::kCreate);
    ASSERT_TRUE(file.ok());
    const std::string_view pieces[] = {content};
    ASSERT_TRUE((*file)->WriteAt(0, pieces).ok());
    ASSERT_TRUE((*file)->Sync().ok());
  }
  // Every record of Apache's log, in order.
  std::vector<std::pair<LogOffset, MessageView>> Records() {
    std::vector<std::pair<LogOffset, MessageView>> records;
    for (const auto& [name, content] : original_) {
      if (!name.starts_with("commitlog/")) continue;
      for (size_t at = 0; at + 8 < content.size();) {
        const auto view = DecodeMessage(std::string_view(content).substr(at), BodyCheck::kVerifyCrc);
        if (!view.ok()) break;
        records.emplace_back(view->log_offset, *view);
        at += static_cast<size_t>(view->total_bytes);
      }
    }
    return records;
  }
  void ExpectFilesAsApache(std::string_view folder) {
    for (const auto& [name, content] : original_) {
      if (!name.starts_with(folder)) continue;
      const auto ours = ReadWholeFile(files(), "/store/" + name, uint64_t{1} << 30);
      ASSERT_TRUE(ours.ok()) << ours.status().ToString();
      EXPECT_TRUE(*ours == content) << name << " differs from Apache's";
    }
  }
  void RemoveOriginals(std::string_view folder) {
    for (const auto& [name, content] : original_) {
      if (!name.starts_with(folder)) continue;
      ASSERT_TRUE(files().Remove("/store/" + name).ok());
    }
  }
  std::map<std::string, std::string> original_;
};

TEST_F(GoldenStoreTest, OpensCleanly_EveryRecordIsReadable) {
  const auto records = Records();
  ASSERT_GT(records.size(), 10u);
  Open();
  EXPECT_TRUE(store().recovery().clean_shutdown);
  EXPECT_EQ(store().recovery().truncated_bytes, 0);
  for (const auto& [at, view] : records) {
    const auto record = store().ReadAt(at);
    ASSERT_TRUE(record.ok()) << at.value << " " << record.status().ToString();
    EXPECT_EQ(DecodeMessage(record->view(), BodyCheck::kVerifyCrc)->body, view.body);
    const auto type = TransactionTypeOf(view.sys_flag);
    if (type != TransactionType::kNone && type != TransactionType::kCommit) continue;
    const auto slice = store().Read({std::string(view.topic), view.queue_id}, view.queue_offset,
                                    {.messages_max = 1}, nullptr);
    ASSERT_EQ(slice.status, ReadStatus::kFound) << view.topic;
    EXPECT_EQ(slice.records[0].view(), record->view());
  }
  ExpectFilesAsApache("consumequeue/");
}

TEST_F(GoldenStoreTest, GoesOn_WithTheNextOffsets) {
  const auto records = Records();
  Open();
  const LogOffset end = store().watermarks().appended;
  const auto& last = records.back().second;
  EXPECT_EQ(end, last.log_offset + last.total_bytes);
  const auto range = store().Range({"GoldenStore", 0});
  ASSERT_TRUE(range.has_value());
  const auto receipt = Append({.topic = "GoldenStore", .body = "ours"});
  EXPECT_EQ(receipt.queue_offset, range->max);
  EXPECT_EQ(receipt.log_offsets[0], end);
  Reopen();
  EXPECT_EQ(Bodies("GoldenStore", 0).back(), "ours");
}

TEST_F(GoldenStoreTest, QueuesRebuiltFromTheLog_AreByteEqual) {
  RemoveOriginals("consumequeue/");
  Open();
  ASSERT_TRUE(Close().ok());
  Boot();
  ExpectFilesAsApache("consumequeue/");
}

TEST_F(GoldenStoreTest, IndexRebuiltFromTheLog_IsByteEqual) {
  RemoveOriginals("index/");
  Open();
  Settle();
  ASSERT_TRUE(Close().ok());
  Boot();
  const auto made = files().List("/store/index");
  ASSERT_TRUE(made.ok());
  ASSERT_EQ(made->size(), 1u);
  const auto ours = ReadWholeFile(files(), "/store/index/" + (*made)[0].name, uint64_t{1} << 30);
  ASSERT_TRUE(ours.ok());
  for (const auto& [name, content] : original_) {
    if (!name.starts_with("index/")) continue;
    EXPECT_EQ(ToHex(ours->substr(0, 40)), ToHex(content.substr(0, 40)));
    EXPECT_EQ(ToHex(ours->substr(40, 400)), ToHex(content.substr(40, 400)));
    EXPECT_EQ(ToHex(ours->substr(440)), ToHex(content.substr(440)));
  }
}

TEST_F(GoldenStoreTest, AfterAKill_TheSameIsRecovered) {
  const auto records = Records();
  Write("/store/abort", "1234");
  Open();
  EXPECT_FALSE(store().recovery().clean_shutdown);
  const auto& last = records.back().second;
  EXPECT_EQ(store().recovery().log_end, last.log_offset + last.total_bytes);
  ExpectFilesAsApache("consumequeue/");
}

TEST_F(GoldenStoreTest, KeysOfEveryRecord_AreFound) {
  Open();
  for (const auto& [at, view] : Records()) {
    const auto unique = FindProperty(view.properties, property::kUniqueKey);
    if (!unique || TransactionTypeOf(view.sys_flag) == TransactionType::kRollback) continue;
    const auto reply = store().Query({.topic = std::string(view.topic),
                                      .key = std::string(*unique),
                                      .type = KeyType::kUnique,
                                      .begin = FromEpochMillis(0),
                                      .end = FromEpochMillis(INT64_MAX)});
    ASSERT_TRUE(reply.ok());
    bool found = false;
    for (const Bytes& record : reply->records) {
      found = found || DecodeMessage(record.view(), BodyCheck::kTrust)->log_offset == at;
    }
    EXPECT_TRUE(found) << view.topic << " " << *unique;
  }
}

}  // namespace
}  // namespace orbitmq::store
