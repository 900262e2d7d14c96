// SPDX-License-Identifier: Apache-2.0
#include "store/dispatcher.h"

#include <algorithm>

namespace orbitmq::store {
namespace {

constexpr int64_t kStepBytes = int64_t{1} << 20;
constexpr int64_t kStepRecords = 512;
constexpr size_t kWriteOutQueues = 64;
// Queues looked at per step after a crash: few while records wait.
constexpr size_t kSweptBusy = 2;
constexpr size_t kSweptIdle = 32;

}  // namespace

Dispatcher::Dispatcher(Parts parts)
    : parts_(std::move(parts)), pulse_(parts_.dispatch_executor, [this] { return Step(); }) {}

void Dispatcher::Start() {
  ArmTimer();
  pulse_.Signal();  // To sweep.
}

void Dispatcher::ArmTimer() {
  timer_ =
      parts_.dispatch_executor.PostAt(parts_.clock.Monotonic() + parts_.options.queue_flush_interval, [this] {
        stalled_ = false;
        write_out_due_ = true;
        if (!held_) {
          if (Status s = parts_.index.WriteOut(IndexFile::Amount::kAll); !s.ok()) Stall(s);
        }
        pulse_.Signal();
        ArmTimer();
      });
}

void Dispatcher::RunAt(LogOffset at, UniqueFunction<Status()> task) {
  {
    const MutexLock lock(delayed_mutex_);
    delayed_.push_back({at, std::move(task)});
  }
  pulse_.Signal();
}

LogOffset Dispatcher::NextDelayed() const {
  const MutexLock lock(delayed_mutex_);
  return delayed_.empty() ? LogOffset{INT64_MAX} : delayed_.front().at;
}

bool Dispatcher::RunDue() {
  while (NextDelayed() <= parts_.commit_log.dispatched()) {
    Delayed due;
    {
      const MutexLock lock(delayed_mutex_);
      due = std::move(delayed_.front());
      delayed_.pop_front();
    }
    if (Status s = due.task(); !s.ok()) {
      {
        const MutexLock lock(delayed_mutex_);
        delayed_.push_front(std::move(due));
      }
      Stall(s);
      return false;
    }
  }
  return true;
}

Result<bool> Dispatcher::WriteOut(size_t queues_max, IndexFile::Amount index_amount) {
  if (Status s = parts_.index.WriteOut(index_amount); !s.ok()) return s.Annotate("write the index");
  return parts_.queues.WriteOutSome(queues_max, touched_);
}

void Dispatcher::PutBack(ConsumeQueue::Touched touched) {
  touched_.files.merge(touched.files);
  touched_.directories.merge(touched.directories);
}

void Dispatcher::Stall(const Status& why) {
  stalled_ = true;
  if (why.code() == StatusCode::kResourceExhausted) {
    parts_.gate.SetDiskFull(why.Annotate("dispatch waits for disk space"));
    return;
  }
  parts_.gate.Fail(why.Annotate("queues or index cannot be written"));
}

Progress Dispatcher::Step() {
  if (stalled_ || held_) return Progress::kIdle;  // The timer tries again; Release signals.
  if (!RunDue()) return Progress::kIdle;
  const LogOffset from = parts_.commit_log.dispatched();
  // In this order: what is visible by now may have come after a task that waits.
  const LogOffset visible = parts_.commit_log.visible();
  if (from >= visible) return TidyUp(Progress::kIdle);
  auto to = Walk(from, std::min(visible, NextDelayed()));
  if (!to.ok()) {
    Stall(to.status());
    return Progress::kIdle;
  }
  if (Status s = parts_.index.WriteOut(IndexFile::Amount::kEnough); !s.ok()) Stall(s);
  const bool ran = stalled_ || RunDue();
  parts_.on_progress();
  if (!ran) return Progress::kIdle;
  return TidyUp(parts_.commit_log.dispatched() < parts_.commit_log.visible() ? Progress::kMore
                                                                             : Progress::kIdle);
}

Progress Dispatcher::TidyUp(Progress dispatched) {
  if (stalled_) return Progress::kIdle;
  if (write_out_due_ || parts_.queues.wants_write_out()) {
    auto all = parts_.queues.WriteOutSome(kWriteOutQueues, touched_);
    if (!all.ok()) {
      Stall(all.status());
      return Progress::kIdle;
    }
    if (*all) write_out_due_ = false;
  }
  if (!parts_.queues.swept()) {
    const size_t count = dispatched == Progress::kMore ? kSweptBusy : kSweptIdle;
    if (Status s = parts_.queues.SweepSome(count, touched_); !s.ok()) {
      Stall(s);
      return Progress::kIdle;
    }
    if (parts_.queues.swept()) parts_.on_progress();  // A store that closes waits for it.
  }
  return write_out_due_ || !parts_.queues.swept() ? Progress::kMore : dispatched;
}

Result<LogOffset> Dispatcher::Walk(LogOffset at, LogOffset limit) {
  const auto segment = parts_.commit_log.Find(at);
  if (segment == nullptr) {
    // Deleted before it was dispatched: possible only when the disk was full for long.
    const auto next = parts_.commit_log.FirstFrom(at);
    const LogOffset to = next == nullptr ? limit : std::min(next->begin(), limit);
    parts_.log.Error("records were deleted before they were dispatched",
                     {{"from", at.value}, {"to", to.value}});
    parts_.commit_log.RaiseDispatched(to);
    return to;
  }
  const LogOffset end = std::min(segment->end(), limit);
  auto bytes = segment->Pin(at, static_cast<size_t>(end - at));
  if (!bytes.ok()) return bytes.status();
  const LogOffset begin = at;
  for (int64_t records = 0; at < end && at - begin < kStepBytes && records < kStepRecords; ++records) {
    const std::string_view rest = bytes->view().substr(static_cast<size_t>(at - begin));
    const auto peek = PeekRecord(rest);
    if (peek.ok() && peek->magic == static_cast<uint32_t>(RecordMagic::kBlank)) {
      at = segment->end();
    } else if (auto record = DecodeMessage(rest, BodyCheck::kTrust);
               record.ok() && record->log_offset == at) {
      if (Status s = DispatchOne(*record); !s.ok()) {
        if (at > begin) parts_.commit_log.RaiseDispatched(at);
        return s;
      }
      at += record->total_bytes;
    } else {
      SkipDamage(record.ok() ? Status(StatusCode::kCorrupt, "it names another log offset") : record.status(),
                 at, end, peek.ok() ? peek->total_bytes : 0);
    }
    parts_.commit_log.RaiseDispatched(at);
  }
  return at;
}

void Dispatcher::SkipDamage(const Status& why, LogOffset& at, LogOffset end, int32_t total_bytes) {
  parts_.log.Error("a damaged record in the commit log is passed over",
                   {{"log_offset", at.value}, {"status", why.ToString()}});
  const bool plausible = total_bytes > 0 && total_bytes <= end - at;
  at = plausible ? at + total_bytes : end;
}

Status Dispatcher::DispatchOne(const MessageView& record) {
  auto derived = parts_.builder.Derive(record);
  if (!derived.ok()) return derived.status();
  last_ = {record.log_offset, record.store_time};
  if (!derived->entered_queue || !parts_.on_arrival) return {};
  arrival_key_.topic.assign(record.topic);
  arrival_key_.queue_id = record.queue_id;
  parts_.on_arrival({.queue = arrival_key_,
                     .queue_offset = record.queue_offset,
                     .tags_code = derived->tags_code,
                     .store_time = record.store_time,
                     .properties = record.properties});
  return {};
}

}  // namespace orbitmq::store
