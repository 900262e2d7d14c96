// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include <gtest/gtest.h>
#include <stdlib.h>

namespace orbitmq {

// A fresh directory that goes away with everything in it.
class TempDirectory final {
 public:
  TempDirectory() {
    std::string path = (std::filesystem::temp_directory_path() / "orbitmq-test-XXXXXX").string();
    if (::mkdtemp(path.data()) == nullptr) {
      ADD_FAILURE() << "cannot make a directory like " << path;
      return;
    }
    path_ = path;
  }
  ~TempDirectory() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace orbitmq
