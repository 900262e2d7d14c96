// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "store/queue_builder.h"
#include "tools/mqstore/findings.h"
#include "tools/mqstore/store_directory.h"

namespace orbitmq::tools {

// Compares consume queues with the log: for each record, in the order of the log, the unit that dispatch
// would have written. Of every queue one piece of 64 units is in memory at a time.
//
// A deleted topic's records stay in the log without queues: those that our note of deletions covers are left
// out. Other programs leave no note; a topic made anew begins at queue offset 0 again, and what disagreed
// before such a begin belonged to the queue that is gone.
// Threads: one.
class QueueCheck final {
 public:
  QueueCheck(StoreDirectory& store, Findings& findings) : store_(store), findings_(findings) {}

  // Lists the queues that have a directory.
  Status Load();
  void Look(const MessageView& record);
  // Compares the ends, once all records were looked at.
  void Finish(LogOffset log_end);

  // The offset behind the newest message that the log holds for each queue.
  const std::map<QueueKey, QueueOffset>& ends() const { return ends_; }
  bool has_queue(const QueueKey& queue) const { return queues_.contains(queue); }
  size_t queue_count() const { return queues_.size(); }
  int64_t units_checked() const { return checked_; }

 private:
  struct Disagreement {
    int64_t count = 0;
    int64_t first = 0;  // Unit.
    std::string what;
  };
  struct Queue {
    std::vector<int64_t> files;  // First units, rising.
    int64_t window_begin = 0;    // In units.
    std::string window;
    int64_t next = -1;  // After the newest record of the log; -1 before the first.
    Disagreement wrong;
    Disagreement missing;
    int64_t missing_to = 0;
  };
  static void Note(Disagreement& disagreement, int64_t unit, std::string_view what);
  std::optional<store::QueueUnit> UnitAt(const QueueKey& key, Queue& queue, int64_t unit);
  std::string FileOf(const QueueKey& key, int64_t unit) const;
  void Tell(const QueueKey& key, Queue& queue, LogOffset log_end);
  void TellStale(const QueueKey& key, Queue& queue, LogOffset log_end);

  StoreDirectory& store_;
  Findings& findings_;
  std::map<QueueKey, Queue> queues_;
  std::map<QueueKey, QueueOffset> ends_;
  std::set<std::string> without_directory_;
  std::set<std::string> made_anew_;
  int64_t checked_ = 0;
};

}  // namespace orbitmq::tools
