// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <set>
#include <string_view>

#include "test/sim/node.h"
#include "test/sim/store_image.h"

namespace orbitmq::sim {

// A master and its slave: what was promised is where it was promised, and both logs, and what follows from
// them, are the same.
class ReplicaChecker final {
 public:
  ReplicaChecker(World& world, Probe& probe) : world_(world), probe_(probe) {}

  // Runs until the slave has acknowledged everything that the master held when it was first asked; a finding
  // and false when that takes longer than `patience`.
  bool AwaitInStep(BrokerNode& master, Duration patience);

  // What a broker at rest has on its disk; a store that does not open is a finding.
  StoreImage ImageOf(BrokerNode& node, bool power_lost);

  // `what`: "acknowledged", "kept".
  void Contains(const StoreImage& image, const std::set<uint32_t>& numbers, std::string_view what);
  // As far as both go: a slave may have what its master lost with the power and never acknowledged.
  void SameLog(const StoreImage& master, const StoreImage& slave);
  // After peace, with the slave in step: stops both. The master has what was acknowledged and what was kept,
  // the slave what was acknowledged, and every record and queue is the same on both.
  void EndInPeace(BrokerNode& master, BrokerNode& slave, const std::set<uint32_t>& acked,
                  const std::set<uint32_t>& kept);

 private:
  void SameInPeace(const StoreImage& master, const StoreImage& slave);

  World& world_;
  Probe& probe_;
};

}  // namespace orbitmq::sim
