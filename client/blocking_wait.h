// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "common/completion.h"

namespace orbitmq::client {

// The SDK's edge, where an application's thread waits for the loop. Every Completion ends, if only with
// kCancelled, so that Wait needs no timeout of its own.
// Threads: done() on any thread; Wait on one that no executor of the SDK runs on.
template <class T>
class BlockingWait final {
 public:
  // To be handed to the asynchronous call; once.
  Completion<T> done() {
    return [state = state_](Result<T> result) {
      const std::lock_guard<std::mutex> lock(state->mutex);
      state->result = std::move(result);
      state->ended.notify_all();
    };
  }
  Result<T> Wait() {
    std::unique_lock<std::mutex> lock(state_->mutex);
    state_->ended.wait(lock, [this] { return state_->result.has_value(); });
    return *std::move(state_->result);
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable ended;
    std::optional<Result<T>> result;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace orbitmq::client
