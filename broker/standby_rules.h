// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "broker/broker_options.h"
#include "broker/put_hooks.h"
#include "broker/replica_group.h"

namespace orbitmq::broker {

// What a slave refuses before a handler sees it, with Apache's codes and texts; nullopt = served. Pure.
//
// Sends and send-backs: its log is its master's, so producers are sent to another broker by a code that they
// retry on. Pulls: only while the master is alive and slaveReadEnable is false; Apache refuses them without a
// master too, and leaves consumers with nobody to read from. Changes of topics, groups and offsets by
// administrators: the next look at the master would undo them. The deletion of a topic, which mqadmin sends
// to masters and slaves alike, is answered OK while a master is alive, whose deletion counts (StandbySync).
std::optional<PutRefusal> RefusalOfSlave(int32_t code, const BrokerOptions& options,
                                         const ReplicaView& group);

// Which broker a consumer is to pull from next.
struct PullAdvice {
  BrokerId broker = kMasterId;
  // The consumer is to ask there at once instead of waiting here, although nothing was found.
  bool go_now = false;
};

struct PullStanding {
  bool found = false;         // The pull got messages.
  int64_t bytes_behind = 0;   // From the last of them to the end of the log.
  int64_t bytes_behind_max = 0;  // Up to there they are in memory (accessMessageInMemoryMaxRatio).
  BrokerId of_group = kMasterId;      // The group's brokerId
  BrokerId when_slow = 1;             // and whichBrokerWhenConsumeSlowly.
};

// Apache's rules (store.md 8.1): far behind and slaves may be read: the slave that the group names; else the
// group's own broker. A slave sends everybody who is not far behind to the master while there is one.
PullAdvice AdvisePull(const BrokerOptions& options, const ReplicaView& group, const PullStanding& pull);

}  // namespace orbitmq::broker
