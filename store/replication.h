// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>

#include "common/mutex.h"
#include "store/append_queue.h"
#include "store/checkpointer.h"
#include "store/commit_log.h"
#include "store/crc_ranges.h"
#include "store/dispatcher.h"
#include "store/flusher.h"
#include "store/replica_acks.h"
#include "store/replica_writer.h"
#include "store/replicated_log.h"

namespace orbitmq::store {

// The log as its replicas see it, and the cuts of a follower that heals.
//
// A cut runs while nothing else moves the log: the writer is idle, flushed has reached appended, dispatch is
// held. The disk executor cuts the files, from the back, after our checkpoint was dropped, so that a crash
// anywhere leaves a log that recovery reads; the dispatch executor, their owner, then cuts queues and index.
// Until the first file goes a failure changes nothing. From then on it stops the store for good.
//
// Threads: as ReplicatedLog says.
class Replication final : public ReplicatedLog {
 public:
  struct Parts {
    FileSystem& files;
    Clock& clock;
    Logger& log;
    Executor& log_executor;
    Executor& dispatch_executor;
    Executor& disk_executor;
    CommitLog& commit_log;
    QueueTable& queues;
    DeletedTopics& deleted;  // Of the dispatch executor.
    KeyIndex& index;
    Dispatcher& dispatcher;
    Flusher& flusher;
    CommitWaiters& waiters;
    ReplicaAcks& acks;
    ReplicaWriter& writer;
    AppendQueue& append_queue;
    LogWriter& log_writer;
    WriteGate& gate;
    CrcRanges& crc_ranges;  // Of the disk executor.
    std::atomic<bool>& follower;
    const StoreOptions& options;
    Task prepare_spare;  // On the disk executor.
    // Takes the topic's queues that end at or below the offset away for good. On the dispatch executor.
    UniqueFunction<Status(const std::string& topic, LogOffset below)> remove_topic;
  };
  explicit Replication(Parts parts) : parts_(std::move(parts)) {}
  // Once recovery is over and before anything is cut.
  void Use(Checkpointer& checkpointer) { checkpointer_ = &checkpointer; }
  // `appended` or `flushed` rose. Threads: any of the store's.
  void Progressed();

  Result<Bytes> ReadLog(LogOffset from, size_t bytes_max) override;
  bool ShipsFromMemory(LogOffset from) override;
  void SetReplicas(const ReplicaCount& count) override { parts_.acks.Set(count); }
  void SetDemand(const ReplicaDemand& demand) override { parts_.acks.SetDemand(demand); }
  void AppendReplica(ReplicaChunk chunk, Completion<LogOffset> done) override;
  LogOffset reportable() const override;
  Result<LogOffset> RecordBefore(int64_t distance) override;
  void Truncate(LogOffset to, LogOffset last_record, Completion<Done> done) override;
  void StartOver(LogOffset begin, Completion<Done> done) override;
  void DropTopic(const std::string& topic, LogOffset below, Completion<Done> done) override;
  uint64_t generation() const override { return generation_.load(std::memory_order_acquire); }
  LogRole role() const override {
    return parts_.follower.load(std::memory_order_acquire) ? LogRole::kFollower : LogRole::kLeader;
  }
  void ChangeRole(LogRole role, Completion<Done> done) override;
  void OnProgress(UniqueFunction<void()> listener) override;

 private:
  struct Cut {
    LogOffset to;
    LogOffset last_record;
    bool everything = false;
    Completion<Done> done;
  };
  void Begin(Cut cut);
  void HoldDispatch(std::shared_ptr<Cut> cut);
  void CutFiles(const std::shared_ptr<Cut>& cut);
  void CutQueues(const std::shared_ptr<Cut>& cut);
  void End(const std::shared_ptr<Cut>& cut, const Status& status);

  struct Change {
    LogRole role = LogRole::kLeader;
    Completion<Done> done;
    Status status;
  };
  // The steps of ChangeRole, each on its own executor: disk, dispatch, then log or disk.
  void AwaitIdle(const std::shared_ptr<Change>& change);
  void Settle(const std::shared_ptr<Change>& change);
  void Lead(const std::shared_ptr<Change>& change);
  void Follow(const std::shared_ptr<Change>& change, LogOffset last_record);
  void EndChange(const std::shared_ptr<Change>& change);

  Parts parts_;
  Checkpointer* checkpointer_ = nullptr;
  std::atomic<uint64_t> generation_{1};
  std::atomic<bool> busy_{false};  // The log is cut, or the role changes.
  Timer idle_timer_;               // Of the disk executor.
  Mutex mutex_;
  std::shared_ptr<UniqueFunction<void()>> listener_ ORBITMQ_GUARDED_BY(mutex_);
};

}  // namespace orbitmq::store
