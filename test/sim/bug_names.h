// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "common/planted_bug.h"

namespace orbitmq::sim {

// The names by which orbitmq_sim knows the planted bugs; every one of common/planted_bug.h stands here.
struct BugName {
  const char* name;
  Bug bug;
  bool replication = false;  // Seeds of the replication simulation catch it.
};

inline constexpr BugName kBugNames[] = {
    {"ack-before-sync", Bug::kAckBeforeSync},
    {"dispatch-unflushed", Bug::kDispatchUnflushed},
    {"double-dispatch", Bug::kDoubleDispatch},
    {"flushed-before-sync", Bug::kFlushedBeforeSync},
    {"keep-torn-tail", Bug::kKeepTornTail},
    {"skip-queue-rebuild", Bug::kSkipQueueRebuild},
    {"no-directory-sync", Bug::kNoDirectorySync},
    {"forget-queue-offsets", Bug::kForgetQueueOffsets},
    {"ack-before-replica", Bug::kAckBeforeReplica, true},
    {"dead-broker-routed", Bug::kDeadBrokerRouted},
    {"lost-wake-up", Bug::kLostWakeUp},
    {"no-offset-clamp", Bug::kNoOffsetClamp},
    {"offsets-run-ahead", Bug::kOffsetsRunAhead},
    {"stale-route", Bug::kStaleRoute},
    {"drop-send-back", Bug::kDropSendBack},
    {"ack-refused", Bug::kAckRefused},
    {"delay-offset-first", Bug::kDelayOffsetFirst},
    {"report-unwritten", Bug::kReportUnwritten, true},
    {"no-divergence-check", Bug::kNoDivergenceCheck, true},
    {"commit-past-unfinished", Bug::kCommitPastUnfinished},
    {"forget-give-back", Bug::kForgetGiveBack},
};

}  // namespace orbitmq::sim
