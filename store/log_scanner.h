// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "common/message_codec.h"
#include "store/commit_log.h"

namespace orbitmq::store {

// Walks the records of the log from an offset, checking magic, lengths, body CRC and that each names its own
// offset. Reads files, maps nothing. Recovery and offline tools use the same walk.
// Threads: one at a time.
class LogScanner final {
 public:
  enum class BodyChecks : uint8_t { kVerify, kTrust };
  LogScanner(const CommitLog& log, LogOffset from, BodyChecks checks);

  enum class Found : uint8_t {
    kRecord,   // record() is valid until the next call.
    kEnd,      // Zeros, or the last segment is used up: nothing was ever written at position().
    kDamaged,  // Bytes that are no record stand at position(); why() tells.
    kFailed,   // The disk refused; why() tells.
  };
  Found Next();

  const MessageView& record() const { return record_; }
  // Whether a disk sector that the record reaches into is all zeros where the record cannot be: a power cut
  // may keep the first sectors of a record and lose the last. Its body has a CRC; header, topic and
  // properties have none in Apache's format.
  bool LacksSector() const;
  // Of the record after Next() == kRecord: its end. Otherwise where the scan stopped.
  LogOffset position() const { return position_; }
  const Status& why() const { return why_; }

 private:
  // A view of [position_, position_ + count), or empty with why_ set.
  std::string_view Window(size_t count);
  Found Damaged(std::string_view what);
  bool EnterNextSegment();

  const CommitLog& log_;
  const BodyChecks checks_;
  LogOffset position_;
  std::shared_ptr<SegmentFile> segment_;
  MessageView record_;
  std::string_view record_bytes_;
  Status why_;
  LogOffset buffer_begin_;
  std::string buffer_;
  size_t buffered_ = 0;
};

}  // namespace orbitmq::store
