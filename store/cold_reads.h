// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "common/clock.h"
#include "common/ids.h"
#include "common/mutex.h"

namespace orbitmq::store {

// Tells what the page cache should do for readers of a backlog: fetch what a sequential reader will ask for
// next, and let go of what all of them have passed, so that old messages do not push out what producers and
// live consumers use. The kernel's own read-ahead goes by file, not by reader, and knows no end of interest.
//
// Threads: any; a leaf lock, no system call under it (the caller gives the hints).
class ColdReads final {
 public:
  struct Range {
    LogOffset begin;
    LogOffset end;
    bool empty() const { return begin >= end; }
  };
  struct Hints {
    Range will_need;
    Range dont_need;
  };
  // `reader` names who reads (a hash of the queue; a collision costs a hint) and is about to read [begin,
  // end) of the log.
  Hints Next(size_t reader, Range read, MonoTime now);

  static constexpr int64_t kAheadBytes = int64_t{1} << 20;
  // Readers of other queues follow at some distance.
  static constexpr int64_t kKeptBehindBytes = int64_t{16} << 20;
  static constexpr int64_t kDropStepBytes = int64_t{4} << 20;
  static constexpr Duration kForgottenAfter = std::chrono::seconds(10);

 private:
  struct Reader {
    size_t name = 0;
    LogOffset from;      // Begin of its last read.
    LogOffset at;        // End of it.
    LogOffset ahead_to;  // What was asked for ends here.
    MonoTime used = MonoTime::min();
  };
  Range Ahead(Reader& reader, Range read) ORBITMQ_REQUIRES(mutex_);
  Range Behind(MonoTime now) ORBITMQ_REQUIRES(mutex_);

  Mutex mutex_;
  std::array<Reader, 64> readers_ ORBITMQ_GUARDED_BY(mutex_);
  LogOffset dropped_to_ ORBITMQ_GUARDED_BY(mutex_){-1};  // Negative: nobody has read yet.
};

}  // namespace orbitmq::store
