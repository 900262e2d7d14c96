// SPDX-License-Identifier: Apache-2.0
#include "store/log_scanner.h"

#include <algorithm>

#include "common/bytes.h"
#include "common/strings.h"

namespace orbitmq::store {
namespace {
constexpr size_t kReadAhead = size_t{256} << 10;
constexpr size_t kPeekBytes = 8;
constexpr int64_t kSectorBytes = 512;
constexpr int64_t kRecordBytesMin = 91;  // V1, everything empty.
}  // namespace

LogScanner::LogScanner(const CommitLog& log, LogOffset from, BodyChecks checks, const CrcRanges* ranges)
    : log_(log),
      checks_(checks),
      ranges_(ranges),
      position_(from),
      segment_(log.Find(from)),
      buffer_begin_(from) {}

std::string_view LogScanner::Window(size_t count) {
  const int64_t offset = position_ - buffer_begin_;
  if (offset < 0 || static_cast<size_t>(offset) + count > buffered_) {
    const auto left = static_cast<size_t>(segment_->end() - position_);
    buffered_ = std::min(left, std::max(count, kReadAhead));
    buffer_.resize(buffered_);
    buffer_begin_ = position_;
    if (Status s = segment_->Read(position_, buffer_); !s.ok()) {
      why_ = s;
      buffered_ = 0;
      return {};
    }
    return std::string_view(buffer_).substr(0, count);
  }
  return std::string_view(buffer_).substr(static_cast<size_t>(offset), count);
}

LogScanner::Found LogScanner::Damaged(std::string_view what) {
  why_ = Status(StatusCode::kCorrupt, StrCat(segment_->path(), " at byte ", position_ - segment_->begin(),
                                             " (log offset ", position_.value, "): ", what));
  return Found::kDamaged;
}

bool LogScanner::EnterNextSegment() {
  if (segment_ != nullptr && segment_->Holds(position_)) return true;
  segment_ = log_.FirstFrom(position_);
  buffered_ = 0;
  if (segment_ == nullptr) return false;
  position_ = segment_->begin();  // Past a hole of missing files, if there is one.
  return true;
}

bool LogScanner::LacksSector() const {
  // Nobody's host is 0.0.0.0:0 and nothing was stored at the epoch: the header's later sectors are missing.
  if (ToEpochMillis(record_.store_time) == 0 ||
      record_.store_host == HostAddress{.ipv6 = record_.store_host.ipv6}) {
    return true;
  }
  const auto size = static_cast<int64_t>(record_bytes_.size());
  const int64_t topic_at = record_.topic.data() - record_bytes_.data();
  const auto topic_bytes = static_cast<int64_t>(record_.topic.size());
  const int64_t first = kSectorBytes - (record_.log_offset - segment_->begin()) % kSectorBytes;
  for (int64_t from = first; from < size; from += kSectorBytes) {
    const int64_t to = std::min(from + kSectorBytes, size);
    const bool in_body = to <= topic_at;
    const bool only_length = record_.properties.empty() && from >= topic_at + topic_bytes;
    if (in_body || only_length) continue;
    const std::string_view sector =
        record_bytes_.substr(static_cast<size_t>(from), static_cast<size_t>(to - from));
    if (sector.find_first_not_of('\0') == std::string_view::npos) return true;
  }
  return false;
}

LogScanner::Found LogScanner::CheckCrc(std::string_view bytes, const MessageView& record) {
  record_crc_checked_ = false;
  if (ranges_ == nullptr || !ranges_->Covers(position_)) return Found::kRecord;
  switch (CheckRecordCrc(bytes, record)) {
    case RecordCrcCheck::kMatches:
      record_crc_checked_ = true;
      return Found::kRecord;
    case RecordCrcCheck::kNoRoom:
      return Found::kRecord;
    case RecordCrcCheck::kAbsent:
      return Damaged("the record lacks the record CRC (__CRC32#) that we wrote");
    case RecordCrcCheck::kDiffers:
      return Damaged("the record CRC (__CRC32#) does not match: header, topic or properties are damaged");
  }
  return Found::kRecord;
}

LogScanner::Found LogScanner::Next() {
  for (;;) {
    if (!EnterNextSegment()) return Found::kEnd;
    const int64_t left = segment_->end() - position_;
    if (left < static_cast<int64_t>(kPeekBytes)) return Damaged("too few bytes are left for a record");
    const std::string_view head = Window(kPeekBytes);
    if (head.empty()) return Found::kFailed;
    const auto total = LoadBig<int32_t>(head.data());
    const auto magic = LoadBig<uint32_t>(head.data() + 4);
    if (total == 0 && magic == 0) return Found::kEnd;
    if (magic == static_cast<uint32_t>(RecordMagic::kBlank)) {
      position_ = segment_->end();
      continue;
    }
    if (magic != static_cast<uint32_t>(RecordMagic::kV1) &&
        magic != static_cast<uint32_t>(RecordMagic::kV2)) {
      return Damaged(StrCat("no record has the magic ", magic));
    }
    if (total < kRecordBytesMin || total > left)
      return Damaged(StrCat("a record of ", total, " bytes cannot be"));
    const std::string_view bytes = Window(static_cast<size_t>(total));
    if (bytes.empty()) return Found::kFailed;
    auto record =
        DecodeMessage(bytes, checks_ == BodyChecks::kVerify ? BodyCheck::kVerifyCrc : BodyCheck::kTrust);
    if (!record.ok()) return Damaged(record.status().text());
    if (record->log_offset != position_) {
      return Damaged(
          StrCat("the record names log offset ", record->log_offset.value, ": left from before a cut"));
    }
    if (const Found found = CheckCrc(bytes, *record); found != Found::kRecord) return found;
    record_ = *record;
    record_bytes_ = bytes;
    position_ += total;
    return Found::kRecord;
  }
}

}  // namespace orbitmq::store
