// SPDX-License-Identifier: Apache-2.0
#include "store/log_writer.h"

#include <algorithm>

#include "common/check.h"
#include "common/planted_bug.h"
#include "common/strings.h"
#include "common/sys_flag.h"

namespace orbitmq::store {
namespace {

constexpr size_t kPiecesPerWrite = 512;
constexpr int64_t kBytesPerWrite = int64_t{4} << 20;
constexpr size_t kSysFlagAt = 36;  // Format: store.md 2.2, the same for V1 and V2.

// Prepared and rollback records of transactions stand in no queue and carry queue offset 0.
bool TakesQueueOffset(const char* record) {
  const TransactionType type = TransactionTypeOf(LoadBig<int32_t>(record + kSysFlagAt));
  return type == TransactionType::kNone || type == TransactionType::kCommit;
}

int64_t Micros(Duration span) { return std::chrono::duration_cast<std::chrono::microseconds>(span).count(); }

}  // namespace

QueueOffset QueueOffsets::Take(const QueueKey& queue, int64_t count) {
  int64_t& next = next_[queue];
  const QueueOffset first{next};
  next += count;
  return first;
}

void QueueOffsets::Forget(const std::string& topic) {
  std::erase_if(next_, [&topic](const auto& entry) { return entry.first.topic == topic; });
}

LogWriter::Outcome LogWriter::WriteSome(std::deque<PendingAppend>& batch) {
  const MonoTime now = parts_.clock.Monotonic();
  auto active = parts_.commit_log.active();
  Run run;
  run.begin = run.end = parts_.commit_log.appended();
  run.store_time = parts_.clock.Wall();
  while (!batch.empty() && run.pieces.size() < kPiecesPerWrite && run.end - run.begin < kBytesPerWrite) {
    if (Refused(batch.front(), now, batch.size())) {
      batch.pop_front();
      continue;
    }
    if (run.end == active->end()) {
      if (!run.pieces.empty()) break;
      if (!parts_.commit_log.Roll()) return Outcome::kNeedsSegment;
      active = parts_.commit_log.active();
    }
    const auto bytes = static_cast<int64_t>(batch.front().request.draft.bytes.size());
    const int64_t left = active->end() - run.end;
    if (bytes + kFillerHeaderBytes > left) {
      AddFiller(run, left);
      break;
    }
    Place(run, std::move(batch.front()));
    batch.pop_front();
  }
  if (!run.pieces.empty()) Commit(run);
  return Outcome::kPlaced;
}

bool LogWriter::Refused(PendingAppend& pending, MonoTime now, size_t behind) {
  if (Status s = parts_.gate.Check(); !s.ok() && !parts_.gate.closing()) {
    pending.request.done(s);
    return true;
  }
  if (parts_.gate.failed()) {
    pending.request.done(parts_.gate.failure());
    return true;
  }
  const Duration waited = now - pending.queued_at;
  if (waited <= parts_.options.append_queue_age_max) return false;
  const auto waited_ms = std::chrono::duration_cast<Millis>(waited).count();
  // The bracketed prefix is Apache's: operators search for it.
  pending.request.done(
      Status(StatusCode::kBusy,
             StrCat("[TIMEOUT_CLEAN_QUEUE]broker busy, start flow control for a while, period in queue: ",
                    waited_ms, "ms, size of queue: ", behind, " (waited for the commit log's write; limit ",
                    std::chrono::duration_cast<Millis>(parts_.options.append_queue_age_max).count(), "ms)"))
          .WithRetriable(true));
  return true;
}

void LogWriter::AddFiller(Run& run, int64_t left) {
  run.filler.resize(static_cast<size_t>(kFillerHeaderBytes));
  StoreBig<int32_t>(run.filler.data(), static_cast<int32_t>(left));
  StoreBig<uint32_t>(run.filler.data() + 4, static_cast<uint32_t>(RecordMagic::kBlank));
  run.pieces.push_back(run.filler);
  run.end += left;
}

void LogWriter::Place(Run& run, PendingAppend pending) {
  RecordDraft& draft = pending.request.draft;
  Placed placed;
  placed.receipt.store_time = run.store_time;
  const bool queued = TakesQueueOffset(draft.bytes.data());
  if (queued) placed.queue_offsets_taken = draft.record_count;
  QueueOffset next = offsets_.Take(pending.request.queue, placed.queue_offsets_taken);
  if (!queued) next = {0};
  placed.receipt.queue_offset = next;
  placed.receipt.log_offsets.reserve(static_cast<size_t>(draft.record_count));
  size_t at = 0;
  for (int32_t i = 0; i < draft.record_count; ++i) {
    ORBITMQ_CHECK(at + kSysFlagAt < draft.bytes.size(), "a draft holds fewer records than it says");
    char* record = draft.bytes.data() + at;
    placed.receipt.log_offsets.push_back(run.end);
    PatchRecord(record, {.queue_offset = next, .log_offset = run.end, .store_time = run.store_time});
    const auto bytes = LoadBig<int32_t>(record);
    at += static_cast<size_t>(bytes);
    run.end += bytes;
    if (queued) next += 1;
  }
  ORBITMQ_CHECK(at == draft.bytes.size(), "a draft holds more bytes than its records");
  placed.end = run.end;
  // The string's buffer may lie inside it (short strings): point to it only where it will stay.
  placed.pending = std::move(pending);
  run.placed.push_back(std::move(placed));
  run.pieces.push_back({});
}

void LogWriter::Commit(Run& run) {
  // Placed requests do not move any more: now their bytes can be pointed at.
  for (size_t i = 0; i < run.placed.size(); ++i) run.pieces[i] = run.placed[i].pending.request.draft.bytes;
  const MonoTime before = parts_.clock.Monotonic();
  const auto active = parts_.commit_log.active();
  if (Status s = active->Write(run.begin, run.pieces); !s.ok()) {
    // What got written of the batch must not be found by a recovery: the callers hear that it is not stored.
    static constexpr std::string_view kZeros{"\0\0\0\0\0\0\0\0", 8};
    const std::string_view wipe[] = {kZeros};
    const Status wiped = active->Write(run.begin, wipe);
    if (s.code() != StatusCode::kResourceExhausted || !wiped.ok()) parts_.gate.Fail(s);
    if (s.code() == StatusCode::kResourceExhausted) parts_.gate.SetDiskFull(s);
    parts_.log.Error("append to the commit log failed",
                     {{"status", s.ToString()}, {"log_offset", run.begin.value}});
    Abandon(run, s);
    return;
  }
  parts_.commit_log.RaiseAppended(run.end);
  const MonoTime after = parts_.clock.Monotonic();
  append_us_max_.store(std::max(append_us_max(), Micros(after - before)), std::memory_order_relaxed);
  append_bytes_.fetch_add(run.end - run.begin, std::memory_order_relaxed);
  for (Placed& placed : run.placed) Answer(placed, after);
}

void LogWriter::Abandon(Run& run, const Status& why) {
  for (Placed& placed : run.placed) {
    offsets_.GiveBack(placed.pending.request.queue, placed.queue_offsets_taken);
  }
  for (Placed& placed : run.placed) placed.pending.request.done(why.WithPersisted(Persisted::kNo));
}

void LogWriter::Answer(Placed& placed, MonoTime now) {
  AppendRequest& request = placed.pending.request;
  append_count_.fetch_add(request.draft.record_count, std::memory_order_relaxed);
  const bool waits =
      request.durability == Durability::kFlushed ||
      (request.durability == Durability::kStoreDefault && parts_.options.flush_mode == FlushMode::kSync);
  if (!waits || Planted(Bug::kAckBeforeSync)) {
    request.done(std::move(placed.receipt));
    return;
  }
  if (request.placed != nullptr) *request.placed = placed.receipt;
  parts_.waiters.Add({.end = placed.end,
                      .deadline = now + parts_.options.sync_flush_timeout,
                      .receipt = std::move(placed.receipt),
                      .done = std::move(request.done)});
}

}  // namespace orbitmq::store
