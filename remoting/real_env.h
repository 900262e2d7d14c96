// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "common/env.h"

namespace orbitmq::net {

// Env for production: OS clocks and entropy, one thread per executor (event loops for kIo), POSIX files, TCP.
// `log` must outlive it. Ignores no signals and touches no dispositions (writes use MSG_NOSIGNAL).
std::unique_ptr<Env> NewRealEnv(Logger& log);

}  // namespace orbitmq::net
