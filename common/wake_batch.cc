// SPDX-License-Identifier: Apache-2.0
#include "common/wake_batch.h"

#include <algorithm>

namespace orbitmq {
namespace {
thread_local WakeBatch* current_batch = nullptr;
}  // namespace

WakeBatch::WakeBatch() noexcept : outermost_(current_batch == nullptr) {
  if (outermost_) current_batch = this;
}

WakeBatch::~WakeBatch() {
  if (!outermost_) return;
  current_batch = nullptr;
  for (const auto& sleeper : sleepers_) sleeper->Wake();
}

bool WakeBatch::Defer(const std::shared_ptr<Sleeper>& sleeper) {
  if (current_batch == nullptr) return false;
  auto& sleepers = current_batch->sleepers_;
  if (std::find(sleepers.begin(), sleepers.end(), sleeper) == sleepers.end()) sleepers.push_back(sleeper);
  return true;
}

}  // namespace orbitmq
