// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "orbitmq/time.h"

namespace orbitmq::process {

enum class Signal { kStop /* SIGTERM, SIGINT */, kReopenLogs /* SIGHUP */ };

// Makes the signals wait for the calls below instead of interrupting anything. Call it in main before the
// first thread starts: threads inherit it. SIGPIPE is ignored too.
void BlockSignals();

// Waits for the next signal; nullopt when `timeout` passed. On the main thread only.
std::optional<Signal> WaitForSignal(Duration timeout);

}  // namespace orbitmq::process
