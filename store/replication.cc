// SPDX-License-Identifier: Apache-2.0
#include "store/replication.h"

#include <algorithm>

#include "common/message_codec.h"
#include "common/strings.h"

namespace orbitmq::store {
namespace {

// Between two looks whether what was accepted is placed.
constexpr Duration kIdleEvery = std::chrono::milliseconds(5);

}  // namespace

void Replication::OnProgress(UniqueFunction<void()> listener) {
  auto next = listener ? std::make_shared<UniqueFunction<void()>>(std::move(listener)) : nullptr;
  const MutexLock lock(mutex_);
  listener_ = std::move(next);
}

void Replication::Progressed() {
  std::shared_ptr<UniqueFunction<void()>> listener;
  {
    const MutexLock lock(mutex_);
    listener = listener_;
  }
  if (listener != nullptr) (*listener)();
}

Result<Bytes> Replication::ReadLog(LogOffset from, size_t bytes_max) {
  const CommitLog& log = parts_.commit_log;
  const LogOffset end = log.appended();
  if (from == end) return Bytes();
  const auto segment = from < end ? log.Find(from) : nullptr;
  if (segment == nullptr) {
    return Status(StatusCode::kNotFound, StrCat("log offset ", from.value, " is not within the log, [",
                                                log.min().value, ", ", end.value, ")"));
  }
  const int64_t left = std::min(segment->end(), end) - from;
  return log.Read(from, static_cast<size_t>(std::min<int64_t>(left, static_cast<int64_t>(bytes_max))));
}

bool Replication::ShipsFromMemory(LogOffset from) {
  return parts_.commit_log.LeavesByReference(from, parts_.commit_log.appended());
}

void Replication::AppendReplica(ReplicaChunk chunk, Completion<LogOffset> done) {
  if (!parts_.follower.load(std::memory_order_acquire) || busy_.load()) {
    done(Status(StatusCode::kFailedPrecondition,
                "only a follower takes a leader's log, and not while it heals"));
    return;
  }
  parts_.writer.Push(std::move(chunk), std::move(done));
}

LogOffset Replication::reportable() const {
  const bool sync = parts_.options.flush_mode == FlushMode::kSync;
  return sync ? parts_.commit_log.flushed() : parts_.commit_log.appended();
}

Result<LogOffset> Replication::RecordBefore(int64_t distance) {
  const CommitLog& log = parts_.commit_log;
  const LogOffset end = log.appended();
  const LogOffset wanted = end + -distance;
  if (wanted <= log.min()) return log.min();
  const auto segment = log.Find(wanted);
  if (segment == nullptr) return log.min();
  const LogOffset limit = std::min(segment->end(), end);
  auto bytes = segment->Pin(segment->begin(), static_cast<size_t>(limit - segment->begin()));
  if (!bytes.ok()) return bytes.status();
  LogOffset at = segment->begin();
  for (;;) {
    const auto peek = PeekRecord(bytes->view().substr(static_cast<size_t>(at - segment->begin())));
    // Damage ends the walk: an earlier begin is as good.
    if (!peek.ok() || peek->total_bytes <= 0 || at + peek->total_bytes > wanted) return at;
    at += peek->total_bytes;
  }
}

void Replication::Truncate(LogOffset to, LogOffset last_record, Completion<Done> done) {
  Begin({.to = to, .last_record = last_record, .everything = false, .done = std::move(done)});
}

void Replication::StartOver(LogOffset begin, Completion<Done> done) {
  Begin({.to = begin, .last_record = begin, .everything = true, .done = std::move(done)});
}

void Replication::Begin(Cut cut) {
  const CommitLog& log = parts_.commit_log;
  const bool legal = cut.everything ? cut.to.value % log.segment_bytes() == 0
                                    : cut.to >= log.min() && cut.to <= log.appended();
  if (!legal) {
    cut.done(Status(StatusCode::kInvalidArgument, StrCat("the log cannot be cut at ", cut.to.value)));
    return;
  }
  if (parts_.gate.failed()) {
    cut.done(parts_.gate.failure());
    return;
  }
  if (!parts_.follower.load() || busy_.exchange(true)) {
    cut.done(Status(StatusCode::kFailedPrecondition, "only a follower's log is cut, and once at a time"));
    return;
  }
  parts_.writer.FailAll(Status(StatusCode::kCancelled, "the log is cut"));
  auto shared = std::make_shared<Cut>(std::move(cut));
  // On the executor that syncs; nothing is appended any more, so `flushed` reaches the end of the log.
  parts_.flusher.FlushAll(
      [this, shared] { (void)parts_.dispatch_executor.Post([this, shared] { HoldDispatch(shared); }); });
}

void Replication::HoldDispatch(std::shared_ptr<Cut> cut) {
  parts_.dispatcher.Hold();
  // What a checkpoint that is under way has captured is not true any more.
  checkpointer_->QueuesRemoved();
  (void)parts_.disk_executor.Post([this, cut] { CutFiles(cut); });
}

void Replication::CutFiles(const std::shared_ptr<Cut>& cut) {
  Status status = parts_.gate.failed() ? parts_.gate.failure() : checkpointer_->Drop();
  generation_.fetch_add(1, std::memory_order_acq_rel);
  parts_.acks.FailAll(Status(StatusCode::kUnknown, "the log was cut before replicas had the record"));
  if (status.ok()) {
    // Before the log: ranges that are too short cost checks only.
    parts_.crc_ranges.Clip(parts_.commit_log.min(), cut->to, cut->last_record);
    if (cut->everything) parts_.crc_ranges = CrcRanges();
    status = parts_.crc_ranges.Save(parts_.files, parts_.options.root);
  }
  if (status.ok()) {
    status = cut->everything ? parts_.commit_log.StartOver(cut->to) : parts_.commit_log.Shorten(cut->to);
  }
  if (status.ok()) parts_.acks.Lower(cut->to);
  // Part of the log may be gone while the queues are those of all of it: whoever followed would keep them.
  if (status.fatal()) parts_.gate.Fail(status);
  if (!parts_.gate.failed()) parts_.prepare_spare();
  (void)parts_.dispatch_executor.Post([this, cut, status] {
    if (status.ok()) {
      CutQueues(cut);
    } else {
      End(cut, status);
    }
  });
}

void Replication::CutQueues(const std::shared_ptr<Cut>& cut) {
  Status status = parts_.deleted.Clip(parts_.files, parts_.options.root, parts_.commit_log.min(), cut->to);
  ConsumeQueue::Touched touched;
  for (const auto& queue : parts_.queues.All()) {
    if (!status.ok()) break;
    status =
        cut->everything ? parts_.queues.Remove(queue->topic()) : parts_.queues.Cut(queue, cut->to, touched);
  }
  if (status.ok()) status = cut->everything ? parts_.index.DropAll() : parts_.index.DropAbove(cut->to);
  parts_.dispatcher.PutBack(std::move(touched));
  parts_.dispatcher.StartFrom({cut->last_record, parts_.dispatcher.last().store_time});
  // The log is cut; a second try would have nothing to cut.
  if (!status.ok()) parts_.gate.Fail(status);
  End(cut, status.WithFatal());
}

void Replication::End(const std::shared_ptr<Cut>& cut, const Status& status) {
  parts_.dispatcher.Release();
  checkpointer_->QueuesRemoved();
  // Otherwise the next start makes the queues from the log.
  if (!parts_.gate.failed()) checkpointer_->Write([](const Result<Done>&) {});
  busy_.store(false);
  if (status.ok()) {
    cut->done(Done{});
  } else {
    cut->done(status.Annotate(StrCat("cut the log at ", cut->to.value)));
  }
}

// Once everything that came until now is dispatched, so that `below` is not ahead of the queues.
void Replication::DropTopic(const std::string& topic, LogOffset below, Completion<Done> done) {
  if (!parts_.follower.load(std::memory_order_acquire) || busy_.load()) {
    done(Status(StatusCode::kFailedPrecondition,
                "only a follower drops its leader's topics, and not while it heals"));
    return;
  }
  parts_.dispatcher.RunAt(
      parts_.commit_log.appended(),
      [this, topic, below, born = generation(), d = std::move(done)]() mutable -> Status {
        if (generation() != born) {
          d(Status(StatusCode::kFailedPrecondition, "the log was cut meanwhile"));
          return {};
        }
        if (Status s = parts_.gate.failed() ? parts_.gate.failure() : parts_.remove_topic(topic, below);
            !s.ok()) {
          // A full disk is waited for.
          if (d && s.code() != StatusCode::kResourceExhausted) d(s);
          return s;
        }
        d(Done{});
        return {};
      });
}

// --- roles

void Replication::ChangeRole(LogRole role, Completion<Done> done) {
  if (busy_.exchange(true)) {
    done(Status(StatusCode::kFailedPrecondition, "the log is cut or changes its role already"));
    return;
  }
  auto change = std::make_shared<Change>();
  change->role = role;
  change->done = std::move(done);
  if (this->role() == role) return EndChange(change);
  if (role == LogRole::kFollower) {
    parts_.follower.store(true, std::memory_order_release);
    parts_.append_queue.Close();
  } else {
    parts_.writer.FailAll(Status(StatusCode::kCancelled, "this store leads the log now"));
  }
  (void)parts_.disk_executor.Post([this, change] { AwaitIdle(change); });
}

void Replication::AwaitIdle(const std::shared_ptr<Change>& change) {
  if (!parts_.append_queue.drained() || !parts_.writer.idle()) {
    idle_timer_ = parts_.disk_executor.PostAt(parts_.clock.Monotonic() + kIdleEvery,
                                              [this, change] { AwaitIdle(change); });
    return;
  }
  // Behind the write that was under way.
  (void)parts_.log_executor.Post([this, change] {
    parts_.flusher.FlushAll([this, change] {
      if (parts_.gate.failed()) {
        change->status = parts_.gate.failure();
        return EndChange(change);
      }
      parts_.dispatcher.RunAt(parts_.commit_log.appended(), [this, change] {
        Settle(change);
        return Status();
      });
    });
  });
}

void Replication::Settle(const std::shared_ptr<Change>& change) {
  if (change->role == LogRole::kLeader) {
    (void)parts_.log_executor.Post([this, change] { Lead(change); });
    return;
  }
  parts_.acks.FailAll(Status(StatusCode::kUnknown, "this broker does not lead the log any more"));
  (void)parts_.disk_executor.Post(
      [this, change, last = parts_.dispatcher.last().log_offset] { Follow(change, last); });
}

void Replication::Lead(const std::shared_ptr<Change>& change) {
  QueueOffsets& offsets = parts_.log_writer.offsets();
  offsets.Clear();
  for (const auto& queue : parts_.queues.All()) offsets.Set(queue->key(), queue->range().max);
  parts_.append_queue.Open();
  parts_.follower.store(false, std::memory_order_release);
  EndChange(change);
}

// What comes from now on is the leader's, whose records may end in no CRC.
void Replication::Follow(const std::shared_ptr<Change>& change, LogOffset last_record) {
  parts_.crc_ranges.Close(parts_.commit_log.appended(), last_record);
  change->status = parts_.crc_ranges.Save(parts_.files, parts_.options.root);
  EndChange(change);
}

void Replication::EndChange(const std::shared_ptr<Change>& change) {
  if (!change->status.ok() && change->role == LogRole::kFollower) {
    // It leads on, as far as it can.
    parts_.append_queue.Open();
    parts_.follower.store(false, std::memory_order_release);
  }
  busy_.store(false);
  if (change->status.ok()) {
    change->done(Done{});
  } else {
    change->done(change->status.Annotate("change the role of the log"));
  }
}

}  // namespace orbitmq::store
