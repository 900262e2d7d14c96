// SPDX-License-Identifier: Apache-2.0
#include "tools/mqadmin/group_facts.h"

#include <algorithm>

#include "common/names.h"
#include "tools/mqadmin/group_view.h"
#include "tools/mqadmin/running_info_text.h"

namespace orbitmq::tools {
namespace {

std::vector<QueueProgress> QueuesOf(const proto::ConsumeStats& stats) {
  std::vector<QueueProgress> queues;
  for (const auto& [queue, offset] : stats.offset_table) {
    QueueProgress progress{.queue = queue};
    progress.lag = std::max<int64_t>(offset.broker_offset - offset.consumer_offset, 0);
    progress.in_flight = std::max<int64_t>(offset.pull_offset - offset.consumer_offset, 0);
    progress.last_commit_ms = offset.last_timestamp;
    queues.push_back(std::move(progress));
  }
  return queues;
}

void AddMembers(const RunningInfos& infos, GroupFacts& facts) {
  for (const auto& [client, info] : infos) {
    for (const auto& [queue, state] : info.mq_table) {
      auto at = std::find_if(facts.queues.begin(), facts.queues.end(),
                             [&queue = queue](const QueueProgress& one) { return one.queue == queue; });
      if (at == facts.queues.end()) at = facts.queues.insert(at, {.queue = queue});
      at->owner = client;
      at->last_pull_ms = state.last_pull_timestamp;
      at->last_consume_ms = state.last_consume_timestamp;
      at->cached = state.cached_msg_count;
    }
    for (const auto& [queue, state] : info.mq_pop_table) {
      for (QueueProgress& one : facts.queues) {
        if (one.queue == queue) one.owner = client;
      }
    }
    for (const auto& [topic, status] : info.status_table) {
      facts.ok_tps += status.consume_ok_tps;
      facts.failed_tps += status.consume_failed_tps;
    }
  }
}

// Messages in the group's dead letter topic; a group without one has none.
int64_t DeadLetters(Session& session, const std::string& group) {
  const std::string topic = DlqTopic(group);
  const auto route = session.Route(topic);
  if (!route.ok()) return 0;
  const std::vector<Endpoint> brokers = BrokersOfRoute(*route);
  int64_t count = 0;
  for (const auto& stats : session.admin().CallAll(&net::AdminStub::GetTopicStats, brokers, topic)) {
    if (!stats.ok()) continue;
    for (const auto& [queue, offset] : stats->offset_table) count += offset.max_offset - offset.min_offset;
  }
  return count;
}

// Brokers where the group may not consume. One that does not answer has been told of already.
std::vector<std::string> SwitchedOff(Session& session, const std::string& group) {
  std::vector<std::string> off;
  const auto brokers = BrokersOfGroup(session, group, "");
  if (!brokers.ok()) return off;
  const auto tables = session.admin().CallAll(&net::AdminStub::GetAllGroups, *brokers);
  for (size_t i = 0; i < tables.size(); ++i) {
    if (!tables[i].ok()) continue;
    const auto config = tables[i]->subscription_group_table.find(group);
    if (config == tables[i]->subscription_group_table.end() || config->second.consume_enable) continue;
    off.push_back((*brokers)[i].ToString());
  }
  return off;
}

}  // namespace

Result<GroupFacts> FactsOfGroup(Session& session, const std::string& group) {
  GroupFacts facts;
  facts.now_ms = session.env().clock().WallMillis();
  const auto stats = ConsumeStatsToShow(session, {.group = group});
  const auto members = ConsumersOfGroup(session, group);
  if (!stats.ok() && (!members.ok() || stats.status().code() != StatusCode::kNotFound)) return stats.status();
  if (stats.ok()) {
    facts.queues = QueuesOf(stats->stats);
    facts.unknown = stats->unknown;
  }
  if (members.ok()) {
    facts.members = members->connection_set.size();
    const auto infos = AskMembers(session, group, *members, {});
    if (!infos.ok()) return infos.status();
    facts.members_that_answer = infos->size();
    facts.same_subscriptions = SameSubscriptions(*infos, facts.now_ms);
    AddMembers(*infos, facts);
  } else if (AdminClient::Unreachable(members.status()) && !stats.ok()) {
    // Else those that answered know nobody, and members tell every broker that they reach.
    return members.status();
  }
  facts.dead_letters = DeadLetters(session, group);
  if (TotalLag(facts) > 0) facts.switched_off = SwitchedOff(session, group);
  return facts;
}

}  // namespace orbitmq::tools
