// SPDX-License-Identifier: Apache-2.0
// The log of an Apache broker, read and written again by our record codec.
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/bytes.h"
#include "common/compression.h"
#include "common/message_codec.h"
#include "common/message_properties.h"
#include "common/names.h"
#include "common/sys_flag.h"
#include "common/tag_filter.h"
#include "test/golden/golden.h"
#include "test/golden/record_fields.h"

namespace orbitmq {
namespace {

struct GoldenRecord {
  std::string bytes;
  LogOffset offset;
};

// Every record of the two segments, fillers left out.
std::vector<GoldenRecord> GoldenRecords() {
  std::vector<GoldenRecord> records;
  for (const char* name : {"00000000000000000000", "00000000000000016384"}) {
    const std::string segment = golden::LoadGolden(std::string("store/commitlog/") + name);
    const int64_t base = std::stoll(name);
    size_t at = 0;
    while (true) {
      const auto view = DecodeMessage(std::string_view(segment).substr(at), BodyCheck::kVerifyCrc);
      if (!view) break;
      records.push_back(
          {segment.substr(at, static_cast<size_t>(view->total_bytes)), {base + static_cast<int64_t>(at)}});
      at += static_cast<size_t>(view->total_bytes);
    }
  }
  return records;
}

MessageView View(const GoldenRecord& record) { return *DecodeMessage(record.bytes, BodyCheck::kVerifyCrc); }

TEST(GoldenLog, EveryRecord_IsWrittenAgainByteForByte) {
  const std::vector<GoldenRecord> records = GoldenRecords();
  ASSERT_GE(records.size(), 20u);
  for (const GoldenRecord& record : records) {
    const MessageView view = View(record);
    EXPECT_EQ(view.log_offset, record.offset);
    const RecordFields fields = golden::FieldsOf(view);
    RecordDraft draft{.bytes = {}, .record_count = 0, .crc = RecordCrc::kNone};
    ASSERT_TRUE(AppendRecord(fields, draft).ok());
    PatchRecord(draft.bytes.data(), {view.queue_offset, view.log_offset, view.store_time}, draft.crc);
    EXPECT_TRUE(draft.bytes == record.bytes) << "at " << record.offset.value;
  }
}

TEST(GoldenLog, Kinds_AreAllThere) {
  int v2 = 0;
  int ipv6 = 0;
  int compressed = 0;
  int delayed = 0;
  int dead = 0;
  for (const GoldenRecord& record : GoldenRecords()) {
    const MessageView view = View(record);
    if (view.magic == RecordMagic::kV2) {
      ++v2;
      EXPECT_GT(view.topic.size(), 127u);
    }
    if (view.born_host.ipv6) ++ipv6;
    if (view.topic == names::kScheduleTopic) {
      ++delayed;
      EXPECT_TRUE(FindProperty(view.properties, property::kRealTopic).has_value());
    }
    if (IsDlqTopic(view.topic)) ++dead;
    if ((view.sys_flag & sys_flag::kCompressed) != 0) {
      ++compressed;
      const auto plain = Decompress(view.body, *CompressionOf(view.sys_flag), 1 << 20);
      ASSERT_TRUE(plain.ok()) << plain.status().text();
      EXPECT_GT(plain->size(), view.body.size());
    }
  }
  EXPECT_GE(v2, 1);
  EXPECT_GE(ipv6, 1);
  EXPECT_GE(compressed, 1);
  EXPECT_GE(delayed, 2);
  EXPECT_GE(dead, 1);
}

TEST(GoldenLog, TagsOfTheQueue_AreTheHashesOfTheRecords) {
  const std::string queue = golden::LoadGolden("store/consumequeue/GoldenStore/0/00000000000000000000");
  std::map<int64_t, GoldenRecord> by_offset;
  for (GoldenRecord& record : GoldenRecords()) by_offset.emplace(record.offset.value, std::move(record));
  int tagged = 0;
  for (size_t at = 0; at + 20 <= queue.size(); at += 20) {
    ByteReader entry(std::string_view(queue).substr(at, 20));
    const auto log_offset = entry.Read<int64_t>();
    const auto bytes = entry.Read<int32_t>();
    const auto code = entry.Read<int64_t>();
    if (bytes == 0) break;
    const auto found = by_offset.find(log_offset);
    ASSERT_NE(found, by_offset.end()) << log_offset;
    const MessageView view = View(found->second);
    EXPECT_EQ(view.total_bytes, bytes);
    const std::string_view tags = FindProperty(view.properties, property::kTags).value_or("");
    EXPECT_EQ(TagsCode(tags), code);
    if (!tags.empty()) ++tagged;
  }
  EXPECT_GE(tagged, 1);
}

}  // namespace
}  // namespace orbitmq
