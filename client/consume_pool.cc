// SPDX-License-Identifier: Apache-2.0
#include "client/consume_pool.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "client/received_rep.h"
#include "client/user_code.h"
#include "common/mutex.h"
#include "common/strings.h"

namespace orbitmq::client {
namespace {

// Tasks that a worker takes before it goes to the back of its executor's queue.
constexpr int kTasksPerTurn = 16;

thread_local const void* calling_listener_of = nullptr;

}  // namespace

struct ConsumePool::State {
  State(Env& e, Executor& l, ConsumePoolOptions o) : env(e), loop(l), options(std::move(o)) {}

  Env& env;
  Executor& loop;
  ConsumePoolOptions options;
  std::vector<Executor*> workers;  // Immutable after construction.
  std::atomic<bool> starting{true};
  std::atomic<int> running{0};
  Mutex mutex;
  std::deque<ConsumeTaskPtr> waiting ORBITMQ_GUARDED_BY(mutex);
  std::vector<size_t> idle ORBITMQ_GUARDED_BY(mutex);  // Workers without a pending turn.
  std::vector<ConsumeTaskPtr> returned ORBITMQ_GUARDED_BY(mutex);
  bool return_posted ORBITMQ_GUARDED_BY(mutex) = false;
};

ConsumePool::ConsumePool(Env& env, Executor& loop, ConsumePoolOptions options)
    : state_(std::make_shared<State>(env, loop, std::move(options))) {
  for (int i = 0; i < state_->options.threads; ++i) {
    workers_.push_back(env.NewExecutor({StrCat("orbitmq-use", i), ExecutorKind::kMayBlock}));
    state_->workers.push_back(workers_.back().get());
    state_->idle.push_back(static_cast<size_t>(i));
  }
  // The lowest number is taken first, so that a quiet consumer keeps one thread warm.
  std::reverse(state_->idle.begin(), state_->idle.end());
}

ConsumePool::~ConsumePool() { StopStarting(); }

void ConsumePool::Submit(ConsumeTaskPtr task) {
  State& state = *state_;
  std::optional<size_t> wake;
  {
    MutexLock lock(state.mutex);
    state.waiting.push_back(std::move(task));
    if (!state.idle.empty()) {
      wake = state.idle.back();
      state.idle.pop_back();
    }
  }
  if (wake) state.workers[*wake]->Post([s = state_, worker = *wake] { Drain(s, worker); });
}

void ConsumePool::Drain(const std::shared_ptr<State>& state, size_t worker) {
  for (int turn = 0; turn < kTasksPerTurn; ++turn) {
    ConsumeTaskPtr task;
    {
      MutexLock lock(state->mutex);
      if (state->waiting.empty()) {
        state->idle.push_back(worker);
        return;
      }
      task = std::move(state->waiting.front());
      state->waiting.pop_front();
    }
    const bool revoked = task->dropped && task->dropped->load(std::memory_order_acquire);
    if (!revoked && state->starting.load(std::memory_order_acquire)) {
      state->running.fetch_add(1, std::memory_order_acq_rel);
      Run(*state, *task);
      state->running.fetch_sub(1, std::memory_order_acq_rel);
    }
    Return(state, std::move(task));
  }
  state->workers[worker]->Post([state, worker] { Drain(state, worker); });
}

void ConsumePool::Run(State& state, ConsumeTask& task) {
  const Clock& clock = state.env.clock();
  const MonoTime began = clock.Monotonic();
  task.started_ns.store(std::max<int64_t>(1, began.time_since_epoch().count()), std::memory_order_release);
  std::vector<ReceivedMessage> messages;
  messages.reserve(task.messages.size());
  for (const ReceivedMessage& message : task.messages) {
    auto plain = Unpack(message);
    if (!plain.ok()) {
      task.outcome = ConsumeTask::Outcome::kUnreadable;
      task.error = plain.status().ToString();
      return;
    }
    messages.push_back(*std::move(plain));
  }
  ConsumeContext context{task.queue};
  const void* outer = std::exchange(calling_listener_of, &state);
  const Status ran = RunUserCode([&] { task.result = state.options.listener(messages, context); });
  calling_listener_of = outer;
  task.outcome = ran.ok() ? ConsumeTask::Outcome::kReturned : ConsumeTask::Outcome::kThrew;
  if (!ran.ok()) {
    task.result = ConsumeResult::kReconsumeLater;
    task.error = ran.text();
  }
  task.delay_level = context.delay_level;
  task.acked_count = context.acked_count;
  task.took = clock.Monotonic() - began;
}

void ConsumePool::Return(const std::shared_ptr<State>& state, ConsumeTaskPtr task) {
  {
    MutexLock lock(state->mutex);
    state->returned.push_back(std::move(task));
    if (std::exchange(state->return_posted, true)) return;
  }
  state->loop.Post([state] {
    std::vector<ConsumeTaskPtr> returned;
    {
      MutexLock lock(state->mutex);
      returned.swap(state->returned);
      state->return_posted = false;
    }
    for (const ConsumeTaskPtr& done : returned) state->options.on_done(done);
  });
}

void ConsumePool::StopStarting() { state_->starting.store(false, std::memory_order_release); }

const void* ConsumePool::CallingListenerOf() { return calling_listener_of; }

bool ConsumePool::busy() const { return state_->running.load(std::memory_order_acquire) > 0; }

bool ConsumePool::Current() const {
  return std::any_of(workers_.begin(), workers_.end(),
                     [](const std::unique_ptr<Executor>& worker) { return worker->Current(); });
}

}  // namespace orbitmq::client
