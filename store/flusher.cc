// SPDX-License-Identifier: Apache-2.0
#include "store/flusher.h"

#include "common/planted_bug.h"

namespace orbitmq::store {

Flusher::Flusher(Parts parts)
    : parts_(std::move(parts)), pulse_(parts_.flush_executor, [this] { return Step(); }) {}

void Flusher::Start() { ArmTimer(); }

void Flusher::ArmTimer() {
  timer_ = parts_.flush_executor.PostAt(parts_.clock.Monotonic() + parts_.options.flush_interval, [this] {
    pulse_.Signal();
    ArmTimer();
  });
}

void Flusher::SignalAppended() {
  if (parts_.options.flush_mode == FlushMode::kSync || !parts_.waiters.empty()) pulse_.Signal();
}

void Flusher::FlushTo(LogOffset to, Task then) {
  (void)parts_.flush_executor.Post([this, to, t = std::move(then)]() mutable {
    if (parts_.commit_log.flushed() < to) (void)Step();
    t();
  });
}

Progress Flusher::Step() {
  if (parts_.gate.failed()) {
    parts_.waiters.FailAll(parts_.gate.failure());
    return Progress::kIdle;
  }
  const LogOffset from = parts_.commit_log.flushed();
  const LogOffset to = parts_.commit_log.appended();
  if (from < to && !Flush(from, to)) {
    parts_.on_flushed();
    return Progress::kIdle;
  }
  parts_.waiters.CompleteUpTo(to);
  if (from < to) parts_.on_flushed();
  const bool hurry = parts_.options.flush_mode == FlushMode::kSync || !parts_.waiters.empty();
  return hurry && parts_.commit_log.appended() > to ? Progress::kMore : Progress::kIdle;
}

bool Flusher::Flush(LogOffset from, LogOffset to) {
  if (Planted(Bug::kFlushedBeforeSync)) {
    // Tells the world first and syncs when it finds the time.
    parts_.commit_log.RaiseFlushed(to);
    auto late = [this, from, to] { (void)parts_.commit_log.SyncRange(from, to); };
    const MonoTime when = parts_.clock.Monotonic() + std::chrono::milliseconds(5);
    parts_.flush_executor.PostAt(when, std::move(late)).Detach();
    return true;
  }
  if (parts_.stages != nullptr) parts_.stages->Enter(AppendStage::kSync, parts_.clock.Monotonic());
  const Status s = parts_.commit_log.SyncRange(from, to);
  if (parts_.stages != nullptr) parts_.stages->Enter(AppendStage::kQueue, parts_.clock.Monotonic());
  if (!s.ok()) {
    parts_.gate.Fail(s);
    parts_.log.Error("the commit log could not be synced",
                     {{"status", s.ToString()}, {"flushed", from.value}, {"appended", to.value}});
    parts_.waiters.FailAll(parts_.gate.failure());
    return false;
  }
  parts_.commit_log.RaiseFlushed(to);
  flush_count_.fetch_add(1, std::memory_order_relaxed);
  return true;
}

}  // namespace orbitmq::store
