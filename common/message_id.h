// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/clock.h"
#include "common/ids.h"
#include "common/message_codec.h"
#include "common/mutex.h"
#include "common/random.h"
#include "orbitmq/result.h"

namespace orbitmq {

// The broker-made id: where the record lies. Format: upper-case hex of the store host's address (4 or 16
// bytes), i32 port, i64 CommitLog offset; 32 or 56 characters (remoting.md 4.8).
struct OffsetMessageId {
  HostAddress store_host;
  LogOffset log_offset;
  friend bool operator==(const OffsetMessageId&, const OffsetMessageId&) = default;
};
std::string EncodeOffsetMessageId(const OffsetMessageId& id);
// Accepts both cases of hex. kInvalidArgument names the text and what is wrong with it.
Result<OffsetMessageId> DecodeOffsetMessageId(std::string_view text);

// What a client-made id (UNIQ_KEY) tells. Ids are opaque, case-sensitive strings everywhere else.
struct UniqueIdParts {
  HostAddress host;              // Port 0.
  uint16_t pid = 0;              // Low 16 bits.
  uint32_t process_salt = 0;     // Java: the hash of a class loader.
  uint32_t millis_of_month = 0;  // Since the first of the month, 00:00 local time.
  uint16_t counter = 0;
};
Result<UniqueIdParts> DecodeUniqueId(std::string_view text);

struct UniqueIdOptions {
  std::string ip;  // Literal; anything else is replaced by random bytes, as Java does without an address.
  int64_t pid = 0;
};

// Makes UNIQ_KEYs in the layout of Java's MessageClientIDSetter.createUniqID (remoting.md 4.7): 32 characters
// (56 when the ip is IPv6). Unique within the process for 65,536 ids a millisecond; across processes by ip,
// pid and a random 32-bit salt. Threads: any. `clock` must outlive it.
class UniqueIdGenerator final {
 public:
  UniqueIdGenerator(const UniqueIdOptions& options, Random random, const Clock& clock);
  UniqueIdGenerator(const UniqueIdGenerator&) = delete;
  UniqueIdGenerator& operator=(const UniqueIdGenerator&) = delete;
  std::string Next();

 private:
  int64_t MonthStart(int64_t now_ms);

  const Clock& clock_;
  std::string prefix_;  // Hex of ip, pid, salt.
  std::atomic<uint16_t> counter_{0};
  Mutex mutex_;
  int64_t month_start_ms_ ORBITMQ_GUARDED_BY(mutex_) = 0;
  int64_t next_month_ms_ ORBITMQ_GUARDED_BY(mutex_) = 0;
};

}  // namespace orbitmq
