// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/file_system.h"
#include "common/log.h"
#include "store/commit_log.h"

namespace orbitmq::store {

// Which parts of the log this program wrote with a record CRC at the end of every record: only there a CRC
// that is missing or different means damage. Elsewhere `__CRC32#` may be another record's (Apache's brokers
// copy it when they store a message again), so that body CRC and structure decide alone.
//
// Format: <root>/orbitmq/record_crc (docs/STORE_FORMAT.md). A range that is written to has no end yet; it
// counts as long as <root>/abort and <root>/lock hold the session's token: another broker that starts here
// replaces the one (Apache 5.5.0) or writes over the other's first bytes (5.5.0 and 4.9.7, which leaves an
// abort file as it is). Threads: one at a time.
class CrcRanges final {
 public:
  struct Range {
    LogOffset begin;
    LogOffset end;          // Exclusive; kOpen while it is written to.
    LogOffset last_record;  // The record that ends at `end`; of no meaning while open.
    friend bool operator==(const Range&, const Range&) = default;
  };
  static constexpr LogOffset kOpen{INT64_MAX};

  // Reads the marker and keeps what still holds: the open range if its token stands, else its part below
  // the checkpoint's end; closed ones whose last record is still there. Each thing dropped is logged.
  // `exact_end` and `exact_last_record` are our checkpoint's, 0 without one. kNotSupported for a newer
  // version, kIoError; a missing or damaged marker is an empty one.
  struct Found {
    FileSystem& files;
    Logger& log;
    const CommitLog& commit_log;
    const std::string& root;
    LogOffset exact_end;
    LogOffset exact_last_record;
  };
  static Result<CrcRanges> Load(const Found& found);

  // Whether the record that begins at `at` must end in a CRC that matches.
  bool Covers(LogOffset at) const;
  bool empty() const { return ranges_.empty(); }
  const std::vector<Range>& ranges() const { return ranges_; }

  // The log was cut to [min, end), whose newest record is `last_record`: nothing beyond is ours any more.
  void Clip(LogOffset min, LogOffset end, LogOffset last_record);
  // From `begin` on every record will have a CRC; `token` is of this session, not 0.
  void Open(LogOffset begin, uint64_t token);
  // The session ends in order; nothing follows `end`.
  void Close(LogOffset end, LogOffset last_record);

  // Replaces the marker; on return it is on the disk.
  Status Save(FileSystem& files, const std::string& root) const;
  // Removes the marker and the one before it: then no record CRC is checked.
  static Status Drop(FileSystem& files, const std::string& root);

  std::string Encode() const;
  static Result<CrcRanges> Decode(std::string_view bytes);  // kCorrupt, kNotSupported.

  // What <root>/abort holds: the process id, as Apache's, and on a second line the token (without one if 0).
  static std::string AbortText(int64_t pid, uint64_t token);
  // What <root>/lock holds. With a token it must not begin as Apache's does: `lock`, at offset 0.
  static std::string LockText(uint64_t token);
  friend bool operator==(const CrcRanges&, const CrcRanges&) = default;

 private:
  uint64_t token_ = 0;  // Of the open range; 0 without one.
  std::vector<Range> ranges_;
};

}  // namespace orbitmq::store
