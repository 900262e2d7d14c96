// SPDX-License-Identifier: Apache-2.0
#include "store/replica_writer.h"

#include <utility>

#include "common/strings.h"

namespace orbitmq::store {
namespace {

// Before others get their turn.
constexpr size_t kStepBytes = size_t{4} << 20;
// More than that is a stream, which better goes on being read while it is written.
constexpr size_t kWrittenHereBytes = size_t{32} << 10;

}  // namespace

ReplicaWriter::ReplicaWriter(Parts parts)
    : parts_(std::move(parts)), pulse_(parts_.log_executor, [this] { return Step(); }) {}

void ReplicaWriter::Push(ReplicaChunk chunk, Completion<LogOffset> done) {
  const bool here = idle() && chunk.bytes.size() <= kWrittenHereBytes;
  {
    const MutexLock lock(mutex_);
    incoming_.push_back({std::move(chunk), std::move(done)});
    waiting_.fetch_add(1, std::memory_order_acq_rel);
  }
  if (!here || Step() == Progress::kMore) pulse_.Signal();
}

void ReplicaWriter::FailAll(const Status& why) {
  std::deque<Pending> all;
  {
    const MutexLock lock(mutex_);
    all.swap(incoming_);
    ++failed_;
  }
  waiting_.fetch_sub(static_cast<int64_t>(all.size()), std::memory_order_acq_rel);
  for (Pending& pending : all) pending.done(why);
}

bool ReplicaWriter::BeginWriting() {
  const MutexLock lock(mutex_);
  wanted_ = writing_;
  return !std::exchange(writing_, true);
}

bool ReplicaWriter::EndWriting() {
  const MutexLock lock(mutex_);
  writing_ = false;
  return std::exchange(wanted_, false);
}

// All that waits at once, so that one sync covers it: a follower that synced each piece of its leader's
// stream would fall behind it.
Progress ReplicaWriter::Step() {
  if (!BeginWriting()) return Progress::kIdle;
  size_t written = 0;
  bool held = false;
  while (written < kStepBytes && !held) {
    Pending pending;
    uint64_t failed = 0;
    {
      const MutexLock lock(mutex_);
      if (incoming_.empty()) break;
      pending = std::move(incoming_.front());
      incoming_.pop_front();
      failed = failed_;
    }
    const size_t bytes = pending.chunk.bytes.size();
    held = !Write(pending);
    if (!held) written += bytes;
    if (held && PutBack(pending, failed)) break;
    waiting_.fetch_sub(1, std::memory_order_acq_rel);
  }
  if (written > 0) parts_.on_appended();
  const bool wanted = EndWriting();
  return written >= kStepBytes || wanted ? Progress::kMore : Progress::kIdle;
}

// False when it was failed, with all that waited, while it was tried.
bool ReplicaWriter::PutBack(Pending& pending, uint64_t failed) {
  {
    const MutexLock lock(mutex_);
    if (failed == failed_) {
      incoming_.push_front(std::move(pending));
      return true;
    }
  }
  pending.done(Status(StatusCode::kCancelled, "what waited for the log was given up"));
  return false;
}

bool ReplicaWriter::Write(Pending& pending) {
  CommitLog& log = parts_.commit_log;
  const ReplicaChunk& chunk = pending.chunk;
  if (parts_.gate.failed()) {
    pending.done(parts_.gate.failure());
    return true;
  }
  if (parts_.gate.disk_full()) return false;
  if (chunk.begin != log.appended()) {
    pending.done(
        Status(StatusCode::kInvalidArgument, StrCat("a chunk for log offset ", chunk.begin.value,
                                                    " does not follow the end ", log.appended().value)));
    return true;
  }
  if (log.visible() - log.dispatched() > parts_.options.dispatch_behind_bytes_max) return false;
  auto active = log.active();
  if (chunk.begin == active->end()) {
    if (!log.Roll()) {
      parts_.on_need_segment();
      return false;
    }
    parts_.on_need_segment();
    active = log.active();
  }
  const LogOffset end = chunk.begin + static_cast<int64_t>(chunk.bytes.size());
  if (end > active->end()) {
    pending.done(
        Status(StatusCode::kInvalidArgument,
               StrCat("a chunk up to log offset ", end.value, " does not fit its file, which ends at ",
                      active->end().value, " (mappedFileSizeCommitLog must be the master's)")));
    return true;
  }
  const std::string_view pieces[] = {chunk.bytes};
  if (Status s = active->Write(chunk.begin, pieces); !s.ok()) {
    parts_.log.Error("append to the commit log failed",
                     {{"status", s.ToString()}, {"log_offset", chunk.begin.value}});
    if (s.code() == StatusCode::kResourceExhausted) {
      // The same bytes come to the same place when there is room: nothing has to be taken back.
      parts_.gate.SetDiskFull(s);
      return false;
    }
    parts_.gate.Fail(s);
    pending.done(s);
    return true;
  }
  log.RaiseAppended(end);
  pending.done(end);
  return true;
}

}  // namespace orbitmq::store
