// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <optional>

#include "store/append_queue.h"
#include "store/checkpointer.h"
#include "store/message_store.h"
#include "store/recovery.h"
#include "store/replication.h"
#include "store/retention.h"
#include "store/store_reader.h"

namespace orbitmq::store {

// The composition of the store: owns executors and parts, and knows who signals whom:
//
//   append queue -> log writer -> (appended) -> flusher -> (flushed) -> dispatcher -> (dispatched)
//
// Members are declared in the order of their needs; executors first, so that they outlive what runs on them.
class DiskStore final : public MessageStore {
 public:
  static Result<std::unique_ptr<MessageStore>> Open(Env& env, StoreOptions options,
                                                    ArrivalListener on_arrival);
  DiskStore(Env& env, StoreOptions options, CleaningRules cleaning, ArrivalListener on_arrival);
  ~DiskStore() override;

  void Append(AppendRequest request) override;
  QueueSlice Read(const QueueKey& queue, QueueOffset from, const ReadLimits& limits,
                  const TagFilter* filter) override;
  std::optional<OffsetRange> Range(const QueueKey& queue) override;
  std::optional<QueueSlice> ReadInMemory(const QueueKey& queue, QueueOffset from, const ReadLimits& limits,
                                         const TagFilter* filter) override;
  std::vector<QueueUnit> ReadUnits(const QueueKey& queue, QueueOffset from, size_t count) override;
  Result<Bytes> ReadAt(LogOffset offset) override { return reader_.ReadAt(offset); }
  Result<QueryReply> Query(const QueryRequest& request) override { return reader_.Query(request); }
  QueueOffset OffsetAtTime(const QueueKey& queue, WallTime time, TimeBoundary boundary) override;
  std::optional<WallTime> StoreTimeAt(const QueueKey& queue, QueueOffset offset) override;
  std::optional<WallTime> EarliestStoreTime() override { return reader_.EarliestStoreTime(); }
  Watermarks watermarks() const override;
  std::vector<QueueKey> Queues() const override;
  std::vector<std::shared_ptr<const std::string>> Topics() const override { return queues_.Topics(); }
  void DeleteTopic(const std::string& topic, Completion<Done> done) override;
  void DeleteExpired() override;
  void SetCleaning(CleaningRules rules) override;
  const RecoveryReport& recovery() const override { return recovery_; }
  ReplicatedLog& replication() override { return replication_; }
  Status writable() const override { return gate_.Check(); }
  Stats stats() const override;
  const Histogram& StageTimes(AppendStage stage) const override { return stages_.Times(stage); }
  Status Close(Duration deadline) override;
  void CloseAsync(Duration deadline, Completion<Done> done) override;

 private:
  Status Start();
  Status TakeLock();
  // Marks what this session will write, then says that it runs.
  Status BeginSession(CrcRanges ranges);
  void OnAppended();
  void OnFlushed();
  void OnDispatched();
  void NeedSegment();
  void PrepareSpare();
  void ArmExpiry();
  void ExpireWaiters();
  bool AnyWaits() const;
  void SignalWriters();
  // On the dispatch executor, with everything below `end` dispatched.
  Status RemoveTopic(const std::string& topic, LogOffset end);
  Progress CloseStep();
  void FinishClose(const Status& status);
  Status LeaveCleanly();

  Env& env_;
  const StoreOptions options_;
  std::atomic<bool> follower_;
  WallTime opened_at_;
  std::unique_ptr<FileLock> lock_;
  std::unique_ptr<Executor> log_executor_;
  std::unique_ptr<Executor> flush_executor_;
  std::unique_ptr<Executor> dispatch_executor_;
  std::unique_ptr<Executor> disk_executor_;
  // Under SYNC_FLUSH the log executor syncs what it wrote, and the flush executor, which then never blocks,
  // answers those whose sync takes too long; under ASYNC_FLUSH it is the other way round.
  Executor& sync_executor_;
  Executor& expiry_executor_;

  WriteGate gate_;
  StageWatch stages_;
  CommitLog commit_log_;
  QueueTable queues_;
  KeyIndex index_;
  DeletedTopics deleted_;  // Start, then the dispatch executor.
  QueueBuilder builder_;
  ReplicaAcks acks_;
  CommitWaiters waiters_;
  LogWriter writer_;
  AppendQueue append_queue_;
  ReplicaWriter replica_writer_;
  Flusher flusher_;
  Dispatcher dispatcher_;
  Retention retention_;
  StoreReader reader_;
  Replication replication_;
  std::unique_ptr<Checkpointer> checkpointer_;  // Made when recovery told what it starts from.
  RecoveryReport recovery_;
  CrcRanges crc_ranges_;  // Start, then the disk executor.

  std::atomic<bool> preparing_{false};
  std::atomic<int> deletions_under_way_{0};
  std::atomic<bool> expiry_armed_{false};
  Timer expiry_timer_;  // Of the expiry executor.
  // Closing: the disk executor.
  enum class CloseState : uint8_t { kOpen, kDraining, kCheckpoint, kClosed };
  CloseState close_state_ = CloseState::kOpen;
  Completion<Done> close_done_;
  Timer close_timer_;
  Pulse close_pulse_;
};

}  // namespace orbitmq::store
