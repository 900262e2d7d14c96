// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string_view>
#include <vector>

#include "test/sim/node.h"
#include "test/sim/store_image.h"

namespace orbitmq::sim {

// A master and its slaves: what was promised is where it was promised, and the logs, and what follows from
// them, are the same.
class ReplicaChecker final {
 public:
  ReplicaChecker(World& world, Probe& probe) : world_(world), probe_(probe) {}

  // Runs until so many slaves have acknowledged everything that the master held when it was first asked, and
  // allAckInSyncStateSet waits for each, if for several; a finding and false when that takes longer than
  // `patience`.
  bool AwaitInStep(BrokerNode& master, Duration patience, size_t slaves = 1);

  // What a broker at rest has on its disk; a store that does not open is a finding.
  StoreImage ImageOf(BrokerNode& node, bool power_lost);

  // `what`: "acknowledged", "kept".
  void Contains(const StoreImage& image, const std::set<uint32_t>& numbers, std::string_view what);
  // Each of the acknowledged messages is in at least so many of the logs.
  void OnMachines(std::span<const StoreImage> images, const std::set<uint32_t>& numbers, size_t least);
  // None of the messages, which were refused.
  void Lacks(const StoreImage& image, const std::set<uint32_t>& numbers);
  // As far as both go: a slave may have what its master lost with the power and never acknowledged.
  void SameLog(const StoreImage& master, const StoreImage& slave);
  // After peace, with the slaves in step: stops all. The master has what was acknowledged and what was kept,
  // a slave what was acknowledged, and every record and queue is the same everywhere.
  void EndInPeace(BrokerNode& master, const std::vector<BrokerNode*>& slaves,
                  const std::set<uint32_t>& acked, const std::set<uint32_t>& kept);

 private:
  void SameInPeace(const StoreImage& master, const StoreImage& slave);

  World& world_;
  Probe& probe_;
};

}  // namespace orbitmq::sim
