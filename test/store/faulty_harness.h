// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <utility>

#include "test/store/faulty_files.h"
#include "test/store/other_files.h"
#include "test/store/store_fixture.h"

namespace orbitmq::store {

// A simulated machine whose files fail as planned.
class FaultyHarness final : public StoreHarness {
 public:
  explicit FaultyHarness(std::shared_ptr<FaultyFiles::Plan> plan, uint64_t seed = 1)
      : StoreHarness(seed), plan_(std::move(plan)) {}
  ~FaultyHarness() override { Destroy(); }
  Env& env() override {
    // One view of the disk per process, as env_ is.
    if (made_for_ != env_.get()) {
      made_for_ = env_.get();
      files_ = std::make_unique<FaultyFiles>(env_->files(), plan_);
      mixed_ = std::make_unique<OtherFilesEnv>(env_, *files_);
    }
    return *mixed_;
  }
  // A process of the same address may come next.
  void ForgetProcess() { made_for_ = nullptr; }

 private:
  std::shared_ptr<FaultyFiles::Plan> plan_;
  sim::SimEnv* made_for_ = nullptr;
  std::unique_ptr<FaultyFiles> files_;
  std::unique_ptr<OtherFilesEnv> mixed_;
};

}  // namespace orbitmq::store
