// SPDX-License-Identifier: Apache-2.0
#include "store/checkpointer.h"

#include <algorithm>

namespace orbitmq::store {
namespace {
// Files synced in one go, so that preparing a segment never waits long behind a checkpoint of many queues.
constexpr int kFilesPerStep = 16;
// From so many on, syncing the whole file system is cheaper than each of them.
constexpr size_t kSyncAllFrom = 2048;
constexpr size_t kTailsPerStep = 256;
}  // namespace

void Checkpointer::Start() { ArmTimer(); }

void Checkpointer::ArmTimer() {
  timer_ = parts_.disk_executor.PostAt(parts_.clock.Monotonic() + parts_.options.checkpoint_interval, [this] {
    if (!busy_ && parts_.commit_log.dispatched() != saved_dispatched_ && !parts_.gate.failed()) Begin();
    ArmTimer();
  });
}

void Checkpointer::Write(Completion<Done> done) {
  (void)parts_.disk_executor.Post([this, d = std::move(done)]() mutable {
    waiting_.push_back(std::move(d));
    if (!busy_) Begin();
  });
}

void Checkpointer::Begin() {
  busy_ = true;
  running_ = std::exchange(waiting_, {});
  (void)parts_.dispatch_executor.Post([this, whole = file_.wants_whole()] {
    WriteOutTails(whole, parts_.queues.dirty_count() / kTailsPerStep);
  });
}

void Checkpointer::WriteOutTails(bool whole, size_t steps) {
  const size_t count = steps == 0 ? SIZE_MAX : kTailsPerStep;
  Status status = parts_.gate.failed() ? parts_.gate.failure() : Status();
  if (status.ok()) status = parts_.dispatcher.WriteOut(count, IndexFile::Amount::kAll).status();
  if (!status.ok()) {
    (void)parts_.disk_executor.Post([this, status] { End(status); });
  } else if (steps > 0) {
    (void)parts_.dispatch_executor.Post([this, whole, steps] { WriteOutTails(whole, steps - 1); });
  } else {
    CaptureEnds(whole);
  }
}

void Checkpointer::CaptureEnds(bool whole) {
  capture_ = std::make_unique<Capture>();
  capture_->removals = removals_.load();
  capture_->whole = whole;
  ExactCheckpoint& exact = capture_->exact;
  exact.log_min = parts_.commit_log.min();
  exact.dispatched = parts_.commit_log.dispatched();
  exact.last_record = parts_.dispatcher.last().log_offset;
  exact.last_store_time_ms = ToEpochMillis(parts_.dispatcher.last().store_time);
  exact.index = parts_.index.mark();
  QueueTable::Changes changes = parts_.queues.TakeChanges();
  if (whole) {
    for (const auto& queue : parts_.queues.All()) exact.queues.push_back(queue->ends());
  } else {
    exact.removed_topics = std::move(changes.removed_topics);
    exact.queues = std::move(changes.queues);
  }
  capture_->touched = parts_.dispatcher.TakeTouched();
  parts_.flusher.FlushTo(exact.dispatched,
                         [this] { (void)parts_.disk_executor.Post([this] { SyncSome(); }); });
}

Status Checkpointer::SyncFile(const std::string& path) {
  auto file = parts_.files.Open(path, OpenMode::kReadWrite);
  if (!file.ok()) return file.status();
  return (*file)->Sync();
}

// What was taken of the changes is not in any checkpoint: this one must hold everything.
void Checkpointer::CaptureAgain() {
  // Before the dispatch executor hears of it: from then on capture_ is its own.
  auto touched = std::exchange(capture_, nullptr)->touched;
  (void)parts_.dispatch_executor.Post([this, touched = std::move(touched)]() mutable {
    parts_.dispatcher.PutBack(std::move(touched));
    WriteOutTails(true, 0);
  });
}

// True when everything touched is synced; kNotFound as SyncFile.
Result<bool> Checkpointer::SyncAtOnce() {
  auto& [files, directories] = capture_->touched;
  if (files.size() + directories.size() < kSyncAllFrom) return false;
  const Status s = parts_.files.SyncAll(parts_.queues.root());
  if (s.code() == StatusCode::kNotSupported) return false;
  if (!s.ok()) return s;
  for (auto it = files.begin(); it != files.end(); it = files.erase(it)) {
    if (!parts_.files.Exists(*it)) {
      // Found again by SyncSome, as the only one left.
      files.erase(std::next(it), files.end());
      return false;
    }
  }
  directories.clear();
  return true;
}

void Checkpointer::SyncSome() {
  if (parts_.gate.failed()) {
    End(parts_.gate.failure());
    return;
  }
  auto& [files, directories] = capture_->touched;
  auto at_once = SyncAtOnce();
  Status status = at_once.status();
  for (int i = 0; status.ok() && i < kFilesPerStep && !files.empty(); ++i) {
    status = SyncFile(*files.begin());
    if (status.code() == StatusCode::kNotFound) {
      // Its topic was deleted, or the file expired, meanwhile: what was captured of the queue is not true any
      // more.
      files.erase(files.begin());
      CaptureAgain();
      return;
    }
    if (status.ok()) files.erase(files.begin());
  }
  if (!status.ok()) {
    parts_.gate.Fail(status);
    End(status);
    return;
  }
  if (files.empty()) {
    for (int i = 0; status.ok() && i < kFilesPerStep && !directories.empty(); ++i) {
      // A topic deleted meanwhile has no directory any more.
      if (parts_.files.Exists(*directories.begin()))
        status = parts_.files.SyncDirectory(*directories.begin());
      if (status.ok()) directories.erase(directories.begin());
    }
  }
  if (status.ok() && (!files.empty() || !directories.empty())) {
    (void)parts_.disk_executor.Post([this] { SyncSome(); });
    return;
  }
  if (status.ok()) status = parts_.index.Sync();
  // A second sync would succeed and prove nothing; a lost name is no better than lost bytes.
  if (status.fatal()) parts_.gate.Fail(status);
  if (status.ok() && capture_->removals == removals_.load()) status = Save();
  if (status.ok() && capture_->removals != removals_.load()) {
    CaptureAgain();
    return;
  }
  End(status);
}

Status Checkpointer::Save() {
  ExactCheckpoint& exact = capture_->exact;
  ApacheCheckpoint next = apache_;
  next.physic_time_ms = next.logics_time_ms = exact.last_store_time_ms;
  if (const int64_t indexed = exact.index.header.end_time_ms; indexed > 0) {
    next.index_time_ms = indexed + ApacheCheckpoint::kIndexLeadMs;
  }
  next.confirm_log_offset = exact.dispatched.value;
  next.logics_log_offset = exact.last_record.value;
  exact.apache_crcs = {CheckpointCrc(apache_), CheckpointCrc(next)};
  if (Status s = capture_->whole ? file_.SaveWhole(exact) : file_.Append(exact); !s.ok()) return s;
  if (Status s = SaveApacheCheckpoint(parts_.files, parts_.options.root, next); !s.ok()) return s;
  apache_ = next;
  saved_dispatched_ = exact.dispatched;
  return {};
}

void Checkpointer::End(const Status& status) {
  if (!status.ok()) {
    file_.Spoil();
    parts_.log.Warn("no checkpoint was written; a restart scans from the one before",
                    {{"status", status.ToString()}});
    if (capture_ != nullptr) {
      (void)parts_.dispatch_executor.Post([this, touched = std::move(capture_->touched)]() mutable {
        parts_.dispatcher.PutBack(std::move(touched));
      });
    }
  }
  capture_.reset();
  busy_ = false;
  for (auto& done : std::exchange(running_, {})) {
    if (status.ok()) {
      done(Done{});
    } else {
      done(status);
    }
  }
  if (!waiting_.empty()) Begin();
}

}  // namespace orbitmq::store
