// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "common/file_system.h"
#include "common/random.h"
#include "orbitmq/time.h"

namespace orbitmq::sim {

// The disk of one simulated host: two images of every file, volatile (what the process sees) and durable
// (what survives a power cut).
//
// Fault model, and why each is survivable by a correct store:
//  - Crash: of every 4 KiB page that differs between the images either nothing, all, or a run of 512-byte
//    sectors of the new content survives, drawn per page (Cut names other ways to lose). Only fdatasync
//    promises more; a sync-flush broker acknowledges after it.
//  - Crash: creations, renames and removals that no directory fsync covered survive as a prefix of their
//    order (a journaling file system). A directory that no fsync of the one above covered is gone, and
//    everything in it.
//  - SlowSyncs: fdatasync takes that much longer. SlowRemoves: so does the removal of a file. SlowReads: so
//    does every read that is not from a mapping.
//  - FailReads: those fail with EIO.
//  - FailSyncs: fdatasync returns EIO and, as on Linux, the pages may or may not have been written.
//  - Full: space limit; writes and allocations past it return kResourceExhausted.
//  - Rot: flips a bit of a durable page; for scanners, never under a live broker's oracle.
//
// Threads: one (the simulator's).
class SimDisk final {
 public:
  explicit SimDisk(uint64_t seed) : random_(seed) {}

  // What a cut leaves of the pages that no fdatasync covered.
  enum class Cut : uint8_t {
    kMixed,    // Per page: nothing, all, or one run of its sectors.
    kSectors,  // Of every changed page any of its sectors, in no order.
    kNothing,  // Only what was synced.
    kAll,      // Every page, but neither sizes nor names that nothing made durable need be there.
  };
  // Loses power. Everything open must be gone, or is dead (Detach) by now.
  void Crash(Cut cut = Cut::kMixed);
  // The process is killed but the machine lives: the volatile image stays, locks are released.
  void ReleaseLocks() { locks_.clear(); }

  void FailSyncs(int count) { failing_syncs_ = count; }
  void SlowSyncs(Duration extra) { sync_extra_ = extra; }
  void SlowRemoves(Duration extra) { remove_extra_ = extra; }
  void SlowReads(Duration extra) { read_extra_ = extra; }
  // Both: a busy disk.
  void Slow(Duration extra) {
    SlowSyncs(extra);
    SlowReads(extra);
  }
  // Until it is called with false.
  void FailReads(bool fail) { failing_reads_ = fail; }
  void SetSpaceLimit(uint64_t bytes) { space_limit_ = bytes; }
  // The same without Space() telling, as a quota does, so that nobody cleans up.
  void SetQuota(uint64_t bytes) { quota_ = bytes; }
  // Nobody may make a file whose path begins like that any more.
  void Seal(std::string prefix) { sealed_ = std::move(prefix); }
  // From now on another disk of this size is mounted at `directory`, as far as Space() tells.
  void Mount(const std::string& directory, uint64_t bytes) { mounts_[directory] = bytes; }
  // The page cache gives up what it holds of the files that are there now.
  void EvictPages();
  // Flips one bit at `offset` of both images.
  void FlipBit(const std::string& path, uint64_t offset, int bit);
  // Takes what processes see on another disk, all of it durable: for looking at the files of a dead process
  // without touching them.
  void CopyFilesFrom(const SimDisk& other);
  // Becomes a copy of the other disk at this moment, with what is durable of it and what is not; its faults
  // and locks are not copied. For trying out what a cut here and now would leave.
  void CloneFrom(const SimDisk& other);

  // The hints that processes gave for their reads, in order.
  struct Hint {
    std::string path;
    uint64_t offset = 0;
    uint64_t count = 0;
    Access access = Access::kRandom;
  };
  const std::vector<Hint>& hints() const { return hints_; }

  // What changed the disk, told after it did. Bytes written through mappings are seen by nobody.
  struct Operation {
    enum class Kind : uint8_t { kWrite, kSync, kTruncate, kMake, kRemove, kRename, kSyncNames };
    Kind kind;
    const std::string& path;
  };
  using Observer = std::function<void(const Operation&)>;
  // The observer may look at and clone this disk, not change it. Empty = nobody looks.
  void SetObserver(Observer observer) { observer_ = std::move(observer); }
  std::vector<std::string> Files() const;
  uint64_t UsedBytes() const;

  struct Counters {
    uint64_t writes = 0;
    uint64_t syncs = 0;
    uint64_t crashes = 0;
    uint64_t torn_pages = 0;
    uint64_t lost_pages = 0;
    uint64_t lost_names = 0;
  };
  const Counters& counters() const { return counters_; }

  // A view for one incarnation of a process. After Detach every call on it (and on files from it) fails
  // with kIoError, which is what a killed process can do: nothing. `spend` is told what a call costs.
  struct View;
  std::shared_ptr<View> NewView(std::function<void(int64_t nanoseconds)> spend);
  static void Detach(View& view);
  static FileSystem& FilesOf(View& view);

  struct Inode;  // Defined in sim_disk.cc; shared by open files.

 private:
  friend struct View;
  friend class SimFileSystem;
  friend class SimFile;
  friend class SimFileLock;
  struct NameChange {
    std::string path;
    std::shared_ptr<Inode> inode;  // Null = removed.
  };
  void Rename(const std::string& from, const std::string& to);
  void SetName(const std::string& path, std::shared_ptr<Inode> inode);
  void SyncNames(const std::string& directory);
  bool SurvivesCrash(std::string directory) const;
  DiskSpace SpaceOf(const std::string& path) const;
  void CrashInode(Inode& inode, Cut cut);
  void CrashPage(Inode& inode, size_t page, Cut cut);
  void Tell(Operation::Kind kind, const std::string& path) {
    if (observer_) observer_({kind, path});
  }

  Random random_;
  std::map<std::string, std::shared_ptr<Inode>> names_;          // What processes see.
  std::map<std::string, std::shared_ptr<Inode>> durable_names_;  // What survives.
  std::vector<std::vector<NameChange>> pending_names_;           // In order; a rename is one atomic entry.
  std::set<std::string> directories_;
  std::set<std::string> durable_directories_;
  std::map<std::string, uint64_t> mounts_;
  std::set<std::string> locks_;
  int failing_syncs_ = 0;
  Duration sync_extra_{0};
  Duration remove_extra_{0};
  Duration read_extra_{0};
  bool failing_reads_ = false;
  uint64_t space_limit_ = uint64_t{1} << 40;
  std::string sealed_;
  uint64_t quota_ = uint64_t{1} << 40;
  std::vector<Hint> hints_;
  Counters counters_;
  Observer observer_;
};

}  // namespace orbitmq::sim
