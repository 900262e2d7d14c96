// SPDX-License-Identifier: Apache-2.0
#include "store/append_stage.h"

namespace orbitmq::store {
namespace {
// A stage that took longer is remembered for so long, so that short ones after it do not hide it.
constexpr Duration kRemembered = std::chrono::seconds(1);
}  // namespace

std::string_view NameOf(AppendStage stage) {
  switch (stage) {
    case AppendStage::kQueue:
      return "queue";
    case AppendStage::kWrite:
      return "write";
    case AppendStage::kSync:
      return "sync";
    case AppendStage::kDisk:
      return "disk";
    case AppendStage::kDispatch:
      return "dispatch";
  }
  return "";
}

void StageWatch::Enter(AppendStage stage, MonoTime now) {
  const MutexLock lock(mutex_);
  const Duration took = now - entered_;
  if (stage_ != AppendStage::kQueue) {
    times_us_[static_cast<size_t>(stage_)].Record(
        std::chrono::duration_cast<std::chrono::microseconds>(took).count());
  }
  if (stage_ != AppendStage::kQueue && (took >= last_.took || now - last_ended_ > kRemembered)) {
    last_ = {stage_, took};
    last_ended_ = now;
  }
  stage_ = stage;
  entered_ = now;
}

StageWatch::Slow StageWatch::Slowest(MonoTime since, MonoTime now) const {
  const MutexLock lock(mutex_);
  Slow slowest;
  if (last_ended_ > since) slowest = last_;
  if (stage_ != AppendStage::kQueue && now - entered_ >= slowest.took) slowest = {stage_, now - entered_};
  if (slowest.stage == AppendStage::kQueue) slowest.took = now - since;
  return slowest;
}

}  // namespace orbitmq::store
