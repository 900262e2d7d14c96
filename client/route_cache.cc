// SPDX-License-Identifier: Apache-2.0
#include "client/route_cache.h"

#include <algorithm>
#include <utility>

#include "common/limits.h"
#include "common/strings.h"
#include "common/sys_flag.h"

namespace orbitmq::client {
namespace {

// A hostile or broken NameServer must not make this client grow without bound.
constexpr size_t kQueuesPerRouteMax = size_t{64} * limits::kQueuesPerTopicMax;

Status TooManyQueues(const std::string& topic) {
  return {StatusCode::kCorrupt, StrCat("the route of topic '", topic, "' has more than ", kQueuesPerRouteMax,
                                       " queues; ask another NameServer")};
}

std::map<std::string, BrokerAddresses> ParseBrokers(const proto::TopicRouteData& data) {
  std::map<std::string, BrokerAddresses> brokers;
  for (const proto::BrokerData& broker : data.broker_datas) {
    for (const auto& [id, address] : broker.broker_addrs) {
      auto endpoint = ParseEndpoint(address);
      if (endpoint.ok()) brokers[broker.broker_name][id] = *std::move(endpoint);
    }
  }
  return brokers;
}

// Appends queues 0..count-1; false when the bound is hit.
bool AddQueues(const std::string& topic, const std::string& broker, int32_t count,
               std::vector<MessageQueue>& out) {
  if (count > limits::kQueuesPerTopicMax || out.size() > kQueuesPerRouteMax) return false;
  for (int32_t id = 0; id < count; ++id) out.push_back({topic, broker, id});
  return true;
}

// "brokerA:4;brokerB:2"
bool AddOrderedQueues(const std::string& topic, std::string_view conf, std::vector<MessageQueue>& out) {
  for (std::string_view item : Split(conf, ';')) {
    const size_t colon = item.rfind(':');
    if (colon == std::string_view::npos) continue;
    const auto count = ParseInt<int32_t>(item.substr(colon + 1));
    if (count && !AddQueues(topic, std::string(item.substr(0, colon)), *count, out)) return false;
  }
  return true;
}

}  // namespace

Result<TopicRoute> BuildTopicRoute(const std::string& topic, const proto::TopicRouteData& data) {
  TopicRoute route;
  route.topic = topic;
  route.brokers = ParseBrokers(data);
  const bool ordered = data.order_topic_conf && !data.order_topic_conf->empty();
  if (ordered && !AddOrderedQueues(topic, *data.order_topic_conf, route.publish_queues)) {
    return TooManyQueues(topic);
  }
  for (const proto::QueueData& queues : data.queue_datas) {
    const auto broker = route.brokers.find(queues.broker_name);
    const bool has_master = broker != route.brokers.end() && broker->second.contains(kMasterId);
    if (!ordered && perm::Writable(queues.perm) && has_master &&
        !AddQueues(topic, queues.broker_name, queues.write_queue_nums, route.publish_queues)) {
      return TooManyQueues(topic);
    }
    if (perm::Readable(queues.perm) &&
        !AddQueues(topic, queues.broker_name, queues.read_queue_nums, route.subscribe_queues)) {
      return TooManyQueues(topic);
    }
  }
  route.masterless = route.publish_queues.empty() &&
                     std::any_of(data.queue_datas.begin(), data.queue_datas.end(), [](const auto& queues) {
                       return perm::Writable(queues.perm) && queues.write_queue_nums > 0;
                     });
  std::sort(route.publish_queues.begin(), route.publish_queues.end());
  std::sort(route.subscribe_queues.begin(), route.subscribe_queues.end());
  return route;
}

Result<TopicRoute> BuildTemplateRoute(const std::string& topic, const proto::TopicRouteData& data,
                                      int32_t queue_count_max) {
  proto::TopicRouteData clamped = data;
  for (proto::QueueData& queues : clamped.queue_datas) {
    const int32_t count = std::min(queue_count_max, queues.read_queue_nums);
    queues.read_queue_nums = count;
    queues.write_queue_nums = count;
  }
  auto route = BuildTopicRoute(topic, clamped);
  if (!route.ok()) return route;
  route->source = RouteSource::kTemplate;
  // Nothing can be read from a topic that does not exist.
  route->subscribe_queues.clear();
  return route;
}

RoutePtr RouteCache::Find(const std::string& topic) const {
  const auto found = routes_.find(topic);
  return found == routes_.end() ? nullptr : found->second;
}

bool RouteCache::Put(TopicRoute route) {
  bool changed = false;
  for (const auto& [name, addresses] : route.brokers) {
    BrokerAddresses& known = brokers_[name];
    changed = changed || known != addresses;
    known = addresses;
  }
  RoutePtr& slot = routes_[route.topic];
  if (slot && *slot == route) return changed;
  slot = std::make_shared<const TopicRoute>(std::move(route));
  ForgetBrokers();
  return true;
}

void RouteCache::Remove(const std::string& topic) {
  if (routes_.erase(topic) > 0) ForgetBrokers();
}

void RouteCache::ForgetBrokers() {
  std::erase_if(brokers_, [this](const auto& broker) {
    return std::none_of(routes_.begin(), routes_.end(), [&broker](const auto& route) {
      return route.second->brokers.contains(broker.first);
    });
  });
}

std::optional<Endpoint> RouteCache::Master(const std::string& broker_name) const {
  const auto broker = brokers_.find(broker_name);
  if (broker == brokers_.end()) return std::nullopt;
  const auto master = broker->second.find(kMasterId);
  if (master == broker->second.end()) return std::nullopt;
  return master->second;
}

bool RouteCache::HasMaster(const std::string& broker_name) const {
  const auto broker = brokers_.find(broker_name);
  return broker != brokers_.end() && broker->second.contains(kMasterId);
}

std::optional<RouteCache::Replica> RouteCache::Nearest(const std::string& broker_name, BrokerId id) const {
  const auto broker = brokers_.find(broker_name);
  if (broker == brokers_.end() || broker->second.empty()) return std::nullopt;
  auto replica = broker->second.find(id);
  if (replica == broker->second.end() && id != kMasterId) replica = broker->second.find(id + 1);
  if (replica == broker->second.end()) replica = broker->second.begin();
  return Replica{replica->second, replica->first};
}

}  // namespace orbitmq::client
