// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "common/completion.h"

namespace orbitmq::tools {

// Where one thread waits for the first good one of several answers, and is told when its patience ends.
// Threads: what done() and nudge() return is called on any thread; the rest on the one that waits.
template <class T>
class FirstAnswer final {
 public:
  using Good = bool (*)(const Result<T>& answer);
  explicit FirstAnswer(Good good) : state_(std::make_shared<State>()) { state_->good = good; }

  // Of one more call.
  Completion<T> done() {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    state_->answers.emplace_back();
    return [state = state_, i = state_->answers.size() - 1](Result<T> result) {
      const std::lock_guard<std::mutex> held(state->mutex);
      state->answers[i] = std::move(result);
      state->changed.notify_all();
    };
  }
  // Ends the wait that goes on, or the next one.
  Completion<Done> nudge() {
    return [state = state_](const Result<Done>& over) {
      if (!over.ok()) return;  // A timer that was given up.
      const std::lock_guard<std::mutex> held(state->mutex);
      state->nudged = true;
      state->changed.notify_all();
    };
  }
  // Until there is a good answer, or none can come, or somebody nudged.
  void Wait() {
    std::unique_lock<std::mutex> lock(state_->mutex);
    state_->changed.wait(lock, [this] { return state_->nudged || state_->Best() || state_->AllEnded(); });
    state_->nudged = false;
  }
  // Which call has the good answer; else nothing.
  std::optional<size_t> best() const {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    return state_->Best();
  }
  bool ended(size_t call) const {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    return state_->answers[call].has_value();
  }
  bool all_ended() const {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    return state_->AllEnded();
  }
  // Of a call that ended.
  Result<T> Take(size_t call) {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    return *std::move(state_->answers[call]);
  }

 private:
  struct State {
    std::optional<size_t> Best() const {
      for (size_t i = 0; i < answers.size(); ++i) {
        if (answers[i] && good(*answers[i])) return i;
      }
      return std::nullopt;
    }
    bool AllEnded() const {
      for (const auto& answer : answers) {
        if (!answer) return false;
      }
      return true;
    }
    Good good = nullptr;
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<std::optional<Result<T>>> answers;
    bool nudged = false;
  };
  std::shared_ptr<State> state_;
};

}  // namespace orbitmq::tools
