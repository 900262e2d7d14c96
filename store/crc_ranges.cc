// SPDX-License-Identifier: Apache-2.0
#include "store/crc_ranges.h"

#include <algorithm>

#include "common/bytes.h"
#include "common/check.h"
#include "common/crc32.h"
#include "common/replaced_file.h"
#include "common/strings.h"
#include "store/log_scanner.h"

namespace orbitmq::store {
namespace {

constexpr std::string_view kMagic = "OMQRCRC";
constexpr uint8_t kVersion = 1;
// Each switch of the option adds a range; the oldest are forgotten, which costs their check and nothing else.
constexpr size_t kRangesMax = 1024;
constexpr uint64_t kFileBytesMax = 64 * 1024;

std::string MarkerPath(const std::string& root) { return root + "/orbitmq/record_crc"; }

std::string TokenLine(uint64_t token) { return StrCat("\norbitmq ", token, "\n"); }

// Whether a whole record with its CRC stands at `at` and ends at `end`.
bool EndsWithRecord(const CommitLog& log, LogOffset at, LogOffset end) {
  if (at >= end || log.Find(at) == nullptr) return false;
  LogScanner scanner(log, at, LogScanner::BodyChecks::kVerify);
  if (scanner.Next() != LogScanner::Found::kRecord || scanner.position() > end) return false;
  const RecordCrcCheck crc = CheckRecordCrc(scanner.record_bytes(), scanner.record());
  if (crc != RecordCrcCheck::kMatches && crc != RecordCrcCheck::kNoRoom) return false;
  if (scanner.position() == end) return true;
  // Only the filler of a used up segment may stand between the two.
  const auto found = scanner.Next();
  return (found == LogScanner::Found::kRecord ? scanner.record().log_offset : scanner.position()) >= end;
}

// Nobody but the session with this token has worked in the directory since it began.
bool TokenStands(const CrcRanges::Found& found, uint64_t token) {
  if (token == 0) return false;
  auto abort = ReadWholeFile(found.files, found.root + "/abort", kFileBytesMax);
  auto lock = ReadWholeFile(found.files, found.root + "/lock", kFileBytesMax);
  return abort.ok() && abort->ends_with(TokenLine(token)) && lock.ok() && *lock == CrcRanges::LockText(token);
}

Result<CrcRanges> ReadMarker(const CrcRanges::Found& found) {
  CrcRanges out;
  const ReplacedFile file{
      .path = MarkerPath(found.root), .bytes_max = kFileBytesMax, .damaged = DamagedFile::kLeave};
  const auto version =
      LoadReplacedFile(found.files, found.log, file, [&out](std::string_view bytes) -> Status {
        auto decoded = CrcRanges::Decode(bytes);
        if (!decoded.ok()) return decoded.status();
        out = *std::move(decoded);
        return {};
      });
  if (version.ok()) return out;
  if (version.status().code() != StatusCode::kCorrupt) return version.status();
  found.log.Error("record CRCs of the log as it is are not checked: their marker is damaged",
                  {{"why", version.status().ToString()}});
  return CrcRanges();
}

}  // namespace

Result<CrcRanges> CrcRanges::Load(const Found& found) {
  auto marker = ReadMarker(found);
  if (!marker.ok()) return marker.status();
  const auto forget = [&found](const Range& range) {
    found.log.Warn("record CRCs of a part of the log are not checked: its end was written by another program",
                   {{"from", range.begin.value}, {"to", range.end.value}});
  };
  CrcRanges kept;
  for (Range range : marker->ranges_) {
    if (range.end == kOpen) {
      if (TokenStands(found, marker->token_)) {
        kept.token_ = marker->token_;
        kept.ranges_.push_back(range);
        continue;
      }
      if (found.exact_end <= range.begin) continue;
      range.end = found.exact_end;
      range.last_record = found.exact_last_record;
    }
    if (range.end <= found.commit_log.min()) continue;
    if (EndsWithRecord(found.commit_log, range.last_record, range.end)) {
      kept.ranges_.push_back(range);
    } else {
      forget(range);
    }
  }
  return kept;
}

bool CrcRanges::Covers(LogOffset at) const {
  const auto after =
      std::upper_bound(ranges_.begin(), ranges_.end(), at,
                       [](LogOffset value, const Range& range) { return value < range.begin; });
  return after != ranges_.begin() && at < std::prev(after)->end;
}

void CrcRanges::Clip(LogOffset min, LogOffset end, LogOffset last_record) {
  std::erase_if(ranges_, [&](const Range& range) { return range.end <= min || range.begin >= end; });
  if (!ranges_.empty() && ranges_.back().end > end) {
    ranges_.back().end = end;
    ranges_.back().last_record = last_record;
  }
  token_ = 0;
}

void CrcRanges::Open(LogOffset begin, uint64_t token) {
  ORBITMQ_CHECK(token != 0 && token_ == 0, "a session opens one range");
  token_ = token;
  if (!ranges_.empty() && ranges_.back().end == begin) {
    ranges_.back().end = kOpen;
  } else {
    ranges_.push_back({.begin = begin, .end = kOpen, .last_record = {0}});
  }
  if (ranges_.size() > kRangesMax) ranges_.erase(ranges_.begin(), ranges_.end() - kRangesMax);
}

void CrcRanges::Close(LogOffset end, LogOffset last_record) {
  if (token_ == 0) return;
  token_ = 0;
  if (ranges_.back().begin < end) {
    ranges_.back().end = end;
    ranges_.back().last_record = last_record;
  } else {
    ranges_.pop_back();
  }
}

Status CrcRanges::Save(FileSystem& files, const std::string& root) const {
  if (Status s = CreateDirectoriesDurably(files, root + "/orbitmq"); !s.ok()) return s;
  return WriteFileAtomically(files, MarkerPath(root), Encode());
}

Status CrcRanges::Drop(FileSystem& files, const std::string& root) {
  for (const std::string& path : {MarkerPath(root), MarkerPath(root) + ".bak"}) {
    if (Status s = files.Remove(path); !s.ok() && s.code() != StatusCode::kNotFound) return s;
  }
  return files.SyncDirectory(root + "/orbitmq");
}

std::string CrcRanges::Encode() const {
  std::string out(kMagic);
  ByteWriter writer(out);
  writer.Write<uint8_t>(kVersion);
  writer.Write<uint64_t>(token_);
  writer.Write<uint32_t>(static_cast<uint32_t>(ranges_.size()));
  for (const Range& range : ranges_) {
    writer.Write<int64_t>(range.begin.value);
    writer.Write<int64_t>(range.end.value);
    writer.Write<int64_t>(range.last_record.value);
  }
  writer.Write<uint32_t>(Crc32(out));
  return out;
}

Result<CrcRanges> CrcRanges::Decode(std::string_view bytes) {
  const Status corrupt(StatusCode::kCorrupt, "it is damaged");
  if (bytes.size() < kMagic.size() + 1 + 4 || !bytes.starts_with(kMagic)) return corrupt;
  const auto version = static_cast<uint8_t>(bytes[kMagic.size()]);
  if (version > kVersion) {
    return Status(StatusCode::kNotSupported,
                  StrCat("written by a newer version (format ", static_cast<int>(version),
                         ", this program knows ", static_cast<int>(kVersion), "); use that version"));
  }
  const std::string_view covered = bytes.substr(0, bytes.size() - 4);
  if (LoadBig<uint32_t>(bytes.data() + covered.size()) != Crc32(covered)) return corrupt;
  ByteReader reader(covered.substr(kMagic.size() + 1));
  CrcRanges out;
  out.token_ = reader.Read<uint64_t>();
  const auto count = reader.Read<uint32_t>();
  LogOffset before{-1};
  for (uint32_t i = 0; i < count && reader.ok(); ++i) {
    Range range;
    range.begin = {reader.Read<int64_t>()};
    range.end = {reader.Read<int64_t>()};
    range.last_record = {reader.Read<int64_t>()};
    if (range.begin <= before || range.end <= range.begin) return corrupt;
    before = range.end;
    out.ranges_.push_back(range);
  }
  if (!reader.ok() || reader.remaining() != 0) return corrupt;
  const bool open = !out.ranges_.empty() && out.ranges_.back().end == kOpen;
  if (open != (out.token_ != 0)) return corrupt;
  return out;
}

std::string CrcRanges::AbortText(int64_t pid, uint64_t token) {
  return token == 0 ? StrCat(pid) : StrCat(pid, TokenLine(token));
}

std::string CrcRanges::LockText(uint64_t token) {
  return token == 0 ? "lock" : StrCat("orbitmq ", token, "\n");
}

}  // namespace orbitmq::store
