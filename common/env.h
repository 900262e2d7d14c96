// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "common/executor.h"
#include "common/file_system.h"
#include "common/log.h"
#include "common/network.h"
#include "common/random.h"

namespace orbitmq {

// Who this process is; goes into client ids and message ids.
struct ProcessIdentity {
  std::string host_name;
  std::string ip;  // First non-loopback IPv4 address, else "127.0.0.1".
  int64_t pid = 0;
  std::vector<std::string>
      bridge_ips{};  // IPv4 addresses of the interfaces docker* and br-*, Docker's bridges.
};

// The only door to the operating system. Production builds one RealEnv (remoting/real_env.h), the simulator
// one per simulated process (test/sim), so that a whole cluster runs in one thread under a seed.
//
// Threads: every method from any thread. Everything obtained from an Env must be gone before it.
class Env {
 public:
  virtual ~Env() = default;
  virtual Clock& clock() = 0;
  // A stream of its own per use, so that a new user does not shift the draws of the others.
  virtual Random NewRandom(std::string_view use) = 0;
  virtual FileSystem& files() = 0;
  virtual Network& network() = 0;
  virtual std::unique_ptr<Executor> NewExecutor(ExecutorOptions options) = 0;
  virtual Logger& log() = 0;
  virtual const ProcessIdentity& identity() const = 0;
};

}  // namespace orbitmq
