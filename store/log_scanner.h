// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "common/message_codec.h"
#include "store/commit_log.h"
#include "store/crc_ranges.h"

namespace orbitmq::store {

// Walks the records of the log from an offset, checking magic, lengths, body CRC, that each names its own
// offset, and the record CRC where we wrote it. Reads files, maps nothing. Recovery and offline tools use the
// same walk. Threads: one at a time.
class LogScanner final {
 public:
  enum class BodyChecks : uint8_t { kVerify, kTrust };
  // `ranges` says where record CRCs are checked, and must outlive the scanner; null = nowhere.
  LogScanner(const CommitLog& log, LogOffset from, BodyChecks checks, const CrcRanges* ranges = nullptr);

  enum class Found : uint8_t {
    kRecord,   // record() is valid until the next call.
    kEnd,      // Zeros, or the last segment is used up: nothing was ever written at position().
    kDamaged,  // Bytes that are no record stand at position(); why() tells.
    kFailed,   // The disk refused; why() tells.
  };
  Found Next();

  const MessageView& record() const { return record_; }
  std::string_view record_bytes() const { return record_bytes_; }  // The whole of it.
  // Whether the record CRC was checked: then header, topic and properties are as they were written.
  bool record_crc_checked() const { return record_crc_checked_; }
  // Whether a disk sector that the record reaches into is all zeros where the record cannot be: a power cut
  // may keep the first sectors of a record and lose the last. For records without a checked record CRC: their
  // body has a CRC; header, topic and properties have none then.
  bool LacksSector() const;
  // Of the record after Next() == kRecord: its end. Otherwise where the scan stopped.
  LogOffset position() const { return position_; }
  const Status& why() const { return why_; }

 private:
  // A view of [position_, position_ + count), or empty with why_ set.
  std::string_view Window(size_t count);
  Found Damaged(std::string_view what);
  bool EnterNextSegment();
  // kRecord, or kDamaged where the record CRC has to be there and to match.
  Found CheckCrc(std::string_view bytes, const MessageView& record);

  const CommitLog& log_;
  const BodyChecks checks_;
  const CrcRanges* const ranges_;
  LogOffset position_;
  std::shared_ptr<SegmentFile> segment_;
  MessageView record_;
  std::string_view record_bytes_;
  bool record_crc_checked_ = false;
  Status why_;
  LogOffset buffer_begin_;
  std::string buffer_;
  size_t buffered_ = 0;
};

}  // namespace orbitmq::store
