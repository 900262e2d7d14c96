// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/completion.h"
#include "common/config.h"
#include "common/env.h"
#include "common/process/file_logger.h"
#include "common/process/signals.h"

namespace orbitmq::process {

// What a server's main does between its flags and its end; main thread only.

// The entries of a configuration file (empty path = none) and, behind them so that they win, of "key=value"
// settings separated by commas. Errors name file, line or setting and are kInvalidArgument.
Result<std::vector<ConfigEntry>> ReadConfigEntries(FileSystem& files, const std::string& path,
                                                   std::string_view settings);

// The log at `path` ("-" or "" = standard error) from `level` on. Makes the file, not its directory: a
// mistyped path must not leave directories behind. kInvalidArgument for an unknown level or a missing
// directory.
Result<std::unique_ptr<FileLogger>> OpenLog(FileSystem& files, const std::string& path,
                                            std::string_view level);

// Call it when everything serves. Returns at the first SIGTERM or SIGINT; reopens the log at each SIGHUP
// meanwhile. Tells the service manager that the server is ready, and at the end that it stops.
void WaitForStop(FileLogger& log);

// Calls `stop` with a completion and waits until that is called; false when `within` passed or a second stop
// signal came first.
template <class Stop>
bool StopAndWait(Env& env, Duration within, Stop stop) {
  auto stopped = std::make_shared<std::atomic<bool>>(false);
  stop([stopped](Result<Done>) { stopped->store(true); });
  const MonoTime deadline = env.clock().Monotonic() + within;
  while (!stopped->load()) {
    if (WaitForSignal(Millis(10)) == Signal::kStop || env.clock().Monotonic() >= deadline) return false;
  }
  return true;
}

}  // namespace orbitmq::process
