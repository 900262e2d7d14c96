// SPDX-License-Identifier: Apache-2.0
#include "tools/mqadmin/group_view.h"

#include <algorithm>
#include <set>

#include "common/names.h"
#include "common/strings.h"
#include "remoting/protocol/codes.h"

namespace orbitmq::tools {
namespace {

// The names of the brokers that serve a group; empty: any may.
Result<std::set<std::string>> NamesOf(Session& session, const ConsumeStatsQuery& query) {
  std::vector<std::string> topics = {RetryTopic(query.group), query.topic};
  if (!query.cluster.empty()) topics = {query.cluster};
  std::set<std::string> names;
  for (const std::string& topic : topics) {
    if (topic.empty() || !names.empty()) continue;
    const auto route = session.Route(topic);
    if (!route.ok() && (route.status().wire_code() < 0 || !query.cluster.empty())) return route.status();
    if (!route.ok()) continue;
    for (const proto::BrokerData& broker : route->broker_datas) names.insert(broker.broker_name);
  }
  return names;
}

proto::GetConsumeStatsRequestHeader HeaderOf(const ConsumeStatsQuery& query) {
  proto::GetConsumeStatsRequestHeader header;
  header.consumer_group = query.group;
  // Without a topic brokers tell of those that the group has offsets in.
  if (!query.committed_only) header.topic = query.topic;
  return header;
}

void AddStats(const proto::ConsumeStats& one, proto::ConsumeStats& all) {
  all.offset_table.insert(one.offset_table.begin(), one.offset_table.end());
  all.consume_tps += one.consume_tps;
}

}  // namespace

Status NoOffsets(const ConsumeStatsQuery& query) {
  return {StatusCode::kNotFound,
          StrCat("Not found the consumer group consume stats: no broker has offsets of the group ",
                 query.group, query.topic.empty() ? "" : StrCat(" in the topic ", query.topic),
                 "; maybe the consumer not online, or it never committed any")};
}

std::vector<std::string> LostBrokers(const proto::ClusterInfo& view) {
  std::vector<std::string> lost;
  if (!view.lost_broker_table) return lost;
  for (const auto& [name, broker] : *view.lost_broker_table) {
    const std::string at = broker.broker_addrs.empty() ? "?" : broker.broker_addrs.begin()->second;
    lost.push_back(StrCat(Printable(name), " (last seen at ", Printable(at), ")"));
  }
  return lost;
}

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
  proto::ConsumeStats all;
  for (const auto& stats :
       session.admin().CallAll(&net::AdminStub::GetConsumeStats, brokers, HeaderOf(query))) {
    if (!stats.ok()) return stats.status();
    AddStats(*stats, all);
  }
  std::erase_if(all.offset_table, [&query](const auto& entry) {
    return query.committed_only && !query.topic.empty() && entry.first.topic != query.topic;
  });
  if (all.offset_table.empty()) return NoOffsets(query);
  return all;
}

Result<ShownConsumeStats> ConsumeStatsToShow(Session& session, const ConsumeStatsQuery& query) {
  const auto view = session.ClusterView();
  if (!view.ok()) return view.status();
  const auto names = NamesOf(session, query);
  if (!names.ok()) return names.status();
  ShownConsumeStats shown;
  std::vector<Endpoint> brokers;
  for (const auto& [name, broker] : view->broker_addr_table) {
    const auto address = SelectAddress(broker);
    if (!address || (!names->empty() && !names->contains(name))) continue;
    if (!MasterAddress(broker)) {
      session.Incomplete(StrCat("the broker ", Printable(name), " has no master now: its slave ",
                                address->ToString(), " tells instead, which may lack the newest messages"));
    }
    brokers.push_back(*address);
  }
  for (const std::string& lost : LostBrokers(*view)) {
    session.Incomplete(StrCat("the broker ", lost, " is gone: what waits there is not known"));
    shown.unknown.push_back(lost);
  }
  Status silent;
  const auto answers = session.admin().CallAll(&net::AdminStub::GetConsumeStats, brokers, HeaderOf(query));
  for (size_t i = 0; i < answers.size(); ++i) {
    if (answers[i].ok()) {
      AddStats(*answers[i], shown.stats);
      continue;
    }
    if (!AdminClient::Unreachable(answers[i].status())) return answers[i].status();
    if (silent.ok()) silent = answers[i].status();
    session.Unanswered(answers[i].status());
    shown.unknown.push_back(brokers[i].ToString());
  }
  if (shown.stats.offset_table.empty()) return silent.ok() ? NoOffsets(query) : silent;
  return shown;
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
  const auto first = std::find_if_not(brokers->begin(), brokers->end(),
                                      [&session](const Endpoint& one) { return session.admin().mute(one); });
  const Endpoint asked = first == brokers->end() ? brokers->front() : *first;
  std::vector<std::pair<Endpoint, proto::GetConsumerRunningInfoRequestHeader>> questions;
  for (const proto::Connection& client : connection.connection_set) {
    questions.emplace_back(asked, RunningInfoOf(group, client.client_id, query.jstack));
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

Result<std::vector<std::string>> ConsumingGroups(Session& session) {
  const auto topics = session.admin().CallNamesrv(&net::NamesrvStub::GetAllTopics);
  if (!topics.ok()) return topics.status();
  const auto view = session.ClusterView();
  if (!view.ok()) return view.status();
  std::vector<std::string> groups;
  for (const std::string& topic : topics->topic_list) {
    if (IsRetryTopic(topic)) groups.emplace_back(GroupOfRetryOrDlqTopic(topic));
  }
  std::vector<Endpoint> brokers;
  for (const auto& [name, broker] : view->broker_addr_table) {
    if (auto address = SelectAddress(broker)) brokers.push_back(*std::move(address));
  }
  const std::set<std::string> known(groups.begin(), groups.end());
  std::set<std::string> others;
  for (const auto& offsets : session.admin().CallAll(&net::AdminStub::GetAllConsumerOffsets, brokers)) {
    if (!offsets.ok()) {
      session.Unanswered(offsets.status());
      continue;
    }
    for (const auto& [place, queues] : offsets->offset_table) {
      const size_t at = place.find('@');
      if (at == std::string::npos) continue;
      std::string group = place.substr(at + 1);
      if (IsSystemGroup(group) || IsPredefinedGroup(group) || known.contains(group)) continue;
      others.insert(std::move(group));
    }
  }
  groups.insert(groups.end(), others.begin(), others.end());
  return groups;
}

int64_t TotalDiff(const proto::ConsumeStats& stats) {
  int64_t total = 0;
  for (const auto& [queue, offset] : stats.offset_table)
    total += offset.broker_offset - offset.consumer_offset;
  return total;
}

}  // namespace orbitmq::tools
