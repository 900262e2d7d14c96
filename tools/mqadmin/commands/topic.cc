// SPDX-License-Identifier: Apache-2.0
// Commands that tell of topics; those that change them are in topic_change.cc.
#include <algorithm>

#include "client/allocation.h"
#include "common/names.h"
#include "common/strings.h"
#include "remoting/protocol/body_codec.h"
#include "remoting/protocol/json.h"
#include "tools/mqadmin/java_format.h"
#include "tools/mqadmin/java_text.h"
#include "tools/mqadmin/session.h"

namespace orbitmq::tools {
namespace {

constexpr TableShape kTopicsByCluster = {"topics", "%-20s  %-48s  %-48s%n", "%-20s  %-64s  %-64s%n",
                                         "#Cluster Name|#Topic|#Consumer Group"};
constexpr char kRouteFormat[] = "%-45s %-32s %-50s %-10s %-11s %-5s%n";
constexpr TableShape kRoute = {"brokers", kRouteFormat, kRouteFormat,
                               "#ClusterName|#BrokerName|#BrokerAddrs|#ReadQueue|#WriteQueue|#Perm"};
constexpr TableShape kQueues = {"queues", "%-32s  %-4s  %-20s  %-20s    %s%n",
                                "%-32s  %-4s  %-20s  %-20s    %s%n",
                                "#Broker Name|#QID|#Min Offset|#Max Offset|#Last Updated"};

bool IsRetryOrDeadLetter(std::string_view topic) {
  return topic.starts_with(names::kRetryPrefix) || topic.starts_with(names::kDlqPrefix);
}

// A topic with where it is and who consumes it.
struct TopicPlace {
  std::string cluster;
  std::vector<std::string> groups;
};

std::string ClusterOf(const proto::ClusterInfo& view, const std::string& broker) {
  for (const auto& [cluster, names] : view.cluster_addr_table) {
    if (names.contains(broker)) return cluster;
  }
  return {};
}

// What Java asks per topic, asked for many topics at a time: routes first, then the first broker's groups. A
// topic whose route or groups cannot be told keeps empty fields.
std::map<std::string, TopicPlace> PlacesOf(Session& session, const proto::ClusterInfo& view,
                                           const std::vector<std::string>& topics) {
  std::map<std::string, TopicPlace> places;
  if (topics.empty()) return places;
  std::vector<std::pair<Endpoint, std::string>> questions;
  const Endpoint name_server = session.admin().PreferredNameServers().front();
  for (const std::string& topic : topics) questions.emplace_back(name_server, topic);
  const auto routes = session.admin().CallEach(&net::NamesrvStub::GetRoute, questions);
  std::vector<std::pair<Endpoint, std::string>> asked;
  for (size_t i = 0; i < topics.size(); ++i) {
    if (!routes[i].ok() || routes[i]->broker_datas.empty()) continue;
    const proto::BrokerData& broker = routes[i]->broker_datas.front();
    places[topics[i]].cluster = ClusterOf(view, broker.broker_name);
    if (auto address = SelectAddress(broker)) asked.emplace_back(*std::move(address), topics[i]);
  }
  const auto groups = session.admin().CallEach(&net::AdminStub::GetGroupsOfTopic, asked);
  for (size_t i = 0; i < asked.size(); ++i) {
    if (groups[i].ok()) places[asked[i].second].groups = groups[i]->group_list;
  }
  return places;
}

Status ListTopicsByCluster(Session& session, const std::vector<std::string>& all) {
  const auto view = session.ClusterView();
  if (!view.ok()) return view.status();
  std::vector<std::string> topics;
  std::copy_if(all.begin(), all.end(), std::back_inserter(topics),
               [](const std::string& topic) { return !IsRetryOrDeadLetter(topic); });
  auto places = PlacesOf(session, *view, topics);
  session.out().Head(kTopicsByCluster);
  for (const std::string& topic : topics) {
    TopicPlace& place = places[topic];
    if (place.groups.empty()) place.groups.emplace_back();
    for (const std::string& group : place.groups) {
      session.out().Row(kTopicsByCluster,
                        {Cell::Front(place.cluster, 20), Cell::Front(topic, 64), Cell::Front(group, 64)});
    }
  }
  return {};
}

Status RunTopicList(Session& session) {
  const auto topics = session.admin().CallNamesrv(&net::NamesrvStub::GetAllTopics);
  if (!topics.ok()) return topics.status();
  if (session.args().Has("clusterModel")) return ListTopicsByCluster(session, topics->topic_list);
  std::string list = "[";
  for (const std::string& topic : topics->topic_list) {
    session.out().Line(topic);
    StrAppend(list, list.size() == 1 ? "" : ",", JsonText(topic));
  }
  session.out().Member("topics", list + "]");
  return {};
}

void PrintRouteList(Session& session, proto::TopicRouteData& route) {
  std::map<std::string, proto::QueueData> queues;
  for (const proto::QueueData& queue : route.queue_datas) queues[queue.broker_name] = queue;
  std::sort(route.broker_datas.begin(), route.broker_datas.end(),
            [](const auto& a, const auto& b) { return a.broker_name < b.broker_name; });
  int32_t reads = 0;
  int32_t writes = 0;
  session.out().Head(kRoute);
  for (const proto::BrokerData& broker : route.broker_datas) {
    const proto::QueueData& queue = queues[broker.broker_name];
    reads += queue.read_queue_nums;
    writes += queue.write_queue_nums;
    std::map<std::string, std::string> addresses;
    for (const auto& [id, address] : broker.broker_addrs) addresses[StrCat(id)] = address;
    session.out().Row(kRoute, {broker.cluster, broker.broker_name, JavaMapText(addresses),
                               queue.read_queue_nums, queue.write_queue_nums, queue.perm});
  }
  session.out().Line(std::string(158, '-'));
  const std::string total[] = {"Total:", StrCat(queues.size()), "", StrCat(reads), StrCat(writes), ""};
  session.out().Text(JavaFormat(kRouteFormat, total));
}

Status RunTopicRoute(Session& session) {
  auto route = session.Route(session.args().Text("topic"));
  if (!route.ok()) return route.status();
  if (session.args().Has("list")) {
    PrintRouteList(session, *route);
    return {};
  }
  session.out().Line(proto::EncodeBody(*route, proto::JsonStyle::kPretty));
  session.out().Member("route", proto::EncodeBody(*route, proto::JsonStyle::kStandard));
  return {};
}

Status RunTopicStatus(Session& session) {
  const std::string topic = session.args().Text("topic");
  const auto route = session.Route(session.args().Text("cluster", topic));
  if (!route.ok()) return route.status();
  const std::vector<Endpoint> brokers = BrokersOfRoute(*route);
  proto::TopicStatsTable all;
  for (const auto& stats : session.admin().CallAll(&net::AdminStub::GetTopicStats, brokers, topic)) {
    if (!stats.ok() && !AdminClient::Unreachable(stats.status())) return stats.status();
    if (!stats.ok()) {
      session.Unanswered(stats.status());
      continue;
    }
    all.offset_table.insert(stats->offset_table.begin(), stats->offset_table.end());
    all.topic_put_tps += stats->topic_put_tps;
  }
  if (all.offset_table.empty() && !session.unanswered().ok()) return session.unanswered();
  if (all.offset_table.empty() && !session.args().Has("cluster")) {
    return {StatusCode::kNotFound, "Not found the topic stats info: no broker of its route knows the topic"};
  }
  session.out().Head(kQueues);
  for (const auto& [queue, offset] : all.offset_table) {
    session.out().Row(kQueues, {Cell::Front(queue.broker_name, 32), queue.queue_id, offset.min_offset,
                                offset.max_offset, Cell::Time(offset.last_update_timestamp)});
  }
  const std::string tps = proto::FormatJavaDouble(all.topic_put_tps);
  session.out().Line("");
  session.out().Fact("topicPutTps", Cell(tps, tps), StrCat("Topic Put TPS: ", tps));
  return {};
}

Status RunTopicClusterList(Session& session) {
  const auto view = session.ClusterView();
  if (!view.ok()) return view.status();
  const auto route = session.Route(session.args().Text("topic"));
  if (!route.ok()) return route.status();
  std::set<std::string> clusters;
  for (const proto::BrokerData& broker : route->broker_datas) {
    clusters.insert(ClusterOf(*view, broker.broker_name));
  }
  std::string list = "[";
  for (const std::string& cluster : clusters) {
    session.out().Line(cluster);
    StrAppend(list, list.size() == 1 ? "" : ",", JsonText(cluster));
  }
  session.out().Member("clusters", list + "]");
  return {};
}

Status RunAllocateMq(Session& session) {
  const std::string topic = session.args().Text("topic");
  const auto route = session.Route(topic);
  if (!route.ok()) return route.status();
  std::vector<MessageQueue> queues;
  for (const proto::QueueData& data : route->queue_datas) {
    if ((data.perm & proto::kPermRead) == 0) continue;
    for (int32_t i = 0; i < data.read_queue_nums; ++i) queues.push_back({topic, data.broker_name, i});
  }
  std::vector<std::string> clients;
  const std::string list = session.args().Text("ipList");
  for (const std::string_view client : Split(list, ',')) clients.emplace_back(client);
  std::string result = "{";
  for (const std::string& client : clients) {
    std::string owned;
    for (const MessageQueue& queue :
         client::Allocate(AllocationStrategy::kAveragely, queues, clients, client)) {
      StrAppend(owned, owned.empty() ? "" : ",", "{\"brokerName\":", JsonText(queue.broker_name),
                ",\"queueId\":", queue.queue_id, ",\"topic\":", JsonText(queue.topic), "}");
    }
    StrAppend(result, result.size() == 1 ? "" : ",", JsonText(client), ":[", owned, "]");
  }
  result += "}";
  session.out().Line(StrCat("{\"result\":", result, "}"));
  session.out().Member("result", result);
  return {};
}

constexpr OptionSpec kTopicOption = {"t", "topic", ValueKind::kTopic, Need::kRequired, "the topic"};

constexpr OptionSpec kAllocateMq[] = {
    kTopicOption, {"i", "ipList", ValueKind::kText, Need::kRequired, "client addresses, separated by ','"}};
constexpr OptionSpec kOnlyTopic[] = {kTopicOption};
constexpr OptionSpec kTopicList[] = {
    {"c", "clusterModel", ValueKind::kFlag, Need::kOptional, "with the cluster and the consumer groups"}};
constexpr OptionSpec kTopicRoute[] = {
    kTopicOption, {"l", "list", ValueKind::kFlag, Need::kOptional, "as a table instead of JSON"}};
constexpr OptionSpec kTopicStatus[] = {
    kTopicOption,
    {"c", "cluster", ValueKind::kCluster, Need::kOptional,
     "find the brokers through the route of this cluster (or parent topic) instead"}};

constexpr CommandSpec kTellers[] = {
    {"allocateMQ", "topic", "Tells which queues each client of a list would get", kAllocateMq,
     "mqadmin allocateMQ -t orders -i 10.0.0.1,10.0.0.2", Effect::kReads, Needs::kNameServer, RunAllocateMq},
    {"topicClusterList", "topic", "Lists the clusters that host a topic", kOnlyTopic,
     "mqadmin topicClusterList -t orders", Effect::kReads, Needs::kNameServer, RunTopicClusterList},
    {"topicList", "topic", "Lists all topics", kTopicList, "mqadmin topicList -c", Effect::kReads,
     Needs::kNameServer, RunTopicList},
    {"topicRoute", "topic", "Shows which brokers and queues a topic has", kTopicRoute,
     "mqadmin topicRoute -t orders -l", Effect::kReads, Needs::kNameServer, RunTopicRoute},
    {"topicStatus", "topic", "Shows the offsets of each queue of a topic", kTopicStatus,
     "mqadmin topicStatus -t orders --watch 2", Effect::kReads, Needs::kNameServer, RunTopicStatus},
};

}  // namespace

std::span<const CommandSpec> TopicCommands() { return kTellers; }

}  // namespace orbitmq::tools
