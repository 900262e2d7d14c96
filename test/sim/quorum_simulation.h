// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "test/sim/simulation.h"

namespace orbitmq::sim {

// A SYNC_MASTER and two slaves, all with synchronous flush, under load and faults: kills and losses of power
// of any of the three and of the NameServer, partitions, resets, slow networks; a slave's disk that is slow,
// full, or fails to sync. By the seed an OK asks for all three (inSyncReplicas=3), for two and refuses with
// fewer (minInSyncReplicas=2), for every slave that has caught up (allAckInSyncStateSet), or for as many as
// there are but two (enableAutoInSyncReplicas). In the end all three lose power at once under load, or live
// on in peace.
//
// Oracles: every message that was answered OK is in the log of as many machines as was asked for, and of all
// three when all three were in step and nothing had happened since; what was kept for want of slaves is in
// the master's; what was refused is in none; the logs are equal as far as both go, and completely in peace.
SimulationReport RunQuorumSimulation(const SimulationOptions& options);

}  // namespace orbitmq::sim
