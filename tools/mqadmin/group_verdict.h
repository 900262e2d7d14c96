// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "orbitmq/message_queue.h"

namespace orbitmq::tools {

// What `why` has asked about a consumer group, and what it makes of the answers. No I/O here.

// Times are milliseconds since 1970; 0: not known.
struct QueueProgress {
  MessageQueue queue;
  int64_t lag = 0;             // Messages behind the committed offset.
  int64_t in_flight = 0;       // Of these, those that the broker has handed out.
  int64_t last_commit_ms = 0;  // When the last message that is committed was stored.
  std::string owner{};         // A client id; empty: nobody.
  int64_t last_pull_ms = 0;    // The owner's, as what follows.
  int64_t last_consume_ms = 0;
  int64_t cached = 0;  // Pulled, not finished.
};

struct GroupFacts {
  std::vector<QueueProgress> queues{};  // Those of the retry topic too.
  size_t members = 0;
  size_t members_that_answer = 0;
  bool same_subscriptions = true;
  double ok_tps = 0;  // Of all members' listeners.
  double failed_tps = 0;
  int64_t dead_letters = 0;
  std::vector<std::string> switched_off{};  // Brokers that serve the group nothing: consumeEnable=false.
  std::vector<std::string> unknown{};  // Brokers of which nothing is known, though messages may wait there.
  int64_t now_ms = 0;
};

enum class GroupState : uint8_t {
  kFine,
  kOff,
  kNobody,
  kConflict,
  kUnowned,
  kStuck,
  kFailing,
  kSlow,
  kUnknown
};

struct GroupVerdict {
  GroupState state = GroupState::kFine;
  std::string text;      // In plain words.
  std::string remedy{};  // Empty: there is nothing to do.
};

GroupVerdict Judge(const GroupFacts& facts);
std::string_view GroupStateName(GroupState state);  // "slow"

int64_t TotalLag(const GroupFacts& facts);
// The queue with the largest lag, the one whose commit is oldest among equals; null when nothing lags.
const QueueProgress* SlowestQueue(const GroupFacts& facts);

}  // namespace orbitmq::tools
