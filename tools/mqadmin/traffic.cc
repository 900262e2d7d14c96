// SPDX-License-Identifier: Apache-2.0
#include "tools/mqadmin/traffic.h"

#include <algorithm>
#include <set>

#include "common/strings.h"
#include "tools/mqadmin/group_view.h"

namespace orbitmq::tools {
namespace {

Traffic TrafficOf(Session& session, const std::vector<Endpoint>& masters, const std::string& name,
                  const std::string& key) {
  Traffic total;
  const proto::ViewBrokerStatsDataRequestHeader header{name, key};
  for (const auto& stats : session.admin().CallAll(&net::AdminStub::ViewStats, masters, header)) {
    if (!stats.ok()) continue;
    total.tps += stats->stats_minute.tps;
    total.day += DaySum(*stats);
  }
  return total;
}

}  // namespace

int64_t DaySum(const proto::BrokerStatsData& stats) {
  if (stats.stats_day.sum != 0) return stats.stats_day.sum;
  if (stats.stats_hour.sum != 0) return stats.stats_hour.sum;
  return stats.stats_minute.sum;
}

Result<TopicTraffic> TrafficOfTopic(Session& session, const std::string& topic) {
  const auto route = session.Route(topic);
  if (!route.ok()) return route.status();
  std::vector<Endpoint> masters;
  std::set<std::string> groups;
  for (const proto::BrokerData& broker : route->broker_datas) {
    if (auto master = MasterAddress(broker)) masters.push_back(*std::move(master));
  }
  for (const auto& list : session.admin().CallAll(&net::AdminStub::GetGroupsOfTopic, masters, topic)) {
    if (list.ok()) groups.insert(list->group_list.begin(), list->group_list.end());
  }
  TopicTraffic traffic;
  traffic.in = TrafficOf(session, masters, "TOPIC_PUT_NUMS", topic);
  for (const std::string& group : groups) {
    const Traffic out = TrafficOf(session, masters, "GROUP_GET_NUMS", StrCat(topic, "@", group));
    const auto stats = ConsumeStatsOfGroup(session, {.group = group, .topic = topic});
    traffic.groups.push_back({group, out, stats.ok() ? std::max<int64_t>(TotalDiff(*stats), 0) : 0});
  }
  return traffic;
}

}  // namespace orbitmq::tools
