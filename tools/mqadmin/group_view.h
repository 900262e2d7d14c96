// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "tools/mqadmin/session.h"

namespace orbitmq::tools {

// What several commands ask about a consumer group, put together from all its brokers.

// The brokers that serve a group: those of its retry topic, else of `topic` (may be empty), else every
// master. `broker`, if not empty, is the only one.
Result<std::vector<Endpoint>> BrokersOfGroup(Session& session, const std::string& group,
                                             const std::string& topic, const std::string& broker = {});

// Who is connected, from the first broker that knows members. With CONSUMER_NOT_ONLINE when none does.
Result<proto::ConsumerConnection> ConsumersOfGroup(Session& session, const std::string& group,
                                                   const std::string& broker = {});

// The offsets of all queues; of one topic unless it is empty. `cluster`, if not empty, names the route to
// take instead. kNotFound when no broker has any.
struct ConsumeStatsQuery {
  std::string group;
  std::string topic{};
  std::string cluster{};
  // Brokers that are asked for one topic tell an offset of 0 for each of its queues, also of a group that has
  // none, or that nobody knows. With this such a topic has none.
  bool committed_only = false;
};
Result<proto::ConsumeStats> ConsumeStatsOfGroup(Session& session, const ConsumeStatsQuery& query);
Status NoOffsets(const ConsumeStatsQuery& query);  // What is said then.

// The same for what is only shown: of those that answer, of a slave where its master is gone. What lacks is
// told (Session::Incomplete, Unanswered).
struct ShownConsumeStats {
  proto::ConsumeStats stats;
  std::vector<std::string> unknown;  // Brokers of which nothing is known.
};
Result<ShownConsumeStats> ConsumeStatsToShow(Session& session, const ConsumeStatsQuery& query);

// What each member of a group tells of itself, by client id. Members that do not answer are warned about and
// missing. `broker`, if not empty, is the one that passes the questions on.
using RunningInfos = std::map<std::string, proto::ConsumerRunningInfo>;
struct MemberQuery {
  std::string broker{};
  bool jstack = false;
};
Result<RunningInfos> AskMembers(Session& session, const std::string& group,
                                const proto::ConsumerConnection& connection, const MemberQuery& query);
proto::GetConsumerRunningInfoRequestHeader RunningInfoOf(const std::string& group, const std::string& client,
                                                         bool jstack);

// Brokers of which nothing is known: their last one was lost. As "broker-b (last seen at 10.0.0.1:10911)".
// NameServers of Apache's remember none.
std::vector<std::string> LostBrokers(const proto::ClusterInfo& view);

// All groups that consume: those that have a retry topic, as Java's mqadmin knows them, then, of brokers that
// answer, those that only committed offsets, such as mqadmin consume does.
Result<std::vector<std::string>> ConsumingGroups(Session& session);

int64_t TotalDiff(const proto::ConsumeStats& stats);

}  // namespace orbitmq::tools
