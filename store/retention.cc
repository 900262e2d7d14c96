// SPDX-License-Identifier: Apache-2.0
#include "store/retention.h"

#include <algorithm>
#include <ctime>

#include "common/strings.h"
#include "store/log_scanner.h"

namespace orbitmq::store {
namespace {

constexpr Duration kWatchInterval = std::chrono::seconds(1);
constexpr int kSegmentsPerRound = 10;  // deleteFileBatchMax
constexpr size_t kQueuesPerStep = 64;
constexpr int kHoursPerDay = 24;

std::string Percent(double ratio) { return StrCat(static_cast<int64_t>(ratio * 1000) / 10, "%"); }

}  // namespace

Result<std::vector<int>> ParseDeleteHours(std::string_view text) {
  std::vector<int> hours;
  for (const std::string_view piece : Split(text, ';')) {
    if (IsBlank(piece)) continue;
    const auto hour = ParseInt<int>(Trim(piece));
    if (!hour || *hour < 0 || *hour >= kHoursPerDay) {
      return Status(StatusCode::kInvalidArgument,
                    StrCat("deleteWhen: '", Printable(piece), "' is no hour of the day (00..23)"));
    }
    hours.push_back(*hour);
  }
  return hours;
}

Retention::Retention(Parts parts, std::vector<int> delete_hours)
    : parts_(std::move(parts)),
      delete_hours_(std::move(delete_hours)),
      followed_(parts_.commit_log.min()),
      follow_(parts_.disk_executor, [this] { return FollowLog(); }) {}

void Retention::Start() {
  next_clean_ = parts_.clock.Monotonic() + parts_.options.clean_interval;
  (void)WatchDisk();
  ArmTimer();
}

void Retention::ArmTimer() {
  timer_ = parts_.disk_executor.PostAt(parts_.clock.Monotonic() + kWatchInterval, [this] {
    Tick();
    ArmTimer();
  });
}

void Retention::Tick() {
  const Pressure pressure = WatchDisk();
  const MonoTime now = parts_.clock.Monotonic();
  if (now >= next_clean_) {
    next_clean_ = now + parts_.options.clean_interval;
    DeleteSegments(pressure);
  }
  if (parts_.commit_log.min() > followed_) follow_.Signal();
}

Retention::Pressure Retention::WatchDisk() {
  const StoreOptions& options = parts_.options;
  auto space = parts_.files.Space(parts_.commit_log.directory());
  if (!space.ok() || space->total_bytes == 0) return Pressure::kNone;
  const double free = static_cast<double>(space->free_bytes) / static_cast<double>(space->total_bytes);
  const double used = 1.0 - free;
  used_ratio_.store(used, std::memory_order_relaxed);
  const bool was_full = parts_.gate.disk_full();
  if (used > options.disk_ratio_refuse) {
    const Status why =
        Status(StatusCode::kResourceExhausted,
               StrCat("the disk is full: ", parts_.commit_log.directory(), " is used to ", Percent(used),
                      ", writes are refused above ", Percent(options.disk_ratio_refuse),
                      " (diskSpaceWarningLevelRatio); ", space->free_bytes, " bytes are free"))
            .WithRetriable(true);
    if (!was_full) parts_.log.Error("writes are refused", {{"status", why.ToString()}});
    parts_.gate.SetDiskFull(why);
  } else if (was_full) {
    // Also after a refused write below the limit (a quota): the next append tries again.
    parts_.gate.ClearDiskFull();
    parts_.log.Info("writes are accepted again", {{"used", Percent(used)}});
    parts_.on_space();
  }
  if (used > options.disk_ratio_force) return Pressure::kDeleteOldest;
  return used > options.disk_ratio_max ? Pressure::kDeleteExpired : Pressure::kNone;
}

bool Retention::DeleteHour() const {
  const auto seconds = static_cast<std::time_t>(parts_.clock.WallMillis() / 1000);
  std::tm local{};
  localtime_r(&seconds, &local);
  return std::find(delete_hours_.begin(), delete_hours_.end(), local.tm_hour) != delete_hours_.end();
}

// Old enough when the first record of the file after it is: every record in it is older. Apache goes by the
// file's modification time, which a restore or a touch shifts.
bool Retention::Expired(const SegmentFile& segment) const {
  const auto next = parts_.commit_log.FirstFrom(segment.end());
  if (next == nullptr || next->begin() >= parts_.commit_log.appended()) return false;
  LogScanner scanner(parts_.commit_log, next->begin(), LogScanner::BodyChecks::kTrust);
  if (scanner.Next() != LogScanner::Found::kRecord) return false;
  return scanner.record().store_time + std::chrono::duration_cast<Millis>(parts_.options.retention) <=
         parts_.clock.Wall();
}

void Retention::DeleteSegments(Pressure pressure) {
  if (pressure == Pressure::kNone && !DeleteHour()) return;
  for (int i = 0; i < kSegmentsPerRound; ++i) {
    const auto segments = parts_.commit_log.segments();
    // What is not dispatched yet is not old, whatever its file says.
    if (segments->size() < 2 || segments->front()->end() > parts_.commit_log.dispatched()) return;
    const std::shared_ptr<SegmentFile> oldest = segments->front();
    if (pressure != Pressure::kDeleteOldest && !Expired(*oldest)) return;
    if (Status s = parts_.commit_log.DropOldest(); !s.ok()) {
      parts_.log.Error("an old log file could not be deleted", {{"status", s.ToString()}});
      return;
    }
    parts_.log.Info("deleted an old log file", {{"file", oldest->path()}});
    if (pressure == Pressure::kDeleteOldest) return;  // One at a time, then look at the disk again.
  }
}

Progress Retention::FollowLog() {
  if (to_follow_.empty()) {
    following_ = parts_.commit_log.min();
    if (following_ <= followed_) return Progress::kIdle;
    to_follow_ = parts_.queues.All();
    parts_.index.RemoveBelow(following_);
  }
  for (size_t i = 0; i < kQueuesPerStep && !to_follow_.empty(); ++i) {
    const auto queue = std::move(to_follow_.back());
    to_follow_.pop_back();
    queue->AdvanceMin(following_);
    if (Status s = queue->RemoveExpired(); !s.ok()) {
      parts_.log.Warn("an expired consume queue file stays", {{"status", s.ToString()}});
    }
  }
  if (!to_follow_.empty()) return Progress::kMore;
  followed_ = following_;
  return Progress::kIdle;
}

}  // namespace orbitmq::store
