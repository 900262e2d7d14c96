// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "common/limits.h"
#include "remoting/protocol/json.h"
#include "test/remoting/protocol_fixtures.h"

namespace orbitmq::proto {
namespace {

JsonDocument Parsed(std::string_view text) {
  Result<JsonDocument> document = JsonDocument::Parse(text);
  EXPECT_TRUE(document.ok()) << document.status().ToString();
  return *std::move(document);
}

TEST(JsonTest, Document_Scalars_AreRead) {
  const JsonDocument document =
      Parsed(R"({"i":-5,"d":1.5,"e":1.23456789E7,"s":"x","t":true,"f":false,"n":null,"q":"42"})");
  const JsonRef root = document.root();
  EXPECT_EQ(root["i"].Int64(), -5);
  EXPECT_EQ(root["d"].Double(), 1.5);
  EXPECT_EQ(root["d"].Int64(), std::nullopt);
  EXPECT_EQ(root["e"].Int64(), std::nullopt);
  EXPECT_EQ(root["e"].Double(), 12345678.9);
  EXPECT_EQ(root["s"].Text(), "x");
  EXPECT_EQ(root["s"].Int64(), std::nullopt);
  EXPECT_EQ(root["t"].Bool(), true);
  EXPECT_EQ(root["f"].Bool(), false);
  EXPECT_TRUE(root["n"].missing());
  EXPECT_TRUE(root["absent"].missing());
  EXPECT_TRUE(root["absent"]["deeper"].missing());
  EXPECT_EQ(root["q"].Int64(), 42);
}

TEST(JsonTest, Document_IntegersInOtherForms_AreTaken) {
  const JsonDocument document =
      Parsed(R"([1e3,9223372036854775807,-9223372036854775808,9223372036854775808,"7.0","x",1.0,-1e300])");
  std::vector<std::optional<int64_t>> values;
  for (JsonRef element : document.root().elements()) values.push_back(element.Int64());
  EXPECT_EQ(values, (std::vector<std::optional<int64_t>>{1000, INT64_MAX, INT64_MIN, std::nullopt, 7,
                                                         std::nullopt, 1, std::nullopt}));
}

TEST(JsonTest, Document_BareAndObjectKeys_AreValuesToo) {
  const JsonDocument document =
      Parsed(" {0:\"a\", -17 : \"b\",{\"brokerName\":\"b0\",\"queueId\":3}:100,'single':'x',bare:1,}\n");
  EXPECT_EQ(document.root().size(), 5u);
  auto member = document.root().members().begin();
  EXPECT_EQ((*member).key.Int64(), 0);
  ++member;
  EXPECT_EQ((*member).key.Int64(), -17);
  ++member;
  EXPECT_TRUE((*member).key.is_object());
  EXPECT_EQ((*member).key["queueId"].Int64(), 3);
  EXPECT_EQ((*member).value.Int64(), 100);
  EXPECT_EQ(document.root()["single"].Text(), "x");
  EXPECT_EQ(document.root()["bare"].Int64(), 1);
}

TEST(JsonTest, Document_DuplicateMember_LastWins) {
  const JsonDocument document = Parsed(R"({"a":1,"b":{"x":[1,2]},"a":2})");
  EXPECT_EQ(document.root()["a"].Int64(), 2);
}

TEST(JsonTest, Document_Reference_IsMissing) {
  const JsonDocument document = Parsed(R"({"a":{"x":1},"b":{"$ref":"$.a"},"c":3})");
  EXPECT_TRUE(document.root()["b"].missing());
  EXPECT_EQ(document.root()["c"].Int64(), 3) << "what follows is found behind it";
}

TEST(JsonTest, Document_Escapes_AreResolved) {
  const JsonDocument document =
      Parsed(R"({"a\u0062":"\u0001\n\t\"\\\/\b\f\r \u00e9","p":"\ud83d\ude00","l":"\ud800x",)"
             R"("m":"\ud800\u0041"})");
  EXPECT_EQ(document.root()["ab"].Text(), "\x01\n\t\"\\/\b\f\r \xC3\xA9");
  EXPECT_EQ(document.root()["p"].Text(), "\xF0\x9F\x98\x80");
  EXPECT_EQ(document.root()["l"].Text(), "\xEF\xBF\xBDx");
  EXPECT_EQ(document.root()["m"].Text(),
            "\xEF\xBF\xBD"
            "A");
}

TEST(JsonTest, Document_Moved_KeepsItsStrings) {
  JsonDocument first = Parsed(R"(["\u0041\u0042","plain"])");
  const JsonDocument second = std::move(first);
  EXPECT_EQ((*second.root().elements().begin()).Text(), "AB");
}

TEST(JsonTest, Document_BadText_NamesThePlace) {
  for (const char* text : {"",        " ",           "{",         "}",           "[",
                           "{\"a\"}", "{\"a\":}",    "{\"a\":1",  "[1 2]",       "{\"a\":1 \"b\":2}",
                           "\"open",  "\"\\",        "\"\\u12\"", "\"\\u12g4\"", "\"\\x\"",
                           "tru",     "nul",         "-",         "{,}",         "{:1}",
                           "1 2",     "{{\"a\":1}}", "[,]",       "+.e"}) {
    const Result<JsonDocument> document = JsonDocument::Parse(text);
    EXPECT_EQ(document.status().code(), StatusCode::kCorrupt) << text;
    EXPECT_NE(document.status().text().find("byte"), std::string_view::npos) << text;
  }
}

TEST(JsonTest, Document_EveryCut_IsCorrupt) {
  const std::string text = R"({"a":[1,{"b":"\u0041"},true],{"k":1}:null,2:"x"})";
  for (size_t cut = 0; cut < text.size(); ++cut) {
    EXPECT_FALSE(JsonDocument::Parse(std::string_view(text).substr(0, cut)).ok()) << cut;
  }
}

TEST(JsonTest, Document_TooDeepOrTooMany_IsRefused) {
  const std::string fits = std::string(limits::kJsonDepthMax, '[') + std::string(limits::kJsonDepthMax, ']');
  EXPECT_TRUE(JsonDocument::Parse(fits).ok());
  EXPECT_EQ(JsonDocument::Parse(std::string(1000000, '[')).status().code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(JsonDocument::Parse(std::string(1000000, '{')).status().code(), StatusCode::kResourceExhausted);
  std::string many = "[0";
  for (size_t i = 0; i < limits::kJsonValuesMax; ++i) many += ",0";
  EXPECT_EQ(JsonDocument::Parse(many + "]").status().code(), StatusCode::kResourceExhausted);
}

TEST(JsonTest, Writer_Compact_IsFastjsons) {
  JsonWriter writer;
  writer.BeginObject();
  writer.BareKey(0);
  writer.String("a\x01\n\"\\\xC3\xA9/");
  writer.BeginObjectKey();
  writer.BeginObject();
  writer.Key("queueId");
  writer.Int(3);
  writer.EndObject();
  writer.EndObjectKey();
  writer.Int(100);
  writer.Key("list");
  writer.BeginArray();
  writer.Bool(true);
  writer.Null();
  writer.Double(0);
  writer.Raw("{}");
  writer.EndArray();
  writer.Key("empty");
  writer.BeginObject();
  writer.EndObject();
  writer.EndObject();
  EXPECT_EQ(writer.Take(),
            "{0:\"a\\u0001\\n\\\"\\\\\xC3\xA9/\",{\"queueId\":3}:100,\"list\":[true,null,0.0,{}],"
            "\"empty\":{}}");
}

TEST(JsonTest, Writer_Pretty_IndentsWithTabs) {
  JsonWriter writer({.layout = JsonWriter::Layout::kPretty});
  writer.BeginObject();
  writer.Key("a");
  writer.BeginObject();
  writer.EndObject();
  writer.Key("b");
  writer.BeginArray();
  writer.Int(1);
  writer.EndArray();
  writer.EndObject();
  EXPECT_EQ(writer.Take(), "{\n\t\"a\":{},\n\t\"b\":[\n\t\t1\n\t]\n}");
}

TEST(JsonTest, Writer_Escaped_HasNoByteAbove127) {
  std::string out;
  AppendJsonString("a\xC3\xA9\xE4\xB8\xAD\xF0\x9F\x98\x80\xFF", JsonWriter::NonAscii::kEscaped, out);
  EXPECT_EQ(out, "\"a\\u00E9\\u4E2D\\uD83D\\uDE00\\uFFFD\"");
}

TEST(JsonTest, WriterDeath_Unbalanced_IsAProgrammerError) {
  EXPECT_DEATH(
      {
        JsonWriter writer;
        writer.BeginObject();
        (void)writer.Take();
      },
      "not complete");
}

// Values from Java's Double.toString.
TEST(JsonTest, FormatJavaDouble_MatchesJava) {
  EXPECT_EQ(FormatJavaDouble(0), "0.0");
  EXPECT_EQ(FormatJavaDouble(-0.0), "-0.0");
  EXPECT_EQ(FormatJavaDouble(12), "12.0");
  EXPECT_EQ(FormatJavaDouble(-12.5), "-12.5");
  EXPECT_EQ(FormatJavaDouble(0.001), "0.001");
  EXPECT_EQ(FormatJavaDouble(0.0012), "0.0012");
  EXPECT_EQ(FormatJavaDouble(0.00012), "1.2E-4");
  EXPECT_EQ(FormatJavaDouble(9999999), "9999999.0");
  EXPECT_EQ(FormatJavaDouble(10000000), "1.0E7");
  EXPECT_EQ(FormatJavaDouble(12345678.9), "1.23456789E7");
  EXPECT_EQ(FormatJavaDouble(1.1428571428571428), "1.1428571428571428");
  EXPECT_EQ(FormatJavaDouble(1e100), "1.0E100");
}

TEST(JsonTest, Writer_NotANumber_IsNull) {
  JsonWriter writer;
  writer.BeginArray();
  writer.Double(std::nan(""));
  writer.Double(std::numeric_limits<double>::infinity());
  writer.EndArray();
  EXPECT_EQ(writer.Take(), "[null,null]");
}

}  // namespace
}  // namespace orbitmq::proto
