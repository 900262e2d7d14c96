// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "orbitmq/result.h"

namespace orbitmq::tools {

// What a client's trace says of one message. Format: a trace message's body is a row of records that end with
// 0x02; their fields are separated by 0x01 and begin with the record's name (Apache's TraceDataEncoder).
// Clients that know nothing write the word null. Threads: a value.
struct TraceRecord {
  enum class Kind : uint8_t {
    kPub,             // A producer has sent it.
    kSubBefore,       // A listener is about to get it.
    kSubAfter,        // The listener has returned.
    kEndTransaction,  // A producer has decided about it.
    kRecall,          // A producer has called it back.
  };
  Kind kind = Kind::kPub;
  std::string message_id{};
  std::string group = "null";  // Older clients do not write a consumer's.
  int64_t time_ms = 0;         // Milliseconds since 1970; 0: not written.
  int64_t cost_ms = 0;         // kPub and kSubAfter.
  bool success = true;
};

// kCorrupt names the first record that is none, and why.
Result<std::vector<TraceRecord>> DecodeTrace(std::string_view body);

}  // namespace orbitmq::tools
