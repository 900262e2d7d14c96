// SPDX-License-Identifier: Apache-2.0
// Ours: one screen about a consumer group, with a verdict in plain words.
#include <algorithm>

#include "common/names.h"
#include "common/strings.h"
#include "tools/mqadmin/group_verdict.h"
#include "tools/mqadmin/group_view.h"
#include "tools/mqadmin/java_format.h"
#include "tools/mqadmin/running_info_text.h"
#include "tools/mqadmin/session.h"

namespace orbitmq::tools {
namespace {

constexpr size_t kRowsMax = 12;  // With what stands above them: one screen.
constexpr char kFormat[] = "%-32s %-20s %-4s %-10s %-10s %-20s %-20s %s%n";
constexpr TableShape kQueues = {
    "queues", kFormat, kFormat, "#Topic|#Broker Name|#QID|#Lag|#In Flight|#Last Commit|#Last Pull|#Owner"};

Cell Moment(int64_t epoch_ms) {
  return epoch_ms > 0 ? Cell(HumanSeconds(epoch_ms), StrCat(epoch_ms)) : Cell("-", "null");
}

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
  std::vector<Endpoint> brokers;
  for (const proto::BrokerData& broker : route->broker_datas) {
    if (auto address = SelectAddress(broker)) brokers.push_back(*std::move(address));
  }
  int64_t count = 0;
  for (const auto& stats : session.admin().CallAll(&net::AdminStub::GetTopicStats, brokers, topic)) {
    if (!stats.ok()) continue;
    for (const auto& [queue, offset] : stats->offset_table) count += offset.max_offset - offset.min_offset;
  }
  return count;
}

Result<GroupFacts> AskAll(Session& session, const std::string& group) {
  GroupFacts facts;
  facts.now_ms = session.env().clock().WallMillis();
  const auto stats = ConsumeStatsOfGroup(session, {.group = group});
  const auto members = ConsumersOfGroup(session, group);
  if (!stats.ok() && (!members.ok() || stats.status().code() != StatusCode::kNotFound)) return stats.status();
  if (stats.ok()) facts.queues = QueuesOf(*stats);
  if (members.ok()) {
    facts.members = members->connection_set.size();
    const auto infos = AskMembers(session, group, *members, {});
    if (!infos.ok()) return infos.status();
    facts.members_that_answer = infos->size();
    facts.same_subscriptions = SameSubscriptions(*infos, facts.now_ms);
    AddMembers(*infos, facts);
  } else if (AdminClient::Unreachable(members.status())) {
    return members.status();
  }
  facts.dead_letters = DeadLetters(session, group);
  return facts;
}

void TellFigures(Session& session, const GroupFacts& facts) {
  int64_t in_flight = 0;
  int64_t retries = 0;
  int64_t last_pull_ms = 0;
  int64_t last_commit_ms = 0;
  for (const QueueProgress& queue : facts.queues) {
    in_flight += queue.in_flight;
    retries += IsRetryTopic(queue.queue.topic) ? queue.lag : 0;
    last_pull_ms = std::max(last_pull_ms, queue.last_pull_ms);
    last_commit_ms = std::max(last_commit_ms, queue.last_commit_ms);
  }
  Output& out = session.out();
  const auto fact = [&out](std::string_view name, std::string_view label, const Cell& value) {
    const std::string arguments[] = {std::string(label), value.text};
    out.Member(name, value.json);
    out.Text(JavaFormat("%-14s %s%n", arguments));
  };
  fact("members", "members:", facts.members);
  fact("lag", "lag:", TotalLag(facts));
  fact("inFlight", "in flight:", in_flight);
  fact("retries", "retries:", retries);
  fact("deadLetters", "dead letters:", facts.dead_letters);
  fact("okTps", "finished/s:", Cell::Fixed(facts.ok_tps, 2));
  fact("failedTps", "refused/s:", Cell::Fixed(facts.failed_tps, 2));
  fact("lastPull", "last pull:", Moment(last_pull_ms));
  fact("lastCommit", "last commit:", Moment(last_commit_ms));
  const QueueProgress* slowest = SlowestQueue(facts);
  fact("slowestQueue", "slowest queue:",
       slowest == nullptr ? Cell("-", "null")
                          : Cell(StrCat(slowest->queue.topic, " ", slowest->queue.broker_name, " ",
                                        slowest->queue.queue_id)));
}

void TellQueues(Session& session, GroupFacts& facts) {
  std::stable_sort(facts.queues.begin(), facts.queues.end(),
                   [](const QueueProgress& a, const QueueProgress& b) { return a.lag > b.lag; });
  session.out().Line("");
  session.out().Head(kQueues);
  size_t shown = 0;
  for (const QueueProgress& queue : facts.queues) {
    if (++shown > kRowsMax && !session.out().json()) break;
    session.out().Row(kQueues, {Cell::Front(queue.queue.topic, 32), Cell::Front(queue.queue.broker_name, 20),
                                queue.queue.queue_id, queue.lag, queue.in_flight,
                                Moment(queue.last_commit_ms), Moment(queue.last_pull_ms),
                                queue.owner.empty() ? Cell("-", "null") : Cell(queue.owner)});
  }
  if (facts.queues.size() > kRowsMax) {
    session.out().Line(StrCat("and ", facts.queues.size() - kRowsMax, " queues with smaller lags"));
  }
}

Status RunWhy(Session& session) {
  const std::vector<std::string>& words = session.args().words();
  if (words.size() != 1) return UsageError("give the consumer group: mqadmin why GROUP");
  auto facts = AskAll(session, words[0]);
  if (!facts.ok()) return facts.status();
  const GroupVerdict verdict = Judge(*facts);
  Output& out = session.out();
  out.Fact("group", words[0], StrCat("group ", words[0]));
  out.Member("state", JsonText(GroupStateName(verdict.state)));
  out.Fact("verdict", verdict.text, verdict.text);
  out.Member("remedy", JsonText(verdict.remedy));
  if (!verdict.remedy.empty()) out.Line(StrCat("remedy: ", verdict.remedy));
  out.Line("");
  TellFigures(session, *facts);
  TellQueues(session, *facts);
  return {};
}

constexpr CommandSpec kCommands[] = {
    {"why",
     "consumer group",
     "Tells on one screen how a group gets on, with a verdict",
     {},
     "mqadmin why billing",
     Effect::kReads,
     Needs::kNameServer,
     RunWhy,
     "GROUP"},
};

}  // namespace

std::span<const CommandSpec> WhyCommands() { return kCommands; }

}  // namespace orbitmq::tools
