// SPDX-License-Identifier: Apache-2.0
#include "namesrv/route_snapshot.h"

#include <functional>
#include <utility>

#include "common/strings.h"

namespace orbitmq::namesrv {
namespace {

constexpr int32_t kSysFlagUnit = 1;
constexpr int32_t kSysFlagUnitSub = 2;

// Topics over which members of a group talk to each other: an acting master must not show up there.
constexpr std::string_view kMemberSyncTopicPrefix = "rmq_sys_SYNC_BROKER_MEMBER_";

proto::BrokerData ToBrokerData(const std::string& name, const BrokerGroup& group) {
  proto::BrokerData data;
  data.broker_name = name;
  data.cluster = group.cluster;
  data.broker_addrs = group.addrs;
  data.enable_acting_master = group.enable_acting_master.value_or(false);
  data.zone_name = group.zone;
  return data;
}

bool InZone(const BrokerGroup& group, std::string_view zone) {
  if (!group.addrs.contains(kMasterId)) return true;
  return group.zone.has_value() && EqualsIgnoreCase(*group.zone, zone);
}

// Presents the smallest id as the master when the group has none and may no longer be written to.
void PromoteActingMaster(const proto::QueueData& queue, proto::BrokerData& data) {
  if (!data.enable_acting_master || data.broker_addrs.empty() || data.broker_addrs.contains(kMasterId))
    return;
  if ((queue.perm & proto::kPermWrite) != 0) return;
  auto node = data.broker_addrs.extract(data.broker_addrs.begin());
  node.key() = kMasterId;
  data.broker_addrs.insert(std::move(node));
}

}  // namespace

size_t TopicShardOf(std::string_view topic) { return std::hash<std::string_view>()(topic) % kTopicShards; }

std::optional<proto::TopicRouteData> RouteSnapshot::Route(const RouteQuery& query) const {
  const auto& shard = shards_[TopicShardOf(query.topic)];
  if (shard == nullptr) return std::nullopt;
  const auto topic = shard->find(std::string(query.topic));
  if (topic == shard->end()) return std::nullopt;

  proto::TopicRouteData route;
  for (const auto& [broker_name, queue] : topic->second.queues) {
    const auto group = groups_->find(broker_name);
    if (group == groups_->end()) continue;
    if (!query.zone.empty() && !InZone(group->second, query.zone)) continue;
    route.queue_datas.push_back(queue);
    route.broker_datas.push_back(ToBrokerData(broker_name, group->second));
    if (query.acting_master && !query.topic.starts_with(kMemberSyncTopicPrefix)) {
      PromoteActingMaster(queue, route.broker_datas.back());
    }
    const auto mapping = topic->second.mappings.find(broker_name);
    if (mapping != topic->second.mappings.end()) {
      if (!route.topic_queue_mapping_by_broker) route.topic_queue_mapping_by_broker.emplace();
      (*route.topic_queue_mapping_by_broker)[broker_name] = mapping->second;
    }
  }
  if (route.broker_datas.empty()) return std::nullopt;
  return route;
}

proto::ClusterInfo RouteSnapshot::Clusters() const {
  proto::ClusterInfo info;
  for (const auto& [name, group] : *groups_) {
    info.broker_addr_table[name] = ToBrokerData(name, group);
    info.cluster_addr_table[group.cluster].insert(name);
  }
  for (const auto& [name, group] : *lost_) {
    if (!info.lost_broker_table) info.lost_broker_table.emplace();
    (*info.lost_broker_table)[name] = ToBrokerData(name, group);
  }
  return info;
}

std::optional<proto::BrokerMemberGroup> RouteSnapshot::MemberGroup(const std::string& cluster,
                                                                   const std::string& broker_name) const {
  const auto group = groups_->find(broker_name);
  if (group == groups_->end()) return std::nullopt;
  proto::BrokerMemberGroup members;
  members.cluster = cluster;
  members.broker_name = broker_name;
  members.broker_addrs = group->second.addrs;
  return members;
}

std::set<std::string> RouteSnapshot::Topics() const {
  std::set<std::string> out;
  for (const auto& shard : shards_) {
    if (shard == nullptr) continue;
    for (const auto& [topic, route] : *shard) out.insert(topic);
  }
  return out;
}

std::set<std::string> RouteSnapshot::TopicsOfCluster(const std::string& cluster) const {
  std::set<std::string> out;
  for (const auto& shard : shards_) {
    if (shard == nullptr) continue;
    for (const auto& [topic, route] : *shard) {
      for (const auto& [broker_name, queue] : route.queues) {
        const auto group = groups_->find(broker_name);
        if (group != groups_->end() && group->second.cluster == cluster) out.insert(topic);
      }
    }
  }
  return out;
}

std::set<std::string> RouteSnapshot::SystemNames() const {
  std::set<std::string> out;
  for (const auto& [name, group] : *groups_) {
    out.insert(group.cluster);
    out.insert(name);
  }
  return out;
}

std::string RouteSnapshot::SomeBrokerAddress() const {
  for (const auto& [name, group] : *groups_) {
    if (!group.addrs.empty()) return group.addrs.begin()->second;
  }
  return "";
}

std::set<std::string> RouteSnapshot::UnitTopics(UnitFilter filter) const {
  std::set<std::string> out;
  for (const auto& shard : shards_) {
    if (shard == nullptr) continue;
    for (const auto& [topic, route] : *shard) {
      if (route.queues.empty()) continue;
      const int32_t flag = route.queues.begin()->second.topic_sys_flag;
      const bool unit = (flag & kSysFlagUnit) != 0;
      const bool sub = (flag & kSysFlagUnitSub) != 0;
      const bool wanted = filter == UnitFilter::kUnit         ? unit
                          : filter == UnitFilter::kHasUnitSub ? sub
                                                              : sub && !unit;
      if (wanted) out.insert(topic);
    }
  }
  return out;
}

}  // namespace orbitmq::namesrv
