// SPDX-License-Identifier: Apache-2.0
#pragma once

// Defects that the simulation plants to prove that it would see them. They exist only in builds with
// ORBITMQ_PLANTED_BUGS (never in a release); the simulation chooses one at run time.

#ifdef ORBITMQ_PLANTED_BUGS
#include <atomic>
#endif
#include <cstdint>

namespace orbitmq {

enum class Bug : uint8_t {
  kNone,
  // store
  kAckBeforeSync,           // SYNC_FLUSH answers when the bytes are written, not when they are on disk.
  kDispatchUnflushed,       // SYNC_FLUSH shows records to consumers before they are on disk.
  kDoubleDispatch,          // A record enters its ConsumeQueue twice now and then.
  kFlushedBeforeSync,       // `flushed` is raised before fdatasync returned.
  kKeepTornTail,            // Recovery does not cut the torn end of the log.
  kSkipQueueRebuild,        // Recovery does not rebuild the queues above the checkpoint.
  kNoDirectorySync,         // A new segment's directory entry is not synced.
  kForgetQueueOffsets,      // After a restart queue offsets begin at 0 again.
  kAckBeforeReplica,        // SYNC_MASTER answers when the record is placed, not when a slave has it.
  // namesrv
  kDeadBrokerRouted,        // The end of a broker's connection does not remove it from the routes.
  // broker
  kLostWakeUp,              // A pull that waits does not look at its queue again after it was registered.
  kNoOffsetClamp,           // Consumer offsets beyond the recovered end of a queue are kept.
  kOffsetsRunAhead,         // A committed offset is stored one too high.
  kStaleRoute,              // Topics created after the first registration are never told to NameServers.
  kDropSendBack,            // A message that a consumer sends back is acknowledged and dropped.
  kAckRefused,              // A send that the store refused is acknowledged.
  kDelayOffsetFirst,        // A delayed message counts as delivered before its copy is stored.
  kAckOneReplicaShort,      // A SYNC_MASTER answers when one slave fewer has the record than it was promised.
  kReportUnwritten,         // A slave reports what it received, not what it wrote.
  kNoDivergenceCheck,       // A slave goes on at its end without comparing what lies before it.
  kForgetStandbyOffsets,    // What consumers committed to a slave is not brought back to the master.
  kSlaveMovesConsumers,     // A slave sends consumers to its own end when it does not have their offset.
  kIgnoreRivals,            // A master does not look for others of its name.
  kKeepDeletedTopic,        // A slave keeps the queues of topics that its master deleted.
  // client
  kCommitPastUnfinished,    // A consumer commits what it has read, finished or not.
  kForgetGiveBack,          // A message that could not be given back to the broker counts as done.
  // Others append theirs below.
};

#ifdef ORBITMQ_PLANTED_BUGS
inline std::atomic<Bug> planted_bug{Bug::kNone};
inline void Plant(Bug bug) { planted_bug.store(bug, std::memory_order_relaxed); }
inline bool Planted(Bug bug) { return planted_bug.load(std::memory_order_relaxed) == bug; }
#else
constexpr bool Planted(Bug) { return false; }
#endif

}  // namespace orbitmq
