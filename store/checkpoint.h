// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/file_system.h"
#include "common/log.h"
#include "store/consume_queue.h"
#include "store/key_index.h"

namespace orbitmq::store {

// Apache's <root>/checkpoint. Format: 4096 bytes, six big-endian i64, the rest zero (store.md 1, errata 2).
struct ApacheCheckpoint {
  int64_t physic_time_ms = 0;  // Store time of the newest record known to be synced.
  int64_t logics_time_ms = 0;  // Store time of the newest record whose queue unit is synced.
  // Store time of the newest record whose index entries are synced; we write kIndexLead more.
  int64_t index_time_ms = 0;
  int64_t master_flushed_offset = 0;
  int64_t confirm_log_offset = 0;
  int64_t logics_log_offset = 0;  // Log offset of the record of logics_time_ms.

  // Apache's rule: what is older than this was complete when the file was written.
  int64_t SafeTimeMs() const;
  // The same for index files: index_time_ms without the lead, whoever wrote it.
  int64_t SafeIndexTimeMs() const;
  // After a crash Apache deletes every index file whose last record is newer than index_time_ms and derives
  // only what lies in the last log files again: keys of all older records would be lost. With the lead it
  // keeps our files, which are complete up to the checkpoint (decision 0025).
  static constexpr int64_t kIndexLeadMs = 24 * 3600 * 1000;
  std::string Encode() const;
  static ApacheCheckpoint Decode(std::string_view bytes);  // Short input reads as zeros.
  friend bool operator==(const ApacheCheckpoint&, const ApacheCheckpoint&) = default;
};
// Zeros, from which recovery scans everything, when there is no file, or none whose size and times can be
// (`now`: from the future is damage); the log says which version it was.
Result<ApacheCheckpoint> LoadApacheCheckpoint(FileSystem& files, Logger& log, WallTime now,
                                              const std::string& root);
Status SaveApacheCheckpoint(FileSystem& files, const std::string& root, const ApacheCheckpoint& checkpoint);

// Our own <root>/orbitmq/checkpoint: everything below `dispatched` is synced in log, queues and index, and
// these are the ends they had. Recovery scans from there only.
//
// Format: text "OMQCKPT", version byte, then frames: u32 payload bytes, payload (big-endian fields), CRC-32
// of both. The first frame holds all queues, each later one those that changed since, so that a checkpoint
// costs what was touched and not what is there.
struct ExactCheckpoint {
  LogOffset log_min;
  LogOffset dispatched;
  LogOffset last_record;
  int64_t last_store_time_ms = 0;
  // CRCs of Apache's checkpoint file as it was before and after this one was written: another value means
  // that a Java broker worked here since, and queue ends may have changed below `dispatched`.
  std::array<uint32_t, 2> apache_crcs{};
  KeyIndex::Mark index;
  std::vector<std::string> removed_topics;  // In a later frame: gone before `queues` count.
  std::vector<QueueEnds> queues;

  std::string Encode() const;       // A file of this one frame.
  std::string EncodeFrame() const;  // To be put behind the frames that are there.
  // Applies every whole frame; one that is cut off or damaged ends it, for a crash may leave that. kCorrupt
  // when not even the first is whole, kNotSupported for a newer version.
  static Result<ExactCheckpoint> Decode(std::string_view bytes);
};
Status SaveExactCheckpoint(FileSystem& files, const std::string& root, const ExactCheckpoint& checkpoint);
// kNotFound when there is none; falls back to the previous one when the newest is damaged, and tells the log.
Result<ExactCheckpoint> LoadExactCheckpoint(FileSystem& files, Logger& log, const std::string& root);

// Removes it and the one before, lastingly: from now on it must not be believed.
Status DropExactCheckpoint(FileSystem& files, const std::string& root);

// The file as its one writer sees it. Threads: one.
class ExactCheckpointFile final {
 public:
  ExactCheckpointFile(FileSystem& files, std::string root) : files_(files), root_(std::move(root)) {}

  // Whether the next checkpoint must be a whole one: the first of a process, after a failure, and when the
  // later frames have outgrown the first.
  bool wants_whole() const;
  // After these the checkpoint is durable, or an error tells and the next must be a whole one.
  Status SaveWhole(const ExactCheckpoint& checkpoint);
  Status Append(const ExactCheckpoint& changes);
  // Changes that no checkpoint holds are lost: a whole one must come next.
  void Spoil() { file_.reset(); }

 private:
  FileSystem& files_;
  const std::string root_;
  std::unique_ptr<File> file_;  // Null when the next must be a whole one.
  uint64_t whole_bytes_ = 0;
  uint64_t bytes_ = 0;
};

uint32_t CheckpointCrc(const ApacheCheckpoint& checkpoint);

}  // namespace orbitmq::store
