// SPDX-License-Identifier: Apache-2.0
#include "tools/mqstore/log_walk.h"

#include <algorithm>
#include <utility>

#include "common/bytes.h"
#include "common/strings.h"
#include "store/segment_file.h"

namespace orbitmq::tools {
namespace {

using store::LogScanner;

constexpr size_t kChunkBytes = size_t{1} << 20;
constexpr size_t kMagicAt = 4;
constexpr size_t kLogOffsetAt = 28;
constexpr size_t kHeadBytes = kLogOffsetAt + 8;
// What V1 and V2 have in common.
constexpr std::string_view kMagicStart("\xDA\xA3\x20", 3);

}  // namespace

LogWalk::LogWalk(StoreDirectory& store) : store_(store), position_(store.log_begin()) {
  scanner_.emplace(store.log(), position_, LogScanner::BodyChecks::kVerify, &store.crc_ranges());
}

LogWalk::Step LogWalk::Next() {
  if (ended_) return Step::kEnd;
  const auto found = scanner_->Next();
  position_ = scanner_->position();
  switch (found) {
    case LogScanner::Found::kRecord:
      return Step::kRecord;
    case LogScanner::Found::kDamaged:
      return Resync(std::string(scanner_->why().text()));
    case LogScanner::Found::kEnd:
      return Resync({});
    case LogScanner::Found::kFailed:
      break;
  }
  why_ = scanner_->why();
  ended_ = true;
  return Step::kFailed;
}

// `why` is empty where zeros stand: the end of the log, unless there is something behind them.
LogWalk::Step LogWalk::Resync(std::string why) {
  auto next = FindRecord(position_ + (why.empty() ? 0 : 1));
  if (!next.ok()) {
    why_ = next.status();
    ended_ = true;
    return Step::kFailed;
  }
  damage_ = {
      .begin = position_, .end = position_, .why = std::move(why), .records_behind = next->has_value()};
  if (*next) {
    if (damage_.why.empty()) damage_.why = "zeros stand where a record should be, and records follow";
    damage_.end = **next;
    scanner_.emplace(store_.log(), **next, LogScanner::BodyChecks::kVerify, &store_.crc_ranges());
    return Step::kDamage;
  }
  ended_ = true;
  auto end = EndOfBytes(position_);
  if (!end.ok()) {
    why_ = end.status();
    return Step::kFailed;
  }
  if (*end == position_) return damage_.why.empty() ? Step::kEnd : Step::kDamage;
  if (damage_.why.empty()) damage_.why = "bytes that are no record stand behind the end of the log";
  damage_.end = *end;
  return Step::kDamage;
}

Result<std::optional<LogOffset>> LogWalk::FindRecord(LogOffset from) {
  for (const auto& segment : *store_.log().segments()) {
    if (segment->end() <= from) continue;
    auto found = FindInSegment(*segment, std::max(from, segment->begin()));
    if (!found.ok() || *found) return found;
  }
  return std::optional<LogOffset>();
}

Result<std::optional<LogOffset>> LogWalk::FindInSegment(const store::SegmentFile& segment, LogOffset from) {
  auto file = store_.files().Open(segment.path(), OpenMode::kReadOnly);
  if (!file.ok()) return file.status();
  std::string chunk;
  for (LogOffset at = from; at < segment.end();) {
    auto bytes = (*file)->FindBytes(static_cast<uint64_t>(at - segment.begin()));
    if (!bytes.ok()) return bytes.status();
    if (!*bytes) break;
    // A record's first bytes may be zeros before the first byte that is none.
    const LogOffset seen = segment.begin() + static_cast<int64_t>(**bytes);
    at = std::max(at, seen + -static_cast<int64_t>(kMagicAt));
    chunk.resize(static_cast<size_t>(std::min<int64_t>(segment.end() - at, kChunkBytes + kHeadBytes)));
    if (Status s = segment.Read(at, chunk); !s.ok()) return s;
    for (size_t magic = chunk.find(kMagicStart, kMagicAt); magic != std::string::npos;
         magic = chunk.find(kMagicStart, magic + 1)) {
      const size_t start = magic - kMagicAt;
      if (start + kHeadBytes > chunk.size()) break;
      const LogOffset candidate = at + static_cast<int64_t>(start);
      if (LoadBig<int64_t>(chunk.data() + start + kLogOffsetAt) != candidate.value) continue;
      LogScanner scanner(store_.log(), candidate, LogScanner::BodyChecks::kVerify, &store_.crc_ranges());
      if (scanner.Next() == LogScanner::Found::kRecord) return std::optional(candidate);
    }
    at += static_cast<int64_t>(std::max<size_t>(1, std::min(chunk.size(), kChunkBytes)));
  }
  return std::optional<LogOffset>();
}

Result<LogOffset> LogWalk::EndOfBytes(LogOffset from) {
  LogOffset end = from;
  std::string chunk;
  for (const auto& segment : *store_.log().segments()) {
    if (segment->end() <= from) continue;
    auto file = store_.files().Open(segment->path(), OpenMode::kReadOnly);
    if (!file.ok()) return file.status();
    for (LogOffset at = std::max(from, segment->begin()); at < segment->end();) {
      auto bytes = (*file)->FindBytes(static_cast<uint64_t>(at - segment->begin()));
      if (!bytes.ok()) return bytes.status();
      if (!*bytes) break;
      at = std::max(at, segment->begin() + static_cast<int64_t>(**bytes));
      chunk.resize(static_cast<size_t>(std::min<int64_t>(segment->end() - at, kChunkBytes)));
      if (Status s = segment->Read(at, chunk); !s.ok()) return s;
      const size_t last = chunk.find_last_not_of('\0');
      if (last != std::string::npos) end = at + static_cast<int64_t>(last) + 1;
      at += static_cast<int64_t>(chunk.size());
    }
  }
  return end;
}

}  // namespace orbitmq::tools
