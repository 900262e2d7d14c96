// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "common/planted_bug.h"

namespace orbitmq::sim {

// Which simulation a seed runs.
enum class Scene : uint8_t { kWhole, kReplication, kStandby, kQuorum };

// The names by which orbitmq_sim knows the planted bugs; every one of common/planted_bug.h stands here.
struct BugName {
  const char* name;
  Bug bug;
  Scene scene = Scene::kWhole;  // Whose seeds catch it.
  // The search for a seed that catches it begins here: where it once ended. The others follow.
  uint64_t first_try = 1;
};

inline constexpr BugName kBugNames[] = {
    {"ack-before-sync", Bug::kAckBeforeSync, Scene::kWhole, 11},
    {"dispatch-unflushed", Bug::kDispatchUnflushed, Scene::kWhole, 24},
    {"double-dispatch", Bug::kDoubleDispatch},
    {"flushed-before-sync", Bug::kFlushedBeforeSync, Scene::kWhole, 13},
    {"keep-torn-tail", Bug::kKeepTornTail, Scene::kWhole, 5},
    {"skip-queue-rebuild", Bug::kSkipQueueRebuild},
    {"no-directory-sync", Bug::kNoDirectorySync},
    {"forget-queue-offsets", Bug::kForgetQueueOffsets},
    {"ack-before-replica", Bug::kAckBeforeReplica, Scene::kReplication, 85},
    {"dead-broker-routed", Bug::kDeadBrokerRouted},
    {"lost-wake-up", Bug::kLostWakeUp},
    {"no-offset-clamp", Bug::kNoOffsetClamp, Scene::kWhole, 10},
    {"offsets-run-ahead", Bug::kOffsetsRunAhead},
    {"stale-route", Bug::kStaleRoute, Scene::kWhole, 3},
    {"drop-send-back", Bug::kDropSendBack},
    {"ack-refused", Bug::kAckRefused, Scene::kWhole, 24},
    {"delay-offset-first", Bug::kDelayOffsetFirst, Scene::kWhole, 36},
    {"ack-one-replica-short", Bug::kAckOneReplicaShort, Scene::kQuorum, 8},
    {"report-unwritten", Bug::kReportUnwritten, Scene::kReplication, 1},
    {"no-divergence-check", Bug::kNoDivergenceCheck, Scene::kReplication, 6},
    {"forget-standby-offsets", Bug::kForgetStandbyOffsets, Scene::kStandby},
    {"slave-moves-consumers", Bug::kSlaveMovesConsumers, Scene::kStandby, 12},
    {"ignore-rivals", Bug::kIgnoreRivals, Scene::kStandby},
    {"keep-deleted-topic", Bug::kKeepDeletedTopic, Scene::kStandby, 3},
    {"commit-past-unfinished", Bug::kCommitPastUnfinished, Scene::kWhole, 2},
    {"forget-give-back", Bug::kForgetGiveBack, Scene::kWhole, 20},
};

}  // namespace orbitmq::sim
