// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "common/wake_batch.h"

namespace orbitmq {
namespace {

class CountingSleeper final : public Sleeper {
 public:
  void Wake() override { ++count; }
  int count = 0;
};

TEST(WakeBatchTest, NoBatch_IsLeftToTheCaller) {
  const auto sleeper = std::make_shared<CountingSleeper>();
  EXPECT_FALSE(WakeBatch::Defer(sleeper));
  EXPECT_EQ(sleeper->count, 0);
}

TEST(WakeBatchTest, EachIsWokenOnceAtTheEnd) {
  const auto a = std::make_shared<CountingSleeper>();
  const auto b = std::make_shared<CountingSleeper>();
  {
    const WakeBatch batch;
    for (int i = 0; i < 3; ++i) {
      EXPECT_TRUE(WakeBatch::Defer(a));
    }
    EXPECT_TRUE(WakeBatch::Defer(b));
    EXPECT_EQ(a->count + b->count, 0);
  }
  EXPECT_EQ(a->count, 1);
  EXPECT_EQ(b->count, 1);
  EXPECT_FALSE(WakeBatch::Defer(a));
}

TEST(WakeBatchTest, InnerBatch_LeavesItToTheOuterOne) {
  const auto sleeper = std::make_shared<CountingSleeper>();
  {
    const WakeBatch outer;
    {
      const WakeBatch inner;
      EXPECT_TRUE(WakeBatch::Defer(sleeper));
    }
    EXPECT_EQ(sleeper->count, 0);
  }
  EXPECT_EQ(sleeper->count, 1);
}

TEST(WakeBatchTest, KeepsTheSleeperAliveUntilTheEnd) {
  auto sleeper = std::make_shared<CountingSleeper>();
  const std::weak_ptr<CountingSleeper> watch = sleeper;
  {
    const WakeBatch batch;
    EXPECT_TRUE(WakeBatch::Defer(sleeper));
    sleeper.reset();
    EXPECT_FALSE(watch.expired());
  }
  EXPECT_TRUE(watch.expired());
}

}  // namespace
}  // namespace orbitmq
