// SPDX-License-Identifier: Apache-2.0
#include "tools/mqstore/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

namespace orbitmq::tools {
namespace {
constexpr int64_t kSteps = 200;  // Redraws at most, however long the walk is.
constexpr int kColumns = 40;
}  // namespace

ProgressBar::ProgressBar(std::string title, int64_t total)
    : title_(std::move(title)), total_(std::max<int64_t>(1, total)), on_(isatty(STDERR_FILENO) == 1) {}

ProgressBar::~ProgressBar() {
  if (on_ && shown_per_mille_ >= 0) std::fprintf(stderr, "\r\x1b[K");
}

void ProgressBar::Show(int64_t done) {
  if (!on_) return;
  const auto part = static_cast<double>(std::clamp<int64_t>(done, 0, total_)) / static_cast<double>(total_);
  const auto step = static_cast<int64_t>(part * kSteps);
  if (step == shown_per_mille_) return;
  shown_per_mille_ = step;
  const int full = static_cast<int>(part * kColumns);
  const std::string bar =
      std::string(static_cast<size_t>(full), '#') + std::string(static_cast<size_t>(kColumns - full), '.');
  std::fprintf(stderr, "\r%s [%s] %3d%%", title_.c_str(), bar.c_str(), static_cast<int>(part * 100));
}

}  // namespace orbitmq::tools
