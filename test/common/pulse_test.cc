// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <optional>

#include <gtest/gtest.h>

#include "common/pulse.h"
#include "test/common/manual_executor.h"

namespace orbitmq {
namespace {

TEST(Pulse, ManySignals_CauseOneRun) {
  ManualExecutor executor;
  int runs = 0;
  Pulse pulse(executor, [&] {
    EXPECT_TRUE(executor.Current());
    ++runs;
    return Progress::kIdle;
  });
  for (int i = 0; i < 10; ++i) pulse.Signal();
  EXPECT_EQ(executor.pending(), 1u);
  EXPECT_EQ(runs, 0);
  executor.RunAll();
  EXPECT_EQ(runs, 1);
  pulse.Signal();
  executor.RunAll();
  EXPECT_EQ(runs, 2);
}

TEST(Pulse, More_RunsAgainAsATaskOfItsOwn) {
  ManualExecutor executor;
  int left = 3;
  Pulse pulse(executor, [&] { return --left > 0 ? Progress::kMore : Progress::kIdle; });
  pulse.Signal();
  executor.RunOne();
  EXPECT_EQ(left, 2);
  EXPECT_EQ(executor.pending(), 1u);
  EXPECT_EQ(executor.RunAll(), 2);
  EXPECT_EQ(left, 0);
}

TEST(Pulse, SignalDuringTheStep_IsNotLost) {
  ManualExecutor executor;
  int runs = 0;
  std::optional<Pulse> pulse;
  pulse.emplace(executor, [&] {
    if (++runs == 1) pulse->Signal();
    return Progress::kIdle;
  });
  pulse->Signal();
  executor.RunAll();
  EXPECT_EQ(runs, 2);
}

TEST(Pulse, SignalAndMoreTogether_RunOnceMore) {
  ManualExecutor executor;
  int runs = 0;
  std::optional<Pulse> pulse;
  pulse.emplace(executor, [&] {
    if (++runs > 1) return Progress::kIdle;
    pulse->Signal();
    return Progress::kMore;
  });
  pulse->Signal();
  executor.RunAll();
  EXPECT_EQ(runs, 2);
}

TEST(Pulse, DestroyedBeforeTheRun_DoesNotRun) {
  ManualExecutor executor;
  int runs = 0;
  {
    Pulse pulse(executor, [&] {
      ++runs;
      return Progress::kIdle;
    });
    pulse.Signal();
  }
  executor.RunAll();
  EXPECT_EQ(runs, 0);
}

TEST(Pulse, DestroyedInsideTheStep_StopsThere) {
  ManualExecutor executor;
  int runs = 0;
  auto owned = std::make_shared<int>(1);
  std::optional<Pulse> pulse;
  pulse.emplace(executor, [&, owned] {
    ++runs;
    pulse.reset();
    EXPECT_EQ(*owned, 1);  // The step's own captures live until it returns.
    return Progress::kMore;
  });
  pulse->Signal();
  executor.RunAll();
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(owned.use_count(), 1);
}

TEST(Pulse, StoppedExecutor_IsHarmless) {
  ManualExecutor executor;
  executor.Stop();
  Pulse pulse(executor, [] { return Progress::kMore; });
  pulse.Signal();
  pulse.Signal();
  EXPECT_EQ(executor.pending(), 0u);
}

}  // namespace
}  // namespace orbitmq
