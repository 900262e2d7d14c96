// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <vector>

#include "tools/mqadmin/cluster_findings.h"

namespace orbitmq::tools {

// What the configurations of one broker's replicas say against each other, and against what the NameServers
// know. `replicas` is all that is registered under the name; those that did not answer count, but say
// nothing.
void ExamineReplicas(std::span<const BrokerFacts* const> replicas, std::vector<Finding>& to);

// How many brokers, the master among them, this SYNC_MASTER wants to have a message before it answers OK.
int64_t ReplicasDemanded(const BrokerFacts& master);

// "NAME ADDRESS".
std::string PlaceOf(const BrokerFacts& broker);

}  // namespace orbitmq::tools
