// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "test/sim/node.h"

namespace orbitmq::sim {

// NameServers tell the truth about who lives: a broker whose connection ended is out of the routes at once,
// and once the faults are over every NameServer knows every broker and topic.
class RouteChecker final {
 public:
  RouteChecker(World& world, Probe& probe) : world_(world), probe_(probe) {}

  // Asks `namesrv` soon whether it still lists the broker, which is down and was connected to it.
  void ExpectGone(NamesrvNode& namesrv, BrokerNode& broker);

  // Asks until every NameServer lists exactly these brokers for the topic, or the bound has come.
  void ExpectConverged(const std::vector<NamesrvNode*>& namesrvs, const std::vector<BrokerNode*>& brokers,
                       const std::vector<std::string>& topics);

 private:
  // "a=10.0.0.1:10911 b=..." for a topic, or why there is no answer.
  std::string AskRoute(NamesrvNode& namesrv, const std::string& topic);

  World& world_;
  Probe& probe_;
};

}  // namespace orbitmq::sim
