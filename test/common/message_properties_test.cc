// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <string>

#include <gtest/gtest.h>

#include "common/message_properties.h"
#include "common/random.h"

namespace orbitmq {
namespace {

using std::string_literals::operator""s;

TEST(Properties, Map_RoundTrips) {
  const PropertyMap map = {{"KEYS", "k1 k2"}, {"TAGS", "TagA"}, {"user", "\xE4\xB8\xAD"}};
  const std::string text = PropertiesFromMap(map);
  EXPECT_EQ(text, "KEYS\x01k1 k2\x02TAGS\x01TagA\x02user\x01\xE4\xB8\xAD\x02"s);
  EXPECT_EQ(PropertiesToMap(text), map);
  EXPECT_EQ(PropertiesToMap(text.substr(0, text.size() - 1)), map);  // 4.9 leaves the last separator out.
}

TEST(Properties, EmptyNamesAndValues_AreLostAsInJava) {
  EXPECT_EQ(PropertiesToMap("\x01v\x02"
                            "a\x01\x02"
                            "b\x02\x02\x02"
                            "c\x01"
                            "1\x02"s),
            (PropertyMap{{"c", "1"}}));
  EXPECT_EQ(PropertiesFromMap({{"", "v"}, {"a", ""}, {"c", "1"}}),
            "c\x01"
            "1\x02"s);
  EXPECT_EQ(PropertiesToMap(""), PropertyMap());
}

TEST(Properties, SecondNameSeparator_BelongsToTheValue) {
  EXPECT_EQ(PropertiesToMap("a\x01"
                            "b\x01"
                            "c\x02"s),
            (PropertyMap{{"a",
                          "b\x01"
                          "c"}}));
}

TEST(FindProperty, Name_MustMatchWhole) {
  const std::string text =
      "AB\x01"
      "1\x02"
      "A\x01"
      "2\x02"
      "B\x01"
      "3"s;
  EXPECT_EQ(FindProperty(text, "A"), "2");
  EXPECT_EQ(FindProperty(text, "AB"), "1");
  EXPECT_EQ(FindProperty(text, "B"), "3");
  EXPECT_EQ(FindProperty(text, "C"), std::nullopt);
  EXPECT_EQ(FindProperty(text, "1"), std::nullopt);
  EXPECT_EQ(FindProperty(text, ""), std::nullopt);
  EXPECT_EQ(FindProperty("", "A"), std::nullopt);
  EXPECT_EQ(FindProperty("A", "A"), std::nullopt);
  EXPECT_EQ(FindProperty("A\x01", "A"), std::nullopt);
}

TEST(FindProperty, Duplicates_LastNonEmptyWins) {
  EXPECT_EQ(FindProperty("A\x01"
                         "1\x02"
                         "A\x01"
                         "2\x02"s,
                         "A"),
            "2");
  EXPECT_EQ(FindProperty("A\x01"
                         "1\x02"
                         "A\x01\x02"s,
                         "A"),
            "1");
}

TEST(AppendProperty, MissingSeparator_IsAddedFirst) {
  std::string text =
      "A\x01"
      "1"s;
  AppendProperty(text, "B", "2");
  EXPECT_EQ(text,
            "A\x01"
            "1\x02"
            "B\x01"
            "2\x02"s);
  std::string empty;
  AppendProperty(empty, "B", "2");
  EXPECT_EQ(empty,
            "B\x01"
            "2\x02"s);
}

TEST(SetProperty, EveryOlderEntry_IsReplaced) {
  std::string text =
      "A\x01"
      "1\x02"
      "B\x01"
      "2\x02"
      "A\x01"
      "3"s;
  SetProperty(text, "A", "4");
  EXPECT_EQ(text,
            "B\x01"
            "2\x02"
            "A\x01"
            "4\x02"s);
}

TEST(RemoveProperties, OnlyTheNamed_AreRemoved) {
  std::string text =
      "A\x01"
      "1\x02"
      "AB\x01"
      "2\x02"
      "C\x01\x02"
      "D\x01"
      "4"s;
  const std::array<std::string_view, 3> names = {"A", "C", "X"};
  RemoveProperties(text, names);
  EXPECT_EQ(text,
            "AB\x01"
            "2\x02"
            "D\x01"
            "4"s);
  RemoveProperty(text, "D");
  EXPECT_EQ(text,
            "AB\x01"
            "2\x02"s);
  RemoveProperty(text, "AB");
  EXPECT_EQ(text, "");
  RemoveProperty(text, "AB");
  EXPECT_EQ(text, "");
}

TEST(CheckProperty, SeparatorsAndEmpties_AreRefused) {
  EXPECT_TRUE(CheckProperty("a", "b").ok());
  for (const auto& [name, value] :
       {std::pair{""s, "v"s}, {"n"s, ""s}, {"a\x01"s, "v"s}, {"a"s, "v\x02"s}, {"\x02"s, "v"s}}) {
    EXPECT_EQ(CheckProperty(name, value).code(), StatusCode::kInvalidArgument);
  }
}

TEST(CheckUserProperty, ReservedNames_AreRefused) {
  for (const char* name :
       {"KEYS", "TAGS", "UNIQ_KEY", "DELAY", "POP_CK", "TIMER_DELIVER_MS", "__CRC32#", "1ST_POP_TIME"}) {
    EXPECT_TRUE(IsReservedProperty(name)) << name;
    EXPECT_FALSE(CheckUserProperty(name, "v").ok()) << name;
  }
  EXPECT_FALSE(IsReservedProperty("color"));
  EXPECT_TRUE(CheckUserProperty("color", "red").ok());
  EXPECT_FALSE(CheckUserProperty("color", "").ok());
}

// What the in-place editors do must agree with what a map would do, on any bytes.
TEST(Properties, RandomText_EditorsAgreeWithTheMap) {
  Random random(7);
  for (int round = 0; round < 5000; ++round) {
    std::string text;
    for (uint64_t n = random.Below(24); n > 0; --n) text += "AB\x01\x02"[random.Below(4)];
    PropertyMap map = PropertiesToMap(text);
    for (const char* name : {"A", "B", "AB"}) {
      const auto found = FindProperty(text, name);
      EXPECT_EQ(found.has_value(), map.contains(name));
      if (found) {
        EXPECT_EQ(*found, map[name]);
      }
    }
    map.erase("A");
    map["B"] = "new";
    RemoveProperty(text, "A");
    SetProperty(text, "B", "new");
    EXPECT_EQ(PropertiesToMap(text), map);
  }
}

}  // namespace
}  // namespace orbitmq
