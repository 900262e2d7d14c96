// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/file_system.h"
#include "common/log.h"
#include "common/message_codec.h"

namespace orbitmq::store {

// Which topics were deleted, and where in the log: records below stand in no queue, whoever derives queues
// from the log, now or after a crash. An entry is on the disk before the first file of the topic's queues
// goes, so that a deletion is either not begun or can be completed, and is kept as long as the log holds
// records below it.
//
// Format: <root>/orbitmq/deleted_topics (docs/STORE_FORMAT.md), replaced as a whole. Threads: recovery, then
// the dispatch executor.
// Invariants: one entry per topic, the newest.
class DeletedTopics final {
 public:
  struct Deletion {
    LogOffset below;  // Exclusive: the end of the log when the topic was deleted.
    // No older record is younger: should another program have cut the log below that place and gone on, its
    // records are not taken for deleted ones.
    WallTime not_after;
    friend bool operator==(const Deletion&, const Deletion&) = default;
  };

  // A missing file is an empty one, a damaged one too (deleted topics may come back then; logged).
  // kNotSupported for a newer version, kIoError.
  static Result<DeletedTopics> Load(FileSystem& files, Logger& log, const std::string& root);

  // Whether the record belongs to a topic that was deleted after it.
  bool Covers(const MessageView& record) const;
  // The topics with an entry.
  std::vector<std::string> Topics() const;
  // Where the topic was deleted; 0 when it was not.
  LogOffset Below(std::string_view topic) const;
  bool empty() const { return topics_.empty(); }

  // Adds an entry, leaves out those that lie wholly below the log's begin, and replaces the file. On an error
  // nothing has changed, as far as anybody may rely on it.
  Status Add(FileSystem& files, const std::string& root, const std::string& topic, const Deletion& deletion,
             LogOffset log_min);
  // The log is now [min, end): what was deleted beyond its end was deleted at its end. Replaces the file if
  // that changes anything; to be called before the log grows again.
  Status Clip(FileSystem& files, const std::string& root, LogOffset min, LogOffset end);

  std::string Encode() const;
  static Result<DeletedTopics> Decode(std::string_view bytes);  // kCorrupt, kNotSupported.
  friend bool operator==(const DeletedTopics&, const DeletedTopics&) = default;

 private:
  Status Save(FileSystem& files, const std::string& root) const;
  void Raise();

  std::map<std::string, Deletion, std::less<>> topics_;
  LogOffset highest_;  // Of all `below`: records at or above it need no look-up.
};

}  // namespace orbitmq::store
