// SPDX-License-Identifier: Apache-2.0
#include "tools/mqadmin/group_view.h"

#include "common/names.h"
#include "common/strings.h"
#include "remoting/protocol/codes.h"

namespace orbitmq::tools {
Result<std::vector<Endpoint>> BrokersOfGroup(Session& session, const std::string& group,
                                             const std::string& topic, const std::string& broker) {
  if (!broker.empty()) {
    auto address = ParseEndpoint(broker);
    if (!address.ok()) return address.status();
    return std::vector<Endpoint>{*std::move(address)};
  }
  for (const std::string& named : {RetryTopic(group), topic}) {
    if (named.empty()) continue;
    const auto route = session.Route(named);
    if (route.ok()) return BrokersOfRoute(*route);
    if (route.status().wire_code() < 0) return route.status();
  }
  const auto view = session.ClusterView();
  if (!view.ok()) return view.status();
  std::vector<Endpoint> masters;
  for (const auto& [name, data] : view->broker_addr_table) {
    if (auto master = MasterAddress(data)) masters.push_back(*std::move(master));
  }
  return masters;
}

Result<proto::ConsumerConnection> ConsumersOfGroup(Session& session, const std::string& group,
                                                   const std::string& broker) {
  const auto brokers = BrokersOfGroup(session, group, "", broker);
  if (!brokers.ok()) return brokers.status();
  Status failure = Status(StatusCode::kFailedPrecondition, "Not found the consumer group connection")
                       .WithWireCode(proto::ResponseCode::kConsumerNotOnline);
  for (auto& found : session.admin().CallAll(&net::AdminStub::GetConsumers, *brokers, group)) {
    if (found.ok() && !found->connection_set.empty()) return found;
    if (!found.ok()) failure = found.status();
  }
  return failure;
}

Result<proto::ConsumeStats> ConsumeStatsOfGroup(Session& session, const ConsumeStatsQuery& query) {
  std::vector<Endpoint> brokers;
  if (!query.cluster.empty()) {
    const auto route = session.Route(query.cluster);
    if (!route.ok()) return route.status();
    brokers = BrokersOfRoute(*route);
  } else {
    auto found = BrokersOfGroup(session, query.group, query.topic);
    if (!found.ok()) return found.status();
    brokers = *std::move(found);
  }
  proto::GetConsumeStatsRequestHeader header;
  header.consumer_group = query.group;
  header.topic = query.topic;
  proto::ConsumeStats all;
  for (const auto& stats : session.admin().CallAll(&net::AdminStub::GetConsumeStats, brokers, header)) {
    if (!stats.ok()) return stats.status();
    all.offset_table.insert(stats->offset_table.begin(), stats->offset_table.end());
    all.consume_tps += stats->consume_tps;
  }
  if (all.offset_table.empty()) {
    return Status(StatusCode::kNotFound,
                  StrCat("Not found the consumer group consume stats: no broker has offsets of the group ",
                         query.group, query.topic.empty() ? "" : StrCat(" in the topic ", query.topic),
                         "; maybe the consumer not online, or it never committed any"));
  }
  return all;
}

proto::GetConsumerRunningInfoRequestHeader RunningInfoOf(const std::string& group, const std::string& client,
                                                         bool jstack) {
  proto::GetConsumerRunningInfoRequestHeader header;
  header.consumer_group = group;
  header.client_id = client;
  header.jstack_enable = jstack;
  return header;
}

Result<RunningInfos> AskMembers(Session& session, const std::string& group,
                                const proto::ConsumerConnection& connection, const MemberQuery& query) {
  const auto brokers = BrokersOfGroup(session, group, "", query.broker);
  if (!brokers.ok()) return brokers.status();
  if (brokers->empty()) return Status(StatusCode::kNotFound, "no broker serves the group");
  std::vector<std::pair<Endpoint, proto::GetConsumerRunningInfoRequestHeader>> questions;
  for (const proto::Connection& client : connection.connection_set) {
    questions.emplace_back(brokers->front(), RunningInfoOf(group, client.client_id, query.jstack));
  }
  RunningInfos infos;
  auto replies = session.admin().CallEach(&net::AdminStub::GetRunningInfo, questions);
  for (size_t i = 0; i < replies.size(); ++i) {
    if (replies[i].ok()) {
      infos[questions[i].second.client_id] = *std::move(replies[i]);
    } else {
      session.Warn(replies[i].status().Annotate(questions[i].second.client_id));
    }
  }
  return infos;
}

int64_t TotalDiff(const proto::ConsumeStats& stats) {
  int64_t total = 0;
  for (const auto& [queue, offset] : stats.offset_table)
    total += offset.broker_offset - offset.consumer_offset;
  return total;
}

}  // namespace orbitmq::tools
