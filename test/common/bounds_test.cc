// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "common/delay_levels.h"
#include "common/memory_budget.h"
#include "common/strings.h"

namespace orbitmq {
namespace {

TEST(MemoryBudget, Units_ComeBackWhenTheyGo) {
  MemoryBudget budget(100);
  {
    auto some = budget.TryTake(60);
    ASSERT_TRUE(some.has_value());
    EXPECT_EQ(some->bytes(), 60u);
    EXPECT_FALSE(budget.TryTake(41).has_value());
    auto rest = budget.TryTake(40);
    EXPECT_TRUE(rest.has_value());
    EXPECT_EQ(budget.bytes_in_use(), 100u);
    MemoryBudget::Units moved = *std::move(rest);
    moved = *std::move(some);  // Gives 40 back.
    EXPECT_EQ(budget.bytes_in_use(), 60u);
    moved.Release();
    moved.Release();
    EXPECT_EQ(budget.bytes_in_use(), 0u);
  }
  EXPECT_EQ(budget.bytes_in_use(), 0u);
  EXPECT_FALSE(budget.TryTake(101).has_value());
  EXPECT_FALSE(budget.TryTake(SIZE_MAX).has_value());
  EXPECT_TRUE(budget.TryTake(0).has_value());
}

TEST(MemoryBudget, TakeAnyway_GoesBeyondAndBlocksTheOthers) {
  MemoryBudget budget(100);
  auto much = budget.TakeAnyway(500);
  EXPECT_FALSE(budget.TryTake(1).has_value());
  much.Release();
  EXPECT_TRUE(budget.TryTake(100).has_value());
}

TEST(MemoryBudget, Room_IsToldOnceAfterARefusal) {
  int told = 0;
  MemoryBudget budget(MemoryBudget::Options{100, 50, [&] { ++told; }});
  auto a = budget.TryTake(40);
  auto b = budget.TryTake(40);
  { auto c = budget.TryTake(10); }
  EXPECT_EQ(told, 0);
  EXPECT_FALSE(budget.TryTake(30).has_value());
  EXPECT_FALSE(budget.TryTake(30).has_value());
  a->Release();
  EXPECT_EQ(told, 1);
  b->Release();
  EXPECT_EQ(told, 1);
  EXPECT_FALSE(budget.TryTake(1000).has_value());  // Never fits, so nobody waits for it.
  { auto c = budget.TryTake(10); }
  EXPECT_EQ(told, 1);
}

TEST(MemoryBudget, Units_MayOutliveTheBudget) {
  std::optional<MemoryBudget::Units> units;
  {
    MemoryBudget budget(10);
    units = budget.TryTake(5);
  }
  units->Release();
  EXPECT_EQ(units->bytes(), 0u);
}

TEST(MemoryBudget, ManyThreads_NeverPassTheBound) {
  std::atomic<int> told{0};
  MemoryBudget budget(MemoryBudget::Options{1000, 0, [&] { told.fetch_add(1); }});
  std::atomic<bool> passed{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20000; ++i) {
        auto units = budget.TryTake(static_cast<size_t>(200 + (i * 7 + t) % 200));
        if (budget.bytes_in_use() > 1000) passed = true;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(passed);
  EXPECT_EQ(budget.bytes_in_use(), 0u);
}

TEST(DelayLevels, Default_HasEighteen) {
  const auto levels = ParseDelayLevels(kDelayLevelsDefault);
  ASSERT_TRUE(levels.ok());
  ASSERT_EQ(levels->size(), 18u);
  EXPECT_EQ((*levels)[0], std::chrono::seconds(1));
  EXPECT_EQ((*levels)[2], std::chrono::seconds(10));
  EXPECT_EQ((*levels)[4], std::chrono::minutes(1));
  EXPECT_EQ((*levels)[17], std::chrono::hours(2));
}

TEST(DelayLevels, Blanks_AreForgivenAndDaysKnown) {
  const auto levels = ParseDelayLevels(" 0s   3650d ");
  ASSERT_TRUE(levels.ok());
  EXPECT_EQ(levels->size(), 2u);
  EXPECT_EQ((*levels)[1], std::chrono::hours(24 * 3650));
}

TEST(DelayLevels, BadText_NamesTheEntry) {
  for (const char* bad :
       {"", "  ", "1", "s", "1x", "-1s", "1.5s", "1s 5", "+1s", "3651d", "9223372036854775807s", "1S"}) {
    EXPECT_EQ(ParseDelayLevels(bad).status().code(), StatusCode::kInvalidArgument) << bad;
  }
  EXPECT_EQ(ParseDelayLevels("1s 5x").status().text(),
            "delay level \"5x\": no unit; expected entries like 10s, 5m, 2h, 1d");
  std::string many;
  for (int i = 0; i < 257; ++i) many += "1s ";
  EXPECT_FALSE(ParseDelayLevels(many).ok());
}

}  // namespace
}  // namespace orbitmq
