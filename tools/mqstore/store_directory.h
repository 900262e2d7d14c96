// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "common/file_system.h"
#include "common/log.h"
#include "store/commit_log.h"
#include "store/crc_ranges.h"
#include "store/deleted_topics.h"
#include "store/key_index.h"
#include "tools/mqstore/frozen_files.h"

namespace orbitmq::tools {

// How to find and read a store; 0 and empty stand for "as the files say".
struct StorePlace {
  std::string root;            // storePathRootDir
  std::string commit_log_dir;  // storePathCommitLog; empty = root/commitlog
  int64_t segment_bytes = 0;
  int32_t index_slots = 0;
  enum class Locking : uint8_t {
    kTake,  // A running broker is an error.
    kNone,  // Read what is there, also while it changes (findings may be false then).
  };
  Locking locking = Locking::kTake;
};

// A store directory opened for looking: ours or Apache's, also a damaged one. Nothing in it is changed.
// Threads: one at a time.
class StoreDirectory final {
 public:
  // kNotFound (no such directory, or none of a store), kAlreadyExists (a broker runs), kCorrupt (the log's
  // files contradict each other), kIoError.
  static Result<std::unique_ptr<StoreDirectory>> Open(FileSystem& files, Logger& log,
                                                      const StorePlace& place);
  StoreDirectory(FileSystem& files, Logger& log, store::StoreOptions options);

  FileSystem& files() { return frozen_; }
  const store::CommitLog& log() const { return log_; }
  // root, commit_log_dir, segment_bytes, queue_file_units, index_slots and index_entries as they are.
  const store::StoreOptions& options() const { return options_; }
  std::string Path(std::string_view name) const;
  // The last broker did not end in order (or still runs): the next start recovers.
  bool crashed() const { return crashed_; }
  bool has_index() const { return has_index_; }
  LogOffset log_begin() const;
  // Where every record must end in a CRC.
  const store::CrcRanges& crc_ranges() const { return crc_ranges_; }
  const store::DeletedTopics& deleted() const { return deleted_; }
  // Lets the lock go, for a store that opens the directory itself.
  void Unlock() { lock_.reset(); }

 private:
  FrozenFiles frozen_;
  const store::StoreOptions options_;
  std::unique_ptr<FileLock> lock_;
  store::CommitLog log_;
  store::CrcRanges crc_ranges_;
  store::DeletedTopics deleted_;
  bool crashed_ = false;
  bool has_index_ = false;
};

}  // namespace orbitmq::tools
