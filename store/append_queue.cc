// SPDX-License-Identifier: Apache-2.0
#include "store/append_queue.h"

#include "common/limits.h"
#include "common/strings.h"

namespace orbitmq::store {
namespace {
constexpr size_t kDrainCount = 1024;
}  // namespace

AppendQueue::AppendQueue(Parts parts)
    : parts_(std::move(parts)),
      queue_({.count_max = limits::kAppendQueueCountMax,
              .bytes_max = static_cast<size_t>(parts_.options.append_queue_bytes_max)}),
      pulse_(parts_.log_executor, [this] { return Step(); }) {}

void AppendQueue::Push(AppendRequest request) {
  if (Status s = parts_.gate.Check(); !s.ok()) {
    request.done(s);
    return;
  }
  const auto bytes = static_cast<int64_t>(request.draft.bytes.size());
  if (request.draft.record_count <= 0 || bytes + kFillerHeaderBytes > parts_.options.segment_bytes) {
    request.done(Status(StatusCode::kInvalidArgument,
                        StrCat("a record or batch of ", bytes, " bytes does not fit a log file of ",
                               parts_.options.segment_bytes, " bytes (mappedFileSizeCommitLog)")));
    return;
  }
  PendingAppend pending{std::move(request), parts_.clock.Monotonic()};
  waiting_.fetch_add(1, std::memory_order_acq_rel);
  if (!queue_.TryPush(std::move(pending), static_cast<size_t>(bytes))) {
    waiting_.fetch_sub(1, std::memory_order_acq_rel);
    pending.request.done(
        Status(StatusCode::kBusy,
               StrCat("[OVERLOAD]system busy, start flow control for a while: the append queue is full (",
                      queue_.size(), " requests, ", queue_.bytes(), " bytes, limit ",
                      parts_.options.append_queue_bytes_max,
                      " bytes); the commit log's write is the slow stage"))
            .WithRetriable(true));
    return;
  }
  pulse_.Signal();
}

Progress AppendQueue::Step() {
  if (batch_.empty()) {
    for (PendingAppend& pending : queue_.Drain(kDrainCount)) batch_.push_back(std::move(pending));
  }
  if (batch_.empty()) return Progress::kIdle;
  const auto before = static_cast<int64_t>(batch_.size());
  const LogWriter::Outcome outcome = parts_.writer.WriteSome(batch_);
  waiting_.fetch_sub(before - static_cast<int64_t>(batch_.size()), std::memory_order_acq_rel);
  parts_.on_appended();
  if (outcome == LogWriter::Outcome::kNeedsSegment) {
    parts_.on_need_segment();
    return Progress::kIdle;
  }
  return batch_.empty() && queue_.empty() ? Progress::kIdle : Progress::kMore;
}

}  // namespace orbitmq::store
