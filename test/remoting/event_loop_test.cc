// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <thread>
#include <vector>

#include "remoting/deadline_wheel.h"
#include "remoting/event_loop.h"
#include "test/remoting/net_fixture.h"

namespace orbitmq::net {
namespace {

using std::chrono::milliseconds;

class ExecutorTest : public testing::TestWithParam<ExecutorKind> {
 protected:
  ExecutorTest() : executor_(std::make_unique<ThreadExecutor>(ExecutorOptions{"test", GetParam()})) {}
  std::unique_ptr<ThreadExecutor> executor_;
};

TEST_P(ExecutorTest, Post_RunsInOrderOnTheExecutor) {
  std::vector<int> order;
  EventCount done;
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(executor_->Post([&, i] {
      EXPECT_TRUE(executor_->Current());
      order.push_back(i);
      done.Add();
    }));
  }
  ASSERT_TRUE(done.WaitFor(100));
  EXPECT_FALSE(executor_->Current());
  RunOn(*executor_, [&] {
    for (int i = 0; i < 100; ++i) EXPECT_EQ(order[static_cast<size_t>(i)], i);
  });
  EXPECT_EQ(executor_->kind(), GetParam());
  EXPECT_EQ(executor_->loop() != nullptr, GetParam() == ExecutorKind::kIo);
}

TEST_P(ExecutorTest, PostOnItself_RunsLaterNotInside) {
  bool inside = true;
  EventCount done;
  executor_->Post([&] {
    executor_->Post([&] {
      EXPECT_FALSE(inside);
      done.Add();
    });
    inside = false;
  });
  EXPECT_TRUE(done.WaitFor(1));
}

// Whoever looks for work before it sleeps misses none, and no timer.
TEST_P(ExecutorTest, Linger_TasksAndTimersRunAsEver) {
  EventCount done;
  std::vector<Timer> timers;
  for (int round = 0; round < 200; ++round) {
    const MonoTime due = SteadyNow() + std::chrono::microseconds(30);
    executor_->Post([&, due] {
      executor_->Linger(std::chrono::microseconds(round % 3 * 50));
      timers.push_back(executor_->PostAt(due, [&, due] {
        EXPECT_GE(SteadyNow(), due);
        done.Add();
      }));
    });
    // Now and then it comes while the thread looks, now and then before.
    while (round % 2 == 0 && SteadyNow() < due) std::this_thread::yield();
    executor_->Post([&done] { done.Add(); });
    ASSERT_TRUE(done.WaitFor(2 * round + 2));
  }
  RunOn(*executor_, [&] { timers.clear(); });
}

TEST_P(ExecutorTest, WakeBatch_WakesTheSleeperAtItsEnd) {
  for (int round = 0; round < 100; ++round) {
    EventCount done;
    {
      const WakeBatch batch;
      for (int i = 0; i < 10; ++i) ASSERT_TRUE(executor_->Post([&done] { done.Add(); }));
    }
    ASSERT_TRUE(done.WaitFor(10));
  }
}

TEST_P(ExecutorTest, Stop_InsideAWakeBatch_StillEnds) {
  EventCount done;
  const WakeBatch batch;
  ASSERT_TRUE(executor_->Post([&done] { done.Add(); }));
  executor_->Stop();
  EXPECT_TRUE(done.WaitFor(1));
}

TEST_P(ExecutorTest, ManyThreadsPost_NoWakeUpIsLost) {
  constexpr int kThreads = 4;
  constexpr int kPosts = 5000;
  int sum = 0;
  {
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < kPosts; ++i) executor_->Post([&] { ++sum; });
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  RunOn(*executor_, [&] { EXPECT_EQ(sum, kThreads * kPosts); });
  // One at a time, so that the executor sleeps in between.
  for (int i = 0; i < 200; ++i) RunOn(*executor_, [] {});
}

TEST_P(ExecutorTest, Timers_RunInOrderOfTimeNeverEarly) {
  std::vector<int> order;
  EventCount done;
  const MonoTime start = SteadyNow();
  std::vector<Timer> timers;
  for (const int ms : {30, 10, 20, 10}) {
    timers.push_back(executor_->PostAt(start + milliseconds(ms), [&, ms] {
      EXPECT_GE(SteadyNow(), start + milliseconds(ms));
      order.push_back(ms);
      done.Add();
    }));
  }
  ASSERT_TRUE(done.WaitFor(4));
  RunOn(*executor_, [&] { EXPECT_EQ(order, (std::vector<int>{10, 10, 20, 30})); });
}

TEST_P(ExecutorTest, CancelledOrDroppedTimer_DoesNotRun) {
  bool ran = false;
  EventCount done;
  RunOn(*executor_, [&] {
    Timer dropped = executor_->PostAt(SteadyNow(), [&] { ran = true; });
    Timer cancelled = executor_->PostAt(SteadyNow(), [&] { ran = true; });
    cancelled.Cancel();
    executor_->PostAt(SteadyNow() + milliseconds(5), [&] { done.Add(); }).Detach();
  });
  ASSERT_TRUE(done.WaitFor(1));
  RunOn(*executor_, [&] { EXPECT_FALSE(ran); });
}

TEST_P(ExecutorTest, CancelledFarTimers_GiveTheirMemoryBack) {
  const auto pinned = std::make_shared<int>(1);
  for (int i = 0; i < 1000; ++i) {
    executor_->PostAt(SteadyNow() + std::chrono::hours(1), [pinned] {}).Cancel();
  }
  RunOn(*executor_, [] {});
  RunOn(*executor_, [&] { EXPECT_LT(pinned.use_count(), 200); });
}

TEST_P(ExecutorTest, Stop_RunsAcceptedTasksDropsTimersRefusesNewOnes) {
  bool ran = false;
  Slot<Done> dropped;
  Timer timer = executor_->PostAt(SteadyNow() + std::chrono::hours(1),
                                  [completion = dropped.completion()]() mutable { completion(Done{}); });
  executor_->Post([&] { ran = true; });
  executor_->Stop();
  EXPECT_TRUE(ran);
  EXPECT_EQ(dropped.Wait().status().code(), StatusCode::kCancelled);
  Slot<Done> refused;
  EXPECT_FALSE(executor_->Post([completion = refused.completion()]() mutable { completion(Done{}); }));
  EXPECT_EQ(refused.Wait().status().code(), StatusCode::kCancelled);
  executor_->Stop();
}

TEST_P(ExecutorTest, StopOnItself_EndsAfterTheTask) {
  EventCount done;
  executor_->Post([&] {
    executor_->Stop();
    EXPECT_FALSE(executor_->Post([] {}));
    done.Add();
  });
  ASSERT_TRUE(done.WaitFor(1));
  executor_.reset();
}

INSTANTIATE_TEST_SUITE_P(Kinds, ExecutorTest,
                         testing::Values(ExecutorKind::kIo, ExecutorKind::kCpu, ExecutorKind::kMayBlock));

class DeadlineWheelTest : public testing::Test {
 protected:
  struct Item final : DeadlineWheel::Entry {
    MonoTime deadline;
    int fired = 0;
  };
  DeadlineWheelTest() : env_(NewRealEnv(NullLogger())), executor_(env_->NewExecutor({"wheel"})) {
    RunOn(*executor_, [this] {
      wheel_ = std::make_unique<DeadlineWheel>(*env_, *executor_, [this](DeadlineWheel::Entry& entry) {
        auto& item = static_cast<Item&>(entry);
        EXPECT_FALSE(item.queued());
        EXPECT_GE(env_->clock().Monotonic(), item.deadline);
        ++item.fired;
        fired_.Add();
      });
    });
  }
  ~DeadlineWheelTest() override {
    RunOn(*executor_, [this] { wheel_.reset(); });
  }
  void Add(Item& item, Duration after) {
    item.deadline = env_->clock().Monotonic() + after;
    wheel_->Add(item, item.deadline);
  }
  std::unique_ptr<Env> env_;
  std::unique_ptr<Executor> executor_;
  std::unique_ptr<DeadlineWheel> wheel_;
  EventCount fired_;
};

TEST_F(DeadlineWheelTest, FiresEachOnceAndNeverEarly) {
  std::vector<Item> items(300);
  RunOn(*executor_, [&] {
    int i = 0;
    for (Item& item : items) Add(item, milliseconds(i++ % 60));
  });
  ASSERT_TRUE(fired_.WaitFor(300));
  RunOn(*executor_, [&] {
    for (const Item& item : items) EXPECT_EQ(item.fired, 1);
  });
}

TEST_F(DeadlineWheelTest, Removed_DoesNotFireAndShortAfterLongDoes) {
  Item removed;
  Item longer;
  Item never;
  Item shorter;
  RunOn(*executor_, [&] {
    Add(longer, std::chrono::hours(1));
    wheel_->Add(never, kNever);
    Add(removed, milliseconds(1));
    wheel_->Remove(removed);
    wheel_->Remove(removed);
    Add(shorter, milliseconds(20));
  });
  ASSERT_TRUE(fired_.WaitFor(1));
  RunOn(*executor_, [&] {
    EXPECT_EQ(shorter.fired, 1);
    EXPECT_EQ(removed.fired + longer.fired + never.fired, 0);
    wheel_->Remove(longer);
    wheel_->Remove(never);
  });
}

}  // namespace
}  // namespace orbitmq::net
