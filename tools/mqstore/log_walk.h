// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "store/log_scanner.h"
#include "tools/mqstore/store_directory.h"

namespace orbitmq::tools {

// Walks all records of a log with the scan that recovery uses, and goes on behind damage: at the next bytes
// that are a whole record which names its own position.
// Threads: one at a time.
class LogWalk final {
 public:
  explicit LogWalk(StoreDirectory& store);

  enum class Step : uint8_t {
    kRecord,
    kDamage,  // damage() tells; the walk goes on behind it.
    kEnd,     // position() is where the log ends.
    kFailed,  // The disk refused; why() tells.
  };
  Step Next();

  struct Damage {
    LogOffset begin;
    LogOffset end;  // Of the damaged bytes; the begin of the next record if there is one.
    std::string why;
    bool records_behind = false;  // False: a torn tail.
  };
  const store::LogScanner& scanner() const { return *scanner_; }
  const MessageView& record() const { return scanner_->record(); }
  const Damage& damage() const { return damage_; }
  LogOffset position() const { return position_; }
  const Status& why() const { return why_; }

 private:
  Step Resync(std::string why);
  // The first whole record at or behind `from`; nullopt when there is none.
  Result<std::optional<LogOffset>> FindRecord(LogOffset from);
  Result<std::optional<LogOffset>> FindInSegment(const store::SegmentFile& segment, LogOffset from);
  // The end of the last bytes that are not zero.
  Result<LogOffset> EndOfBytes(LogOffset from);

  StoreDirectory& store_;
  std::optional<store::LogScanner> scanner_;
  Damage damage_;
  LogOffset position_;
  bool ended_ = false;
  Status why_;
};

}  // namespace orbitmq::tools
