// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <memory>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "common/completion.h"
#include "common/task.h"

namespace orbitmq {
namespace {

TEST(UniqueFunction, SmallCallable_IsCalledAndDestroyedOnce) {
  auto tracked = std::make_shared<int>(0);
  {
    UniqueFunction<int(int)> f = [tracked](int n) { return *tracked += n; };
    EXPECT_TRUE(static_cast<bool>(f));
    EXPECT_EQ(f(2), 2);
    EXPECT_EQ(f(3), 5);
    EXPECT_EQ(tracked.use_count(), 2);
  }
  EXPECT_EQ(tracked.use_count(), 1);
}

TEST(UniqueFunction, LargeCallable_LivesOnTheHeapAndMovesWithoutCopies) {
  auto tracked = std::make_shared<int>(7);
  std::array<char, 200> ballast{};
  ballast[199] = 1;
  UniqueFunction<int()> f = [tracked, ballast] { return *tracked + ballast[199]; };
  UniqueFunction<int()> g = std::move(f);
  EXPECT_FALSE(static_cast<bool>(f));
  EXPECT_EQ(g(), 8);
  EXPECT_EQ(tracked.use_count(), 2);
  g = nullptr;
  EXPECT_EQ(tracked.use_count(), 1);
}

TEST(UniqueFunction, MoveOnlyCaptureAndArguments_Work) {
  auto value = std::make_unique<int>(5);
  UniqueFunction<int(std::unique_ptr<int>)> f = [value = std::move(value)](std::unique_ptr<int> other) {
    return *value * *other;
  };
  EXPECT_EQ(f(std::make_unique<int>(6)), 30);
}

TEST(UniqueFunction, Assignment_DestroysTheOldCallable) {
  auto old = std::make_shared<int>(0);
  UniqueFunction<void()> f = [old] {};
  EXPECT_EQ(old.use_count(), 2);
  f = [] {};
  EXPECT_EQ(old.use_count(), 1);
}

TEST(UniqueFunctionDeathTest, Empty_CallAborts) {
  EXPECT_DEATH(
      {
        UniqueFunction<void()> empty;
        empty();
      },
      "empty UniqueFunction");
}

TEST(Completion, Called_DeliversTheResultOnce) {
  std::optional<Result<int>> got;
  Completion<int> done = [&](Result<int> result) { got = std::move(result); };
  EXPECT_TRUE(static_cast<bool>(done));
  done(42);
  EXPECT_FALSE(static_cast<bool>(done));
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(**got, 42);
}

TEST(Completion, Dropped_DeliversCancelled) {
  std::optional<Result<int>> got;
  {
    Completion<int> done = [&](Result<int> result) { got = std::move(result); };
  }
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(got->status().code(), StatusCode::kCancelled);
}

TEST(Completion, OverwrittenByAnother_DeliversCancelledToTheOldOnly) {
  int cancelled = 0;
  int called = 0;
  Completion<int> done = [&](Result<int> result) { cancelled += result.ok() ? 0 : 1; };
  done = Completion<int>([&](Result<int> result) { called += result.ok() ? 1 : 0; });
  EXPECT_EQ(cancelled, 1);
  done(1);
  EXPECT_EQ(called, 1);
}

TEST(Completion, MovedFrom_StaysSilent) {
  int calls = 0;
  {
    Completion<int> first = [&](Result<int>) { ++calls; };
    Completion<int> second = std::move(first);
    second(1);
  }
  EXPECT_EQ(calls, 1);
}

TEST(Completion, CapturedInATaskThatNeverRuns_DeliversCancelled) {
  std::optional<StatusCode> code;
  Completion<Done> done = [&](Result<Done> result) { code = result.status().code(); };
  {
    Task task = [done = std::move(done)]() mutable { done(Done{}); };
  }
  EXPECT_EQ(code, StatusCode::kCancelled);
}

TEST(CompletionDeathTest, SecondCall_Aborts) {
  EXPECT_DEATH(
      {
        Completion<int> done = [](Result<int>) {};
        done(1);
        done(2);
      },
      "called twice");
}

}  // namespace
}  // namespace orbitmq
