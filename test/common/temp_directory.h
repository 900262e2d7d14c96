// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace orbitmq {

// A fresh directory that goes away with everything in it. Tests that cannot get one abort.
class TempDirectory final {
 public:
  TempDirectory();
  ~TempDirectory();
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace orbitmq
