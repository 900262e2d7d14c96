// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "common/posix_file_system.h"
#include "test/common/temp_directory.h"
#include "test/store/other_files.h"
#include "test/store/store_fixture.h"

namespace orbitmq::store {

// The simulated machine with the real file system below it.
class PosixHarness final : public StoreHarness {
 public:
  explicit PosixHarness(uint64_t seed)
      : StoreHarness(seed), posix_(NewPosixFileSystem()), mixed_(env_, *posix_) {
    options.root = directory_.path() + "/store";
  }
  ~PosixHarness() override { Destroy(); }
  Env& env() override { return mixed_; }

 private:
  TempDirectory directory_;
  std::unique_ptr<FileSystem> posix_;
  OtherFilesEnv mixed_;
};

}  // namespace orbitmq::store
