// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "common/clock.h"
#include "common/log.h"
#include "store/checkpoint.h"
#include "store/dispatcher.h"
#include "store/log_scanner.h"

namespace orbitmq::store {

// Brings log, queues and index of a directory into agreement, whatever a crash left of them:
//
//  1. Our exact checkpoint, if it is there and nothing contradicts it, gives the ends of queues and index and
//     where the scan begins. Otherwise both come from the files and the scan begins where Apache's would.
//  2. The scan checks every record, by the record CRC where our marker says that we wrote one, and derives
//  queues and index again (repeating is harmless).
//     A full disk ends this early: queues wait in memory for space, and the index is the dispatcher's work
//     from there on, so that what is stored can be read and taken away.
//  3. The log is cut behind the last whole record; queues and index lose what lay above it.
//
// A record that is damaged although records after it were synced is not a torn tail: then nothing is changed
// and the error says where the damage is.
//
// Threads: one, before the store's executors run.
class Recovery final {
 public:
  struct Parts {
    FileSystem& files;
    Clock& clock;
    Logger& log;
    const StoreOptions& options;
    CommitLog& commit_log;
    QueueTable& queues;
    KeyIndex& index;
    DeletedTopics& deleted;
    QueueBuilder& builder;
  };
  explicit Recovery(Parts parts) : parts_(parts) {}

  struct Outcome {
    RecoveryReport report;
    Dispatcher::Last last;          // Newest record of the log.
    Dispatcher::Last last_derived;  // Newest one that queues and index have; `last` unless the disk is full.
    Status disk_full;               // Why there are newer ones, or tails that wait in memory; else OK.
    ConsumeQueue::Touched touched;  // Queue files that recovery wrote and did not sync.
    ApacheCheckpoint apache;        // As found.
    CrcRanges crc_ranges;           // What is left of the marker, not beyond the log's end.
  };
  Result<Outcome> Run();

 private:
  enum class Source : uint8_t { kExact, kFiles };
  // True when the exact checkpoint was taken over.
  Result<bool> TryExact(const Result<ExactCheckpoint>& exact);
  bool Contradicted(const ExactCheckpoint& exact);
  Status StartFromFiles();
  // Queues of topics that were deleted are not there, however far the deletion came before a crash.
  Status FinishDeletions();
  Result<LogOffset> SafeSegment();
  Status Scan();
  Status Derive(const MessageView& record);
  Status WriteOut(size_t queues_max, IndexFile::Amount index_amount);
  // OK when `why` is a full disk, which derivation waits for from now on.
  Status HoldUp(const Status& why);
  Status CheckNotMiddle(const LogScanner& scanner);
  Status CutLog();
  Status CutQueues();

  Parts parts_;
  Outcome out_;
  Source source_ = Source::kFiles;
  LogOffset scan_begin_;
  LogOffset derive_from_;      // Records below are only checked.
  LogOffset derived_end_;      // The records below are in queues and index.
  int64_t waiting_units_ = 0;  // Put into queues since the disk was full.
  LogOffset log_end_;
  LogOffset log_min_before_;
  bool end_is_blank_ = false;
};

}  // namespace orbitmq::store
