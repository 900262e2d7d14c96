// SPDX-License-Identifier: Apache-2.0
#include "store/log_view.h"

#include <algorithm>

#include "common/strings.h"

namespace orbitmq::store {
namespace {

constexpr int64_t kWindowBytesMax = int64_t{128} << 10;
// What one pull of old records reads at most; hints go by it.
constexpr size_t kUnitsHinted = 32;

LogOffset EndOf(const QueueUnit& unit) { return unit.log_offset + unit.record_bytes; }

// The end of the longest run of records, the first included, of which at least half will be used.
LogOffset WindowEnd(std::span<const QueueUnit> units, LogOffset limit) {
  const LogOffset begin = units.front().log_offset;
  LogOffset end = EndOf(units.front());
  int64_t used = 0;
  for (const QueueUnit& unit : units) {
    const LogOffset here = EndOf(unit);
    if (unit.record_bytes <= 0 || unit.log_offset < begin || here > limit) break;
    if (here - begin > kWindowBytesMax) break;
    used += unit.record_bytes;
    if (used * 2 >= here - begin) end = std::max(end, here);
  }
  return end;
}

}  // namespace

std::shared_ptr<SegmentFile> LogView::FirstFrom(LogOffset at) const {
  return CommitLog::FirstFrom(*segments_, at);
}

Result<Bytes> LogView::Read(std::span<const QueueUnit> units) {
  const LogOffset at = units.front().log_offset;
  const auto count = static_cast<size_t>(units.front().record_bytes);
  if (!held_.empty() && at >= held_begin_ &&
      EndOf(units.front()) <= held_begin_ + static_cast<int64_t>(held_.size())) {
    return held_.Slice(static_cast<size_t>(at - held_begin_), count);
  }
  const auto segment = CommitLog::Find(*segments_, at);
  if (segment == nullptr) return Status(StatusCode::kNotFound, "the log does not hold this offset any more");
  if (segment->end() - at < static_cast<int64_t>(count)) {
    return Status(StatusCode::kCorrupt,
                  StrCat("a record of ", count, " bytes at log offset ", at.value, " does not fit its file"));
  }
  const bool referenced = recent_ == Recent::kReferenced && log_.LeavesByReference(at, appended_);
  if (referenced) return Pinned(*segment, at, count);
  return Copied(*segment, units);
}

Result<Bytes> LogView::Pinned(SegmentFile& segment, LogOffset at, size_t count) {
  // From the record on: what lies before it may be old.
  auto rest = segment.Pin(at, static_cast<size_t>(segment.end() - at));
  if (!rest.ok()) return rest;
  held_begin_ = at;
  held_ = *std::move(rest);
  return held_.Slice(0, count);
}

Result<Bytes> LogView::Copied(const SegmentFile& segment, std::span<const QueueUnit> units) {
  if (!hinted_) GiveHints(units);
  const LogOffset at = units.front().log_offset;
  const LogOffset end = WindowEnd(units, std::min(segment.end(), appended_));
  const auto count = static_cast<size_t>(end - at);
  auto buffer = std::make_shared_for_overwrite<char[]>(count);
  if (Status s = segment.Read(at, std::span(buffer.get(), count)); !s.ok()) return s;
  held_begin_ = at;
  const std::string_view view(buffer.get(), count);
  held_ = Bytes(std::move(buffer), view);
  return held_.Slice(0, static_cast<size_t>(units.front().record_bytes));
}

void LogView::GiveHints(std::span<const QueueUnit> units) {
  hinted_ = true;
  const QueueUnit& last = units[std::min(units.size(), kUnitsHinted) - 1];
  const ColdReads::Hints hints =
      cold_.Next(reader_, {units.front().log_offset, std::max(EndOf(units.front()), EndOf(last))}, now_);
  const auto tell = [this](const ColdReads::Range& range, Access access) {
    if (range.empty()) return;
    for (const auto& segment : *segments_) {
      const LogOffset begin = std::max(range.begin, segment->begin());
      const LogOffset end = std::min(range.end, segment->end());
      if (begin < end) segment->Advise(begin, end, access);
    }
  };
  tell(hints.will_need, Access::kWillNeed);
  tell(hints.dont_need, Access::kDontNeed);
}

}  // namespace orbitmq::store
