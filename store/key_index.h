// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "common/log.h"
#include "common/mutex.h"
#include "store/index_file.h"
#include "store/message_store.h"

namespace orbitmq::store {

// The message index by key: a row of IndexFiles, the last of which grows.
//
// Threads: Put, WriteOut on the dispatch executor (recovery before that); Sync, RemoveBelow on the disk
// executor; Find, last_header from any.
class KeyIndex final {
 public:
  KeyIndex(FileSystem& files, Clock& clock, Logger& log, const StoreOptions& options);

  // Indexes one record's UNIQ_KEY, each of its KEYS and its tag (errata 1). Nothing for records below the end
  // of the index; of the record at its end only what is missing. kResourceExhausted or kIoError when a new
  // file cannot be made: call again.
  Status Put(const MessageView& record);
  Status WriteOut(IndexFile::Amount amount);
  Status Sync();
  void RemoveBelow(LogOffset log_min);

  struct Found {
    std::vector<LogOffset> offsets;  // Newest first.
    IndexHeader last;                // Of the newest file.
  };
  Found Find(const QueryRequest& request, size_t count_max) const;

  // --- checkpoints and recovery
  // Where the index stands: the last file's name and header; empty without files.
  struct Mark {
    std::string file;
    IndexHeader header;
  };
  Mark mark() const;
  // Opens the files. One that is damaged is dropped with all that follow it; the log scan makes them anew.
  Status Load();
  // Cuts the index back to the mark. False when it cannot be: drop it then. After a crash slots are built
  // anew from the entries, because pages written after the mark may or may not be there.
  enum class Exit : uint8_t { kClean, kCrash };
  Result<bool> RestoreTo(const Mark& mark, Exit exit);
  // The same for what DropNewerThan left, when no mark is known: for the last file and those that end just
  // then. A file whose header is ahead of its entries is dropped with all that follow it.
  Status RebuildNewest(int64_t time_ms);
  // Deletes files with entries newer than this (Apache's rule after a crash).
  Status DropNewerThan(int64_t time_ms);
  Status DropAll() { return DropNewerThan(INT64_MIN); }
  // Takes out the entries of records at or above `log_end`, and files that hold no others.
  Status DropAbove(LogOffset log_end);
  // Where a scan must begin to complete the index; nullopt without files.
  std::optional<LogOffset> end() const;

 private:
  using Files = std::vector<std::shared_ptr<IndexFile>>;
  std::shared_ptr<const Files> all() const;
  void Publish(Files files);
  Status PutKey(std::string_view key_text, const MessageView& record);
  void FindEnd();
  Result<std::shared_ptr<IndexFile>> Writable();
  Status DropFrom(size_t first);

  FileSystem& files_;
  Clock& clock_;
  Logger& log_;
  const std::string directory_;
  const IndexShape shape_;
  const bool enabled_;
  std::string key_text_;
  // The record that the newest entry belongs to, and how many entries it has by now: they may end in the
  // middle, because the next file could not be made or was lost in a crash.
  int64_t newest_record_ = -1;
  int32_t newest_entries_ = 0;
  std::weak_ptr<IndexFile> last_synced_;  // The growing file at the last Sync; whoever calls that owns it.
  mutable Mutex mutex_;
  std::shared_ptr<const Files> index_files_ ORBITMQ_GUARDED_BY(mutex_);
};

}  // namespace orbitmq::store
