// SPDX-License-Identifier: Apache-2.0
#include "common/process/signals.h"

#include <csignal>
#include <ctime>

namespace orbitmq::process {
namespace {

sigset_t WaitedFor() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  return set;
}

}  // namespace

void BlockSignals() {
  const sigset_t set = WaitedFor();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

std::optional<Signal> WaitForSignal(Duration timeout) {
  const sigset_t set = WaitedFor();
  timespec wait{};
  wait.tv_sec = static_cast<time_t>(timeout.count() / 1'000'000'000);
  wait.tv_nsec = static_cast<long>(timeout.count() % 1'000'000'000);
  const int got = sigtimedwait(&set, nullptr, &wait);
  if (got == SIGHUP) return Signal::kReopenLogs;
  if (got == SIGTERM || got == SIGINT) return Signal::kStop;
  return std::nullopt;
}

}  // namespace orbitmq::process
