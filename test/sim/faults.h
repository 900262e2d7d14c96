// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "test/sim/cluster.h"
#include "test/sim/pace.h"

namespace orbitmq::sim {

enum class FaultKind : uint8_t {
  kKillBroker,     // kill -9
  kPowerBroker,    // the machine loses power
  kRestartBroker,  // stop in order, start again
  kBlackout,       // every consumer dies, then a broker loses power; the broker comes back first
  kKillNamesrv,
  kKillConsumer,
  kRestartConsumer,
  kKillProducer,
  kPartition,  // between two machines, both ways
  kOneWay,     // between two machines, one way
  kReset,      // some connections
  kClog,       // slow and jumbled network for everybody
  kClockJump,  // of one machine's wall clock
  kSlowSync,   // a broker's disk
  kFailSync,   // fdatasync fails once; the machine is reset soon after
  kFullDisk,   // a broker's disk, for a while
};
inline constexpr size_t kFaultKindCount = 16;
const char* FaultName(FaultKind kind);

// Draws faults from the seed and does them to the cluster, one after the other and overlapping, until Heal.
//
// What is never done: two brokers down at once is allowed, but a broker that flushes asynchronously loses
// power only in a blackout, because a consumer that has read ahead of what survived skips by the protocol's
// design.
class FaultInjector final {
 public:
  FaultInjector(World& world, Cluster& cluster, uint64_t seed);
  FaultInjector(const FaultInjector&) = delete;
  FaultInjector& operator=(const FaultInjector&) = delete;

  // Spreads `count` faults over `span` from now on.
  void Begin(int count, Duration span);
  // Ends every fault: heals the network and the disks, starts what is down.
  void Heal();

  uint64_t count() const { return total_; }
  const std::map<FaultKind, uint64_t>& by_kind() const { return by_kind_; }

 private:
  FaultKind DrawKind();
  void Inject(FaultKind kind);
  void CrashBroker(BrokerNode& broker, SimEnv::Loss loss);
  void Blackout();
  void Partition(FaultKind kind);
  void BadDisk(FaultKind kind);
  void CurePoisoned(BrokerNode& broker);
  void StartLater(Node& node, Duration after);
  template <class F>
  void After(Duration time, F fn);
  template <class T>
  T& Any(const std::vector<std::unique_ptr<T>>& nodes) {
    return *nodes[random_.Below(nodes.size())];
  }

  World& world_;
  Cluster& cluster_;
  Random random_;
  Pace pace_;
  const bool async_broker_;
  bool healed_ = false;
  int dark_ = 0;  // Blackouts whose broker has not lost power yet: no consumer may start.
  // Their fdatasync failed or will fail: they must lose power before all is well. By name.
  std::set<std::string> poisoned_;
  uint64_t total_ = 0;
  std::map<FaultKind, uint64_t> by_kind_;
};

}  // namespace orbitmq::sim
