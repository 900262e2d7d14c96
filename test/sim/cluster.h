// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "test/sim/checkers/delivery.h"
#include "test/sim/checkers/log.h"
#include "test/sim/checkers/offset.h"
#include "test/sim/checkers/queue_order.h"
#include "test/sim/checkers/route.h"
#include "test/sim/node.h"

namespace orbitmq::sim {

inline constexpr char kOrdersTopic[] = "orders";  // Made by the administrator on every broker.
inline constexpr char kEventsTopic[] = "events";  // Likewise; with tags.
inline constexpr char kAutoTopic[] = "visits";    // Made by the brokers on the first send.

// The system under test - one or two NameServers, two brokers, producers and the members of several consumer
// groups, each on its own machine - with the checkers that watch it.
//
// Odd one out: on every fifth seed the second broker flushes asynchronously. It may lose acknowledged
// messages with the power; consumers must not skip what it stores afterwards.
class Cluster final {
 public:
  Cluster(World& world, uint64_t seed);
  ~Cluster();
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  // Starts everything and makes the topics; false when the cluster does not get ready.
  bool Begin();

  const std::vector<std::unique_ptr<NamesrvNode>>& namesrvs() const { return namesrvs_; }
  const std::vector<std::unique_ptr<BrokerNode>>& brokers() const { return brokers_; }
  const std::vector<std::unique_ptr<ProducerNode>>& producers() const { return producers_; }
  const std::vector<std::unique_ptr<ConsumerNode>>& consumers() const { return consumers_; }
  std::vector<Node*> nodes() const;

  // Kills and has the checkers look at what the broker left, and at the routes.
  void Kill(Node& node, SimEnv::Loss loss);

  // Stops the clients, the brokers, the NameServers, in order.
  void StopAll();
  void CheckRoutes();

  DeliveryChecker& delivery() { return delivery_; }
  QueueOrderChecker& queue_order() { return queue_order_; }
  // Taken when a broker stopped or crashed; the last one per broker counts at the end.
  std::vector<StoreImage> LastImages() const;

 private:
  void AddNamesrvs(uint64_t seed);
  void AddBrokers(uint64_t seed);
  void AddClients();
  Duration DrawSkew();
  ConsumeResult OnMessages(size_t group, std::span<const ReceivedMessage> messages);
  bool GivesBack(const GroupSpec& spec, const SentMessage& sent) const;
  void ExcuseDetours();
  void OnBrokerAtRest(BrokerNode& broker, bool power_lost);
  bool MakeTopic(const char* topic, BrokerNode& broker);
  bool AwaitStopped(const std::vector<Node*>& nodes);

  World& world_;
  std::string namesrv_list_;
  // Declared before the nodes, which report to them until the end.
  DeliveryChecker delivery_;
  QueueOrderChecker queue_order_;
  OffsetChecker offset_;
  LogChecker log_;
  std::map<std::string, StoreImage> images_;
  Random consume_random_;
  Probe probe_;
  RouteChecker route_;
  std::vector<std::unique_ptr<NamesrvNode>> namesrvs_;
  std::vector<std::unique_ptr<BrokerNode>> brokers_;
  std::vector<std::unique_ptr<ProducerNode>> producers_;
  std::vector<std::unique_ptr<ConsumerNode>> consumers_;
};

// The groups of the workload.
std::vector<GroupSpec> WorkloadGroups();

}  // namespace orbitmq::sim
