// SPDX-License-Identifier: Apache-2.0
#include "store/checkpointer.h"

#include <algorithm>

namespace orbitmq::store {
namespace {
// Files synced in one go, so that preparing a segment never waits long behind a checkpoint of many queues.
constexpr int kFilesPerStep = 16;
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
  (void)parts_.dispatch_executor.Post([this] { CaptureEnds(); });
}

void Checkpointer::CaptureEnds() {
  Status status = parts_.gate.failed() ? parts_.gate.failure() : Status();
  if (status.ok()) {
    if (auto written = parts_.dispatcher.WriteOut(SIZE_MAX, IndexFile::Amount::kAll); !written.ok()) {
      status = written.status();
    }
  }
  if (!status.ok()) {
    (void)parts_.disk_executor.Post([this, status] { End(status); });
    return;
  }
  capture_ = std::make_unique<Capture>();
  capture_->removals = removals_.load();
  ExactCheckpoint& exact = capture_->exact;
  exact.log_min = parts_.commit_log.min();
  exact.dispatched = parts_.commit_log.dispatched();
  exact.last_record = parts_.dispatcher.last().log_offset;
  exact.last_store_time_ms = ToEpochMillis(parts_.dispatcher.last().store_time);
  exact.index = parts_.index.mark();
  for (const auto& queue : parts_.queues.All()) exact.queues.push_back(queue->ends());
  capture_->touched = parts_.dispatcher.TakeTouched();
  parts_.flusher.FlushTo(exact.dispatched,
                         [this] { (void)parts_.disk_executor.Post([this] { SyncSome(); }); });
}

Status Checkpointer::SyncFile(const std::string& path) {
  auto file = parts_.files.Open(path, OpenMode::kReadWrite);
  if (!file.ok()) return file.status();
  return (*file)->Sync();
}

void Checkpointer::CaptureAgain() {
  (void)parts_.dispatch_executor.Post([this, touched = std::move(capture_->touched)]() mutable {
    parts_.dispatcher.PutBack(std::move(touched));
    CaptureEnds();
  });
  capture_.reset();
}

void Checkpointer::SyncSome() {
  if (parts_.gate.failed()) {
    End(parts_.gate.failure());
    return;
  }
  auto& files = capture_->touched.files;
  for (int i = 0; i < kFilesPerStep && !files.empty(); ++i) {
    const Status s = SyncFile(*files.begin());
    if (s.code() == StatusCode::kNotFound) {
      // Its topic was deleted, or the file expired, meanwhile: what was captured of the queue is not true any
      // more.
      files.erase(files.begin());
      CaptureAgain();
      return;
    }
    if (!s.ok()) {
      parts_.gate.Fail(s);
      End(s);
      return;
    }
    files.erase(files.begin());
  }
  if (!files.empty()) {
    (void)parts_.disk_executor.Post([this] { SyncSome(); });
    return;
  }
  for (const std::string& directory : capture_->touched.directories) {
    // A topic deleted meanwhile has no directory any more.
    if (!parts_.files.Exists(directory)) continue;
    if (Status s = parts_.files.SyncDirectory(directory); !s.ok()) {
      if (s.fatal()) parts_.gate.Fail(s);  // A name that may be lost is no better than bytes that may be.
      End(s);
      return;
    }
  }
  Status status = parts_.index.Sync();
  // A second sync would succeed and prove nothing.
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
  if (Status s = SaveExactCheckpoint(parts_.files, parts_.options.root, exact); !s.ok()) return s;
  if (Status s = SaveApacheCheckpoint(parts_.files, parts_.options.root, next); !s.ok()) return s;
  apache_ = next;
  saved_dispatched_ = exact.dispatched;
  return {};
}

void Checkpointer::End(const Status& status) {
  if (!status.ok()) {
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
