// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "test/sim/simulation.h"

namespace orbitmq::sim {

// Consumers between a SYNC_MASTER and its slave, both with synchronous flush: a producer, a consumer that is
// never harmed, two that are killed and started, under kills, losses of power, partitions, resets, slow
// networks and disks. Then the master loses its power amid sends and stays away; consumers go on at the
// slave; the master returns, on odd seeds to consumers that were all started anew. Beside it an administrator
// deletes and makes a topic again and again.
// At last the roles change by order, and once the master is cut off while its slave is made the master.
// On every fourth seed the NameServer is killed too: among the faults, while the master is away, and amid the
// changes of roles.
//
// Oracles, beside those of checkers/delivery, queue_order and replica:
// - the consumer that is never harmed gets the messages of a queue in rising order, each offset once, whoever
//   it reads from: it never jumps backwards;
// - while the master is away, everything that was answered OK is consumed from the slave;
// - what was committed to the slave is committed at the master some moments after its return, and no consumer
//   that starts then begins below it;
// - two masters of the name do not both serve two register intervals after they could find each other, and
//   what the one that was made the master last answered OK is not lost;
// - in peace the slave has the master's queues, those of the deleted topic among them.
SimulationReport RunStandbySimulation(const SimulationOptions& options);

}  // namespace orbitmq::sim
