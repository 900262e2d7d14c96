// SPDX-License-Identifier: Apache-2.0
#include "common/pulse.h"

#include <atomic>

namespace orbitmq {

struct Pulse::State {
  State(Executor& on, Step run) : executor(on), step(std::move(run)) {}
  Executor& executor;
  Step step;
  std::atomic<bool> armed{false};
  bool closed = false;  // Executor only, or after it stopped.
};

Pulse::Pulse(Executor& executor, Step step) : state_(std::make_shared<State>(executor, std::move(step))) {}

Pulse::~Pulse() { state_->closed = true; }

void Pulse::Signal() { Arm(state_); }

void Pulse::Arm(const std::shared_ptr<State>& state) {
  if (state->armed.exchange(true, std::memory_order_acq_rel)) return;
  // A stopped executor refuses; nothing will run any more, so the flag may stay.
  (void)state->executor.Post([state] { Run(state); });
}

void Pulse::Run(const std::shared_ptr<State>& state) {
  // Disarm first: a Signal from now on means work that this step may not see.
  state->armed.exchange(false, std::memory_order_acq_rel);
  if (state->closed) return;
  const Progress progress = state->step();
  if (progress == Progress::kMore && !state->closed) Arm(state);
}

}  // namespace orbitmq
