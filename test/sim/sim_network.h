// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/network.h"
#include "test/sim/sim_scheduler.h"

namespace orbitmq::sim {

// How the simulated network treats everybody; partitions and resets are single faults on top.
struct NetworkFaults {
  Duration delay_min = std::chrono::microseconds(20);
  Duration delay_max = std::chrono::microseconds(500);
  // One chunk in so many is delayed by up to `clog_max` (0 = none): reorders traffic between connections.
  uint64_t clog_one_in = 200;
  Duration clog_max = std::chrono::milliseconds(80);
  // Writes are cut into up to this many chunks at random points.
  uint64_t chunks_max = 3;
};

// Every simulated host's network: byte streams, in order within a connection and cut at random points;
// delay, clog, one-way partition, reset, refused connect.
//
// Threads: one (the simulator's).
class SimNetwork final {
 public:
  explicit SimNetwork(Scheduler& scheduler, NetworkFaults faults);
  ~SimNetwork();

  // One per process incarnation; `host` is its address ("10.0.0.1") and `name` resolves to it.
  std::unique_ptr<Network> NewView(const std::string& host, const std::string& name);
  // Resets every connection of a killed host and frees its ports. Its own objects must not be called again.
  void KillHost(const std::string& host);

  // Bytes from `from` to `to` stall until Heal; connects between them time out.
  void Block(const std::string& from, const std::string& to);
  void Unblock(const std::string& from, const std::string& to);
  void HealAll();
  // From now on, for everybody.
  void SetFaults(const NetworkFaults& faults) { faults_ = faults; }
  bool Blocked(const std::string& from, const std::string& to) const { return blocked_.contains({from, to}); }
  // Breaks a random live connection between hosts (both ends see a reset, bytes under way are lost).
  bool ResetRandomConnection();

  struct Counters {
    uint64_t connects = 0;
    uint64_t chunks = 0;
    uint64_t clogs = 0;
    uint64_t resets = 0;
  };
  const Counters& counters() const { return counters_; }

  struct Link;
  struct Acceptor;

 private:
  friend class SimHostNetwork;
  friend class SimConnection;
  friend class SimListener;
  Duration DrawDelay();
  std::string Resolve(const std::string& own_host, const std::string& name) const;
  void Send(const std::shared_ptr<Link>& link, int from_side, std::string bytes);
  void ScheduleDelivery(const std::shared_ptr<Link>& link, int to_side);
  void Deliver(const std::shared_ptr<Link>& link, int to_side);
  void CloseLink(const std::shared_ptr<Link>& link, int by_side, bool in_order, const char* why);
  void FinishConnect(const std::shared_ptr<Link>& link, Completion<std::unique_ptr<Connection>> done);

  Scheduler& scheduler_;
  NetworkFaults faults_;
  Random random_;
  Counters counters_;
  std::map<std::string, std::string> names_;  // Host name -> address.
  std::map<Endpoint, std::shared_ptr<Acceptor>> acceptors_;
  std::set<std::pair<std::string, std::string>> blocked_;
  std::vector<std::weak_ptr<Link>> links_;
  uint16_t next_port_ = 40000;
};

}  // namespace orbitmq::sim
