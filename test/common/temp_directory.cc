// SPDX-License-Identifier: Apache-2.0
#include "test/common/temp_directory.h"

#include <stdlib.h>

#include <filesystem>

#include "common/check.h"

namespace orbitmq {

TempDirectory::TempDirectory() : path_(std::filesystem::temp_directory_path() / "orbitmq-test-XXXXXX") {
  ORBITMQ_CHECK(::mkdtemp(path_.data()) != nullptr, "cannot make a temporary directory");
}

TempDirectory::~TempDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace orbitmq
