// SPDX-License-Identifier: Apache-2.0
#include "store/append_queue.h"

#include <algorithm>

#include "common/limits.h"
#include "common/strings.h"

namespace orbitmq::store {
namespace {

// A batch that once was huge does not keep its memory.
constexpr size_t kKeptCapacity = 4096;

int64_t BytesOf(const PendingAppend& pending) {
  return static_cast<int64_t>(pending.request.draft.bytes.size());
}

int64_t MillisOf(Duration span) { return std::chrono::duration_cast<Millis>(span).count(); }

}  // namespace

AppendQueue::AppendQueue(Parts parts)
    : parts_(std::move(parts)),
      closed_(parts_.options.follower),
      pulse_(parts_.log_executor, [this] { return Step(); }) {}

void AppendQueue::Close() {
  const MutexLock lock(mutex_);
  closed_ = true;
}

void AppendQueue::Open() {
  const MutexLock lock(mutex_);
  closed_ = false;
}

Status AppendQueue::RefusalOfFollower() {
  return Status(StatusCode::kUnavailable, "message store is slave mode, so putMessage is forbidden")
      .WithPersisted(Persisted::kNo);
}

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
  const MonoTime now = parts_.clock.Monotonic();
  PendingAppend pending{std::move(request), now};
  MonoTime oldest = oldest_in_hand_.load(std::memory_order_relaxed);
  bool accepted = false;
  bool first = false;
  bool closed = false;
  {
    const MutexLock lock(mutex_);
    closed = closed_;
    first = incoming_.empty();
    if (!first) oldest = std::min(oldest, incoming_.front().queued_at);
    const int64_t held = bytes_.load(std::memory_order_relaxed);
    const bool room = held == 0 || held + bytes <= parts_.options.append_queue_bytes_max;
    const bool moving = oldest == kNever || now - oldest <= AgeLimit();
    accepted = !closed && room && moving &&
               waiting_.load(std::memory_order_relaxed) < static_cast<int64_t>(limits::kAppendQueueCountMax);
    if (accepted) {
      waiting_.fetch_add(1, std::memory_order_acq_rel);
      bytes_.fetch_add(bytes, std::memory_order_relaxed);
      incoming_.push_back(std::move(pending));
    }
  }
  if (closed) return pending.request.done(RefusalOfFollower());
  if (!accepted) {
    Refuse(pending, std::min(oldest, now), now);
    if (!stale_check_.exchange(true)) (void)parts_.expiry_executor.Post([this] { RefuseStale(); });
    return;
  }
  // Whoever found it empty woke the log; it takes all that came until then.
  if (first) pulse_.Signal();
}

Duration AppendQueue::AgeLimit() const {
  const double by_bytes = static_cast<double>(bytes()) /
                          static_cast<double>(std::max<int64_t>(1, parts_.options.append_queue_bytes_max));
  const double by_count = static_cast<double>(waiting_.load(std::memory_order_relaxed)) /
                          static_cast<double>(limits::kAppendQueueCountMax);
  const double room = 1.0 - std::min(1.0, std::max(by_bytes, by_count));
  const double ages = 1.0 + (kEmptyAges - 1) * room;
  return Duration(
      static_cast<int64_t>(static_cast<double>(parts_.options.append_queue_age_max.count()) * ages));
}

void AppendQueue::Refuse(PendingAppend& pending, MonoTime oldest, MonoTime now) {
  refused_count_.fetch_add(1, std::memory_order_relaxed);
  const StageWatch::Slow slow = parts_.stages.Slowest(oldest, now);
  const int64_t waited_ms = MillisOf(now - oldest);
  // The bracketed prefixes are Apache's: operators search for them, and clients go by code 2.
  const Duration limit = AgeLimit();
  const bool old = now - oldest > limit;
  const std::string_view prefix =
      old ? "[TIMEOUT_CLEAN_QUEUE]broker busy, start flow control for a while, period in queue: "
          : "[OVERLOAD]system busy, start flow control for a while, period in queue: ";
  const std::string text =
      StrCat(prefix, waited_ms, "ms, size of queue: ", waiting_.load(std::memory_order_relaxed),
             ", bytes in queue: ", bytes(), ", slow stage: ", NameOf(slow.stage), " for ",
             MillisOf(slow.took), "ms (limits: ", MillisOf(limit), "ms, ", limits::kAppendQueueCountMax,
             " messages, ", parts_.options.append_queue_bytes_max, " bytes)");
  pending.request.done(Status(StatusCode::kBusy, text).WithRetriable(true));
}

void AppendQueue::Leave(std::span<const PendingAppend> gone) {
  int64_t bytes = 0;
  for (const PendingAppend& pending : gone) bytes += BytesOf(pending);
  bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  waiting_.fetch_sub(static_cast<int64_t>(gone.size()), std::memory_order_acq_rel);
}

void AppendQueue::PublishOldest() {
  oldest_in_hand_.store(next_ < batch_.size() ? batch_[next_].queued_at : kNever, std::memory_order_relaxed);
}

// True while consumers' queues are so far behind that their memory of the log would go cold.
bool AppendQueue::HeldByDispatch() {
  const auto behind = [this] {
    return parts_.commit_log.visible() - parts_.commit_log.dispatched() >
           parts_.options.dispatch_behind_bytes_max;
  };
  if (!behind()) {
    held_by_dispatch_.store(false);
    return false;
  }
  // Said before the second look: a dispatcher that ends in between sees it and signals.
  held_by_dispatch_.store(true);
  return behind();
}

void AppendQueue::RefuseOld(MonoTime now) {
  const Duration limit = parts_.options.append_queue_age_max * kServedAges;
  const size_t begin = next_;
  while (next_ < batch_.size() && now - batch_[next_].queued_at > limit) {
    Refuse(batch_[next_], batch_[next_].queued_at, now);
    ++next_;
  }
  Leave(std::span(batch_).subspan(begin, next_ - begin));
}

void AppendQueue::RefuseStale() {
  stale_check_.store(false);
  std::vector<PendingAppend> stale;
  const MonoTime now = parts_.clock.Monotonic();
  const Duration limit = parts_.options.append_queue_age_max * kServedAges;
  {
    const MutexLock lock(mutex_);
    const auto end = std::find_if(incoming_.begin(), incoming_.end(), [&](const PendingAppend& pending) {
      return now - pending.queued_at <= limit;
    });
    stale.assign(std::make_move_iterator(incoming_.begin()), std::make_move_iterator(end));
    incoming_.erase(incoming_.begin(), end);
  }
  for (PendingAppend& pending : stale) Refuse(pending, pending.queued_at, now);
  Leave(stale);
  // The next Push may find it empty and signal; whoever is left was signalled already.
}

Progress AppendQueue::Step() {
  if (batch_.empty()) {
    const MutexLock lock(mutex_);
    batch_.swap(incoming_);
  }
  if (batch_.empty()) return Progress::kIdle;
  const MonoTime now = parts_.clock.Monotonic();
  PublishOldest();
  if (HeldByDispatch()) {
    parts_.stages.Enter(AppendStage::kDispatch, now);
    return Progress::kIdle;
  }
  RefuseOld(now);
  parts_.stages.Enter(AppendStage::kWrite, now);
  const LogWriter::Written written = parts_.writer.WriteSome(std::span(batch_).subspan(next_), now);
  Leave(std::span(batch_).subspan(next_, written.taken));
  next_ += written.taken;
  PublishOldest();
  const bool waits = written.outcome == LogWriter::Outcome::kNeedsSegment;
  parts_.stages.Enter(waits ? AppendStage::kDisk : AppendStage::kQueue, parts_.clock.Monotonic());
  parts_.on_appended();
  if (waits && !waits_for_segment_.exchange(true)) segment_waits_.fetch_add(1, std::memory_order_relaxed);
  if (waits || written.rolled) parts_.on_need_segment();
  if (waits) return Progress::kIdle;
  waits_for_segment_.store(false);
  if (next_ < batch_.size()) return Progress::kMore;
  batch_.clear();
  if (batch_.capacity() > kKeptCapacity) batch_ = std::vector<PendingAppend>();
  next_ = 0;
  const MutexLock lock(mutex_);
  return incoming_.empty() ? Progress::kIdle : Progress::kMore;
}

}  // namespace orbitmq::store
