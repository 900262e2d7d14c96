// SPDX-License-Identifier: Apache-2.0
#include "store/log_writer.h"

#include <algorithm>
#include <optional>

#include "common/check.h"
#include "common/planted_bug.h"
#include "common/strings.h"
#include "common/sys_flag.h"
#include "common/wake_batch.h"

namespace orbitmq::store {
namespace {

constexpr size_t kPiecesPerWrite = 512;
constexpr int64_t kBytesPerWrite = int64_t{4} << 20;
constexpr size_t kAnswersPerWake = 128;
constexpr int64_t kPageBytes = 4096;
constexpr size_t kSysFlagAt = 36;  // Format: store.md 2.2, the same for V1 and V2.

// Prepared and rollback records of transactions stand in no queue and carry queue offset 0.
bool TakesQueueOffset(const char* record) {
  const TransactionType type = TransactionTypeOf(LoadBig<int32_t>(record + kSysFlagAt));
  return type == TransactionType::kNone || type == TransactionType::kCommit;
}

int64_t Micros(Duration span) { return std::chrono::duration_cast<std::chrono::microseconds>(span).count(); }

}  // namespace

void LogWriter::Begin() {
  run_.begin = run_.end = parts_.commit_log.appended();
  run_.store_time = parts_.clock.Wall();
  run_.pieces.clear();
  run_.placed.clear();
}

LogWriter::Written LogWriter::WriteSome(std::span<PendingAppend> batch, MonoTime now) {
  auto active = parts_.commit_log.active();
  Written written;
  Begin();
  for (; written.taken < batch.size(); ++written.taken) {
    if (run_.pieces.size() >= kPiecesPerWrite || run_.end - run_.begin >= kBytesPerWrite) break;
    AppendRequest& request = batch[written.taken].request;
    if (Refused(request)) continue;
    if (run_.end == active->end()) {
      if (!run_.pieces.empty()) break;
      if (!parts_.commit_log.Roll()) {
        written.outcome = Outcome::kNeedsSegment;
        return written;
      }
      written.rolled = true;
      active = parts_.commit_log.active();
    }
    const auto bytes = static_cast<int64_t>(request.draft.bytes.size());
    const int64_t left = active->end() - run_.end;
    if (bytes + kFillerHeaderBytes > left) {
      AddFiller(run_, left);
      break;
    }
    Place(run_, request);
  }
  if (!run_.pieces.empty()) Commit(run_, *active, now);
  return written;
}

bool LogWriter::Refused(AppendRequest& request) {
  if (Status s = parts_.gate.Check(); !s.ok() && !parts_.gate.closing()) {
    request.done(s);
    return true;
  }
  if (parts_.gate.failed()) {
    request.done(parts_.gate.failure());
    return true;
  }
  return false;
}

void LogWriter::AddFiller(Run& run, int64_t left) {
  run.filler.resize(static_cast<size_t>(kFillerHeaderBytes));
  StoreBig<int32_t>(run.filler.data(), static_cast<int32_t>(left));
  StoreBig<uint32_t>(run.filler.data() + 4, static_cast<uint32_t>(RecordMagic::kBlank));
  run.pieces.push_back(run.filler);
  run.end += left;
}

void LogWriter::Place(Run& run, AppendRequest& request) {
  RecordDraft& draft = request.draft;
  // A record without its CRC where the marker promises one would count as torn.
  ORBITMQ_CHECK(draft.crc == parts_.options.record_crc, "a draft and the store differ in their record CRC");
  Placed& placed = run.placed.emplace_back();
  placed.request = &request;
  placed.receipt.store_time = run.store_time;
  const bool queued = TakesQueueOffset(draft.bytes.data());
  if (queued) placed.queue_offsets_taken = draft.record_count;
  QueueOffset next = offsets_.Take(request.queue, placed.queue_offsets_taken);
  if (!queued) next = {0};
  placed.receipt.queue_offset = next;
  placed.receipt.log_offsets.reserve(static_cast<size_t>(draft.record_count));
  size_t at = 0;
  for (int32_t i = 0; i < draft.record_count; ++i) {
    ORBITMQ_CHECK(at + kSysFlagAt < draft.bytes.size(), "a draft holds fewer records than it says");
    char* record = draft.bytes.data() + at;
    placed.receipt.log_offsets.push_back(run.end);
    PatchRecord(record, {.queue_offset = next, .log_offset = run.end, .store_time = run.store_time},
                draft.crc);
    const auto bytes = LoadBig<int32_t>(record);
    at += static_cast<size_t>(bytes);
    run.end += bytes;
    if (queued) next += 1;
  }
  ORBITMQ_CHECK(at == draft.bytes.size(), "a draft holds more bytes than its records");
  placed.end = run.end;
  run.pieces.push_back(draft.bytes);
}

// All of it: behind a shorter record that comes to lie here the rest would look like records again.
Status LogWriter::Wipe(SegmentFile& active, LogOffset begin, LogOffset end) {
  static constexpr char kZeros[kPageBytes] = {};
  for (LogOffset at = begin; at < end;) {
    const int64_t in_page = kPageBytes - (at - active.begin()) % kPageBytes;
    const std::string_view zeros[] = {
        std::string_view(kZeros, static_cast<size_t>(std::min(in_page, end - at)))};
    const Status s = active.Write(at, zeros);
    // A page that has no block on the full disk holds nothing of the failed write either.
    if (s.code() == StatusCode::kResourceExhausted && at > begin) return {};
    if (!s.ok()) return s;
    at += static_cast<int64_t>(zeros[0].size());
  }
  return {};
}

void LogWriter::Commit(Run& run, SegmentFile& active, MonoTime before) {
  if (Status s = active.Write(run.begin, run.pieces); !s.ok()) {
    // What got written of the batch must not be found by a recovery: the callers hear that it is not stored.
    const Status wiped = Wipe(active, run.begin, run.end);
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
  std::optional<WakeBatch> wakes;
  for (size_t i = 0; i < run.placed.size(); ++i) {
    if (i % kAnswersPerWake == 0) wakes.emplace();
    Answer(run.placed[i], after);
  }
  parts_.waiters.Add(to_wait_);
  if (!to_replicate_.empty()) parts_.acks.Add(to_replicate_);
}

void LogWriter::Abandon(Run& run, const Status& why) {
  for (Placed& placed : run.placed) {
    offsets_.GiveBack(placed.request->queue, placed.queue_offsets_taken);
  }
  for (Placed& placed : run.placed) placed.request->done(why.WithPersisted(Persisted::kNo));
}

void LogWriter::Answer(Placed& placed, MonoTime now) {
  AppendRequest& request = *placed.request;
  append_count_.fetch_add(request.draft.record_count, std::memory_order_relaxed);
  const bool waits =
      request.durability == Durability::kFlushed ||
      (request.durability == Durability::kStoreDefault && parts_.options.flush_mode == FlushMode::kSync);
  const bool replicas = request.durability == Durability::kStoreDefault && parts_.acks.required() &&
                        !Planted(Bug::kAckBeforeReplica);
  if ((!waits || Planted(Bug::kAckBeforeSync)) && !replicas) {
    request.done(std::move(placed.receipt));
    return;
  }
  auto& stage = waits ? to_wait_ : to_replicate_;
  stage.push_back({.end = placed.end,
                   .deadline = now + parts_.options.sync_flush_timeout,
                   .receipt = std::move(placed.receipt),
                   .done = std::move(request.done),
                   .replicas = replicas,
                   .replica_deadline = now + parts_.options.replica_timeout,
                   .placed = std::move(request.placed)});
}

}  // namespace orbitmq::store
