// SPDX-License-Identifier: Apache-2.0
#include "store/disk_store.h"

#include <algorithm>
#include <condition_variable>

#include "common/planted_bug.h"
#include "common/strings.h"

namespace orbitmq::store {
namespace {

constexpr int64_t kSegmentBytesMin = 4096;

Status CheckOptions(const StoreOptions& options) {
  const auto refuse = [](std::string_view what, int64_t value, int64_t least) {
    return Status(StatusCode::kInvalidArgument, StrCat(what, " is ", value, ", the least is ", least));
  };
  if (options.root.empty()) return {StatusCode::kInvalidArgument, "storePathRootDir is empty"};
  if (options.segment_bytes < kSegmentBytesMin) {
    return refuse("mappedFileSizeCommitLog", options.segment_bytes, kSegmentBytesMin);
  }
  if (options.segment_bytes > INT32_MAX) {
    return {StatusCode::kInvalidArgument, "mappedFileSizeCommitLog is above 2147483647"};
  }
  if (options.queue_file_units < 1)
    return refuse("mappedFileSizeConsumeQueue / 20", options.queue_file_units, 1);
  if (options.index_slots < 1) return refuse("maxHashSlotNum", options.index_slots, 1);
  if (options.index_entries < 2) return refuse("maxIndexNum", options.index_entries, 2);
  return {};
}

// Without space the file is there and empty.
Status WriteSmallFile(FileSystem& files, const std::string& path, std::string_view text) {
  auto file = files.Open(path, OpenMode::kCreate);
  if (!file.ok()) return file.status();
  if (Status s = (*file)->Truncate(0); !s.ok()) return s;
  const std::string_view pieces[] = {text};
  if (Status s = (*file)->WriteAt(0, pieces); !s.ok()) {
    if (s.code() != StatusCode::kResourceExhausted) return s;
    if (Status emptied = (*file)->Truncate(0); !emptied.ok()) return emptied;
  }
  return (*file)->Sync();
}

}  // namespace

Result<std::unique_ptr<MessageStore>> MessageStore::Open(Env& env, StoreOptions options,
                                                         ArrivalListener on_arrival) {
  return DiskStore::Open(env, std::move(options), std::move(on_arrival));
}

Result<std::unique_ptr<MessageStore>> DiskStore::Open(Env& env, StoreOptions options,
                                                      ArrivalListener on_arrival) {
  if (Status s = CheckOptions(options); !s.ok()) return s;
  auto hours = ParseDeleteHours(options.delete_when);
  if (!hours.ok()) return hours.status();
  CleaningRules cleaning{options.retention, *std::move(hours), options.disk_ratio_max};
  const std::string root = options.root;
  auto store =
      std::make_unique<DiskStore>(env, std::move(options), std::move(cleaning), std::move(on_arrival));
  if (Status s = store->Start(); !s.ok()) return s.Annotate(StrCat("open the store ", root));
  return std::unique_ptr<MessageStore>(std::move(store));
}

DiskStore::DiskStore(Env& env, StoreOptions options, CleaningRules cleaning, ArrivalListener on_arrival)
    : env_(env),
      options_(std::move(options)),
      follower_(options_.follower),
      log_executor_(env.NewExecutor({.name = "store-log", .kind = ExecutorKind::kMayBlock})),
      flush_executor_(env.NewExecutor({.name = "store-flush", .kind = ExecutorKind::kMayBlock})),
      dispatch_executor_(env.NewExecutor({.name = "store-dispatch", .kind = ExecutorKind::kMayBlock})),
      disk_executor_(env.NewExecutor({.name = "store-disk", .kind = ExecutorKind::kMayBlock})),
      sync_executor_(options_.flush_mode == FlushMode::kSync ? *log_executor_ : *flush_executor_),
      expiry_executor_(options_.flush_mode == FlushMode::kSync ? *flush_executor_ : *log_executor_),
      gate_(env.log(), [this] { return retention_.DescribeSpace(); }),
      commit_log_(env.files(), env.log(), options_),
      queues_(env.files(), env.log(), options_),
      index_(env.files(), env.clock(), env.log(), options_),
      builder_(queues_, index_, deleted_, options_),
      acks_(options_),
      waiters_([this](std::vector<CommitWaiters::Waiter>& flushed) { acks_.Add(flushed); }),
      writer_({env.clock(), env.log(), commit_log_, waiters_, acks_, gate_, options_}),
      append_queue_({env.clock(), *log_executor_, expiry_executor_, commit_log_, writer_, gate_, stages_,
                     options_, [this] { OnAppended(); }, [this] { NeedSegment(); }}),
      replica_writer_({*log_executor_, env.log(), commit_log_, gate_, options_, [this] { OnAppended(); },
                       [this] { NeedSegment(); }}),
      flusher_({env.clock(), env.log(), sync_executor_, commit_log_, waiters_, gate_,
                options_.flush_mode == FlushMode::kSync ? &stages_ : nullptr, options_,
                [this] { OnFlushed(); }}),
      dispatcher_({env.clock(), env.log(), *dispatch_executor_, commit_log_, queues_, index_, builder_, gate_,
                   options_, std::move(on_arrival), [this] { OnDispatched(); }}),
      retention_({env.files(), env.clock(), env.log(), *disk_executor_, commit_log_, queues_, index_, gate_,
                  options_, [this] { SignalWriters(); }},
                 std::move(cleaning)),
      reader_({env.clock(), env.log(), commit_log_, queues_, index_, options_}),
      replication_({env.files(),
                    env.clock(),
                    env.log(),
                    *log_executor_,
                    *dispatch_executor_,
                    *disk_executor_,
                    commit_log_,
                    queues_,
                    deleted_,
                    index_,
                    dispatcher_,
                    flusher_,
                    waiters_,
                    acks_,
                    replica_writer_,
                    append_queue_,
                    writer_,
                    gate_,
                    crc_ranges_,
                    follower_,
                    options_,
                    [this] { PrepareSpare(); },
                    [this](const std::string& topic, LogOffset below) { return RemoveTopic(topic, below); }}),
      close_pulse_(*disk_executor_, [this] { return CloseStep(); }) {}

DiskStore::~DiskStore() {
  for (Executor* executor :
       {log_executor_.get(), flush_executor_.get(), dispatch_executor_.get(), disk_executor_.get()}) {
    executor->Stop();
  }
  waiters_.FailAll(Status(StatusCode::kUnknown, "the store was closed before the record was synced"));
  acks_.FailAll(Status(StatusCode::kUnknown, "the store was closed before replicas had the record"));
  replica_writer_.FailAll(Status(StatusCode::kCancelled, "the store was closed"));
}

Status DiskStore::TakeLock() {
  FileSystem& files = env_.files();
  const std::string path = options_.root + "/lock";
  if (Status s = CreateDirectoriesDurably(files, options_.root); !s.ok()) return s;
  auto lock = files.Lock(path);
  if (!lock.ok()) {
    if (lock.status().code() != StatusCode::kAlreadyExists) return lock.status();
    return lock.status().Annotate(StrCat("Lock failed, MQ already started: another broker uses ", path,
                                         "; stop it or choose another storePathRootDir"));
  }
  lock_ = *std::move(lock);
  return {};
}

// `abort` is present while the broker runs, so that the next start knows how this one ended. The marker comes
// first: without its token in `abort` and `lock` its open range does not count. So a disk too full for any of
// the three costs the check of record CRCs, nothing more.
Status DiskStore::BeginSession(CrcRanges ranges) {
  crc_ranges_ = std::move(ranges);
  uint64_t token = 0;
  // A follower's records are its master's, who may write them without.
  if (options_.record_crc == RecordCrc::kWhole && !options_.follower) {
    Random random = env_.NewRandom("store-session");
    while (token == 0) token = random.Next();
    crc_ranges_.Open(commit_log_.appended(), token);
  }
  if (token != 0 || env_.files().Exists(options_.root + "/orbitmq/record_crc")) {
    const Status saved = crc_ranges_.Save(env_.files(), options_.root);
    if (!saved.ok()) {
      if (saved.code() != StatusCode::kResourceExhausted) return saved;
      if (Status s = CrcRanges::Drop(env_.files(), options_.root); !s.ok()) return s;
      token = 0;
    }
  }
  const std::string text = CrcRanges::AbortText(env_.identity().pid, token);
  if (Status s = WriteSmallFile(env_.files(), options_.root + "/abort", text); !s.ok()) return s;
  if (Status s = env_.files().SyncDirectory(options_.root); !s.ok()) return s;
  // After the abort file: a crash between the two must not look like a clean exit.
  return WriteSmallFile(env_.files(), options_.root + "/lock", CrcRanges::LockText(token));
}

Status DiskStore::Start() {
  if (Status s = TakeLock(); !s.ok()) return s;
  Recovery recovery(
      {env_.files(), env_.clock(), env_.log(), options_, commit_log_, queues_, index_, deleted_, builder_});
  auto outcome = recovery.Run();
  if (!outcome.ok()) return outcome.status();
  recovery_ = outcome->report;
  dispatcher_.StartFrom(outcome->last_derived);
  dispatcher_.PutBack(std::move(outcome->touched));
  if (!Planted(Bug::kForgetQueueOffsets)) {
    for (const auto& queue : queues_.All()) writer_.offsets().Set(queue->key(), queue->range().max);
  }
  for (const auto& queue : queues_.All()) queue->StartFresh();
  if (Status s = BeginSession(std::move(outcome->crc_ranges)); !s.ok()) return s;
  checkpointer_ = std::make_unique<Checkpointer>(
      Checkpointer::Parts{env_.files(), env_.clock(), env_.log(), *dispatch_executor_, *disk_executor_,
                          commit_log_, queues_, index_, dispatcher_, flusher_, gate_, options_},
      outcome->apache);
  if (!outcome->disk_full.ok()) {
    gate_.SetDiskFull(outcome->disk_full.Annotate("the index, and what is new of queues, wait for space"));
  }
  replication_.Use(*checkpointer_);
  opened_at_ = env_.clock().Wall();
  (void)sync_executor_.Post([this] { flusher_.Start(); });
  (void)dispatch_executor_->Post([this] { dispatcher_.Start(); });
  (void)disk_executor_->Post([this] {
    PrepareSpare();
    retention_.Start();
    checkpointer_->Start();
  });
  // What recovery found out should not have to be found out again.
  checkpointer_->Write([](const Result<Done>&) {});
  return {};
}

void DiskStore::Append(AppendRequest request) {
  if (follower_.load(std::memory_order_acquire)) {
    request.done(AppendQueue::RefusalOfFollower());
    return;
  }
  if (Status s = acks_.Admit(); !s.ok() && request.durability == Durability::kStoreDefault) {
    request.done(s);
    return;
  }
  append_queue_.Push(std::move(request));
}

QueueSlice DiskStore::Read(const QueueKey& queue, QueueOffset from, const ReadLimits& limits,
                           const TagFilter* filter) {
  return *reader_.Read({queue, from, limits, filter, StoreReader::Reach::kDisk});
}

std::optional<QueueSlice> DiskStore::ReadInMemory(const QueueKey& queue, QueueOffset from,
                                                  const ReadLimits& limits, const TagFilter* filter) {
  return reader_.Read({queue, from, limits, filter, StoreReader::Reach::kMemory});
}

std::optional<OffsetRange> DiskStore::Range(const QueueKey& queue) {
  const auto found = queues_.Find(queue.topic, queue.queue_id);
  if (found == nullptr) return std::nullopt;
  return found->range();
}

std::vector<QueueUnit> DiskStore::ReadUnits(const QueueKey& queue, QueueOffset from, size_t count) {
  const auto found = queues_.Find(queue.topic, queue.queue_id);
  return found == nullptr ? std::vector<QueueUnit>() : found->Read(from, count);
}

QueueOffset DiskStore::OffsetAtTime(const QueueKey& queue, WallTime time, TimeBoundary boundary) {
  return reader_.OffsetAtTime(queue, time, boundary);
}

std::optional<WallTime> DiskStore::StoreTimeAt(const QueueKey& queue, QueueOffset offset) {
  return reader_.StoreTimeAt(queue, offset);
}

// Read from the back of the chain, so that what is returned is ordered although others raise it meanwhile.
Watermarks DiskStore::watermarks() const {
  Watermarks marks;
  marks.min = commit_log_.min();
  marks.dispatched = commit_log_.dispatched();
  marks.visible = commit_log_.visible();
  marks.flushed = commit_log_.flushed();
  marks.appended = commit_log_.appended();
  return marks;
}

std::vector<QueueKey> DiskStore::Queues() const {
  std::vector<QueueKey> keys;
  for (const auto& queue : queues_.All()) keys.push_back(queue->key());
  return keys;
}

// The deletion takes its place in the log's order: records before it belong to the old topic, later ones
// start again at queue offset 0.
void DiskStore::DeleteTopic(const std::string& topic, Completion<Done> done) {
  if (Status s = gate_.Check(); !s.ok()) return done(s);
  deletions_under_way_.fetch_add(1);
  (void)log_executor_->Post([this, topic, d = std::move(done)]() mutable {
    writer_.offsets().Forget(topic);
    const LogOffset end = commit_log_.appended();
    dispatcher_.RunAt(end, [this, topic, end, d = std::move(d)]() mutable {
      if (Status s = gate_.failed() ? gate_.failure() : RemoveTopic(topic, end); !s.ok()) {
        // A full disk is waited for.
        if (d && s.code() != StatusCode::kResourceExhausted) d(s);
        return s;
      }
      deletions_under_way_.fetch_sub(1);
      if (gate_.closing()) close_pulse_.Signal();
      d(Done{});
      return Status();
    });
  });
}

// First it is noted where the topic ended: a crash from there on does not bring it back, whatever it leaves
// of the queues. A topic without queues has nothing that a restart could bring back. On a leader all of its
// queues end at or below `end`.
Status DiskStore::RemoveTopic(const std::string& topic, LogOffset end) {
  const bool had = queues_.Has(topic);
  if (had) {
    const WallTime newest = std::max(env_.clock().Wall(), dispatcher_.last().store_time);
    const DeletedTopics::Deletion deletion{.below = end, .not_after = newest};
    if (Status s = deleted_.Add(env_.files(), options_.root, topic, deletion, commit_log_.min()); !s.ok()) {
      return s.Annotate(StrCat("note that the topic ", topic, " is deleted"));
    }
    checkpointer_->QueuesRemoved();
  }
  // Also without queues: what a try before this one left.
  if (Status s = queues_.Remove(topic, end); !s.ok()) {
    return s.Annotate(StrCat("remove the queues of the deleted topic ", topic));
  }
  if (had) checkpointer_->Write([](const Result<Done>&) {});
  return {};
}

void DiskStore::DeleteExpired() {
  (void)disk_executor_->Post([this] { retention_.DeleteExpired(); });
}

void DiskStore::SetCleaning(CleaningRules rules) {
  (void)disk_executor_->Post([this, rules = std::move(rules)] { retention_.SetRules(rules); });
}

MessageStore::Stats DiskStore::stats() const {
  Stats stats;
  stats.append_count = writer_.append_count();
  stats.append_bytes = writer_.append_bytes();
  stats.append_us_max = writer_.append_us_max();
  stats.append_queue_bytes = append_queue_.bytes();
  stats.append_refused = append_queue_.refused_count();
  stats.segment_waits = append_queue_.segment_waits();
  stats.flush_count = flusher_.flush_count();
  stats.dispatch_behind_bytes = std::max<int64_t>(0, commit_log_.visible() - commit_log_.dispatched());
  stats.segment_count = static_cast<int64_t>(commit_log_.segments()->size());
  stats.disk_used_ratio = retention_.log_used_ratio();
  stats.root_disk_used_ratio = retention_.root_used_ratio();
  stats.opened_at = opened_at_;
  return stats;
}

void DiskStore::OnAppended() {
  flusher_.SignalAppended();
  replication_.Progressed();
  if (commit_log_.dispatched() < commit_log_.visible()) dispatcher_.Signal();
  if (AnyWaits() && !expiry_armed_.exchange(true)) {
    (void)expiry_executor_.Post([this] { ArmExpiry(); });
  }
  if (gate_.closing()) close_pulse_.Signal();
}

void DiskStore::OnFlushed() {
  replication_.Progressed();
  dispatcher_.Signal();
  if (gate_.closing()) close_pulse_.Signal();
}

void DiskStore::OnDispatched() {
  append_queue_.OnDispatched();
  if (!replica_writer_.idle()) replica_writer_.Signal();
  if (gate_.closing()) close_pulse_.Signal();
}

// Armed for as long as a sync may take, not for each waiter: nearly all are answered long before.
void DiskStore::ArmExpiry() {
  MonoTime when = env_.clock().Monotonic() + options_.sync_flush_timeout;
  // Of what is flushed by then, replicas are waited for.
  if (acks_.required()) when = std::min(when, env_.clock().Monotonic() + options_.replica_timeout);
  for (const auto& deadline : {waiters_.next_deadline(), acks_.next_deadline()}) {
    if (deadline) when = std::min(when, *deadline);
  }
  expiry_timer_ = expiry_executor_.PostAt(when, [this] { ExpireWaiters(); });
}

void DiskStore::ExpireWaiters() {
  waiters_.Expire(env_.clock().Monotonic(), options_.sync_flush_timeout);
  acks_.Expire(env_.clock().Monotonic());
  expiry_armed_.store(false);
  // Looked at after the flag fell: who comes later arms it itself.
  if (AnyWaits() && !expiry_armed_.exchange(true)) ArmExpiry();
}

bool DiskStore::AnyWaits() const { return !waiters_.empty() || !acks_.empty(); }

void DiskStore::SignalWriters() {
  append_queue_.Signal();
  replica_writer_.Signal();
}

void DiskStore::NeedSegment() {
  if (preparing_.exchange(true)) return;
  (void)disk_executor_->Post([this] { PrepareSpare(); });
}

void DiskStore::PrepareSpare() {
  const Status status = commit_log_.PrepareSpare();
  preparing_.store(false);
  commit_log_.UnmapOld();
  if (!status.ok()) {
    env_.log().Error("the next commit log file cannot be made", {{"status", status.ToString()}});
    if (status.code() != StatusCode::kResourceExhausted) {
      gate_.Fail(status);
    } else if (append_queue_.waits_for_segment() || !replica_writer_.idle()) {
      gate_.SetDiskFull(status);  // Otherwise there is room in the active file, and time to try again.
    }
  }
  SignalWriters();
}

Status DiskStore::Close(Duration deadline) {
  struct Waiting {
    std::mutex mutex;
    std::condition_variable changed;
    std::optional<Status> result;
  };
  auto waiting = std::make_shared<Waiting>();
  CloseAsync(deadline, [waiting](Result<Done> result) {
    const std::lock_guard<std::mutex> lock(waiting->mutex);
    waiting->result = result.ok() ? Status() : result.status();
    waiting->changed.notify_all();
  });
  std::unique_lock<std::mutex> lock(waiting->mutex);
  waiting->changed.wait(lock, [&waiting] { return waiting->result.has_value(); });
  return *waiting->result;
}

void DiskStore::CloseAsync(Duration deadline, Completion<Done> done) {
  gate_.SetClosing();
  (void)disk_executor_->Post([this, deadline, d = std::move(done)]() mutable {
    if (close_state_ != CloseState::kOpen) {
      d(Status(StatusCode::kFailedPrecondition, "the store is closed or closing already"));
      return;
    }
    close_state_ = CloseState::kDraining;
    close_done_ = std::move(d);
    close_timer_ = disk_executor_->PostAt(env_.clock().Monotonic() + deadline, [this] {
      FinishClose(Status(StatusCode::kTimeout, "the store did not drain in time; the next start recovers"));
    });
    flusher_.Signal();
    dispatcher_.Signal();
    append_queue_.Signal();
    close_pulse_.Signal();
  });
}

Progress DiskStore::CloseStep() {
  if (close_state_ != CloseState::kDraining) return Progress::kIdle;
  if (gate_.failed()) {
    FinishClose(gate_.failure());
    return Progress::kIdle;
  }
  if (!append_queue_.drained() || !replica_writer_.idle()) return Progress::kIdle;
  if (commit_log_.flushed() < commit_log_.appended()) {
    flusher_.Signal();
    return Progress::kIdle;
  }
  if (commit_log_.dispatched() < commit_log_.appended() || deletions_under_way_.load() > 0 ||
      !queues_.swept()) {
    dispatcher_.Signal();
    return Progress::kIdle;
  }
  close_state_ = CloseState::kCheckpoint;
  checkpointer_->Write(
      [this](Result<Done> written) { FinishClose(written.ok() ? LeaveCleanly() : written.status()); });
  return Progress::kIdle;
}

Status DiskStore::LeaveCleanly() {
  if (options_.record_crc == RecordCrc::kWhole && !options_.follower) {
    crc_ranges_.Close(commit_log_.appended(), dispatcher_.last().log_offset);
    if (Status s = crc_ranges_.Save(env_.files(), options_.root); !s.ok()) return s;
  }
  if (Status s = env_.files().Remove(options_.root + "/abort"); !s.ok()) return s;
  return env_.files().SyncDirectory(options_.root);
}

void DiskStore::FinishClose(const Status& status) {
  if (close_state_ == CloseState::kClosed) return;
  close_state_ = CloseState::kClosed;
  close_timer_.Cancel();
  if (status.ok()) {
    lock_.reset();
    env_.log().Info("store closed", {{"log_end", commit_log_.appended().value}});
  } else {
    env_.log().Error("the store was not closed cleanly", {{"status", status.ToString()}});
  }
  if (status.ok()) {
    close_done_(Done{});
  } else {
    close_done_(status);
  }
}

}  // namespace orbitmq::store
