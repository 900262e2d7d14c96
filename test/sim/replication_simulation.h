// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "test/sim/simulation.h"

namespace orbitmq::sim {

// A SYNC_MASTER and its slave, both with synchronous flush, under load and faults: kills, losses of power,
// partitions, resets, slow networks and disks. In the end, by the seed, one of the two machines is lost for
// good, under load and together with the other one's power, or both live on in peace. On every sixth seed the
// master flushes asynchronously and forgets with the power what its slave has: the slave must cut that away.
//
// Oracles: every message that was answered OK is in the log of whoever is left; what was answered
// SLAVE_NOT_AVAILABLE or FLUSH_SLAVE_TIMEOUT is in the master's; the logs of both are equal as far as the
// shorter one goes once the slave follows, and completely in peace; what a consumer of the master reads at a
// queue offset stays there, and its end never moves back. Where the master forgets: the equality in peace.
SimulationReport RunReplicationSimulation(const SimulationOptions& options);

}  // namespace orbitmq::sim
