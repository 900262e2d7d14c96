// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "test/store/store_journal.h"

namespace orbitmq::store {

// One record of a CommitLog, read from its files without the store's code.
struct LogRecord {
  int64_t number = -1;
  LogOffset at;
  int32_t bytes = 0;
  QueueKey queue;
  int64_t queue_offset = 0;
  WallTime store_time;
  std::string tag;
  std::string keys;
  std::string unique_key;
  bool in_queue = true;
  LogOffset end() const { return at + bytes; }
};

struct LogWalk {
  std::vector<LogRecord> records;
  LogOffset begin;
  LogOffset end;
  std::string stopped_by;  // What stands at the end; empty = nothing was written there.
  LogOffset last_byte;     // Behind the last byte of the log that is not zero.
};
LogWalk WalkLog(FileSystem& files, const StoreOptions& options);

// What took the store down since it was looked at last: it says what may be missing.
enum class Loss : uint8_t {
  kNone,     // Nothing: everything answered is there.
  kProcess,  // kill -9: the page cache stays, so everything acknowledged is there.
  kPower,    // What was promised to be on the disk, and what was flushed, is there.
};

// Compares an open store with the journal, and its parts with each other:
//
//  1. The log is what was sent, in order, whole, each record once; of what was acknowledged nothing is
//     missing that may not be; what a crash took does not come back; behind the end there is nothing.
//  2. Every queue is the function of the log that STORE_FORMAT.md tells: offsets without gap or repetition,
//     units that name their records, a begin that follows the log's. Deleted topics stay deleted.
//  3. Every way to read gives the same records: by queue, by filter, by physical offset, by key, by time.
//
// After it the journal knows what the crash took. Complaints are empty when all is well; they say what is
// wrong in words that name the record.
class StoreOracle final {
 public:
  StoreOracle(StoreHarness& harness, Journal& journal) : harness_(harness), journal_(journal) {}
  std::vector<std::string> Check(Loss loss);
  // After failed reads a queue's begin may stay below the log's until the next old file goes.
  void AllowLateBegins() { late_begins_ = true; }
  // The store takes and keeps new messages: sends some to each of a few queues, and checks again.
  std::vector<std::string> CheckTakesMore();

 private:
  // The records that stand in a queue, in order: those after the last time it began at 0 again.
  struct Line {
    std::vector<const LogRecord*> records;
    bool undecided = false;     // A deletion after the last of them may or may not have lasted.
    bool deleted = false;       // A deletion after the last of them lasted.
    size_t optional_below = 0;  // Records before this index may be missing from the queue.
  };
  void Complain(std::string text);
  void CheckLog(Loss loss);
  void CheckSent(Sent& sent, Loss loss, size_t& next);
  void CheckReceipt(const Sent& sent, int32_t index, const LogRecord& record);
  void CheckMissing(Sent& sent, int32_t index, Loss loss, bool tail);
  void CheckQueues();
  Line LineOf(const QueueKey& key, std::vector<const LogRecord*> records);
  void CheckQueue(const QueueKey& key, const Line& line);
  void CheckUnits(const QueueKey& key, OffsetRange range, const std::vector<const LogRecord*>& records,
                  size_t optional);
  void CheckReads(const QueueKey& key, OffsetRange range, const std::vector<const LogRecord*>& records,
                  size_t optional, const std::string& tag);
  void CheckTimes(const QueueKey& key, OffsetRange range, const std::vector<const LogRecord*>& records);
  void CheckPhysical();
  void CheckIndex();
  void CheckQuery(const std::string& topic, const std::string& key, KeyType type,
                  const std::vector<LogOffset>& expected);

  StoreHarness& harness_;
  Journal& journal_;
  bool late_begins_ = false;
  LogWalk walk_;
  std::vector<std::string> complaints_;
};

}  // namespace orbitmq::store
