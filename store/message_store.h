// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/bytes.h"
#include "common/completion.h"
#include "common/env.h"
#include "common/ids.h"
#include "common/message_codec.h"
#include "common/tag_filter.h"
#include "store/append_stage.h"
#include "store/log_offsets.h"
#include "store/replicated_log.h"
#include "store/store_options.h"

namespace orbitmq::store {

// The watermarks of the log, all byte positions, monotone within a generation, each raised by one executor:
//
//   min            dispatched   visible      flushed     appended
//    |---- kept -------|-----------|-------------|-----------|
//
// visible is `appended` under ASYNC_FLUSH and min(appended, flushed) under SYNC_FLUSH: a record that a crash
// can take away is never shown to a consumer of a sync-flush broker. dispatched <= visible always.
struct Watermarks {
  LogOffset min;
  LogOffset dispatched;
  LogOffset visible;
  LogOffset flushed;
  LogOffset appended;
};

enum class Durability : uint8_t {
  kStoreDefault,  // What StoreOptions::flush_mode and in_sync_replicas say.
  kAppended,      // Acknowledge once placed (a message with WAIT=false under SYNC_FLUSH).
  kFlushed,       // Acknowledge once fdatasync covered it.
};

// Whether as many brokers as in_sync_replicas asks for have the records. They are stored and kept either way.
enum class Replicas : uint8_t {
  kEnough,        // Or the append did not have to wait for any.
  kNotAvailable,  // Too few were in sync when it was placed: Apache's SLAVE_NOT_AVAILABLE.
  kTimeout,       // Not within StoreOptions::replica_timeout: Apache's FLUSH_SLAVE_TIMEOUT.
};

struct AppendReceipt {
  QueueOffset queue_offset;  // Of the first record.
  LogOffsets log_offsets;    // One per record of the draft.
  WallTime store_time;
  Replicas replicas = Replicas::kEnough;
};

struct AppendRequest {
  QueueKey queue;
  RecordDraft draft;  // Encoded by AppendRecord; all records for `queue`.
  Durability durability = Durability::kStoreDefault;
  // Called on an executor of the store; must not block (post onwards). Failures: kBusy (queue full or too
  // old: not stored), kUnknown with Persisted::kMaybe (placed, but its flush did not end in
  // StoreOptions::sync_flush_timeout: Apache's FLUSH_DISK_TIMEOUT; or flushed as asked, and this broker
  // ceased to lead while it waited for replicas), kResourceExhausted (disk full, text has path/used/limit),
  // fatal kIoError.
  Completion<AppendReceipt> done;
  // If set, filled before `done` is called with kUnknown: where the records lie that may be lost yet, with
  // Replicas::kTimeout when only their replication is open.
  std::shared_ptr<AppendReceipt> placed{};
};

// Where writers enter. Threads: any.
class LogAppender {
 public:
  virtual ~LogAppender() = default;
  // Never blocks: either queued or `done` is called with a refusal before it returns.
  virtual void Append(AppendRequest request) = 0;
};

struct ReadLimits {
  int32_t messages_max = 32;
  int32_t bytes_max_hot = 256 * 1024;  // Records within the last hot_bytes of the log ("in memory").
  int32_t bytes_max_cold = 64 * 1024;
  int32_t messages_max_cold = 8;
};

// Apache's GetMessageStatus, same names and next offsets (store.md 3.9).
enum class ReadStatus : uint8_t {
  kFound,
  kNoMatchedMessage,
  kMessageWasRemoving,
  kOffsetFoundNull,
  kOffsetOverflowBadly,
  kOffsetOverflowOne,
  kOffsetTooSmall,
  kNoMatchedLogicQueue,
  kNoMessageInQueue,
};

struct QueueSlice {
  ReadStatus status = ReadStatus::kNoMatchedLogicQueue;
  QueueOffset next_begin;
  QueueOffset min;
  QueueOffset max;     // End of what consumers may see (exclusive).
  BytesChain records;  // Whole records, in queue order; they keep their memory alive.
  int32_t record_count = 0;
  std::vector<QueueOffset> offsets;  // Queue offset of each record.
  bool cold = false;                 // Some bytes came from far behind the end of the log.
};

struct OffsetRange {
  QueueOffset min;
  QueueOffset max;  // Exclusive: the offset of the next message.
};

enum class TimeBoundary : uint8_t { kLower, kUpper };

// One 20-byte unit of a ConsumeQueue.
struct QueueUnit {
  LogOffset log_offset;
  int32_t record_bytes = 0;
  int64_t tags_code = 0;  // Java hash of the tag, or the deliver time (ms) in the schedule topic.
};

// Where readers enter. Threads: any executor that may block; ReadInMemory and Range any.
class QueueReader {
 public:
  virtual ~QueueReader() = default;
  // `filter` null or matching all = no filter.
  virtual QueueSlice Read(const QueueKey& queue, QueueOffset from, const ReadLimits& limits,
                          const TagFilter* filter) = 0;
  // The same where nothing may wait for the disk. nullopt: what stands at `from` may not be in memory,
  // because an earlier process wrote it or it lies far from the end of the log. Nothing was read then.
  virtual std::optional<QueueSlice> ReadInMemory(const QueueKey& queue, QueueOffset from,
                                                 const ReadLimits& limits, const TagFilter* filter) = 0;
  // nullopt when the queue does not exist; {n, n} when it is empty.
  virtual std::optional<OffsetRange> Range(const QueueKey& queue) = 0;
  // Units from `from` on, at most `count`; empty past the end.
  virtual std::vector<QueueUnit> ReadUnits(const QueueKey& queue, QueueOffset from, size_t count) = 0;
};

enum class KeyType : uint8_t { kAny, kUnique, kKey, kTag };

struct QueryRequest {
  std::string topic;
  std::string key;
  KeyType type = KeyType::kAny;  // Which index entries match (errata 1).
  int32_t messages_max = 32;
  WallTime begin;
  WallTime end;
};

struct QueryReply {
  BytesChain records;  // The newest messages_max ones, oldest first, as Apache answers.
  WallTime index_update_time;
  LogOffset index_update_offset;
};

// Told, on the dispatch executor, about every record that became visible; must not block.
struct Arrival {
  const QueueKey& queue;
  QueueOffset queue_offset;  // The new end is queue_offset + 1.
  int64_t tags_code = 0;
  WallTime store_time;
  std::string_view properties;
};
using ArrivalListener = UniqueFunction<void(const Arrival&)>;

// Where recovery took the ends of queues and index from: our checkpoint, or the files themselves.
enum class EndsFrom : uint8_t { kCheckpoint, kFiles };

// What recovery did; logged as one line, and shown by runtime info.
struct RecoveryReport {
  bool clean_shutdown = false;
  EndsFrom ends_from = EndsFrom::kFiles;
  LogOffset scan_begin;
  LogOffset log_end;
  int64_t truncated_bytes = 0;  // Not zero, behind the end that was found.
  std::string cut_because;      // Why the log ends where it does; empty when nothing stood behind.
  int64_t records_scanned = 0;
  int64_t record_crcs_checked = 0;  // Of those, where our marker says that we wrote them.
  Duration took{};
};

// The message store of one broker: CommitLog, ConsumeQueues, IndexFiles, checkpoint, in Apache's on-disk
// formats. It knows nothing of networks, topics' configuration or groups.
//
// Threads: Append, reads and queries as their interfaces say; Close once, from any executor but the store's.
// It creates its executors (log, flush, dispatch, disk) from `env`.
class MessageStore : public LogAppender, public QueueReader {
 public:
  // Takes the directory's lock, recovers, starts. Errors: kAlreadyExists (in use: names the lock file),
  // kIoError, kCorrupt (which file, which offset, what to do), kInvalidArgument (options).
  static Result<std::unique_ptr<MessageStore>> Open(Env& env, StoreOptions options,
                                                    ArrivalListener on_arrival);

  // The whole record at a physical offset. kNotFound when it was deleted or is not a record start (size and
  // magic are checked), kInvalidArgument beyond the end.
  virtual Result<Bytes> ReadAt(LogOffset offset) = 0;
  virtual Result<QueryReply> Query(const QueryRequest& request) = 0;
  virtual QueueOffset OffsetAtTime(const QueueKey& queue, WallTime time, TimeBoundary boundary) = 0;
  // Store time of the record at a queue offset; nullopt when there is none.
  virtual std::optional<WallTime> StoreTimeAt(const QueueKey& queue, QueueOffset offset) = 0;
  // Of the oldest record kept; nullopt when the log is empty.
  virtual std::optional<WallTime> EarliestStoreTime() = 0;

  virtual Watermarks watermarks() const = 0;
  virtual std::vector<QueueKey> Queues() const = 0;  // In order.
  // The names of all topics that have queues, in no order and without a copy of any text: for looks that come
  // often, where Queues() would copy a name for each of perhaps 80,000 queues. Threads: any.
  virtual std::vector<std::shared_ptr<const std::string>> Topics() const = 0;
  // Deletes the consume queues of a topic; its records stay in the log until they expire, and whoever has
  // their offset or key finds them there. What is appended later begins at queue offset 0. `done` is called
  // on an executor of the store, once no crash can bring the queues back; it must not block. Errors: writes
  // are refused (nothing is changed), or the disk failed. Threads: any.
  virtual void DeleteTopic(const std::string& topic, Completion<Done> done) = 0;
  // Expired log files go now, and in the next rounds of cleaning, at any hour. Returns at once. Threads: any.
  virtual void DeleteExpired() = 0;
  // Old log files go by these from now on. Returns at once. Threads: any.
  virtual void SetCleaning(CleaningRules rules) = 0;
  virtual const RecoveryReport& recovery() const = 0;
  // Log shipping; lives as long as the store.
  virtual ReplicatedLog& replication() = 0;
  // Why writes are refused now (disk full, failed flush); OK = writable.
  virtual Status writable() const = 0;

  // Figures for runtime info and metrics.
  struct Stats {
    int64_t append_count = 0;
    int64_t append_bytes = 0;
    int64_t append_queue_bytes = 0;
    int64_t append_refused = 0;  // With kBusy.
    int64_t segment_waits = 0;   // How often the log had to wait for its next file.
    int64_t flush_count = 0;
    int64_t dispatch_behind_bytes = 0;
    int64_t segment_count = 0;
    double disk_used_ratio = 0;       // Of the disk that holds the log.
    double root_disk_used_ratio = 0;  // Of the one that holds queues, index and tables.
    int64_t append_us_max = 0;
    WallTime opened_at;
  };
  virtual Stats stats() const = 0;
  // What appends waited for in this stage, microseconds. Lives as long as the store. Threads: any.
  virtual const Histogram& StageTimes(AppendStage stage) const = 0;

  // Refuses new appends, drains the queued ones, syncs, dispatches, writes the checkpoint, removes `abort`,
  // releases the lock. Blocks for at most `deadline`; what is not done by then is as after a crash. The
  // destructor closes without draining (as a crash).
  virtual Status Close(Duration deadline) = 0;
  // The same without waiting: `done` is called once on an executor of the store, which must outlive the call.
  // kTimeout when `deadline` passed first.
  virtual void CloseAsync(Duration deadline, Completion<Done> done) = 0;
};

}  // namespace orbitmq::store
