// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/limits.h"
#include "common/strings.h"
#include "remoting/protocol/codes.h"
#include "remoting/protocol/command_codec.h"
#include "test/remoting/protocol_fixtures.h"

namespace orbitmq::proto {
namespace {

using test::DecodeFrame;
using test::DecodeJsonHeader;
using test::FrameAround;
using test::FrameOf;
using test::FromHexText;

Command FullCommand() {
  Command command;
  command.code = RequestCode::kSendMessageV2;
  command.flag = kFlagOneway;
  command.opaque = -7;
  command.remark = "a \"remark\" of \xE4\xB8\xAD";
  command.ext.Set("topic", "T1");
  command.ext.Set("i", std::string("KEYS\x01k\x02WAIT\x01true\x02"));
  command.body.push_back(Bytes::Static("first "));
  command.body.push_back(Bytes::Static("second"));
  return command;
}

void ExpectFull(const CommandView& view) {
  const Command wanted = FullCommand();
  EXPECT_EQ(view.code, wanted.code);
  EXPECT_EQ(view.flag, wanted.flag);
  EXPECT_EQ(view.opaque, wanted.opaque);
  EXPECT_EQ(view.language, Language::kCpp);
  EXPECT_EQ(view.version, kProtocolVersion);
  EXPECT_EQ(view.remark, wanted.remark);
  EXPECT_EQ(view.Ext("topic"), "T1");
  EXPECT_EQ(view.Ext("i"), *wanted.ext.Find("i"));
  EXPECT_EQ(view.ext.size(), 2u);
  EXPECT_EQ(view.body, "first second");
}

TEST(CommandTest, EncodeFrame_Json_RoundTrips) {
  auto decoded = DecodeFrame(FrameOf(FullCommand(), SerializeType::kJson));
  ASSERT_TRUE(decoded->view.ok()) << decoded->view.status().ToString();
  EXPECT_EQ(decoded->view->serialize, SerializeType::kJson);
  ExpectFull(*decoded->view);
}

TEST(CommandTest, EncodeFrame_Binary_RoundTrips) {
  auto decoded = DecodeFrame(FrameOf(FullCommand(), SerializeType::kBinary));
  ASSERT_TRUE(decoded->view.ok()) << decoded->view.status().ToString();
  EXPECT_EQ(decoded->view->serialize, SerializeType::kBinary);
  ExpectFull(*decoded->view);
}

TEST(CommandTest, ToOwned_CopiesEverything) {
  auto decoded = DecodeFrame(FrameOf(FullCommand(), SerializeType::kJson));
  ASSERT_TRUE(decoded->view.ok());
  const Command owned = ToOwned(*decoded->view);
  decoded.reset();
  EXPECT_EQ(owned.remark, FullCommand().remark);
  EXPECT_EQ(*owned.ext.Find("topic"), "T1");
  EXPECT_EQ(owned.JoinedBody().view(), "first second");
}

// remoting.md 13.1.
TEST(CommandTest, Decode_JsonVector_IsReadAsSpecified) {
  const std::string frame =
      FromHexText("0000005E 0000005A") +
      R"({"code":105,"extFields":{"topic":"T1"},"flag":0,"language":"CPP","opaque":7,"version":479})";
  auto decoded = DecodeFrame(frame);
  ASSERT_TRUE(decoded->view.ok()) << decoded->view.status().ToString();
  EXPECT_EQ(decoded->view->code, RequestCode::kGetRouteinfoByTopic);
  EXPECT_EQ(decoded->view->opaque, 7);
  EXPECT_EQ(decoded->view->version, 479);
  EXPECT_EQ(decoded->view->Ext("topic"), "T1");
}

// remoting.md 13.2.
TEST(CommandTest, EncodeFrame_BinaryVector_IsByteExact) {
  const std::string frame = FromHexText(
      "00000026 01000022 0069 01 01DF 00000007 00000000 00000000 0000000D 0005 746F706963 00000002 5431");
  Command command;
  command.code = RequestCode::kGetRouteinfoByTopic;
  command.version = 479;
  command.opaque = 7;
  command.ext.Set("topic", "T1");
  EXPECT_EQ(FrameOf(command, SerializeType::kBinary), frame);
  auto decoded = DecodeFrame(frame);
  ASSERT_TRUE(decoded->view.ok());
  EXPECT_EQ(decoded->view->Ext("topic"), "T1");
  EXPECT_EQ(decoded->view->language, Language::kCpp);
}

TEST(CommandTest, EncodeFrame_Json_HasApachesKeyOrder) {
  Command command;
  command.code = 105;
  command.opaque = 7;
  command.ext.Set("topic", "T\x01");
  command.remark = "r";
  EXPECT_EQ(
      FrameOf(command, SerializeType::kJson).substr(8),
      R"({"code":105,"extFields":{"topic":"T\u0001"},"flag":0,"language":"CPP","opaque":7,"remark":"r",)"
      R"("serializeTypeCurrentRPC":"JSON","version":513})");
}

TEST(CommandTest, EncodeFrame_CodeBeyondInt16_GoesAsJson) {
  Command command;
  command.code = RequestCode::kPopMessage;
  auto decoded = DecodeFrame(FrameOf(command, SerializeType::kBinary));
  ASSERT_TRUE(decoded->view.ok());
  EXPECT_EQ(decoded->view->serialize, SerializeType::kJson);
  EXPECT_EQ(decoded->view->code, RequestCode::kPopMessage);
}

TEST(CommandTest, EncodeFrame_TooLarge_IsRefusedWithSizes) {
  Command command;
  command.code = 11;
  command.body.push_back(Bytes(std::string(limits::kFrameBytesMax, 'x')));
  auto chain = EncodeFrame(command, SerializeType::kJson);
  ASSERT_FALSE(chain.ok());
  EXPECT_EQ(chain.status().code(), StatusCode::kResourceExhausted);

  Command header;
  header.ext.Set("k", std::string(limits::kHeaderBytesMax, 'x'));
  EXPECT_FALSE(EncodeFrameHead(header, SerializeType::kBinary).ok());
  Command key;
  key.ext.Set(std::string(40000, 'k'), "v");
  EXPECT_FALSE(EncodeFrameHead(key, SerializeType::kBinary).ok());
  EXPECT_TRUE(EncodeFrameHead(key, SerializeType::kJson).ok());
}

TEST(CommandTest, Decode_LenientJson_IsTaken) {
  auto decoded = DecodeJsonHeader(
      "{ \"version\" : 333, \"unknown\":{\"a\":[1,{\"code\":9}]}, \"code\":\"310\",\"remark\":null,"
      "\"extFields\":{\"d\":4,\"m\":true,\"x\":null,\"f\":-1.5,\"l\":\"a\",\"l\":\"b\",\"o\":{\"p\":1}},"
      "\"language\":\"CPP\",\"opaque\":1,\"flag\":null}\n");
  ASSERT_TRUE(decoded->view.ok()) << decoded->view.status().ToString();
  const CommandView& view = *decoded->view;
  EXPECT_EQ(view.code, 310);
  EXPECT_EQ(view.version, 333);
  EXPECT_EQ(view.flag, 0);
  EXPECT_EQ(view.remark, "");
  EXPECT_EQ(view.Ext("d"), "4");
  EXPECT_EQ(view.Ext("m"), "true");
  EXPECT_EQ(view.Ext("f"), "-1.5");
  EXPECT_EQ(view.Ext("l"), "b") << "the last of two wins";
  EXPECT_FALSE(view.Ext("x").has_value());
  EXPECT_FALSE(view.Ext("o").has_value());
}

TEST(CommandTest, Decode_Defaults_AreJavas) {
  auto decoded = DecodeJsonHeader("{\"code\":1}");
  ASSERT_TRUE(decoded->view.ok());
  EXPECT_EQ(decoded->view->language, Language::kJava);
  EXPECT_EQ(decoded->view->version, 0);
  EXPECT_TRUE(decoded->view->ext.empty());
  auto unknown = DecodeJsonHeader("{\"code\":1,\"language\":\"COBOL\",\"extFields\":null}");
  ASSERT_TRUE(unknown->view.ok());
  EXPECT_EQ(unknown->view->language, Language::kUnknown);
}

TEST(CommandTest, Decode_EscapedText_IsUnescaped) {
  auto decoded = DecodeJsonHeader(
      R"({"code":1,"extFields":{"a\u0062":"x\u0001y\u0002\n\"\\\/ \u4e2d\ud83d\ude00"},"remark":"\u00e9"})");
  ASSERT_TRUE(decoded->view.ok()) << decoded->view.status().ToString();
  EXPECT_EQ(decoded->view->Ext("ab"), "x\x01y\x02\n\"\\/ \xE4\xB8\xAD\xF0\x9F\x98\x80");
  EXPECT_EQ(decoded->view->remark, "\xC3\xA9");
}

TEST(CommandTest, Decode_BadJson_IsCorrupt) {
  for (const char* header : {"",
                             "[]",
                             "[1]",
                             "1",
                             "\"code\"",
                             "null",
                             "{",
                             "{}",
                             "{\"code\":}",
                             "{\"code\":1",
                             "{\"code\":1}}",
                             "{\"code\":\"x\"}",
                             "{\"code\":2147483648}",
                             "{\"code\":1.5}",
                             "{\"code\":[1]}",
                             "{\"code\":{}}",
                             "{\"code\":null}",
                             "{\"code\":1,\"extFields\":[]}",
                             "{\"code\":1,\"extFields\":\"a\"}",
                             "{\"code\":1,\"opaque\":99999999999}",
                             "{\"code\":1,\"remark\":[\"x\"]}",
                             "{\"code\":1} x",
                             "{code:1}",
                             "{\"code\":1,\"remark\":\"\\ud800\"}",
                             "{\"code\":1,\"remark\":\"\\q\"}"}) {
    auto decoded = DecodeJsonHeader(header);
    EXPECT_FALSE(decoded->view.ok()) << header;
    EXPECT_EQ(decoded->view.status().code(), StatusCode::kCorrupt) << header;
    EXPECT_FALSE(decoded->view.status().text().empty()) << header;
  }
}

TEST(CommandTest, Decode_DeepNesting_IsCorruptNotACrash) {
  const std::string deep = "{\"code\":1,\"x\":" + std::string(100000, '[');
  EXPECT_FALSE(DecodeJsonHeader(deep)->view.ok());
  std::string objects = "{\"code\":1";
  for (int i = 0; i < 100000; ++i) objects += ",\"x\":{\"y\":0";
  EXPECT_FALSE(DecodeJsonHeader(objects)->view.ok());
}

TEST(CommandTest, Decode_TooManyExtFields_IsRefused) {
  Command command;
  for (size_t i = 0; i < limits::kExtFieldsMax; ++i) command.ext.Set("k" + std::to_string(i), "v");
  EXPECT_TRUE(DecodeFrame(FrameOf(command, SerializeType::kJson))->view.ok());
  EXPECT_TRUE(DecodeFrame(FrameOf(command, SerializeType::kBinary))->view.ok());
  command.ext.Set("one more", "v");
  for (SerializeType type : {SerializeType::kJson, SerializeType::kBinary}) {
    auto decoded = DecodeFrame(FrameOf(command, type));
    EXPECT_EQ(decoded->view.status().code(), StatusCode::kResourceExhausted);
  }
}

TEST(CommandTest, Decode_EveryCutOfEitherHeader_IsCorrupt) {
  for (SerializeType type : {SerializeType::kJson, SerializeType::kBinary}) {
    const std::string frame = FrameOf(FullCommand(), type);
    auto whole = NextFrame(frame);
    ASSERT_TRUE(whole.ok() && *whole);
    for (size_t cut = 0; cut < (*whole)->header.size(); ++cut) {
      FrameView part = **whole;
      part.header = part.header.substr(0, cut);
      CommandDecoder decoder;
      EXPECT_FALSE(decoder.Decode(part).ok()) << cut;
    }
  }
}

TEST(CommandTest, Decode_HostileBinaryLengths_AreCorrupt) {
  const std::string fixed = "0069 01 01DF 00000007 00000000 ";
  for (const char* rest : {"FFFFFFFF 00000000", "7FFFFFFF 00000000", "00000001 00000000", "00000000 FFFFFFFF",
                           "00000000 7FFFFFFF", "00000000 00000001 00", "00000000 00000006 FFFF 00000000",
                           "00000000 00000006 0000 00000000", "00000000 00000007 0001 6B FFFFFFFF",
                           "00000000 00000007 0001 6B 00000001", "00000000 00000007 7FFF 6B 00000000"}) {
    auto decoded = DecodeFrame(FrameAround(SerializeType::kBinary, FromHexText(fixed + rest)));
    EXPECT_EQ(decoded->view.status().code(), StatusCode::kCorrupt) << rest;
  }
}

TEST(CommandTest, Decode_BinaryEmptyValue_CountsAsAbsent) {
  Command command;
  command.code = 1;
  command.ext.Set("empty", "");
  command.ext.Set("full", "x");
  auto decoded = DecodeFrame(FrameOf(command, SerializeType::kBinary));
  ASSERT_TRUE(decoded->view.ok());
  EXPECT_FALSE(decoded->view->Ext("empty").has_value());
  EXPECT_EQ(decoded->view->Ext("full"), "x");
}

TEST(CommandTest, Decoder_UsedAgain_GivesTheNewCommand) {
  const std::string first = FrameOf(FullCommand(), SerializeType::kJson);
  Command other;
  other.code = 34;
  const std::string second = FrameOf(other, SerializeType::kJson);
  CommandDecoder decoder;
  ASSERT_TRUE(decoder.Decode(**NextFrame(first)).ok());
  auto view = decoder.Decode(**NextFrame(second));
  ASSERT_TRUE(view.ok());
  EXPECT_EQ(view->code, 34);
  EXPECT_TRUE(view->ext.empty());
}

// Everything that a view says, as text.
std::string Told(const CommandView& view) {
  std::string text = StrCat(view.code, ' ', view.flag, ' ', static_cast<int>(view.language), ' ',
                            view.version, ' ', view.opaque, " [", view.remark, ']');
  for (const auto& [key, value] : view.ext) StrAppend(text, ' ', key, '=', value);
  return text;
}

// White space sends a header to the exact reader; without it the plain one may take it. Both must agree.
TEST(CommandTest, Decode_PlainAndExactReader_Agree) {
  const std::vector<std::string> headers = {
      R"({"code":310,"extFields":{"a":"g","b":"t","i":"K\u0001v\u0002W\u0001true\u0002"},)"
      R"("flag":0,"language":"JAVA",)"
      R"("opaque":1999999999,"serializeTypeCurrentRPC":"JSON","version":513})",
      R"({"code":0})",
      R"({"code":-7,"opaque":-2147483648,"flag":2147483647})",
      R"({"code":2147483648})",
      R"({"code":01})",
      R"({"code":-})",
      R"({"code":1.5})",
      R"({"code":"12"})",
      R"({"flag":1})",
      R"({"code":1,"code":2})",
      R"({"code":1,"remark":"a\"b\\c\/d\b\f\n\r\té\u007f"})",
      R"({"code":1,"remark":"\u00e9\ud83d\ude00"})",
      R"({"code":1,"remark":"\u0000x"})",
      R"({"code":1,"remark":"\u00"})",
      R"({"code":1,"remark":"\q"})",
      R"({"code":1,"remark":"open)",
      "{\"code\":1,\"remark\":\"tab\there\"}",
      R"({"code":1,"remark":null,"extFields":null})",
      R"({"code":1,"extFields":{}})",
      R"({"code":1,"extFields":{"a":"1","a":"2","b":"3"}})",
      R"({"code":1,"extFields":{"key":"1","key":"2"}})",
      R"({"code":1,"extFields":{"a":"1"},"extFields":{"b":"2"}})",
      R"({"code":1,"extFields":{"n":5,"t":true,"z":null,"o":{"x":"y"}}})",
      R"({"code":1,"extFields":{"":"empty","e":""}})",
      R"({"code":1,"extFields":{"a":"1",}})",
      R"({"code":1,"unknown":"x","other":7,"list":[1,2]})",
      R"({"code":1,"language":"KLINGON"})",
      R"({"code":1}})",
      R"({"code":1}x)",
      R"({})",
      "",
  };
  for (const std::string& header : headers) {
    auto plain = DecodeFrame(FrameAround(SerializeType::kJson, header));
    auto exact = DecodeFrame(FrameAround(SerializeType::kJson, " " + header));
    ASSERT_EQ(plain->view.ok(), exact->view.ok()) << header;
    if (!plain->view.ok()) continue;
    EXPECT_EQ(Told(*plain->view), Told(*exact->view)) << header;
  }
}

TEST(CommandTest, Decode_MoreExtFieldsThanAllowed_IsRefusedByEitherReader) {
  std::string fields;
  for (size_t i = 0; i <= limits::kExtFieldsMax; ++i)
    StrAppend(fields, i == 0 ? "" : ",", "\"k", i, "\":\"v\"");
  for (const char* space : {"", " "}) {
    const std::string header = StrCat(space, "{\"code\":1,\"extFields\":{", fields, "}}");
    auto decoded = DecodeFrame(FrameAround(SerializeType::kJson, header));
    EXPECT_EQ(decoded->view.status().code(), StatusCode::kResourceExhausted) << "'" << space << "'";
  }
}

TEST(CommandTest, Encode_CharacterToEscapeAtEveryPlace_ComesBack) {
  for (const char special : {'"', '\\', '\x01', '\x1f', '\x20', '\x7f', '\x80', '\xff'}) {
    for (size_t size = 1; size < 20; ++size) {
      for (size_t at = 0; at < size; ++at) {
        Command command;
        command.remark = std::string(size, 'r');
        command.remark[at] = special;
        auto decoded = DecodeFrame(FrameOf(command, SerializeType::kJson));
        ASSERT_TRUE(decoded->view.ok());
        EXPECT_EQ(decoded->view->remark, command.remark) << static_cast<int>(special) << " at " << at;
      }
    }
  }
}

TEST(CommandTest, Find_StartsAtTheHintAndLooksEverywhere) {
  ExtEntry entries[] = {{"a", "1"}, {"bb", "2"}, {"ab", "3"}, {"", "4"}};
  CommandView view;
  view.ext = entries;
  for (size_t hint = 0; hint <= view.ext.size() + 1; ++hint) {
    for (size_t at = 0; at < view.ext.size(); ++at) EXPECT_EQ(view.Find(view.ext[at].first, hint), at);
    EXPECT_EQ(view.Find("b", hint), view.ext.size());
    EXPECT_EQ(view.Find("bbb", hint), view.ext.size());
  }
}

TEST(CommandTest, LanguageNames_RoundTrip) {
  for (int i = 0; i <= static_cast<int>(Language::kNodeJs); ++i) {
    const auto language = static_cast<Language>(i);
    EXPECT_EQ(LanguageFromName(LanguageName(language)), language);
  }
  EXPECT_EQ(LanguageName(Language::kUnknown), "OTHER");
}

}  // namespace
}  // namespace orbitmq::proto
