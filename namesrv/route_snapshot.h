// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "remoting/protocol/data_version.h"
#include "remoting/protocol/route.h"

namespace orbitmq::namesrv {

// A broker group: the members that share a broker name.
struct BrokerGroup {
  std::string cluster;
  std::map<BrokerId, std::string> addrs;
  std::optional<bool> enable_acting_master;  // Absent: a broker older than 5.0.
  std::optional<std::string> zone;
};

// The queues of one topic, by broker name.
struct TopicRoute {
  std::map<std::string, proto::QueueData> queues;
  std::map<std::string, proto::TopicQueueMappingInfo> mappings;
};

using GroupTable = std::map<std::string, BrokerGroup>;
using TopicShard = std::map<std::string, TopicRoute>;
// Topics are cut into shards so that publishing a change copies one shard, not ten thousand topics.
inline constexpr size_t kTopicShards = 64;
size_t TopicShardOf(std::string_view topic);

struct RouteQuery {
  std::string_view topic;
  bool acting_master = false;  // The option supportActingMaster.
  // Zone mode: only brokers of this zone, or without a master. Empty = off.
  std::string_view zone;
};

// What the NameServer knows, frozen at one moment. Immutable.
// Threads: any.
class RouteSnapshot final {
 public:
  // nullopt when no live broker has the topic.
  std::optional<proto::TopicRouteData> Route(const RouteQuery& query) const;
  // Those that are there, and those that were lost.
  proto::ClusterInfo Clusters() const;
  // nullopt when the broker name is unknown.
  std::optional<proto::BrokerMemberGroup> MemberGroup(const std::string& cluster,
                                                      const std::string& broker_name) const;

  std::set<std::string> Topics() const;
  std::set<std::string> TopicsOfCluster(const std::string& cluster) const;
  // Cluster names and broker names, as Apache answers for "system topics".
  std::set<std::string> SystemNames() const;
  std::string SomeBrokerAddress() const;

  // unit: made in unit mode; has_unit_sub: subscribed by a unit; both bits of topicSysFlag.
  enum class UnitFilter : uint8_t { kUnit, kHasUnitSub, kHasUnitSubButNotUnit };
  std::set<std::string> UnitTopics(UnitFilter filter) const;

 private:
  friend class RouteTable;
  std::shared_ptr<const GroupTable> groups_ = std::make_shared<GroupTable>();
  std::shared_ptr<const GroupTable> lost_ = std::make_shared<GroupTable>();
  std::array<std::shared_ptr<const TopicShard>, kTopicShards> shards_;
};

}  // namespace orbitmq::namesrv
