// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "common/env.h"
#include "test/sim/sim_env.h"

namespace orbitmq::store {

// Another Env with other files: for stores on the real file system, or on one that fails, in a simulated
// machine. It follows the machine's process, whichever runs now; both must outlive it.
class OtherFilesEnv final : public Env {
 public:
  OtherFilesEnv(const std::unique_ptr<sim::SimEnv>& env, FileSystem& files) : env_(env), files_(files) {}
  Clock& clock() override { return env_->clock(); }
  Random NewRandom(std::string_view use) override { return env_->NewRandom(use); }
  FileSystem& files() override { return files_; }
  Network& network() override { return env_->network(); }
  std::unique_ptr<Executor> NewExecutor(ExecutorOptions options) override {
    return env_->NewExecutor(std::move(options));
  }
  Logger& log() override { return env_->log(); }
  const ProcessIdentity& identity() const override { return env_->identity(); }

 private:
  const std::unique_ptr<sim::SimEnv>& env_;
  FileSystem& files_;
};

}  // namespace orbitmq::store
