// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/endpoint.h"
#include "common/ids.h"
#include "orbitmq/message_queue.h"
#include "orbitmq/result.h"
#include "remoting/protocol/route.h"

namespace orbitmq::client {

using BrokerAddresses = std::map<BrokerId, Endpoint>;

enum class RouteSource : uint8_t {
  kTopic,     // The NameServer knows the topic.
  kTemplate,  // It does not: this is TBW102's route, and the broker makes the topic on the first send.
};

// What a client makes of a topic's route: an immutable snapshot.
struct TopicRoute {
  std::string topic;
  RouteSource source = RouteSource::kTopic;
  std::vector<MessageQueue> publish_queues;    // Writable, of brokers with a master; sorted.
  std::vector<MessageQueue> subscribe_queues;  // Readable; sorted.
  bool masterless = false;  // There are writable queues, but none whose broker has a master.
  std::map<std::string, BrokerAddresses> brokers;
  friend bool operator==(const TopicRoute&, const TopicRoute&) = default;
};
using RoutePtr = std::shared_ptr<const TopicRoute>;

// Java's rules (client.md 2.2). An order configuration alone decides the publish queues. Addresses that do
// not parse are left out. kCorrupt when the route has more queues than limits.h allows.
Result<TopicRoute> BuildTopicRoute(const std::string& topic, const proto::TopicRouteData& data);
// The route of a topic that does not exist yet, from the template's: at most `queue_count_max` queues a
// broker.
Result<TopicRoute> BuildTemplateRoute(const std::string& topic, const proto::TopicRouteData& data,
                                      int32_t queue_count_max);

// The routes that this client knows, and through them the brokers' addresses. Pure.
// Threads: owned by the client's loop.
class RouteCache final {
 public:
  // Null when unknown.
  RoutePtr Find(const std::string& topic) const;
  // Whether that changed anything.
  bool Put(TopicRoute route);
  void Remove(const std::string& topic);
  const std::map<std::string, RoutePtr>& routes() const { return routes_; }

  // By broker name, as the route that came last has them: when a master is gone, the routes of other topics
  // still name it until their next poll. A broker that no route mentions any more is forgotten.
  const std::map<std::string, BrokerAddresses>& brokers() const { return brokers_; }
  std::optional<Endpoint> Master(const std::string& broker_name) const;
  bool HasMaster(const std::string& broker_name) const;
  // The asked id if it is known; else, for a slave, the next id, and then any (client.md 3.6).
  struct Replica {
    Endpoint endpoint;
    BrokerId id = kMasterId;
  };
  std::optional<Replica> Nearest(const std::string& broker_name, BrokerId id) const;

 private:
  void ForgetBrokers();
  std::map<std::string, RoutePtr> routes_;
  std::map<std::string, BrokerAddresses> brokers_;
};

}  // namespace orbitmq::client
