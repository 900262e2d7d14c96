// SPDX-License-Identifier: Apache-2.0
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/strings.h"
#include "common/utf8.h"

namespace orbitmq {
namespace {

using Pieces = std::vector<std::string_view>;

TEST(StrCat, MixedTypes_AreWrittenAsText) {
  EXPECT_EQ(StrCat("a", std::string("b"), std::string_view("c"), 'd', 1, int64_t{-2},
                   uint64_t{18446744073709551615u}, true, 0.5),
            "abcd1-218446744073709551615true0.5");
  EXPECT_EQ(StrCat(), "");
  EXPECT_EQ(StrCat(std::numeric_limits<int64_t>::min()), "-9223372036854775808");
  std::string out = "x";
  StrAppend(out, 1, "y");
  EXPECT_EQ(out, "x1y");
}

TEST(Split, Separators_KeepEmptyPieces) {
  EXPECT_EQ(Split("a;b;", ';'), (Pieces{"a", "b", ""}));
  EXPECT_EQ(Split("", ';'), (Pieces{""}));
  EXPECT_EQ(Split("a||b|||c", "||"), (Pieces{"a", "b", "|c"}));
  EXPECT_EQ(Join(Split("1,2,3", ','), "+"), "1+2+3");
}

TEST(Trim, WhiteSpace_GoesAtBothEnds) {
  EXPECT_EQ(Trim(" \t\r\n a b \n"), "a b");
  EXPECT_EQ(Trim(" \n"), "");
  EXPECT_TRUE(IsBlank(""));
  EXPECT_TRUE(IsBlank(" \t"));
  EXPECT_FALSE(IsBlank(" x"));
}

TEST(ParseInt, WholeNumbersOnly_InTheRangeOfTheType) {
  EXPECT_EQ(ParseInt<int32_t>("-2147483648"), std::numeric_limits<int32_t>::min());
  EXPECT_EQ(ParseInt<uint16_t>("65535"), 65535);
  for (const char* bad : {"", "-", "+1", " 1", "1 ", "0x10", "1.0", "1e3", "2147483648", "--1"}) {
    EXPECT_EQ(ParseInt<int32_t>(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(ParseInt<uint16_t>("65536"), std::nullopt);
  EXPECT_EQ(ParseInt<uint16_t>("-1"), std::nullopt);
}

TEST(ParseDoubleAndBool, OnlyWhatIsMeant_IsAccepted) {
  EXPECT_EQ(ParseDouble("0.75"), 0.75);
  EXPECT_EQ(ParseDouble("-1e3"), -1000.0);
  for (const char* bad : {"", "x", "nan", "inf", "1.0x", " 1"})
    EXPECT_EQ(ParseDouble(bad), std::nullopt) << bad;
  EXPECT_EQ(ParseBool("TRUE"), true);
  EXPECT_EQ(ParseBool("false"), false);
  for (const char* bad : {"", "1", "yes", "true "}) EXPECT_EQ(ParseBool(bad), std::nullopt) << bad;
}

TEST(Hex, Bytes_RoundTripInUpperCase) {
  const std::string raw("\x00\x7F\xFF\xAb", 4);
  EXPECT_EQ(ToHex(raw), "007FFFAB");
  EXPECT_EQ(FromHex("007FFFAB"), raw);
  EXPECT_EQ(FromHex("007fffab"), raw);
  EXPECT_EQ(FromHex(""), "");
  EXPECT_EQ(FromHex("0"), std::nullopt);
  EXPECT_EQ(FromHex("0g"), std::nullopt);
  EXPECT_EQ(FromHex("-1"), std::nullopt);
}

TEST(NearestName, Misspelling_FindsTheNameAndNonsenseFindsNone) {
  const std::vector<std::string_view> names = {"listenPort", "brokerName", "brokerIP1", "flushDiskType"};
  EXPECT_EQ(NearestName("listenport", names), "listenPort");
  EXPECT_EQ(NearestName("lisenPort", names), "listenPort");
  EXPECT_EQ(NearestName("brokername", names), "brokerName");
  EXPECT_EQ(NearestName("brokerIP", names), "brokerIP1");
  EXPECT_EQ(NearestName("entirelyElse", names), "");
  EXPECT_EQ(NearestName("", names), "");
  EXPECT_EQ(NearestName(std::string(100000, 'x'), names), "");
  EXPECT_EQ(NearestName("x", {}), "");
}

TEST(Printable, HostileText_IsEscapedAndCut) {
  EXPECT_EQ(Printable("plain \xE4\xB8\xAD"), "plain \xE4\xB8\xAD");
  EXPECT_EQ(Printable(std::string_view("a\n\x01\xFF\0", 5)), "a\\x0a\\x01\\xff\\x00");
  EXPECT_EQ(Printable(std::string(200, 'a'), 10), "aaaaaaaaaa...");
  EXPECT_EQ(Printable("aaaaaaaaa\xE4\xB8\xAD", 10), "aaaaaaaaa...");
}

TEST(Utf8, CodePoints_RoundTrip) {
  for (const uint32_t point :
       {0x0u, 0x7Fu, 0x80u, 0x7FFu, 0x800u, 0xD7FFu, 0xE000u, 0xFFFFu, 0x10000u, 0x10FFFFu}) {
    std::string text;
    AppendUtf8(text, point);
    const Utf8Step step = DecodeUtf8(text);
    EXPECT_TRUE(step.valid) << point;
    EXPECT_EQ(step.code_point, point);
    EXPECT_EQ(step.bytes, text.size());
    for (size_t cut = 1; cut < text.size(); ++cut) EXPECT_FALSE(IsUtf8(text.substr(0, cut))) << point;
  }
}

TEST(Utf8, NoCodePoints_BecomeTheReplacementCharacter) {
  for (const uint32_t point : {0xD800u, 0xDFFFu, 0x110000u, 0xFFFFFFFFu}) {
    std::string text;
    AppendUtf8(text, point);
    EXPECT_EQ(text, "\xEF\xBF\xBD") << point;
  }
}

}  // namespace
}  // namespace orbitmq
