// SPDX-License-Identifier: Apache-2.0
// Messages on their way out and in, and the window of unfinished ones.
#include <set>

#include <gtest/gtest.h>

#include "client/consume_stats.h"
#include "client/outgoing_message.h"
#include "client/process_queue.h"
#include "client/received_rep.h"
#include "common/compression.h"
#include "common/message_properties.h"
#include "common/sys_flag.h"

namespace orbitmq::client {
namespace {

class FixedClock final : public Clock {
 public:
  MonoTime Monotonic() const override { return MonoTime{}; }
  WallTime Wall() const override { return FromEpochMillis(1700000000000); }
};

class OutgoingTest : public testing::Test {
 protected:
  FixedClock clock_;
  UniqueIdGenerator ids_{{"10.0.0.1", 77}, Random(1), clock_};
  EncodingRules rules_;
  static Message Valid() {
    Message message;
    message.topic = "T";
    message.body = "hello";
    return message;
  }
  std::string Refusal(const Message& message) {
    const auto out = EncodeMessage(message, rules_, ids_);
    EXPECT_EQ(out.status().code(), StatusCode::kInvalidArgument);
    return out.status().ToString();
  }
};

TEST_F(OutgoingTest, Encode_Everything_BecomesProperties) {
  Message message = Valid();
  message.tag = "TagA";
  message.keys = {"k1", "k2"};
  message.properties["mine"] = "1";
  message.delay_level = 3;
  message.flag = 9;
  const auto out = EncodeMessage(message, rules_, ids_);
  ASSERT_TRUE(out.ok()) << out.status().ToString();
  EXPECT_EQ(FindProperty(out->properties, property::kTags), "TagA");
  EXPECT_EQ(FindProperty(out->properties, property::kKeys), "k1 k2");
  EXPECT_EQ(FindProperty(out->properties, property::kDelayTimeLevel), "3");
  EXPECT_EQ(FindProperty(out->properties, property::kWaitStoreMsgOk), "true");
  EXPECT_EQ(FindProperty(out->properties, property::kUniqueKey), out->message_id);
  EXPECT_EQ(FindProperty(out->properties, "mine"), "1");
  EXPECT_EQ(out->flag, 9);
  EXPECT_EQ(out->body.view(), "hello");
}

TEST_F(OutgoingTest, Encode_BadMessages_NameTheField) {
  const auto with = [](auto change) {
    Message message = Valid();
    change(message);
    return message;
  };
  EXPECT_NE(Refusal(with([](Message& m) { m.topic = ""; })).find("topic"), std::string::npos);
  EXPECT_NE(Refusal(with([](Message& m) { m.topic = "a b"; })).find("topic"), std::string::npos);
  EXPECT_NE(Refusal(with([](Message& m) { m.topic = std::string(128, 't'); })).find("topic"),
            std::string::npos);
  EXPECT_NE(Refusal(with([](Message& m) { m.topic = "SCHEDULE_TOPIC_XXXX"; })).find("topic"),
            std::string::npos);
  EXPECT_NE(Refusal(with([](Message& m) { m.body = ""; })).find("body"), std::string::npos);
  EXPECT_NE(Refusal(with([](Message& m) { m.body.resize((4 << 20) + 1); })).find("body"), std::string::npos);
  EXPECT_NE(Refusal(with([](Message& m) { m.tag = "a\x02"; })).find("tag"), std::string::npos);
  EXPECT_NE(Refusal(with([](Message& m) { m.keys = {"a b"}; })).find("keys"), std::string::npos);
  EXPECT_NE(Refusal(with([](Message& m) { m.keys = {""}; })).find("keys"), std::string::npos);
  EXPECT_NE(Refusal(with([](Message& m) { m.properties["UNIQ_KEY"] = "x"; })).find("properties"),
            std::string::npos);
  EXPECT_NE(Refusal(with([](Message& m) { m.properties["a"] = ""; })).find("properties"), std::string::npos);
  EXPECT_NE(Refusal(with([](Message& m) { m.properties["a"] = std::string(40000, 'x'); })).find("properties"),
            std::string::npos);
  EXPECT_NE(Refusal(with([](Message& m) { m.delay_level = 19; })).find("delay_level"), std::string::npos);
}

TEST_F(OutgoingTest, Encode_Compression_EveryKindReadsBack) {
  const std::pair<BodyCompression, Compression> kinds[] = {{BodyCompression::kZlib, Compression::kZlib},
                                                           {BodyCompression::kLz4, Compression::kLz4},
                                                           {BodyCompression::kZstd, Compression::kZstd}};
  for (const auto& [wanted, used] : kinds) {
    rules_.compression = wanted;
    Message message = Valid();
    message.body = std::string(5000, 'x');
    const auto out = EncodeMessage(message, rules_, ids_);
    ASSERT_TRUE(out.ok());
    EXPECT_EQ(*CompressionOf(out->sys_flag), used);
    EXPECT_EQ(*Decompress(out->body.view(), used, 10000), message.body);
  }
}

TEST_F(OutgoingTest, Encode_NotWorthIt_StaysPlain) {
  Message message = Valid();
  message.body = std::string(4095, 'x');
  EXPECT_EQ(EncodeMessage(message, rules_, ids_)->sys_flag, 0);
  Random random(5);
  message.body.clear();
  for (int i = 0; i < 8192; ++i) message.body.push_back(static_cast<char>(random.Next()));
  EXPECT_EQ(EncodeMessage(message, rules_, ids_)->sys_flag, 0);
  rules_.compression = BodyCompression::kNone;
  message.body = std::string(50000, 'x');
  EXPECT_EQ(EncodeMessage(message, rules_, ids_)->sys_flag, 0);
}

TEST_F(OutgoingTest, EncodeBatch_ChecksEveryMember) {
  EXPECT_EQ(EncodeMessages({}, rules_, ids_).status().code(), StatusCode::kInvalidArgument);
  std::vector<Message> batch(3, Valid());
  const auto good = EncodeMessages(batch, rules_, ids_);
  ASSERT_TRUE(good.ok());
  const auto entries = DecodeBatch(good->body.view(), 10);
  ASSERT_TRUE(entries.ok());
  EXPECT_EQ(entries->size(), 3u);
  std::set<std::string_view> unique;
  for (const BatchEntry& entry : *entries)
    unique.insert(*FindProperty(entry.properties, property::kUniqueKey));
  EXPECT_EQ(unique.size(), 3u);
  const auto refused = [&](auto change) {
    auto bad = batch;
    change(bad[1]);
    const auto out = EncodeMessages(bad, rules_, ids_);
    EXPECT_EQ(out.status().code(), StatusCode::kInvalidArgument);
    EXPECT_NE(out.status().text().find("message 1 of the batch"), std::string_view::npos)
        << out.status().ToString();
  };
  refused([](Message& m) { m.topic = "U"; });
  refused([](Message& m) { m.delay_level = 1; });
  refused([](Message& m) { m.wait_store_ok = false; });
  refused([](Message& m) { m.body = ""; });
  rules_.message_bytes_max = 200;
  EXPECT_EQ(EncodeMessages(batch, rules_, ids_).status().code(), StatusCode::kInvalidArgument);
}

std::string Record(const std::string& body, const std::string& properties, int32_t sys_flag, int64_t offset) {
  RecordFields fields;
  fields.topic = "%RETRY%g";
  fields.body = body;
  fields.properties = properties;
  fields.sys_flag = sys_flag;
  fields.reconsume_times = 2;
  fields.store_host = *ParseHostAddress("10.0.0.1", 10911);
  RecordDraft draft{.bytes = {}, .record_count = 0, .crc = RecordCrc::kNone};
  EXPECT_TRUE(AppendRecord(fields, draft).ok());
  PatchRecord(draft.bytes.data(), {{offset}, {1000}, FromEpochMillis(5)}, draft.crc);
  return draft.bytes;
}

TEST(ReceivedTest, Decode_RestoresTopicAndIds) {
  std::string properties;
  AppendProperty(properties, property::kRetryTopic, "Orders");
  AppendProperty(properties, property::kUniqueKey, "UK");
  AppendProperty(properties, property::kTags, "t");
  const MessageQueue queue{"%RETRY%g", "a", 3};
  const auto pulled = DecodePulled(Bytes(Record("body", properties, 0, 7)), queue, 100);
  ASSERT_TRUE(pulled.status.ok());
  ASSERT_EQ(pulled.messages.size(), 1u);
  const ReceivedMessage& message = pulled.messages[0];
  EXPECT_EQ(message.topic(), "Orders");
  EXPECT_EQ(message.message_id(), "UK");
  EXPECT_EQ(message.offset_message_id(), "0A00000100002A9F00000000000003E8");
  EXPECT_EQ(message.queue_offset(), 107);
  EXPECT_EQ(message.reconsume_times(), 2);
  EXPECT_EQ(message.queue(), queue);
  EXPECT_EQ(message.tag(), "t");
  EXPECT_EQ(message.properties().size(), 3u);
  EXPECT_EQ(message.store_host(), "10.0.0.1:10911");
  EXPECT_FALSE(message.Property("none").has_value());
  EXPECT_FALSE(message.Property("").has_value());
}

TEST(ReceivedTest, Decode_CutAnywhere_GivesTheWholeOnesOnly) {
  const std::string one = Record("first", "", 0, 0);
  const std::string two = one + Record("second", "", 0, 1);
  for (size_t cut = 0; cut < two.size(); ++cut) {
    const auto pulled = DecodePulled(Bytes(two.substr(0, cut)), {"T", "a", 0}, 0);
    EXPECT_EQ(pulled.messages.size(), cut >= one.size() ? 1u : 0u) << cut;
    EXPECT_EQ(pulled.status.ok(), cut == 0 || cut == one.size()) << cut;
  }
}

TEST(ReceivedTest, Unpack_CompressedBody_AndGarbage) {
  const std::string plain(9000, 'p');
  const auto packed = Compress(plain, Compression::kZstd);
  ASSERT_TRUE(packed.ok());
  const int32_t flag = WithCompression(0, Compression::kZstd);
  auto pulled = DecodePulled(Bytes(Record(*packed, "", flag, 0)), {"T", "a", 0}, 0);
  ASSERT_EQ(pulled.messages.size(), 1u);
  EXPECT_EQ(Unpack(pulled.messages[0])->body(), plain);
  pulled = DecodePulled(Bytes(Record("no zstd", "", flag, 0)), {"T", "a", 0}, 0);
  ASSERT_EQ(pulled.messages.size(), 1u);
  EXPECT_FALSE(Unpack(pulled.messages[0]).ok());
}

TEST(ReceivedTest, Decode_InnerBatch_IsExpanded) {
  std::string body;
  AppendBatchEntry({0, "one",
                    "UNIQ_KEY\x01"
                    "A\x02"},
                   body);
  AppendBatchEntry({0, "two",
                    "UNIQ_KEY\x01"
                    "B\x02"},
                   body);
  const std::string record = Record(body, "", sys_flag::kNeedUnwrap | sys_flag::kInnerBatch, 10);
  const auto pulled = DecodePulled(Bytes(record), {"T", "a", 0}, 0);
  ASSERT_TRUE(pulled.status.ok());
  ASSERT_EQ(pulled.messages.size(), 2u);
  EXPECT_EQ(pulled.messages[1].body(), "two");
  EXPECT_EQ(pulled.messages[1].message_id(), "B");
  EXPECT_EQ(pulled.messages[1].queue_offset(), 11);
  EXPECT_FALSE(DecodePulled(Bytes(Record("junk", "", sys_flag::kNeedUnwrap | sys_flag::kInnerBatch, 0)),
                            {"T", "a", 0}, 0)
                   .status.ok());
}

TEST(ReceivedTest, Empty_HasEmptyEverything) {
  const ReceivedMessage none;
  EXPECT_TRUE(none.body().empty() && none.topic().empty() && none.tag().empty() && none.message_id().empty());
  EXPECT_EQ(none.queue_offset(), 0);
}

ReceivedMessage MessageAt(int64_t offset) {
  return DecodePulled(Bytes(Record("0123456789", "", 0, offset)), {"T", "a", 0}, 0).messages.front();
}

TEST(ProcessQueueTest, CommitPoint_FollowsTheLowestUnfinished) {
  ProcessQueue queue(10);
  EXPECT_EQ(queue.commit_point(), 10);
  for (const int64_t offset : {10, 11, 14}) EXPECT_TRUE(queue.Put(MessageAt(offset)));
  queue.ReadUpTo(20);
  EXPECT_EQ(queue.commit_point(), 10);
  EXPECT_EQ(queue.span(), 4);
  EXPECT_EQ(queue.bytes(), 30u);
  EXPECT_TRUE(queue.Finish(11));
  EXPECT_EQ(queue.commit_point(), 10);
  EXPECT_TRUE(queue.Finish(10));
  EXPECT_EQ(queue.commit_point(), 14);
  EXPECT_FALSE(queue.Finish(10));
  EXPECT_TRUE(queue.Finish(14));
  EXPECT_EQ(queue.commit_point(), 20);
  EXPECT_EQ(queue.bytes(), 0u);
}

TEST(ProcessQueueTest, Put_OldOffsets_AreTakenOnce) {
  ProcessQueue queue(5);
  EXPECT_FALSE(queue.Put(MessageAt(4)));
  EXPECT_TRUE(queue.Put(MessageAt(5)));
  EXPECT_FALSE(queue.Put(MessageAt(5)));
  queue.Finish(5);
  EXPECT_FALSE(queue.Put(MessageAt(5)));
  queue.ReadUpTo(3);
  EXPECT_EQ(queue.commit_point(), 6);
}

// Whatever comes in which order: the commit point is below every unfinished message and never moves back.
TEST(ProcessQueueTest, CommitPoint_RandomOrder_NeverPassesAnUnfinishedMessage) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    Random random(seed);
    ProcessQueue queue(0);
    std::set<int64_t> unfinished;
    int64_t next = 0;
    int64_t last_commit = 0;
    for (int step = 0; step < 600; ++step) {
      if (unfinished.empty() || random.Chance(1, 2)) {
        next += random.Between(0, 3);  // Gaps are filtered messages.
        ASSERT_TRUE(queue.Put(MessageAt(next)));
        unfinished.insert(next++);
      } else {
        auto chosen = unfinished.begin();
        std::advance(chosen, static_cast<ptrdiff_t>(random.Below(unfinished.size())));
        ASSERT_TRUE(queue.Finish(*chosen));
        unfinished.erase(chosen);
      }
      const int64_t commit = queue.commit_point();
      ASSERT_GE(commit, last_commit);
      ASSERT_EQ(commit, unfinished.empty() ? next : *unfinished.begin());
      last_commit = commit;
    }
  }
}

TEST(ConsumeStatsTest, Table_CountsTheLastMinuteAndHour) {
  ConsumeStats stats;
  const MonoTime start = MonoTime{} + std::chrono::minutes(100);
  stats.Consumed("T", {60, 6, std::chrono::milliseconds(8)}, start);
  stats.Pulled("T", 120, start);
  const auto now = stats.Table(start + std::chrono::minutes(1)).at("T");
  EXPECT_DOUBLE_EQ(now.consume_ok_tps, 1.0);
  EXPECT_DOUBLE_EQ(now.consume_failed_tps, 0.1);
  EXPECT_DOUBLE_EQ(now.pull_tps, 2.0);
  EXPECT_DOUBLE_EQ(now.consume_rt, 8.0);
  EXPECT_EQ(now.consume_failed_msgs, 6);
  const auto later = stats.Table(start + std::chrono::minutes(30)).at("T");
  EXPECT_DOUBLE_EQ(later.consume_ok_tps, 0.0);
  EXPECT_EQ(later.consume_failed_msgs, 6);
  EXPECT_EQ(stats.Table(start + std::chrono::minutes(62)).at("T").consume_failed_msgs, 0);
  stats.Consumed("T", {1, 1, {}}, start + std::chrono::minutes(200));
  EXPECT_EQ(stats.Table(start + std::chrono::minutes(200)).at("T").consume_failed_msgs, 1);
}

}  // namespace
}  // namespace orbitmq::client
