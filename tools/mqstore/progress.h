// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace orbitmq::tools {

// A bar on standard error while a long walk runs; nothing at all when that is no terminal.
// Threads: one.
class ProgressBar final {
 public:
  ProgressBar(std::string title, int64_t total);
  ~ProgressBar();  // Clears the line.
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void Show(int64_t done);

 private:
  const std::string title_;
  const int64_t total_;
  const bool on_;
  int64_t shown_per_mille_ = -1;
};

}  // namespace orbitmq::tools
