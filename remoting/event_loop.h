// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "common/executor.h"
#include "common/wake_batch.h"
#include "remoting/lookout.h"
#include "remoting/run_queue.h"

struct event;
struct event_base;

namespace orbitmq::net {

// The monotonic clock that executors and RealEnv share.
MonoTime SteadyNow();

// How the thread of an executor waits for work. Wake from any thread, the rest from the executor's own.
class Waiter : public Sleeper {
 public:
  // Once per turn, after the tasks and timers have run.
  virtual void OnTurnEnd() = 0;
  // Returns at `until`, after Wake, or when something else happened. A time in the past only looks.
  virtual void Wait(MonoTime until) = 0;
};

class EventLoop;

// Something that wants to run once at the end of the current turn, for example a connection with a batch of
// replies to send. Must leave its loop before it dies.
class TurnHook {
 public:
  virtual void OnTurnEnd() = 0;

 protected:
  TurnHook() = default;
  ~TurnHook() = default;
  TurnHook(const TurnHook&) = delete;
  TurnHook& operator=(const TurnHook&) = delete;

 private:
  friend class EventLoop;
  static constexpr size_t kNotQueued = SIZE_MAX;
  size_t slot_ = kNotQueued;
};

// One libevent event_base, the waiting part of a kIo executor.
// Threads: the executor's own, except Wake.
class EventLoop final : public Waiter {
 public:
  EventLoop();
  ~EventLoop() override;
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  event_base* base() const { return base_; }
  // Memory for one read at a time, shared by all connections of the loop so that idle ones need none.
  std::span<char> scratch();
  // Lets hook->OnTurnEnd() run once, at the end of this turn (or of the next, when called from a hook).
  void AtTurnEnd(TurnHook* hook);
  void Forget(TurnHook* hook);

  // Something is expected within `span`: see lookout.h.
  void Linger(Duration span) { lookout_.Ask(span); }
  // Something has come: the thread is needed. For whoever is called back by the base.
  void NoteInput() { has_input_ = true; }

  void OnTurnEnd() override;
  void Wait(MonoTime until) override;
  void Wake() override;

 private:
  // Whether something came within the span.
  bool Look(Duration span);
  static void OnWakeUp(int fd, short what, void* self);
  static void OnTimer(int fd, short what, void* self);
  void ArmTimer(MonoTime until);

  event_base* base_ = nullptr;
  int wake_fd_ = -1;
  event* wake_event_ = nullptr;
  // A timerfd, because libevent's own timers go by a clock that ticks every 1 to 10 ms.
  int timer_fd_ = -1;
  event* timer_event_ = nullptr;
  MonoTime timer_at_ = kNever;  // What it is armed for.
  std::unique_ptr<char[]> scratch_;
  std::vector<TurnHook*> hooks_;
  std::vector<TurnHook*> running_hooks_;
  Lookout lookout_;
  bool has_input_ = false;
};

class ThreadExecutor;

// A way to post to an executor that may be gone already, for a thread that can be kept waiting for long by
// the system (the resolver). Threads: any.
class Mailbox final {
 public:
  explicit Mailbox(ThreadExecutor* executor) : executor_(executor) {}
  bool Post(Task task);

 private:
  friend class ThreadExecutor;
  void Detach();
  Mutex mutex_;
  ThreadExecutor* executor_ ORBITMQ_GUARDED_BY(mutex_);
};

// A serial executor with a thread of its own; kIo ones carry an EventLoop.
// The thread blocks all signals, so that they reach the threads of the program that embeds us.
class ThreadExecutor final : public Executor {
 public:
  explicit ThreadExecutor(ExecutorOptions options);
  ~ThreadExecutor() override;  // Not on the executor itself.

  bool Post(Task task) override;
  Timer PostAt(MonoTime when, Task task) override;
  void Linger(Duration span) override {
    if (loop_ != nullptr) loop_->Linger(span);
  }
  bool Current() const override;
  void Stop() override;
  ExecutorKind kind() const override { return options_.kind; }
  // Null unless kind() is kIo.
  EventLoop* loop() const { return loop_; }
  const std::shared_ptr<Mailbox>& mailbox() const { return mailbox_; }
  // Whether the thread is gone, so that what belonged to it may be destroyed from anywhere.
  bool ended() const { return ended_.load(std::memory_order_acquire); }

 private:
  void Run();
  void Wake();

  const ExecutorOptions options_;
  RunQueue queue_;
  std::shared_ptr<Waiter> waiter_;  // Shared with those who will wake it (WakeBatch).
  EventLoop* loop_ = nullptr;
  const std::shared_ptr<Mailbox> mailbox_ = std::make_shared<Mailbox>(this);
  std::atomic<bool> ended_{false};
  std::mutex join_mutex_;
  std::thread thread_;
};

}  // namespace orbitmq::net
