// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/env.h"
#include "orbitmq/message_listener.h"

namespace orbitmq::client {

// One call of the listener: what it gets and how it ended.
struct ConsumeTask {
  MessageQueue queue;
  uint64_t queue_serial = 0;  // Of the ConsumerQueue that it belongs to; 0 = a direct call (code 309).
  // Set when the queue was taken away: what has not begun is not begun any more.
  std::shared_ptr<const std::atomic<bool>> dropped;
  std::vector<ReceivedMessage> messages;
  // Of Clock::Monotonic, 0 until the listener is called. Written by the worker.
  std::atomic<int64_t> started_ns{0};

  // Written by the worker before the task comes back.
  enum class Outcome : uint8_t { kSkipped, kReturned, kThrew, kUnreadable };
  Outcome outcome = Outcome::kSkipped;
  ConsumeResult result = ConsumeResult::kReconsumeLater;
  int32_t delay_level = 0;
  size_t acked_count = 0;
  Duration took{0};
  std::string error;  // With kThrew and kUnreadable.
};
using ConsumeTaskPtr = std::shared_ptr<ConsumeTask>;

struct ConsumePoolOptions {
  std::string name;
  int threads = 1;
  MessageListener listener;
  // Called on the loop with every task that was submitted, exactly once.
  UniqueFunction<void(const ConsumeTaskPtr&)> on_done;
};

// The threads of one consumer that run its listener, over one queue of tasks.
//
// Threads: Submit and StopStarting on the loop; busy from anywhere. The listener runs on the pool's own
// executors. Destroy it where its executors are not running (see ClientRuntime::RetirePool).
class ConsumePool final {
 public:
  ConsumePool(Env& env, Executor& loop, ConsumePoolOptions options);
  ~ConsumePool();
  ConsumePool(const ConsumePool&) = delete;
  ConsumePool& operator=(const ConsumePool&) = delete;

  void Submit(ConsumeTaskPtr task);
  // What has not begun comes back as kSkipped.
  void StopStarting();
  // Whether a listener is being called just now.
  bool busy() const;
  // Whether the caller stands on one of its threads.
  bool Current() const;
  // Names the pool, also when it is gone.
  const void* identity() const { return state_.get(); }
  // The identity of the pool whose listener the calling thread is in; null = none.
  static const void* CallingListenerOf();

 private:
  struct State;
  static void Drain(const std::shared_ptr<State>& state, size_t worker);
  static void Run(State& state, ConsumeTask& task);
  static void Return(const std::shared_ptr<State>& state, ConsumeTaskPtr task);

  std::shared_ptr<State> state_;
  std::vector<std::unique_ptr<Executor>> workers_;
};

}  // namespace orbitmq::client
