// SPDX-License-Identifier: Apache-2.0
#include "remoting/event_loop.h"

#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <utility>

#include <event2/event.h>
#include <sched.h>

namespace orbitmq::net {
namespace {

// One read per connection and turn takes at most this much, so that a busy peer cannot starve the others.
constexpr size_t kScratchBytes = size_t{256} << 10;
constexpr int64_t kNanosPerSecond = 1'000'000'000;

// The executor whose thread this is.
thread_local const ThreadExecutor* current_executor = nullptr;

std::chrono::steady_clock::time_point ToSteady(MonoTime when) {
  return std::chrono::steady_clock::time_point(
      std::chrono::duration_cast<std::chrono::steady_clock::duration>(when.time_since_epoch()));
}

// Waits on a condition variable: for executors without sockets.
class ConditionWaiter final : public Waiter {
 public:
  void OnTurnEnd() override {}
  void Wait(MonoTime until) override {
    std::unique_lock<std::mutex> lock(mutex_);
    const auto woken = [this] { return woken_; };
    if (until == kNever) {
      condition_.wait(lock, woken);
    } else {
      condition_.wait_until(lock, ToSteady(until), woken);
    }
    woken_ = false;
  }
  void Wake() override {
    const std::lock_guard<std::mutex> lock(mutex_);
    woken_ = true;
    condition_.notify_one();
  }

 private:
  std::mutex mutex_;
  std::condition_variable condition_;
  bool woken_ = false;
};

}  // namespace

MonoTime SteadyNow() {
  return MonoTime(std::chrono::duration_cast<std::chrono::nanoseconds>(
      std::chrono::steady_clock::now().time_since_epoch()));
}

EventLoop::EventLoop() {
  event_config* config = event_config_new();
  ORBITMQ_CHECK(config != nullptr, "libevent: out of memory");
  // Nothing of the base is shared between threads; Wake goes through the eventfd.
  event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
  base_ = event_base_new_with_config(config);
  event_config_free(config);
  ORBITMQ_CHECK(base_ != nullptr, "libevent cannot make an event base (file descriptors used up?)");
  wake_fd_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  ORBITMQ_CHECK(wake_fd_ >= 0, "cannot make an eventfd (file descriptors used up?)");
  wake_event_ = event_new(base_, wake_fd_, EV_READ | EV_PERSIST, &EventLoop::OnWakeUp, this);
  timer_fd_ = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  ORBITMQ_CHECK(timer_fd_ >= 0, "cannot make a timerfd (file descriptors used up?)");
  timer_event_ = event_new(base_, timer_fd_, EV_READ | EV_PERSIST, &EventLoop::OnTimer, this);
  ORBITMQ_CHECK(wake_event_ != nullptr && timer_event_ != nullptr, "libevent: out of memory");
  ORBITMQ_CHECK(event_add(wake_event_, nullptr) == 0 && event_add(timer_event_, nullptr) == 0,
                "libevent cannot watch an eventfd or a timerfd");
}

EventLoop::~EventLoop() {
  event_free(timer_event_);
  event_free(wake_event_);
  close(timer_fd_);
  close(wake_fd_);
  event_base_free(base_);
}

std::span<char> EventLoop::scratch() {
  if (scratch_ == nullptr) scratch_ = std::make_unique_for_overwrite<char[]>(kScratchBytes);
  return {scratch_.get(), kScratchBytes};
}

void EventLoop::AtTurnEnd(TurnHook* hook) {
  if (hook->slot_ != TurnHook::kNotQueued) return;
  hook->slot_ = hooks_.size();
  hooks_.push_back(hook);
}

void EventLoop::Forget(TurnHook* hook) {
  if (hook->slot_ != TurnHook::kNotQueued) hooks_[hook->slot_] = nullptr;
  hook->slot_ = TurnHook::kNotQueued;
  std::replace(running_hooks_.begin(), running_hooks_.end(), hook, static_cast<TurnHook*>(nullptr));
}

void EventLoop::OnTurnEnd() {
  running_hooks_.swap(hooks_);
  for (TurnHook* hook : running_hooks_) {
    if (hook != nullptr) hook->slot_ = TurnHook::kNotQueued;
  }
  // By index: a hook may forget others, which clears their slots.
  for (size_t i = 0; i < running_hooks_.size(); ++i) {
    if (TurnHook* hook = std::exchange(running_hooks_[i], nullptr)) hook->OnTurnEnd();
  }
  running_hooks_.clear();
}

void EventLoop::Wait(MonoTime until) {
  int flags = EVLOOP_ONCE;
  const Duration span = lookout_.Take();
  if (span > Duration(0) && hooks_.empty() && until > SteadyNow()) {
    const bool found = Look(std::min(span, until - SteadyNow()));
    lookout_.Ended(found);
    if (found) return;
  }
  if (!hooks_.empty() || until <= SteadyNow()) {
    // With EVLOOP_NONBLOCK alone libevent goes on for as long as any socket stays ready.
    flags |= EVLOOP_NONBLOCK;
  } else if (until != timer_at_) {
    ArmTimer(until);
  }
  event_base_loop(base_, flags);
}

bool EventLoop::Look(Duration span) {
  has_input_ = false;
  for (const MonoTime end = SteadyNow() + span;;) {
    event_base_loop(base_, EVLOOP_ONCE | EVLOOP_NONBLOCK);
    if (has_input_ || !hooks_.empty()) return true;
    if (SteadyNow() >= end) return false;
    // Whoever is to bring it may need this CPU.
    sched_yield();
  }
}

void EventLoop::ArmTimer(MonoTime until) {
  itimerspec at{};  // All zero disarms it.
  if (until != kNever) {
    const auto nanos = until.time_since_epoch().count();
    at.it_value = {static_cast<time_t>(nanos / kNanosPerSecond), static_cast<long>(nanos % kNanosPerSecond)};
  }
  const int armed = timerfd_settime(timer_fd_, TFD_TIMER_ABSTIME, &at, nullptr);
  ORBITMQ_CHECK(armed == 0, "a timerfd refuses a time");
  timer_at_ = until;
}

void EventLoop::OnTimer(int fd, short, void* self) {
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = read(fd, &count, sizeof(count));
  static_cast<EventLoop*>(self)->timer_at_ = kNever;
  static_cast<EventLoop*>(self)->NoteInput();
}

void EventLoop::Wake() {
  const uint64_t one = 1;
  // It can only fail with EAGAIN, when billions of wake-ups are pending already.
  [[maybe_unused]] const ssize_t written = write(wake_fd_, &one, sizeof(one));
}

void EventLoop::OnWakeUp(int fd, short, void* self) {
  static_cast<EventLoop*>(self)->NoteInput();
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = read(fd, &count, sizeof(count));
}

bool Mailbox::Post(Task task) {
  const MutexLock lock(mutex_);
  return executor_ != nullptr && executor_->Post(std::move(task));
}

void Mailbox::Detach() {
  const MutexLock lock(mutex_);
  executor_ = nullptr;
}

ThreadExecutor::ThreadExecutor(ExecutorOptions options) : options_(std::move(options)) {
  if (options_.kind == ExecutorKind::kIo) {
    auto loop = std::make_unique<EventLoop>();
    loop_ = loop.get();
    waiter_ = std::move(loop);
  } else {
    waiter_ = std::make_unique<ConditionWaiter>();
  }
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    thread_ = std::thread([this] { Run(); });
  } catch (const std::system_error&) {
    ORBITMQ_UNREACHABLE("cannot start a thread: the limit of threads or memory is reached");
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

ThreadExecutor::~ThreadExecutor() {
  ORBITMQ_CHECK(!Current(), "an executor must not be destroyed by one of its own tasks");
  mailbox_->Detach();
  Stop();
}

void ThreadExecutor::Wake() {
  if (!WakeBatch::Defer(waiter_)) waiter_->Wake();
}

bool ThreadExecutor::Post(Task task) {
  const RunQueue::Pushed pushed = queue_.Push(std::move(task));
  if (pushed == RunQueue::Pushed::kMustWake) Wake();
  return pushed != RunQueue::Pushed::kRefused;
}

Timer ThreadExecutor::PostAt(MonoTime when, Task task) {
  RunQueue::TimerPushed result = queue_.PushAt(when, std::move(task));
  if (result.pushed == RunQueue::Pushed::kMustWake) Wake();
  return std::move(result.timer);
}

bool ThreadExecutor::Current() const { return current_executor == this; }

void ThreadExecutor::Stop() {
  // Also when somebody said that he would wake it: he may be waiting for this very end.
  if (queue_.Close() != RunQueue::Pushed::kRefused) waiter_->Wake();
  if (Current()) return;
  const std::lock_guard<std::mutex> lock(join_mutex_);
  if (thread_.joinable()) thread_.join();
}

void ThreadExecutor::Run() {
  current_executor = this;
  // The kernel takes 15 characters.
  pthread_setname_np(pthread_self(), options_.name.substr(0, 15).c_str());
  for (;;) {
    queue_.RunTasks();
    if (queue_.next_timer() != kNever) queue_.RunTimers(SteadyNow());
    waiter_->OnTurnEnd();
    const RunQueue::Next next = queue_.BeforeSleep();
    if (next == RunQueue::Next::kEnd) break;
    if (next == RunQueue::Next::kSleep) {
      waiter_->Wait(queue_.next_timer());
      queue_.AfterSleep();
    } else if (loop_ != nullptr) {
      loop_->Wait(MonoTime::min());  // Tasks must not starve the sockets.
    }
  }
  queue_.DropTimers();
  current_executor = nullptr;
  ended_.store(true, std::memory_order_release);
}

}  // namespace orbitmq::net
