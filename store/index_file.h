// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/file_system.h"
#include "common/ids.h"
#include "common/mutex.h"
#include "orbitmq/time.h"

namespace orbitmq::store {

// Java's |hash| of "topic#key"; Integer.MIN_VALUE becomes 0.
int32_t IndexKeyHash(std::string_view key_text);

inline constexpr size_t kIndexHeaderBytes = 40;

struct IndexHeader {
  int64_t begin_time_ms = 0;
  int64_t end_time_ms = 0;
  int64_t begin_log_offset = 0;
  int64_t end_log_offset = 0;
  int32_t slots_used = 0;
  int32_t next_entry = 1;  // Entry 0 is never used.

  std::string Encode() const;
  static IndexHeader Decode(std::string_view bytes);
  friend bool operator==(const IndexHeader&, const IndexHeader&) = default;
};

struct IndexShape {
  int32_t slots = 0;
  int32_t entries = 0;
};

// The newest entry of each chain that grew since the file was last written: slot number -> entry number.
// Flat, because every indexed key goes through it.
class ChainHeads final {
 public:
  struct Head {
    int32_t slot = 0;
    int32_t entry = 0;  // 0: this place is free.
  };
  // 0 when the chain did not grow.
  int32_t Find(int32_t slot) const { return places_.empty() ? 0 : places_[PlaceOf(slot)].entry; }
  void Set(int32_t slot, int32_t entry);
  void Clear();
  // With free places among them.
  const std::vector<Head>& places() const { return places_; }

 private:
  size_t PlaceOf(int32_t slot) const;

  std::vector<Head> places_;  // A power of two, at most half of them used.
  size_t used_ = 0;
};

// One hash index from keys to log offsets.
//
// Format (store.md 4): header; `slots` i32 numbers of the newest entry of each chain; entries of i32 hash,
// i64 log offset, i32 seconds since the file's begin time, i32 previous entry of the chain. Header and slots
// are mapped; their disk blocks are reserved before the first store into them, by writing them where the
// file system cannot reserve and also in a file with holes that somebody else made, so that a full disk is an
// error here and not a signal later. Entries are appended in batches.
//
// Invariant: a slot in the file never leads to an entry that is not in the file, at any moment: whoever opens
// it after a kill, Apache's broker too, finds all older keys.
//
// Threads: Put, Sync-preparing WriteOut on the dispatch executor; Sync on the disk executor; Find from any.
class IndexFile final {
 public:
  static Result<std::shared_ptr<IndexFile>> Create(FileSystem& files, const std::string& path,
                                                   IndexShape shape, const IndexHeader& inherited);
  // Checks the length and the header's numbers; kCorrupt otherwise.
  static Result<std::shared_ptr<IndexFile>> Open(FileSystem& files, const std::string& path,
                                                 IndexShape shape);
  IndexFile(std::unique_ptr<File> file, std::unique_ptr<Mapping> mapping, std::string path, IndexShape shape,
            const IndexHeader& header);

  const std::string& path() const { return path_; }
  IndexHeader header() const;
  bool full() const { return header().next_entry >= shape_.entries; }

  void Put(int32_t hash, LogOffset at, WallTime store_time);
  // Moves buffered entries to the file once there are enough of them, or with `all`.
  enum class Amount : uint8_t { kEnough, kAll };
  Status WriteOut(Amount amount);
  Status Sync();

  struct Query {
    int32_t hash = 0;
    int64_t begin_ms = 0;
    int64_t end_ms = 0;
    size_t count_max = 0;
  };
  // Appends log offsets, newest first.
  void Find(const Query& query, std::vector<LogOffset>& found) const;

  // --- recovery
  // How many of the newest entries in the file are of the record at `at`. Entries not written out count not.
  int32_t CountNewestOf(LogOffset at) const;
  // Makes the file hold exactly the entries below header.next_entry: slots and chains are built anew.
  // kCorrupt when the entries cannot be those that the header counts.
  Status Rebuild(const IndexHeader& header);
  // Cuts off the entries of records at or above `log_end`. False when none would be left: then nothing is
  // changed.
  Result<bool> CutAbove(LogOffset log_end);

 private:
  int32_t SlotOf(int32_t hash) const { return hash % shape_.slots; }
  char* Slot(int32_t slot) const;
  uint64_t EntryAt(int32_t number) const;
  // Before any store into the mapping; kResourceExhausted when the disk is full.
  Status Reserve();

  std::unique_ptr<File> file_;
  std::unique_ptr<Mapping> mapping_;
  const std::string path_;
  const IndexShape shape_;
  bool reserved_ = false;  // Of those who write: the dispatch executor, recovery before that.
  mutable Mutex mutex_;
  IndexHeader header_ ORBITMQ_GUARDED_BY(mutex_);
  int32_t written_ ORBITMQ_GUARDED_BY(mutex_) = 1;  // Entries below are in the file.
  std::string pending_ ORBITMQ_GUARDED_BY(mutex_);
  ChainHeads pending_heads_ ORBITMQ_GUARDED_BY(mutex_);  // Of the chains that end in pending_.
};

}  // namespace orbitmq::store
