// SPDX-License-Identifier: Apache-2.0
#include "tools/mqadmin/traffic.h"

#include <algorithm>
#include <set>

#include "common/strings.h"
#include "tools/mqadmin/group_view.h"

namespace orbitmq::tools {
namespace {

// What a broker did not tell. Refusals are none: it knows nothing of the topic or group.
void TellSilent(Session& session, const Status& status) {
  if (AdminClient::Unreachable(status)) session.Unanswered(status);
}

Traffic TrafficOf(Session& session, const std::vector<Endpoint>& masters, const std::string& name,
                  const std::string& key) {
  Traffic total;
  const proto::ViewBrokerStatsDataRequestHeader header{name, key};
  for (const auto& stats : session.admin().CallAll(&net::AdminStub::ViewStats, masters, header)) {
    if (!stats.ok()) {
      TellSilent(session, stats.status());
      continue;
    }
    total.tps += stats->stats_minute.tps;
    total.day += DaySum(*stats);
  }
  return total;
}

int64_t LagOf(Session& session, const std::string& group, const std::string& topic) {
  const auto brokers = BrokersOfGroup(session, group, topic);
  if (!brokers.ok()) return 0;
  proto::GetConsumeStatsRequestHeader header;
  header.consumer_group = group;
  header.topic = topic;
  int64_t lag = 0;
  for (const auto& stats : session.admin().CallAll(&net::AdminStub::GetConsumeStats, *brokers, header)) {
    if (stats.ok()) lag += TotalDiff(*stats);
    if (!stats.ok()) TellSilent(session, stats.status());
  }
  return std::max<int64_t>(lag, 0);
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
  TopicTraffic traffic;
  for (const auto& list : session.admin().CallAll(&net::AdminStub::GetGroupsOfTopic, masters, topic)) {
    if (list.ok()) groups.insert(list->group_list.begin(), list->group_list.end());
    if (!list.ok()) TellSilent(session, list.status());
  }
  traffic.in = TrafficOf(session, masters, "TOPIC_PUT_NUMS", topic);
  for (const std::string& group : groups) {
    const Traffic out = TrafficOf(session, masters, "GROUP_GET_NUMS", StrCat(topic, "@", group));
    traffic.groups.push_back({group, out, LagOf(session, group, topic)});
  }
  return traffic;
}

}  // namespace orbitmq::tools
