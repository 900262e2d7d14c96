// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "remoting/lookout.h"

namespace orbitmq::net {
namespace {

using std::chrono::microseconds;

// Whether it looks when asked now.
bool Looks(Lookout& lookout) {
  lookout.Ask(microseconds(50));
  return lookout.Take() > Duration(0);
}

TEST(LookoutTest, NobodyAsked_ItSleeps) {
  Lookout lookout;
  EXPECT_EQ(lookout.Take(), Duration(0));
}

TEST(LookoutTest, Take_GivesTheLongestThatWasAskedOnce_WithinBounds) {
  Lookout lookout;
  lookout.Ask(microseconds(20));
  lookout.Ask(microseconds(50));
  lookout.Ask(microseconds(30));
  EXPECT_EQ(lookout.Take(), microseconds(50));
  EXPECT_EQ(lookout.Take(), Duration(0));
  lookout.Ask(std::chrono::hours(1));
  EXPECT_EQ(lookout.Take(), Lookout::kLongest);
}

TEST(LookoutTest, ItMostlyFinds_GoesOn) {
  Lookout lookout;
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(Looks(lookout)) << i;
    lookout.Ended(i % 4 != 0);
  }
}

TEST(LookoutTest, ItFindsNothing_LooksOnceInALongWhile) {
  Lookout lookout;
  int looks = 0;
  for (int i = 0; i < 6500; ++i) {
    if (!Looks(lookout)) continue;
    ++looks;
    lookout.Ended(false);
  }
  EXPECT_GE(looks, 90);
  EXPECT_LE(looks, 110);
}

TEST(LookoutTest, ItFindsAgainAfterARest_GoesOn) {
  Lookout lookout;
  for (int i = 0; i < 500; ++i) {
    if (Looks(lookout)) lookout.Ended(false);
  }
  int looks = 0;
  for (int i = 0; i < 200; ++i) {
    if (!Looks(lookout)) continue;
    ++looks;
    lookout.Ended(true);
  }
  EXPECT_GE(looks, 200 - Lookout::kRest);
}

}  // namespace
}  // namespace orbitmq::net
