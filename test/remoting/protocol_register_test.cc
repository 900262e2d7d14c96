// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "common/compression.h"
#include "common/crc32.h"
#include "remoting/protocol/register_broker.h"
#include "test/remoting/protocol_fixtures.h"

namespace orbitmq::proto {
namespace {

RegisterBrokerBody SampleBody() {
  RegisterBrokerBody body;
  body.filter_server_list = {"10.0.0.1:7777"};
  TopicConfigAndMappingSerializeWrapper& wrapper = body.topic_config_serialize_wrapper;
  wrapper.data_version = {.counter = 5, .state_version = 1, .timestamp = 1700000000000};
  for (int i = 0; i < 3; ++i) {
    const std::string name = "Topic" + std::to_string(i);
    wrapper.topic_config_table[name] = {.attributes = {{"message.type", "FIFO and more"}},
                                        .perm = 4,
                                        .read_queue_nums = 8 + i,
                                        .topic_name = name,
                                        .write_queue_nums = 4};
  }
  wrapper.topic_queue_mapping_info_map["Topic1"] = {
      .bname = "b0", .curr_id_map = {{0, 1}}, .epoch = 7, .topic = "Topic1", .total_queues = 2};
  return body;
}

RegisterBrokerRequestHeader HeaderFor(std::string_view body, bool compressed) {
  return {.compressed = compressed, .body_crc32 = static_cast<int32_t>(BodyCrc(body))};
}

std::string Packed(std::string_view plain) { return *Compress(plain, Compression::kZlib, 1); }

TEST(RegisterBrokerTest, Compressed_SinceV5_KeepsAttributesAndMappings) {
  const RegisterBrokerBody body = SampleBody();
  Result<std::string> packed = EncodeCompressedRegistration(body, kProtocolVersion);
  ASSERT_TRUE(packed.ok());
  auto decoded = DecodeRegistration(*packed, HeaderFor(*packed, true), kProtocolVersion);
  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  EXPECT_TRUE(*decoded == body);
}

TEST(RegisterBrokerTest, Compressed_BeforeV5_HasNeither) {
  RegisterBrokerBody body = SampleBody();
  Result<std::string> packed = EncodeCompressedRegistration(body, 407);
  ASSERT_TRUE(packed.ok());
  auto decoded = DecodeRegistration(*packed, HeaderFor(*packed, true), 407);
  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  body.topic_config_serialize_wrapper.topic_queue_mapping_info_map.clear();
  for (auto& [name, topic] : body.topic_config_serialize_wrapper.topic_config_table) topic.attributes.clear();
  EXPECT_TRUE(*decoded == body);
  EXPECT_FALSE(DecodeRegistration(*packed, HeaderFor(*packed, true), kProtocolVersion).ok())
      << "a 5.x frame must have the mapping block";
}

TEST(RegisterBrokerTest, Compressed_CalledPlain_IsReadAllTheSame) {
  Result<std::string> packed = EncodeCompressedRegistration(SampleBody(), kProtocolVersion);
  auto decoded = DecodeRegistration(*packed, HeaderFor(*packed, false), kProtocolVersion);
  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  EXPECT_TRUE(*decoded == SampleBody());
}

TEST(RegisterBrokerTest, Plain_RoundTripsAndOldBrokersSendTheBareWrapper) {
  const std::string plain = EncodeBody(SampleBody());
  auto decoded = DecodeRegistration(plain, HeaderFor(plain, false), kProtocolVersion);
  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  EXPECT_TRUE(*decoded == SampleBody());

  const std::string bare = EncodeBody(SampleBody().topic_config_serialize_wrapper);
  auto old = DecodeRegistration(bare, RegisterBrokerRequestHeader(), 36);
  ASSERT_TRUE(old.ok());
  EXPECT_TRUE(old->topic_config_serialize_wrapper == SampleBody().topic_config_serialize_wrapper);
}

TEST(RegisterBrokerTest, Crc_Wrong_IsRefusedAsApacheDoes) {
  const std::string plain = EncodeBody(SampleBody());
  RegisterBrokerRequestHeader header = HeaderFor(plain, false);
  header.body_crc32 ^= 1;
  EXPECT_EQ(DecodeRegistration(plain, header, kProtocolVersion).status().text(), "crc32 not match");
  header.body_crc32 = 0;
  EXPECT_TRUE(DecodeRegistration(plain, header, kProtocolVersion).ok()) << "0 is not checked";
}

TEST(RegisterBrokerTest, EmptyBody_IsAnEmptyRegistration) {
  auto decoded = DecodeRegistration("", RegisterBrokerRequestHeader(), kProtocolVersion);
  ASSERT_TRUE(decoded.ok());
  EXPECT_TRUE(decoded->topic_config_serialize_wrapper.topic_config_table.empty());
}

TEST(RegisterBrokerTest, Compressed_EveryCutOfTheContent_IsCorrupt) {
  Result<std::string> packed = EncodeCompressedRegistration(SampleBody(), kProtocolVersion);
  Result<std::string> plain = Decompress(*packed, Compression::kZlib, 1 << 20);
  ASSERT_TRUE(plain.ok());
  for (size_t cut = 0; cut < plain->size(); ++cut) {
    const std::string part = Packed(std::string_view(*plain).substr(0, cut));
    auto decoded = DecodeRegistration(part, {.compressed = true}, kProtocolVersion);
    EXPECT_EQ(decoded.status().code(), StatusCode::kCorrupt) << cut;
  }
  for (size_t cut = 1; cut < packed->size(); ++cut) {
    auto decoded =
        DecodeRegistration(std::string_view(*packed).substr(0, cut), {.compressed = true}, kProtocolVersion);
    EXPECT_FALSE(decoded.ok()) << cut;
  }
}

TEST(RegisterBrokerTest, Compressed_HostileContent_IsCorrupt) {
  const std::string version = test::FromHexText("00000002") + "{}";
  const std::string servers = test::FromHexText("00000002") + "[]";
  const auto decode = [](const std::string& plain) {
    return DecodeRegistration(Packed(plain), {.compressed = true}, 407).status();
  };
  EXPECT_TRUE(decode(version + test::FromHexText("00000000") + servers).ok());
  EXPECT_FALSE(decode(version + test::FromHexText("FFFFFFFF") + servers).ok());
  EXPECT_FALSE(decode(version + test::FromHexText("7FFFFFFF") + servers).ok());
  EXPECT_FALSE(decode(version + test::FromHexText("00000001 7FFFFFFF") + servers).ok());
  EXPECT_FALSE(decode(version + test::FromHexText("00000001 80000000") + servers).ok());
  for (const std::string line :
       {"", "T", "T 1", "T 1 2", "T x 2 6 SINGLE_TAG", " 1 2 6 SINGLE_TAG", "T 1 2 99999999999 SINGLE_TAG"}) {
    std::string piece(4, '\0');
    StoreBig<int32_t>(piece.data(), static_cast<int32_t>(line.size()));
    EXPECT_FALSE(decode(version + test::FromHexText("00000001") + piece + line + servers).ok()) << line;
  }
}

TEST(RegisterBrokerTest, Compressed_Bomb_IsRefusedBeforeItGrows) {
  const std::string bomb = *Compress(std::string(limits::kInflatedBytesMax + 1, '\0'), Compression::kZlib, 9);
  EXPECT_LT(bomb.size(), size_t{1} << 20);
  EXPECT_EQ(DecodeRegistration(bomb, {.compressed = true}, 407).status().code(),
            StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace orbitmq::proto
