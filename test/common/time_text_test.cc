// SPDX-License-Identifier: Apache-2.0
#include <ctime>

#include <gtest/gtest.h>

#include "common/time_text.h"

namespace orbitmq {
namespace {

int64_t Utc(std::string_view text) {
  const auto time = ParseTimeText(text, BareTime::kUtc);
  EXPECT_TRUE(time.ok()) << text;
  return time.ok() ? *time : -1;
}

TEST(TimeText, EveryForm_IsTaken) {
  EXPECT_EQ(Utc("2023-11-14"), 1699920000000);
  EXPECT_EQ(Utc("2023-11-14 22:13"), 1699999980000);
  EXPECT_EQ(Utc("2023-11-14T22:13:20"), 1700000000000);
  EXPECT_EQ(Utc("2023-11-14 22:13:20.123"), 1700000000123);
  EXPECT_EQ(Utc("2024-02-29"), 1709164800000);
}

TEST(TimeText, Zone_IsTakenWhateverBareTimesMean) {
  for (const BareTime bare : {BareTime::kUtc, BareTime::kLocal}) {
    for (const char* text :
         {"2023-11-14T22:13:20Z", "2023-11-15T00:13:20+02:00", "2023-11-14 18:43:20-0330"}) {
      EXPECT_EQ(*ParseTimeText(text, bare), 1700000000000) << text;
    }
  }
}

TEST(TimeText, BareLocalTime_IsThatOfTheMachine) {
  std::tm parts{};
  parts.tm_year = 126;
  parts.tm_mday = 31;
  parts.tm_hour = 13;
  parts.tm_isdst = -1;
  EXPECT_EQ(*ParseTimeText("2026-01-31 13:00", BareTime::kLocal), int64_t{std::mktime(&parts)} * 1000);
}

TEST(TimeText, Nonsense_IsRefused) {
  for (const char* text : {"", "soon", "2023", "2023-13-01", "2023-02-30", "2023-00-10", "2023-11-14 24:00",
                           "2023-11-14 22:60", "2023-11-14 22:13:20.1", "2023-11-14 22:13x",
                           "2023-11-14 22:13+2", "2023-11-14T", "2023-11-14 22:13Z ", "1-2-3"}) {
    EXPECT_EQ(ParseTimeText(text, BareTime::kUtc).status().code(), StatusCode::kInvalidArgument) << text;
  }
}

}  // namespace
}  // namespace orbitmq
