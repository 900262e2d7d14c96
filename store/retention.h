// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/executor.h"
#include "common/log.h"
#include "common/pulse.h"
#include "common/snapshot_cell.h"
#include "store/commit_log.h"
#include "store/key_index.h"
#include "store/queue_table.h"
#include "store/write_gate.h"

namespace orbitmq::store {

// Deletes what is old: whole log files, then what pointed into them. Watches the disk of the log and the one
// of the store's root, if that is another, and goes by the fuller one: above disk_ratio_max it deletes
// expired files at any hour; above disk_ratio_force the oldest even if they are not expired, one a second,
// unless delete_unexpired is off; above disk_ratio_refuse it closes the write gate until there is room again.
// Files that lie before the newest retention_bytes of the log go too, at any hour.
//
// Threads: the disk executor. Appends never wait for it: files leave the log's list first.
class Retention final {
 public:
  struct Parts {
    FileSystem& files;
    Clock& clock;
    Logger& log;
    Executor& disk_executor;
    CommitLog& commit_log;
    QueueTable& queues;
    KeyIndex& index;
    WriteGate& gate;
    const StoreOptions& options;
    Task on_space;  // The gate opened: retry what waited for space.
  };
  Retention(Parts parts, CleaningRules rules);

  void Start();
  // A round begins now; it and the next ones look at no hour (Apache's executeDeleteFilesManually). The disk
  // executor.
  void DeleteExpired();
  // Other rules than the options' count from now on: a round begins. The disk executor.
  void SetRules(CleaningRules rules);
  // Of the disk of the log, and of that of queues, index and tables.
  double log_used_ratio() const { return log_used_ratio_.load(std::memory_order_relaxed); }
  double root_used_ratio() const { return root_used_ratio_.load(std::memory_order_relaxed); }
  // How full the disk is, in words: path, use, limit, age of what is oldest. Threads: any; asks the disk.
  std::string DescribeSpace() const;

 private:
  enum class Pressure : uint8_t { kNone, kDeleteExpired, kDeleteOldest };
  void Tick();
  void BeginRound();
  void ArmTimer();
  struct Disk {
    const std::string& path;
    DiskSpace space;
    double used_ratio() const;
  };
  // Nothing when the file system does not tell.
  std::optional<Disk> Look(const std::string& path) const;
  static const Disk& Fuller(const Disk& log, const std::optional<Disk>& root);
  std::string Describe(const Disk& disk) const;
  void NoteOldest();
  Pressure WatchDisk();
  Pressure pressure_ = Pressure::kNone;  // As last seen.
  // One file at a time: between two the disk executor may do what appends wait for.
  Progress DeleteSegment();
  bool Expired(const SegmentFile& segment) const;
  // Whether the log without its oldest file still has retention_bytes.
  bool TooMuch(const CommitLog::Segments& segments) const;
  bool DeleteHour() const;
  Progress FollowLog();

  Parts parts_;
  SnapshotCell<CleaningRules> rules_;  // Of the disk executor; DescribeSpace reads it from anywhere.
  std::atomic<double> log_used_ratio_{0};
  std::atomic<double> root_used_ratio_{0};
  // Store time of the oldest message in milliseconds, 0 = unknown, and the begin of the log it was read at.
  std::atomic<int64_t> oldest_ms_{0};
  LogOffset oldest_at_{-1};
  MonoTime next_clean_{};
  int deletions_left_ = 0;      // Of this round.
  int rounds_at_any_hour_ = 0;  // Asked for, this one included.
  LogOffset followed_{0};       // Queues and index hold nothing below.
  LogOffset following_{0};
  std::vector<std::shared_ptr<ConsumeQueue>> to_follow_;
  Timer timer_;
  Pulse follow_;
  Pulse delete_;
};

}  // namespace orbitmq::store
