// SPDX-License-Identifier: Apache-2.0
#include "test/sim/sim_scheduler.h"

#include <algorithm>

namespace orbitmq::sim {

struct Scheduler::Event {
  MonoTime when;
  uint64_t sequence;
  std::shared_ptr<RunQueue> queue;
  std::shared_ptr<Timer::State> state;
  Task task;
};

struct Scheduler::Later {
  bool operator()(const std::unique_ptr<Event>& a, const std::unique_ptr<Event>& b) const {
    return a->when != b->when ? a->when > b->when : a->sequence > b->sequence;
  }
};

Scheduler::Scheduler(uint64_t seed) : seed_(seed), random_(seed) {}
Scheduler::~Scheduler() = default;

std::shared_ptr<RunQueue> Scheduler::NewQueue(std::string name, ExecutorKind kind) {
  auto queue = std::make_shared<RunQueue>();
  queue->name = std::move(name);
  queue->kind = kind;
  queue->ordinal = next_ordinal_++;
  return queue;
}

bool Scheduler::Post(const std::shared_ptr<RunQueue>& queue, Task task) {
  if (!queue->open) return false;
  queue->tasks.push_back(std::move(task));
  if (queue->tasks.size() == 1) ready_.push_back(queue);
  return true;
}

Timer Scheduler::PostAt(const std::shared_ptr<RunQueue>& queue, MonoTime when, Task task) {
  auto state = std::make_shared<Timer::State>();
  if (queue == nullptr || queue->open) {
    auto event = std::make_unique<Event>();
    event->when = std::max(when, now_);
    event->sequence = next_sequence_++;
    event->queue = queue;
    event->state = state;
    event->task = std::move(task);
    events_.push_back(std::move(event));
    std::push_heap(events_.begin(), events_.end(), Later());
  }
  return Timer(std::move(state));
}

void Scheduler::Spend(Duration time) {
  if (current_mutable_ == nullptr) return;
  current_mutable_->busy_until = std::max(current_mutable_->busy_until, now_) + time;
}

void Scheduler::DrainAndClose(const std::shared_ptr<RunQueue>& queue) {
  queue->open = false;
  if (current_ == queue.get()) return;  // Stopped from its own task: the rest still runs, in turn.
  while (!queue->tasks.empty()) RunFront(queue);
  std::erase(ready_, queue);
}

void Scheduler::DropAndClose(const std::shared_ptr<RunQueue>& queue) {
  queue->open = false;
  // Destroying a task may run completions that look at the queue: take the tasks out first.
  std::deque<Task> dropped;
  dropped.swap(queue->tasks);
  std::erase(ready_, queue);
  std::vector<std::unique_ptr<Event>> dropped_events;
  for (auto& event : events_) {
    if (event->queue == queue) dropped_events.push_back(std::move(event));
  }
  std::erase(events_, nullptr);
  std::make_heap(events_.begin(), events_.end(), Later());
  dropped.clear();
  dropped_events.clear();
}

void Scheduler::FireDueEvents() {
  while (!events_.empty() && events_.front()->when <= now_) {
    std::pop_heap(events_.begin(), events_.end(), Later());
    std::unique_ptr<Event> event = std::move(events_.back());
    events_.pop_back();
    if (event->state->cancelled.load(std::memory_order_relaxed)) continue;
    if (event->queue == nullptr) {
      event->task();
      continue;
    }
    // Checked again when its turn comes: a timer may be cancelled while its task waits in the queue.
    Post(event->queue, [state = std::move(event->state), task = std::move(event->task)]() mutable {
      if (!state->cancelled.load(std::memory_order_relaxed)) task();
    });
  }
}

void Scheduler::RunFront(const std::shared_ptr<RunQueue>& queue) {
  Task task = std::move(queue->tasks.front());
  queue->tasks.pop_front();
  const RunQueue* outer = current_;
  RunQueue* outer_mutable = current_mutable_;
  current_ = queue.get();
  current_mutable_ = queue.get();
  ++steps_;
  trace_hash_ = (trace_hash_ ^ queue->ordinal) * 0x100000001B3ULL;
  trace_hash_ = (trace_hash_ ^ static_cast<uint64_t>(now_.time_since_epoch().count())) * 0x100000001B3ULL;
  task();
  task = nullptr;
  current_ = outer;
  current_mutable_ = outer_mutable;
}

std::shared_ptr<RunQueue> Scheduler::DrawRunnable() {
  std::erase_if(ready_, [](const auto& queue) { return queue->tasks.empty(); });
  size_t runnable = 0;
  for (const auto& queue : ready_) runnable += queue->busy_until <= now_ ? 1 : 0;
  if (runnable == 0) return nullptr;
  uint64_t drawn = random_.Below(runnable);
  for (const auto& queue : ready_) {
    if (queue->busy_until <= now_ && drawn-- == 0) return queue;
  }
  ORBITMQ_UNREACHABLE("the drawn queue is among those that were counted");
}

bool Scheduler::Step(MonoTime until) {
  FireDueEvents();
  if (std::shared_ptr<RunQueue> queue = DrawRunnable()) {
    RunFront(queue);
    // A task takes a little time, so that loops that post to themselves cannot stop the clock.
    now_ += std::chrono::nanoseconds(200 + static_cast<int64_t>(random_.Below(2000)));
    return true;
  }
  MonoTime next = kNever;
  if (!events_.empty()) next = events_.front()->when;
  for (const auto& queue : ready_) next = std::min(next, queue->busy_until);
  if (next == kNever || next > until) {
    now_ = std::max(now_, std::min(until, next));
    return false;
  }
  now_ = std::max(now_, next);
  return true;
}

void Scheduler::RunUntil(MonoTime until) {
  while (now_ < until && Step(until)) {
  }
  now_ = std::max(now_, until);
}

}  // namespace orbitmq::sim
