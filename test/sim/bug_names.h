// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "common/planted_bug.h"

namespace orbitmq::sim {

// The names by which orbitmq_sim knows the planted bugs; every one of common/planted_bug.h stands here.
struct BugName {
  const char* name;
  Bug bug;
  bool replication = false;  // Seeds of the replication simulation catch it.
  // The search for a seed that catches it begins here: where it once ended. The others follow.
  uint64_t first_try = 1;
};

inline constexpr BugName kBugNames[] = {
    {"ack-before-sync", Bug::kAckBeforeSync, false, 24},
    {"dispatch-unflushed", Bug::kDispatchUnflushed, false, 21},
    {"double-dispatch", Bug::kDoubleDispatch},
    {"flushed-before-sync", Bug::kFlushedBeforeSync, false, 4},
    {"keep-torn-tail", Bug::kKeepTornTail, false, 5},
    {"skip-queue-rebuild", Bug::kSkipQueueRebuild},
    {"no-directory-sync", Bug::kNoDirectorySync},
    {"forget-queue-offsets", Bug::kForgetQueueOffsets},
    {"ack-before-replica", Bug::kAckBeforeReplica, true, 7},
    {"dead-broker-routed", Bug::kDeadBrokerRouted},
    {"lost-wake-up", Bug::kLostWakeUp},
    {"no-offset-clamp", Bug::kNoOffsetClamp, false, 5},
    {"offsets-run-ahead", Bug::kOffsetsRunAhead},
    {"stale-route", Bug::kStaleRoute, false, 3},
    {"drop-send-back", Bug::kDropSendBack},
    {"ack-refused", Bug::kAckRefused, false, 11},
    {"delay-offset-first", Bug::kDelayOffsetFirst, false, 11},
    {"report-unwritten", Bug::kReportUnwritten, true, 4},
    {"no-divergence-check", Bug::kNoDivergenceCheck, true, 47},
    {"commit-past-unfinished", Bug::kCommitPastUnfinished},
    {"forget-give-back", Bug::kForgetGiveBack, false, 7},
};

}  // namespace orbitmq::sim
