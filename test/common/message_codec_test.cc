// SPDX-License-Identifier: Apache-2.0
#include <string>

#include <gtest/gtest.h>

#include "common/bytes.h"
#include "common/crc32.h"
#include "common/message_codec.h"
#include "common/message_properties.h"
#include "common/random.h"
#include "common/strings.h"
#include "common/sys_flag.h"

namespace orbitmq {
namespace {

std::string Hex(std::string_view hex) {
  std::string compact;
  for (const char c : hex) {
    if (c != ' ') compact += c;
  }
  return *FromHex(compact);
}

HostAddress Host(std::string_view ip, uint16_t port) { return *ParseHostAddress(ip, port); }

RecordFields HiFields() {
  RecordFields fields;
  fields.topic = "T1";
  fields.queue_id = 3;
  fields.born_time = FromEpochMillis(1700000000000);
  fields.born_host = Host("10.0.0.9", 51234);
  fields.store_host = Host("10.0.0.1", 10911);
  fields.body = "hi";
  fields.properties = "WAIT\x01true\x02";
  return fields;
}

// remoting.md 13, vector 4.
const std::string& HiRecord() {
  static const std::string record =
      Hex("00000069 DAA320A7 58932AAC 00000003 00000000 0000000000000005 00000000000003E8 00000000 "
          "0000018BCFE56800 "
          "0A000009 0000C822 0000018BCFE56801 0A000001 00002A9F 00000000 0000000000000000 00000002 6869 02 "
          "5431 000A "
          "57414954017472756502");
  return record;
}

std::string Placed(const RecordFields& fields, const RecordPlacement& placement,
                   RecordCrc crc = RecordCrc::kNone) {
  RecordDraft draft{.bytes = {}, .record_count = 0, .crc = crc};
  EXPECT_TRUE(AppendRecord(fields, draft).ok());
  EXPECT_EQ(draft.record_count, 1);
  PatchRecord(draft.bytes.data(), placement, crc);
  return draft.bytes;
}

TEST(Record, SpecVector_IsWrittenByteForByte) {
  EXPECT_EQ(ToHex(Placed(HiFields(), {{5}, {1000}, FromEpochMillis(1700000000001)})), ToHex(HiRecord()));
}

// store.md appendix A.
TEST(Record, StoreVector_IsWrittenByteForByte) {
  RecordFields fields;
  fields.topic = "TopicTest";
  fields.queue_id = 3;
  fields.born_time = FromEpochMillis(1700000000000);
  fields.born_host = Host("10.1.2.3", 50000);
  fields.store_host = Host("127.0.0.1", 10911);
  fields.body = "Hello RocketMQ";
  fields.properties = "TAGS\x01TagA\x02";
  EXPECT_EQ(
      ToHex(Placed(fields, {{7}, {1234}, FromEpochMillis(1700000000005)})),
      ToHex(Hex(
          "0000007cdaa320a769c865ed00000003 000000000000000000000007000000000000 04d2000000000000018bcfe56800"
          "0a0102030000c3500000018bcfe56805 7f00000100002a9f0000000000000000000000000000000e"
          "48656c6c6f20526f636b65744d5109546f70696354657374000a54414753015461674102")));
}

TEST(Record, SpecVector_IsDecoded) {
  const std::string bytes = HiRecord() + "whatever follows";
  const auto view = DecodeMessage(bytes, BodyCheck::kVerifyCrc);
  ASSERT_TRUE(view.ok()) << view.status().text();
  EXPECT_EQ(view->total_bytes, 105);
  EXPECT_EQ(view->magic, RecordMagic::kV1);
  EXPECT_EQ(view->body_crc, 1486039724u);
  EXPECT_EQ(view->queue_id, 3);
  EXPECT_EQ(view->flag, 0);
  EXPECT_EQ(view->queue_offset.value, 5);
  EXPECT_EQ(view->log_offset.value, 1000);
  EXPECT_EQ(view->sys_flag, 0);
  EXPECT_EQ(ToEpochMillis(view->born_time), 1700000000000);
  EXPECT_EQ(view->born_host.ToString(), "10.0.0.9:51234");
  EXPECT_EQ(ToEpochMillis(view->store_time), 1700000000001);
  EXPECT_EQ(view->store_host.ToString(), "10.0.0.1:10911");
  EXPECT_EQ(view->reconsume_times, 0);
  EXPECT_EQ(view->prepared_transaction_offset, 0);
  EXPECT_EQ(view->body, "hi");
  EXPECT_EQ(view->topic, "T1");
  EXPECT_EQ(view->properties, "WAIT\x01true\x02");
}

struct Shape {
  const char* born;
  const char* store;
  size_t topic_bytes;
};

TEST(Record, EveryShape_RoundTrips) {
  const Shape shapes[] = {{"1.2.3.4", "5.6.7.8", 1},
                          {"::1", "5.6.7.8", 127},
                          {"1.2.3.4", "2001:db8::2", 127},
                          {"::1", "2001:db8::2", 128},
                          {"1.2.3.4", "::1", 255}};
  for (const Shape& shape : shapes) {
    const std::string topic(shape.topic_bytes, 't');
    RecordFields fields;
    fields.topic = topic;
    fields.queue_id = 65535;
    fields.flag = -7;
    fields.sys_flag =
        sys_flag::kCompressed | sys_flag::kBornHostV6 | sys_flag::kStoreHostV6;  // Host bits are ours.
    fields.born_time = FromEpochMillis(-1);
    fields.born_host = Host(shape.born, 1);
    fields.store_host = Host(shape.store, 65535);
    fields.reconsume_times = 16;
    fields.prepared_transaction_offset = int64_t{1} << 40;
    const std::string properties(kPropertiesBytesMax, 'p');
    fields.properties = properties;
    const std::string record = Placed(fields, {{1}, {int64_t{1} << 50}, FromEpochMillis(99)});
    const auto view = DecodeMessage(record, BodyCheck::kVerifyCrc);
    ASSERT_TRUE(view.ok()) << view.status().text();
    EXPECT_EQ(view->magic, shape.topic_bytes > 127 ? RecordMagic::kV2 : RecordMagic::kV1);
    EXPECT_EQ(view->total_bytes, static_cast<int32_t>(RecordBytes(view->magic, view->sys_flag, 0,
                                                                  topic.size(), properties.size())));
    EXPECT_EQ(view->born_host, fields.born_host);
    EXPECT_EQ(view->store_host, fields.store_host);
    EXPECT_EQ((view->sys_flag & sys_flag::kBornHostV6) != 0, fields.born_host.ipv6);
    EXPECT_EQ((view->sys_flag & sys_flag::kStoreHostV6) != 0, fields.store_host.ipv6);
    EXPECT_NE(view->sys_flag & sys_flag::kCompressed, 0);
    EXPECT_EQ(view->flag, -7);
    EXPECT_EQ(view->queue_offset.value, 1);
    EXPECT_EQ(view->log_offset.value, int64_t{1} << 50);
    EXPECT_EQ(ToEpochMillis(view->store_time), 99);
    EXPECT_EQ(ToEpochMillis(view->born_time), -1);
    EXPECT_EQ(view->topic, topic);
    EXPECT_EQ(view->properties, properties);
    EXPECT_EQ(view->body, "");
    EXPECT_EQ(view->reconsume_times, 16);
    EXPECT_EQ(view->prepared_transaction_offset, int64_t{1} << 40);
  }
}

TEST(Record, Draft_HoldsSeveralBackToBack) {
  RecordDraft draft;
  RecordFields fields = HiFields();
  ASSERT_TRUE(AppendRecord(fields, draft).ok());
  fields.body = "second";
  ASSERT_TRUE(AppendRecord(fields, draft).ok());
  EXPECT_EQ(draft.record_count, 2);
  const auto first = DecodeMessage(draft.bytes, BodyCheck::kVerifyCrc);
  ASSERT_TRUE(first.ok());
  const auto second = DecodeMessage(
      std::string_view(draft.bytes).substr(static_cast<size_t>(first->total_bytes)), BodyCheck::kVerifyCrc);
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second->body, "second");
}

TEST(Record, TooLongFields_AreRefusedAndTheDraftStays) {
  RecordDraft draft;
  const std::string topic(256, 't');
  const std::string properties(kPropertiesBytesMax + 1, 'p');
  RecordFields fields = HiFields();
  fields.topic = topic;
  EXPECT_EQ(AppendRecord(fields, draft).text(), "message topic has 256 bytes; allowed are at most 255");
  fields.topic = "";
  EXPECT_EQ(AppendRecord(fields, draft).code(), StatusCode::kInvalidArgument);
  fields = HiFields();
  fields.properties = properties;
  EXPECT_EQ(AppendRecord(fields, draft).text(),
            "message properties has 32768 bytes; allowed are at most 32767");
  const std::string body((size_t{15} << 20) + 1, 'b');
  fields = HiFields();
  fields.body = body;
  EXPECT_EQ(AppendRecord(fields, draft).code(), StatusCode::kInvalidArgument);
  EXPECT_TRUE(draft.bytes.empty());
  EXPECT_EQ(draft.record_count, 0);
}

std::string CrcOf(const std::string& record) { return std::string(record.end() - 11, record.end() - 1); }

TEST(RecordCrc, DigitsStandAsInTheSpec) {
  // store.md 14: for the CRC value 305419896 the record ends with `__CRC32#` 01 `6989145030` 02. Here the
  // value is computed anew from the bytes before.
  const std::string record =
      Placed(HiFields(), {{5}, {1000}, FromEpochMillis(1700000000001)}, RecordCrc::kWhole);
  ASSERT_EQ(record.size(), HiRecord().size() + kRecordCrcBytes);
  std::string expected;
  uint32_t crc = BodyCrc(std::string_view(record).substr(0, record.size() - kRecordCrcBytes));
  for (int i = 0; i < 10; ++i, crc /= 10) expected.push_back(static_cast<char>('0' + crc % 10));
  EXPECT_EQ(record.substr(record.size() - kRecordCrcBytes), "__CRC32#\x01" + expected + "\x02");
  const auto view = DecodeMessage(record, BodyCheck::kVerifyCrc);
  ASSERT_TRUE(view.ok()) << view.status().ToString();
  EXPECT_EQ(FindProperty(view->properties, property::kCrc32), CrcOf(record));
  EXPECT_EQ(FindProperty(view->properties, "WAIT"), "true");
  EXPECT_EQ(CheckRecordCrc(record, *view), RecordCrcCheck::kMatches);
}

TEST(RecordCrc, EveryChangedByteIsFound) {
  const std::string record =
      Placed(HiFields(), {{5}, {1000}, FromEpochMillis(1700000000001)}, RecordCrc::kWhole);
  for (size_t at = 0; at < record.size(); ++at) {
    std::string bad = record;
    bad[at] = static_cast<char>(bad[at] ^ 0x10);
    const auto view = DecodeMessage(bad, BodyCheck::kTrust);
    if (!view.ok()) continue;  // A length: structure tells.
    EXPECT_NE(CheckRecordCrc(bad, *view), RecordCrcCheck::kMatches) << at;
  }
}

TEST(RecordCrc, AnyShapeOfRecordMatches) {
  const std::string long_topic(200, 'L');
  const std::string long_properties = "k\x01" + std::string(20000, 'v');  // Without the last separator.
  int shapes = 0;
  for (const char* born : {"10.0.0.9", "::1"}) {
    for (const char* store : {"10.0.0.1", "fe80::1"}) {
      for (std::string_view topic : {std::string_view("T"), std::string_view(long_topic)}) {
        for (std::string_view properties : {std::string_view(), std::string_view("a\x01 b\x02"),
                                            std::string_view("a\x01 b"), std::string_view(long_properties)}) {
          for (size_t body_bytes : {0, 1, 3900, 4096, 5000, 1 << 20}) {
            RecordFields fields = HiFields();
            const std::string body(body_bytes, 'x');
            fields.born_host = Host(born, 1);
            fields.store_host = Host(store, 2);
            fields.topic = topic;
            fields.properties = properties;
            fields.body = body;
            const std::string record =
                Placed(fields, {{shapes}, {int64_t{1} << 40}, FromEpochMillis(1700000000000 + shapes)},
                       RecordCrc::kWhole);
            const auto view = DecodeMessage(record, BodyCheck::kVerifyCrc);
            ASSERT_TRUE(view.ok()) << view.status().ToString();
            ASSERT_EQ(CheckRecordCrc(record, *view), RecordCrcCheck::kMatches) << shapes;
            ASSERT_EQ(view->queue_offset.value, shapes);
            ++shapes;
          }
        }
      }
    }
  }
  EXPECT_EQ(shapes, 2 * 2 * 2 * 4 * 6);
}

TEST(RecordCrc, SeveralInOneDraft_EachHasItsOwn) {
  RecordDraft draft;
  for (const char* body : {"one", "two"}) {
    RecordFields fields = HiFields();
    fields.body = body;
    ASSERT_TRUE(AppendRecord(fields, draft).ok());
  }
  const auto first_bytes = static_cast<size_t>(PeekRecord(draft.bytes)->total_bytes);
  PatchRecord(draft.bytes.data(), {{1}, {0}, FromEpochMillis(1)}, draft.crc);
  PatchRecord(draft.bytes.data() + first_bytes, {{2}, {100}, FromEpochMillis(1)}, draft.crc);
  for (const std::string& record : {draft.bytes.substr(0, first_bytes), draft.bytes.substr(first_bytes)}) {
    const auto view = DecodeMessage(record, BodyCheck::kVerifyCrc);
    ASSERT_TRUE(view.ok());
    EXPECT_EQ(CheckRecordCrc(record, *view), RecordCrcCheck::kMatches);
  }
  EXPECT_NE(CrcOf(draft.bytes.substr(0, first_bytes)), CrcOf(draft.bytes));
}

TEST(RecordCrc, NoRoomInTheProperties_TheMessageIsTakenWithout) {
  // Apache without the option takes properties of up to 32,767 bytes, and so do we with it.
  for (const size_t bytes : {kPropertiesBytesMax - kRecordCrcBytes, kPropertiesBytesMax - kRecordCrcBytes + 1,
                             kPropertiesBytesMax}) {
    RecordFields fields = HiFields();
    const std::string properties = "k\x01" + std::string(bytes - 3, 'v') + "\x02";
    fields.properties = properties;
    const std::string record = Placed(fields, {{5}, {1000}, FromEpochMillis(1)}, RecordCrc::kWhole);
    const auto view = DecodeMessage(record, BodyCheck::kVerifyCrc);
    ASSERT_TRUE(view.ok()) << view.status().ToString();
    const bool room = bytes + kRecordCrcBytes <= kPropertiesBytesMax;
    EXPECT_EQ(view->properties.size(), room ? bytes + kRecordCrcBytes : bytes);
    EXPECT_EQ(CheckRecordCrc(record, *view), room ? RecordCrcCheck::kMatches : RecordCrcCheck::kNoRoom);
  }
}

TEST(RecordCrc, OnlyTheLastPropertyCounts) {
  RecordFields fields = HiFields();
  const struct {
    std::string_view properties;
    RecordCrcCheck expected;
  } rows[] = {
      {"__CRC32#\x01"
       "0000000000\x02",
       RecordCrcCheck::kDiffers},
      {"a\x01z\x02__CRC32#\x01"
       "0000000000\x02",
       RecordCrcCheck::kDiffers},
      {"a\x01z\x02X__CRC32#\x01"
       "0000000000\x02",
       RecordCrcCheck::kAbsent},
      {"__CRC32#\x01"
       "0000000000\x02z\x01z\x02",
       RecordCrcCheck::kAbsent},
      {"__CRC32#\x01"
       "000000000\x02",
       RecordCrcCheck::kAbsent},
      {"", RecordCrcCheck::kAbsent},
  };
  for (const auto& row : rows) {
    fields.properties = row.properties;
    const std::string record = Placed(fields, {{5}, {1000}, FromEpochMillis(1)});
    EXPECT_EQ(CheckRecordCrc(record, *DecodeMessage(record, BodyCheck::kTrust)), row.expected)
        << Printable(row.properties);
  }
}

TEST(Crc32, CombineJoinsPiecesOfAnyLength) {
  const std::string before = "what stands in front";
  std::string behind;
  for (const size_t bytes : {0u, 1u, 100u, 4095u, 4096u, 4097u, 70'000u, 1u << 20, (16u << 20) + 77u}) {
    behind.resize(bytes, 'b');
    EXPECT_EQ(Crc32Combine(Crc32(before), Crc32ShiftOf(bytes), Crc32(behind)), Crc32(before + behind))
        << bytes;
  }
  // Longer than any table: x^(8n) for n = 2^40 by two ways.
  uint32_t shift = Crc32ShiftOf(uint64_t{1} << 20);
  for (int i = 0; i < 20; ++i) shift = Crc32Combine(shift, shift, 0);
  EXPECT_EQ(Crc32ShiftOf(uint64_t{1} << 40), shift);
}

TEST(Record, EveryCut_IsCorrupt) {
  for (size_t cut = 0; cut < HiRecord().size(); ++cut) {
    const auto view = DecodeMessage(HiRecord().substr(0, cut), BodyCheck::kTrust);
    ASSERT_FALSE(view.ok()) << cut;
    EXPECT_EQ(view.status().code(), StatusCode::kCorrupt);
  }
}

TEST(Record, WrongLengths_NameTheField) {
  const struct {
    size_t at;
    size_t width;
    int64_t value;
    const char* field;
  } cases[] = {
      {0, 4, 104, "properties length"}, {0, 4, 106, "total size"},         {0, 4, 0, "total size"},
      {0, 4, -1, "total size"},         {0, 4, INT32_MAX, "total size"},   {4, 4, 0, "magic"},
      {84, 4, -1, "body length"},       {84, 4, INT32_MAX, "body length"}, {90, 1, -1, "topic length"},
      {90, 1, 0, "topic length"},       {90, 1, 100, "topic length"},      {93, 2, -1, "properties length"},
      {93, 2, 11, "properties length"}, {93, 2, 9, "total size"},
  };
  for (const auto& c : cases) {
    std::string record = HiRecord() + "x";
    if (c.width == 4) StoreBig<int32_t>(record.data() + c.at, static_cast<int32_t>(c.value));
    if (c.width == 2) StoreBig<int16_t>(record.data() + c.at, static_cast<int16_t>(c.value));
    if (c.width == 1) StoreBig<int8_t>(record.data() + c.at, static_cast<int8_t>(c.value));
    if (c.at == 0 && c.value == 106) record.append("yy");
    const auto view = DecodeMessage(record, BodyCheck::kTrust);
    ASSERT_FALSE(view.ok()) << c.field << ' ' << c.value;
    EXPECT_NE(view.status().text().find(c.field), std::string_view::npos) << view.status().text();
  }
}

TEST(Record, FlippedBodyBit_FailsOnlyWhenTheCrcIsVerified) {
  std::string record = HiRecord();
  record[88] ^= 1;
  EXPECT_EQ(DecodeMessage(record, BodyCheck::kVerifyCrc).status().code(), StatusCode::kCorrupt);
  EXPECT_TRUE(DecodeMessage(record, BodyCheck::kTrust).ok());
}

TEST(Record, BlankFiller_IsCorruptButCanBePeeked) {
  const std::string blank = Hex("00000064CBD43194") + std::string(92, '\0');
  EXPECT_EQ(DecodeMessage(blank, BodyCheck::kTrust).status().code(), StatusCode::kCorrupt);
  const auto peek = PeekRecord(blank);
  ASSERT_TRUE(peek.ok());
  EXPECT_EQ(peek->total_bytes, 100);
  EXPECT_EQ(peek->magic, static_cast<uint32_t>(RecordMagic::kBlank));
  EXPECT_FALSE(PeekRecord(blank.substr(0, 7)).ok());
}

TEST(Record, RandomMutations_NeverLeaveTheBytes) {
  Random random(20260101);
  for (int round = 0; round < 20000; ++round) {
    std::string record = HiRecord();
    for (uint64_t n = 1 + random.Below(4); n > 0; --n) {
      record[random.Below(record.size())] = static_cast<char>(random.Below(256));
    }
    record.resize(1 + random.Below(record.size()));
    const auto view = DecodeMessage(record, BodyCheck::kTrust);
    if (!view.ok()) continue;
    for (const std::string_view part : {view->body, view->topic, view->properties}) {
      if (part.empty()) continue;
      EXPECT_GE(part.data(), record.data());
      EXPECT_LE(part.data() + part.size(), record.data() + record.size());
    }
  }
}

TEST(BodyCrc, Vectors_LoseTheTopBit) {
  EXPECT_EQ(BodyCrc("hi"), 0x58932AACu);
  EXPECT_EQ(BodyCrc("Hello RocketMQ"), 0x69c865edu);
  EXPECT_EQ(Crc32("Hello"), 0xf7d18982u);
  EXPECT_EQ(BodyCrc("Hello"), 0x77d18982u);
  EXPECT_EQ(Crc32(""), 0u);
  EXPECT_EQ(Crc32("lo", Crc32("Hel")), Crc32("Hello"));
  EXPECT_EQ(Crc32("", 77), 77u);
}

TEST(HostAddress, Literals_RoundTripAndNamesAreRefused) {
  EXPECT_EQ(Host("2001:db8::1", 5).ToString(), "[2001:db8::1]:5");
  EXPECT_EQ(Host("0.0.0.0", 0).ToString(), "0.0.0.0:0");
  for (const std::string& bad :
       {std::string("localhost"), std::string("1.2.3"), std::string("1.2.3.256"), std::string(""),
        std::string("::1%eth0"), std::string("1.2.3.4\0x", 9), std::string(500, '1')}) {
    EXPECT_EQ(ParseHostAddress(bad, 1).status().code(), StatusCode::kInvalidArgument) << bad;
  }
}

TEST(Batch, SpecVector_RoundTrips) {
  std::string body;
  AppendBatchEntry({0, "hi", "WAIT\x01true\x02"}, body);
  EXPECT_EQ(ToHex(body),
            ToHex(Hex("00000022 00000000 00000000 00000000 00000002 6869 000A 57414954 01 74727565 02")));
  AppendBatchEntry({7, "", ""}, body);
  const auto entries = DecodeBatch(body, 2);
  ASSERT_TRUE(entries.ok()) << entries.status().text();
  ASSERT_EQ(entries->size(), 2u);
  EXPECT_EQ((*entries)[0].body, "hi");
  EXPECT_EQ((*entries)[0].properties, "WAIT\x01true\x02");
  EXPECT_EQ((*entries)[1].flag, 7);
  EXPECT_EQ((*entries)[1].body, "");
}

TEST(Batch, Empty_HasNoEntries) {
  const auto entries = DecodeBatch("", 1);
  ASSERT_TRUE(entries.ok());
  EXPECT_TRUE(entries->empty());
}

TEST(Batch, EveryCut_IsCorrupt) {
  std::string body;
  AppendBatchEntry({0, "first",
                    "A\x01"
                    "b\x02"},
                   body);
  const size_t boundary = body.size();
  AppendBatchEntry({0, "second", ""}, body);
  for (size_t cut = 1; cut < body.size(); ++cut) {
    const auto entries = DecodeBatch(body.substr(0, cut), 10);
    EXPECT_EQ(entries.ok(), cut == boundary) << cut;
  }
}

TEST(Batch, TooManyEntries_AreRefusedByCount) {
  std::string body;
  for (int i = 0; i < 3; ++i) AppendBatchEntry({}, body);
  EXPECT_TRUE(DecodeBatch(body, 3).ok());
  EXPECT_EQ(DecodeBatch(body, 2).status().code(), StatusCode::kResourceExhausted);
}

TEST(Batch, HostileLengths_NameTheEntryAndField) {
  std::string good;
  AppendBatchEntry({0, "hi", "WAIT\x01true\x02"}, good);
  const struct {
    size_t at;
    int32_t value;
    const char* text;
  } cases[] = {{0, 0, "batch entry 0: body length"},        {0, -34, "batch entry 0: total size"},
               {0, INT32_MAX, "batch entry 0: total size"}, {0, 33, "batch entry 0: properties length"},
               {16, -1, "batch entry 0: body length"},      {16, INT32_MAX, "batch entry 0: body length"},
               {16, 1, "batch entry 0: properties length"}};
  for (const auto& c : cases) {
    std::string bad = good;
    StoreBig<int32_t>(bad.data() + c.at, c.value);
    const auto entries = DecodeBatch(bad, 10);
    ASSERT_FALSE(entries.ok()) << c.text;
    EXPECT_NE(entries.status().text().find(c.text), std::string_view::npos) << entries.status().text();
  }
}

}  // namespace
}  // namespace orbitmq
