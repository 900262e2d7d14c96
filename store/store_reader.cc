// SPDX-License-Identifier: Apache-2.0
#include "store/store_reader.h"

#include <algorithm>
#include <limits>

#include "common/strings.h"
#include "common/sys_flag.h"
#include "store/log_view.h"

namespace orbitmq::store {
namespace {

// Apache's maxFilterMessageSize: units that one read looks at when a filter drops most of them.
constexpr size_t kUnitsExaminedMax = 16000 / kUnitBytes;
// Positions in a record (store.md 2.2).
constexpr size_t kMagicAt = 4;
constexpr size_t kLogOffsetAt = 28;
constexpr size_t kSysFlagAt = 36;
constexpr size_t kStoreTimeAtV4 = 56;
constexpr size_t kStoreTimeAtV6 = 68;
constexpr size_t kHeadBytes = kStoreTimeAtV6 + 8;
constexpr size_t kQueryRecordsMax = 64;  // maxMsgsNumBatch
// Nobody is asked whether what lies so near the end of the log is still in memory.
constexpr int64_t kSurelyCachedBytes = int64_t{16} << 20;
// Records this close to each other are asked about together.
constexpr int64_t kNeighbourBytes = int64_t{64} << 10;

bool IsRecordMagic(uint32_t magic) {
  return magic == static_cast<uint32_t>(RecordMagic::kV1) || magic == static_cast<uint32_t>(RecordMagic::kV2);
}

WallTime StoreTimeIn(const char* record) {
  const bool v6 = (LoadBig<int32_t>(record + kSysFlagAt) & sys_flag::kBornHostV6) != 0;
  return FromEpochMillis(LoadBig<int64_t>(record + (v6 ? kStoreTimeAtV6 : kStoreTimeAtV4)));
}

// With enableConsumeQueueExt Apache's broker puts a place in another file here (store.md 3.3). What the tag
// is only the record knows then, at which the consumer looks himself.
bool IsExtAddress(int64_t tags_code) { return tags_code < std::numeric_limits<int32_t>::min(); }

// The record of units.front(), checked to be the one that the unit names.
Result<Bytes> RecordOf(std::span<const QueueUnit> units, LogView& view) {
  const QueueUnit& unit = units.front();
  if (unit.record_bytes < static_cast<int32_t>(kHeadBytes)) {
    return Status(StatusCode::kCorrupt, StrCat("the queue unit names ", unit.record_bytes,
                                               " bytes at log offset ", unit.log_offset.value));
  }
  auto record = view.Read(units);
  if (!record.ok()) return record;
  const char* head = record->data();
  if (LoadBig<int32_t>(head) != unit.record_bytes || !IsRecordMagic(LoadBig<uint32_t>(head + kMagicAt)) ||
      LoadBig<int64_t>(head + kLogOffsetAt) != unit.log_offset.value) {
    return Status(StatusCode::kCorrupt, StrCat("there is no record of ", unit.record_bytes,
                                               " bytes at log offset ", unit.log_offset.value));
  }
  return record;
}

}  // namespace

struct StoreReader::Scan {
  const ReadLimits& limits;
  const TagFilter* filter;
  LogOffset log_end;
  LogOffset log_min;
  LogOffset skip_below{0};  // Records below it are gone with their file.
  QueueSlice& slice;
  QueueOffset at;
  LogView view;
  size_t bytes = 0;
  bool full = false;
};

std::optional<QueueSlice> StoreReader::Read(const Wanted& wanted) const {
  const QueueOffset from = wanted.from;
  QueueSlice slice;
  const auto queue = parts_.queues.Find(wanted.queue.topic, wanted.queue.queue_id);
  if (queue == nullptr) return slice;
  const OffsetRange range = queue->range();
  slice.min = range.min;
  slice.max = range.max;
  slice.next_begin = from;
  if (range.max.value == 0) {
    slice.status = ReadStatus::kNoMessageInQueue;
    slice.next_begin = {0};
  } else if (from < range.min) {
    slice.status = ReadStatus::kOffsetTooSmall;
    slice.next_begin = range.min;
  } else if (from == range.max) {
    slice.status = ReadStatus::kOffsetOverflowOne;
  } else if (from > range.max) {
    slice.status = ReadStatus::kOffsetOverflowBadly;
    slice.next_begin = range.max;
  } else {
    // Not even the queue's own file is asked for what an earlier process wrote.
    if (wanted.reach == Reach::kMemory && from < queue->fresh()) return std::nullopt;
    const bool filtered = wanted.filter != nullptr && !wanted.filter->matches_all();
    const auto count = static_cast<size_t>(std::max(1, wanted.limits.messages_max));
    const auto units = queue->Read(from, filtered ? std::max(kUnitsExaminedMax, count) : count);
    if (units.empty()) {
      slice.status = ReadStatus::kOffsetFoundNull;
      slice.next_begin = std::min(queue->NextFileBegin(from), range.max);
      return slice;
    }
    const LogOffset log_end = parts_.commit_log.appended();
    // The other units lie nearer to the end of the log.
    const bool in_memory = parts_.commit_log.LeavesByReference(units.front().log_offset, log_end) &&
                           Stayed(std::span(units).first(std::min(count, units.size())), log_end);
    if (wanted.reach == Reach::kMemory && !in_memory) return std::nullopt;
    using Recent = LogView::Recent;
    slice.status = ReadStatus::kNoMatchedMessage;
    Scan scan{.limits = wanted.limits,
              .filter = filtered ? wanted.filter : nullptr,
              .log_end = log_end,
              .log_min = parts_.commit_log.min(),
              .slice = slice,
              .at = from,
              .view{parts_.commit_log, in_memory ? Recent::kReferenced : Recent::kCopied, cold_,
                    QueueKeyHash()(wanted.queue), parts_.clock.Monotonic()}};
    Collect(units, scan);
  }
  return slice;
}

// Whether the records are still in the page cache. Those near the end were written a moment ago; others the
// kernel may have taken away, as in a container with little memory.
bool StoreReader::Stayed(std::span<const QueueUnit> units, LogOffset log_end) const {
  if (log_end - units.front().log_offset <= kSurelyCachedBytes) return true;
  const auto segments = parts_.commit_log.segments();
  for (size_t i = 0; i < units.size();) {
    const LogOffset begin = units[i].log_offset;
    const auto segment = CommitLog::Find(*segments, begin);
    if (segment == nullptr) return false;
    LogOffset end = begin;
    for (; i < units.size() && units[i].log_offset >= begin && units[i].log_offset - end <= kNeighbourBytes &&
           segment->Holds(units[i].log_offset);
         ++i) {
      end = std::max(end, units[i].log_offset + std::max(1, units[i].record_bytes));
    }
    end = std::min(end, segment->end());
    if (!segment->Resident(begin, static_cast<size_t>(end - begin))) return false;
  }
  return true;
}

void StoreReader::Collect(std::span<const QueueUnit> units, Scan& scan) const {
  for (size_t i = 0; i < units.size(); ++i) {
    if (scan.full || !Take(units.subspan(i), scan)) return;
    scan.at += 1;
    scan.slice.next_begin = scan.at;
  }
}

// False when the slice is full before this unit.
bool StoreReader::Take(std::span<const QueueUnit> units, Scan& scan) const {
  const QueueUnit& unit = units.front();
  QueueSlice& slice = scan.slice;
  if (IsFiller(unit)) return true;
  if (unit.log_offset < scan.log_min || unit.log_offset < scan.skip_below) {
    if (slice.record_count == 0) slice.status = ReadStatus::kMessageWasRemoving;
    return true;
  }
  const bool cold = scan.log_end - unit.log_offset > parts_.options.hot_bytes;
  const auto bytes = static_cast<size_t>(std::max(0, unit.record_bytes));
  if (slice.record_count > 0) {
    const int32_t count_max =
        cold ? std::min(scan.limits.messages_max, scan.limits.messages_max_cold) : scan.limits.messages_max;
    const auto bytes_max = static_cast<size_t>(cold ? scan.limits.bytes_max_cold : scan.limits.bytes_max_hot);
    if (slice.record_count >= count_max || scan.bytes + bytes > bytes_max) {
      scan.full = true;
      return false;
    }
  }
  if (scan.filter != nullptr && !IsExtAddress(unit.tags_code) && !scan.filter->MatchesCode(unit.tags_code)) {
    if (slice.record_count == 0) slice.status = ReadStatus::kNoMatchedMessage;
    return true;
  }
  auto record = RecordOf(units, scan.view);
  if (!record.ok()) {
    if (slice.record_count == 0) slice.status = ReadStatus::kMessageWasRemoving;
    if (record.status().code() != StatusCode::kNotFound) {
      parts_.log.Error("a queue's record cannot be read; consumers skip it",
                       {{"queue_offset", scan.at.value}, {"status", record.status().ToString()}});
    } else if (const auto next = scan.view.FirstFrom(unit.log_offset)) {
      scan.skip_below = next->begin();
    }
    return true;
  }
  slice.status = ReadStatus::kFound;
  slice.cold = slice.cold || cold;
  slice.records.push_back(*std::move(record));
  slice.offsets.push_back(scan.at);
  ++slice.record_count;
  scan.bytes += bytes;
  return true;
}

Result<Bytes> StoreReader::ReadAt(LogOffset at) const {
  if (at.value < 0 || at >= parts_.commit_log.visible()) {
    return Status(StatusCode::kInvalidArgument,
                  StrCat("log offset ", at.value, " is beyond the end of the log at ",
                         parts_.commit_log.visible().value));
  }
  const auto segment = parts_.commit_log.Find(at);
  const Status absent(StatusCode::kNotFound, StrCat("there is no record at log offset ", at.value));
  if (segment == nullptr || segment->end() - at < static_cast<int64_t>(kHeadBytes)) return absent;
  auto head = parts_.commit_log.Read(at, kHeadBytes);
  if (!head.ok()) return head;
  const auto total = LoadBig<int32_t>(head->data());
  const LogOffset end = std::min(segment->end(), parts_.commit_log.visible());
  if (!IsRecordMagic(LoadBig<uint32_t>(head->data() + kMagicAt)) ||
      LoadBig<int64_t>(head->data() + kLogOffsetAt) != at.value || total < static_cast<int32_t>(kHeadBytes) ||
      total > end - at) {
    return absent;
  }
  return parts_.commit_log.Read(at, static_cast<size_t>(total));
}

Result<QueryReply> StoreReader::Query(const QueryRequest& request) const {
  const auto wanted =
      static_cast<size_t>(std::clamp(request.messages_max, 1, static_cast<int32_t>(kQueryRecordsMax)));
  KeyIndex::Found found = parts_.index.Find(request, wanted);
  // The index gives the newest first; Apache answers in the order of the log.
  std::sort(found.offsets.begin(), found.offsets.end());
  QueryReply reply;
  reply.index_update_time = FromEpochMillis(found.last.end_time_ms);
  reply.index_update_offset = {found.last.end_log_offset};
  for (const LogOffset at : found.offsets) {
    // Index entries may outlive their records; those are simply not there any more.
    if (auto record = ReadAt(at); record.ok()) reply.records.push_back(*std::move(record));
  }
  return reply;
}

std::optional<WallTime> StoreReader::StoreTimeOf(const QueueUnit& unit) const {
  if (IsFiller(unit)) return std::nullopt;
  return StoreTimeOfRecordAt(unit.log_offset);
}

std::optional<WallTime> StoreReader::StoreTimeOfRecordAt(LogOffset at) const {
  const auto segment = parts_.commit_log.Find(at);
  if (segment == nullptr || segment->end() - at < static_cast<int64_t>(kHeadBytes)) return std::nullopt;
  char head[kHeadBytes];
  if (!segment->Read(at, head).ok()) return std::nullopt;
  if (!IsRecordMagic(LoadBig<uint32_t>(head + kMagicAt))) return std::nullopt;
  return StoreTimeIn(head);
}

std::optional<WallTime> StoreReader::StoreTimeAt(const QueueKey& key, QueueOffset offset) const {
  const auto queue = parts_.queues.Find(key.topic, key.queue_id);
  if (queue == nullptr) return std::nullopt;
  const auto units = queue->Read(offset, 1);
  return units.empty() ? std::nullopt : StoreTimeOf(units[0]);
}

std::optional<WallTime> StoreReader::EarliestStoreTime() const {
  const auto segments = parts_.commit_log.segments();
  if (segments->empty() || segments->front()->begin() >= parts_.commit_log.visible()) return std::nullopt;
  return StoreTimeOfRecordAt(segments->front()->begin());
}

// LOWER: the first message not older than `time`, or the end of the queue. UPPER: the last message not newer,
// or the begin of the queue (Apache answers 0 there; ours is the oldest that can be read).
QueueOffset StoreReader::OffsetAtTime(const QueueKey& key, WallTime time, TimeBoundary boundary) const {
  const auto queue = parts_.queues.Find(key.topic, key.queue_id);
  if (queue == nullptr) return {0};
  const OffsetRange range = queue->range();
  int64_t low = range.min.value;
  int64_t high = range.max.value;
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    const auto units = queue->Read({middle}, 1);
    const auto stored = units.empty() ? std::nullopt : StoreTimeOf(units[0]);
    // A record that is gone is older than any that is there.
    const bool before = !stored || (boundary == TimeBoundary::kLower ? *stored < time : *stored <= time);
    if (before) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (boundary == TimeBoundary::kLower) return {low};
  return {std::max(range.min.value, low - 1)};
}

}  // namespace orbitmq::store
