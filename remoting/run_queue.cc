// SPDX-License-Identifier: Apache-2.0
#include "remoting/run_queue.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace orbitmq::net {

struct RunQueue::TimerNode final : Timer::State {
  MonoTime when;
  uint64_t sequence = 0;  // Equal times run in the order in which they were posted.
  Task task;
};

bool RunQueue::Later(const std::shared_ptr<TimerNode>& a, const std::shared_ptr<TimerNode>& b) {
  return a->when != b->when ? a->when > b->when : a->sequence > b->sequence;
}

RunQueue::Pushed RunQueue::WakeState() {
  if (!sleeping_) return Pushed::kQueued;
  sleeping_ = false;
  return Pushed::kMustWake;
}

RunQueue::Pushed RunQueue::Push(Task&& task) {
  const MutexLock lock(mutex_);
  if (closed_) return Pushed::kRefused;
  tasks_.push_back(std::move(task));
  return WakeState();
}

RunQueue::TimerPushed RunQueue::PushAt(MonoTime when, Task&& task) {
  auto node = std::make_shared<TimerNode>();
  node->when = when;
  node->task = std::move(task);
  const MutexLock lock(mutex_);
  // After Close the node, and the task with it, goes away with the handle: it will never run.
  if (closed_) return {Pushed::kRefused, Timer(std::move(node))};
  node->sequence = next_sequence_++;
  new_timers_.push_back(node);
  return {WakeState(), Timer(std::move(node))};
}

RunQueue::Pushed RunQueue::Close() {
  const MutexLock lock(mutex_);
  if (closed_) return Pushed::kRefused;
  closed_ = true;
  return WakeState();
}

void RunQueue::RunTasks() {
  {
    const MutexLock lock(mutex_);
    batch_.swap(tasks_);
  }
  for (Task& task : batch_) {
    Task mine = std::move(task);
    mine();
  }
  batch_.clear();
  TakeNewTimers();
}

void RunQueue::TakeNewTimers() {
  TimerHeap fresh;
  {
    const MutexLock lock(mutex_);
    if (new_timers_.empty()) return;
    fresh.swap(new_timers_);
  }
  for (auto& node : fresh) {
    heap_.push_back(std::move(node));
    std::push_heap(heap_.begin(), heap_.end(), Later);
  }
  if (heap_.size() >= sweep_at_) SweepCancelled();
}

void RunQueue::SweepCancelled() {
  // Cancelled timers leave the heap when they are due; those far away must not pile up until then.
  TimerHeap dropped;
  const auto live = std::stable_partition(heap_.begin(), heap_.end(), [](const auto& node) {
    return !node->cancelled.load(std::memory_order_acquire);
  });
  dropped.assign(std::make_move_iterator(live), std::make_move_iterator(heap_.end()));
  heap_.erase(live, heap_.end());
  std::make_heap(heap_.begin(), heap_.end(), Later);
  sweep_at_ = std::max<size_t>(64, 2 * heap_.size());
  for (auto& node : dropped) node->task = nullptr;
}

void RunQueue::RunTimers(MonoTime now) {
  while (!heap_.empty() && heap_.front()->when <= now) {
    std::pop_heap(heap_.begin(), heap_.end(), Later);
    const std::shared_ptr<TimerNode> node = std::move(heap_.back());
    heap_.pop_back();
    Task task = std::move(node->task);
    if (!node->cancelled.load(std::memory_order_acquire)) task();
  }
}

RunQueue::Next RunQueue::BeforeSleep() {
  const MutexLock lock(mutex_);
  if (!tasks_.empty()) return Next::kRun;
  if (closed_) return Next::kEnd;
  if (!new_timers_.empty()) return Next::kRun;
  sleeping_ = true;
  return Next::kSleep;
}

void RunQueue::AfterSleep() {
  const MutexLock lock(mutex_);
  sleeping_ = false;
}

MonoTime RunQueue::next_timer() const { return heap_.empty() ? kNever : heap_.front()->when; }

void RunQueue::DropTimers() {
  TakeNewTimers();
  const TimerHeap dropped = std::exchange(heap_, {});
  for (const auto& node : dropped) node->task = nullptr;
}

}  // namespace orbitmq::net
