// SPDX-License-Identifier: Apache-2.0
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "common/strings.h"
#include "common/tag_filter.h"

namespace orbitmq {
namespace {

using Tags = std::set<std::string>;
using Codes = std::set<int32_t>;

TEST(JavaStringHash, Vectors_AreThoseOfAJvm) {
  // new String(bytes, UTF_8).hashCode() of OpenJDK 17, with bytes that are no UTF-8 among them.
  const struct {
    const char* hex;
    int32_t hash;
  } vectors[] = {
      {"", 0},
      {"2A", 42},
      {"54616741", 2598919},
      {"E4B8ADE69687", 646394},
      {"F09F9880", 1772899},
      {"61F09F988062", 57849694},
      {"C3A9", 233},
      {"FF", 65533},
      {"C0AF", 2097056},
      {"E08080", 65074269},
      {"EDA080", 65533},
      {"E4B8", 65533},
      {"F09F98", 65533},
      {"F08080AF", 2017367872},
      {"F4908080", 2017367872},
      {"61E4B841", 2124805},
      {"F09F41", 2031588},
      {"C328", 2031563},
      {"80", 65533},
      {"F8888080", 2017367872},
      {"EFBFBD", 65533},
      {"61ED9FBF", 58302},
  };
  for (const auto& vector : vectors)
    EXPECT_EQ(JavaStringHash(*FromHex(vector.hex)), vector.hash) << vector.hex;
  EXPECT_EQ(JavaStringHash("TagB"), 2598920);
  EXPECT_EQ(JavaStringHash("polygenelubricants"), INT32_MIN);
  EXPECT_EQ(JavaStringHash("TopicTest#OrderID188"), -1231271670);  // Index keys take the absolute value.
}

TEST(JavaStringHash, LongText_IsHashedAsCharacterByCharacter) {
  // A letter beyond ASCII at every place among twenty others, and none at all.
  for (size_t length = 0; length <= 20; ++length) {
    for (size_t place = 0; place <= length; ++place) {
      std::string text;
      uint32_t hash = 0;
      for (size_t i = 0; i < length; ++i) {
        const bool accented = i == place;
        const auto unit = accented ? uint32_t{0xE9} : static_cast<uint32_t>('A' + 3 * i);
        text += accented ? std::string("\xC3\xA9") : std::string(1, static_cast<char>(unit));
        hash = hash * 31 + unit;
      }
      EXPECT_EQ(JavaStringHash(text), static_cast<int32_t>(hash)) << text;
    }
  }
}

TEST(TagsCode, Hash_IsSignExtended) {
  EXPECT_EQ(TagsCode(""), 0);
  EXPECT_EQ(TagsCode("TagA"), 0x27a807);
  EXPECT_EQ(static_cast<uint64_t>(TagsCode("polygenelubricants")), 0xffffffff80000000u);
}

TEST(Subscription, AllForms_MeanEverything) {
  for (const char* expression : {"", "*"}) {
    const auto all = BuildSubscription("T", expression);
    ASSERT_TRUE(all.ok());
    EXPECT_EQ(all->sub_string, "*");
    EXPECT_EQ(all->topic, "T");
    EXPECT_EQ(all->expression_type, "TAG");
    EXPECT_TRUE(all->tags_set.empty());
    EXPECT_TRUE(all->code_set.empty());
  }
}

TEST(Subscription, Bars_SeparateTrimmedTags) {
  const auto some = BuildSubscription("T", " TagA ||TagB|| || TagA");
  ASSERT_TRUE(some.ok());
  EXPECT_EQ(some->sub_string, " TagA ||TagB|| || TagA");
  EXPECT_EQ(some->tags_set, (Tags{"TagA", "TagB"}));
  EXPECT_EQ(some->code_set, (Codes{2598919, 2598920}));
  const auto odd = BuildSubscription("T", "a|b");
  ASSERT_TRUE(odd.ok());
  EXPECT_EQ(odd->tags_set, (Tags{"a|b"}));
}

TEST(Subscription, BarsOnly_AreRefusedAsInJava) {
  for (const char* bad : {"||", "||||"})
    EXPECT_EQ(BuildSubscription("T", bad).status().code(), StatusCode::kInvalidArgument);
  // Java accepts blanks between the bars, and such a subscription gets nothing.
  const auto blank = BuildSubscription("T", " || ");
  ASSERT_TRUE(blank.ok());
  EXPECT_TRUE(blank->tags_set.empty());
  EXPECT_FALSE(TagFilter(*blank).MatchesCode(0));
}

TEST(Subscription, TooManyTagsOrTooLong_AreRefused) {
  std::string many;
  for (int i = 0; i < 1025; ++i) StrAppend(many, "t", i, "||");
  EXPECT_EQ(BuildSubscription("T", many).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(BuildSubscription("T", std::string(70000, 'x')).status().code(), StatusCode::kInvalidArgument);
}

TEST(Subscription, OtherTypes_KeepTheExpression) {
  const auto sql = BuildSubscription("T", "a > 5", "SQL92");
  ASSERT_TRUE(sql.ok());
  EXPECT_EQ(sql->expression_type, "SQL92");
  EXPECT_EQ(sql->sub_string, "a > 5");
  EXPECT_TRUE(TagFilter(*sql).matches_all());
  EXPECT_FALSE(BuildSubscription("T", "", "SQL92").ok());
  EXPECT_EQ(*BuildSubscription("T", "A", ""), *BuildSubscription("T", "A", "TAG"));
}

TEST(TagFilter, Codes_MatchTheLow32Bits) {
  const TagFilter filter(*BuildSubscription("T", "TagA || polygenelubricants"));
  EXPECT_FALSE(filter.matches_all());
  EXPECT_TRUE(filter.MatchesCode(TagsCode("TagA")));
  EXPECT_TRUE(filter.MatchesCode(TagsCode("polygenelubricants")));
  EXPECT_TRUE(filter.MatchesCode(0x80000000));
  EXPECT_FALSE(filter.MatchesCode(TagsCode("TagB")));
  EXPECT_FALSE(filter.MatchesCode(TagsCode("")));
}

TEST(TagFilter, DefaultAndClassFilter_MatchEverything) {
  EXPECT_TRUE(TagFilter().MatchesCode(12345));
  SubscriptionData obsolete = *BuildSubscription("T", "TagA");
  obsolete.class_filter_mode = true;
  EXPECT_TRUE(TagFilter(obsolete).MatchesCode(1));
}

TEST(MatchesTag, HashCollision_IsCaughtByTheText) {
  const SubscriptionData wanted = *BuildSubscription("T", "Aa");
  ASSERT_EQ(JavaStringHash("Aa"), JavaStringHash("BB"));
  EXPECT_TRUE(TagFilter(wanted).MatchesCode(TagsCode("BB")));
  EXPECT_TRUE(MatchesTag(wanted, "Aa"));
  EXPECT_FALSE(MatchesTag(wanted, "BB"));
  EXPECT_FALSE(MatchesTag(wanted, ""));
  EXPECT_TRUE(MatchesTag(*BuildSubscription("T", "*"), "anything"));
  EXPECT_TRUE(MatchesTag(*BuildSubscription("T", "*"), ""));
}

}  // namespace
}  // namespace orbitmq
