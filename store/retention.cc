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
constexpr int kRoundsAsked = 20;       // MAX_MANUAL_DELETE_FILE_TIMES
constexpr size_t kQueuesPerStep = 64;
constexpr int kHoursPerDay = 24;

std::string Percent(double ratio) { return StrCat(static_cast<int64_t>(ratio * 1000) / 10, "%"); }

int64_t Hours(Duration span) { return std::chrono::duration_cast<std::chrono::hours>(span).count(); }

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

double Retention::Disk::used_ratio() const {
  return 1.0 - static_cast<double>(space.free_bytes) / static_cast<double>(space.total_bytes);
}

// A root that does not tell counts for nothing.
const Retention::Disk& Retention::Fuller(const Disk& log, const std::optional<Disk>& root) {
  return root && root->used_ratio() > log.used_ratio() ? *root : log;
}

std::optional<Retention::Disk> Retention::Look(const std::string& path) const {
  const auto space = parts_.files.Space(path);
  if (!space.ok() || space->total_bytes == 0) return std::nullopt;
  return Disk{path, *space};
}

std::string Retention::Describe(const Disk& disk) const {
  std::string text = StrCat(disk.path, " is used to ", Percent(disk.used_ratio()),
                            ", writes are refused above ", Percent(parts_.options.disk_ratio_refuse),
                            " (diskSpaceWarningLevelRatio); ", disk.space.free_bytes, " bytes are free");
  if (const int64_t oldest_ms = oldest_ms_.load(std::memory_order_relaxed); oldest_ms > 0) {
    text += StrCat("; the oldest message is ", Hours(parts_.clock.Wall() - FromEpochMillis(oldest_ms)),
                   " h old, fileReservedTime keeps ", Hours(rules_.Load()->retention), " h");
  }
  return text;
}

std::string Retention::DescribeSpace() const {
  const auto log_disk = Look(parts_.commit_log.directory());
  const auto root_disk = Look(parts_.options.root);
  if (!log_disk) return StrCat("how full ", parts_.commit_log.directory(), " is cannot be told");
  return Describe(Fuller(*log_disk, root_disk));
}

// Read once per file that becomes the first.
void Retention::NoteOldest() {
  const LogOffset min = parts_.commit_log.min();
  if (min == oldest_at_ || min >= parts_.commit_log.appended()) return;
  LogScanner scanner(parts_.commit_log, min, LogScanner::BodyChecks::kTrust);
  const bool found = scanner.Next() == LogScanner::Found::kRecord;
  oldest_ms_.store(found ? ToEpochMillis(scanner.record().store_time) : 0, std::memory_order_relaxed);
  oldest_at_ = min;
}

Retention::Retention(Parts parts, CleaningRules rules)
    : parts_(std::move(parts)),
      rules_(std::make_shared<const CleaningRules>(std::move(rules))),
      followed_(parts_.commit_log.min()),
      follow_(parts_.disk_executor, [this] { return FollowLog(); }),
      delete_(parts_.disk_executor, [this] { return DeleteSegment(); }) {}

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
  pressure_ = WatchDisk();
  const MonoTime now = parts_.clock.Monotonic();
  if (now >= next_clean_) {
    if (rounds_at_any_hour_ > 0) --rounds_at_any_hour_;
    BeginRound();
  } else if (pressure_ == Pressure::kDeleteOldest) {
    // Not only once a round: space may be taken faster than that.
    deletions_left_ = 1;
    delete_.Signal();
  }
  if (parts_.commit_log.min() > followed_) follow_.Signal();
}

void Retention::BeginRound() {
  next_clean_ = parts_.clock.Monotonic() + parts_.options.clean_interval;
  deletions_left_ = kSegmentsPerRound;
  delete_.Signal();
}

void Retention::DeleteExpired() {
  rounds_at_any_hour_ = kRoundsAsked;
  BeginRound();
}

void Retention::SetRules(CleaningRules rules) {
  if (rules == *rules_.Load()) return;
  rules_.Store(std::make_shared<const CleaningRules>(std::move(rules)));
  pressure_ = WatchDisk();
  BeginRound();
}

Retention::Pressure Retention::WatchDisk() {
  const StoreOptions& options = parts_.options;
  NoteOldest();
  const auto log_disk = Look(parts_.commit_log.directory());
  if (!log_disk) return Pressure::kNone;
  const auto root_disk = Look(options.root);
  log_used_ratio_.store(log_disk->used_ratio(), std::memory_order_relaxed);
  if (root_disk) root_used_ratio_.store(root_disk->used_ratio(), std::memory_order_relaxed);
  const Disk& fuller = Fuller(*log_disk, root_disk);
  const double used = fuller.used_ratio();
  const bool was_full = parts_.gate.disk_full();
  if (used > options.disk_ratio_refuse) {
    const Status why = Status(StatusCode::kResourceExhausted, StrCat("the disk is full: ", Describe(fuller)))
                           .WithRetriable(true);
    parts_.gate.SetDiskFull(why, WriteGate::Cause::kAboveLimit);
  } else if (was_full) {
    // Also after a refused write below the limit (a quota): the next append tries again.
    parts_.gate.ClearDiskFull();
    parts_.on_space();
  }
  if (used > options.disk_ratio_force && options.delete_unexpired) return Pressure::kDeleteOldest;
  return used > rules_.Load()->disk_ratio_max ? Pressure::kDeleteExpired : Pressure::kNone;
}

bool Retention::DeleteHour() const {
  const auto seconds = static_cast<std::time_t>(parts_.clock.WallMillis() / 1000);
  std::tm local{};
  localtime_r(&seconds, &local);
  const auto rules = rules_.Load();
  const std::vector<int>& hours = rules->delete_hours;
  return std::find(hours.begin(), hours.end(), local.tm_hour) != hours.end();
}

// Old enough when the first record of the file after it is: every record in it is older. Apache goes by the
// file's modification time, which a restore or a touch shifts.
bool Retention::Expired(const SegmentFile& segment) const {
  const auto next = parts_.commit_log.FirstFrom(segment.end());
  if (next == nullptr || next->begin() >= parts_.commit_log.appended()) return false;
  LogScanner scanner(parts_.commit_log, next->begin(), LogScanner::BodyChecks::kTrust);
  if (scanner.Next() != LogScanner::Found::kRecord) return false;
  return scanner.record().store_time + std::chrono::duration_cast<Millis>(rules_.Load()->retention) <=
         parts_.clock.Wall();
}

bool Retention::TooMuch(const CommitLog::Segments& segments) const {
  const int64_t most = parts_.options.retention_bytes;
  return most > 0 && parts_.commit_log.appended() - segments.front()->end() >= most;
}

Progress Retention::DeleteSegment() {
  const auto segments = parts_.commit_log.segments();
  // What is not dispatched yet is not old, whatever its file says.
  if (deletions_left_-- <= 0 || segments->size() < 2 ||
      segments->front()->end() > parts_.commit_log.dispatched()) {
    return Progress::kIdle;
  }
  const std::shared_ptr<SegmentFile> oldest = segments->front();
  const bool too_much = TooMuch(*segments);
  const bool hour = pressure_ != Pressure::kNone || rounds_at_any_hour_ > 0 || DeleteHour();
  if (!too_much && pressure_ != Pressure::kDeleteOldest && !(hour && Expired(*oldest)))
    return Progress::kIdle;
  if (Status s = parts_.commit_log.DropOldest(); !s.ok()) {
    parts_.log.Error("an old log file could not be deleted", {{"status", s.ToString()}});
    return Progress::kIdle;
  }
  parts_.log.Info("deleted an old log file", {{"file", oldest->path()}});
  follow_.Signal();
  // Under pressure one at a time, then look at the disk again.
  if (pressure_ == Pressure::kDeleteOldest && !too_much) return Progress::kIdle;
  return Progress::kMore;
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
    parts_.queues.AdvanceMin(queue, following_);
    if (Status s = queue->RemoveExpired(); !s.ok()) {
      parts_.log.Warn("an expired consume queue file stays", {{"status", s.ToString()}});
    }
  }
  if (!to_follow_.empty()) return Progress::kMore;
  followed_ = following_;
  return Progress::kIdle;
}

}  // namespace orbitmq::store
