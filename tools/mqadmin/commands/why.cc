// SPDX-License-Identifier: Apache-2.0
// Ours: one screen about a consumer group, with a verdict in plain words.
#include <algorithm>

#include "common/names.h"
#include "common/strings.h"
#include "tools/mqadmin/group_facts.h"
#include "tools/mqadmin/java_format.h"
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
  std::vector<std::string> words = session.args().words();
  if (session.args().Has("consumerGroup")) words.push_back(session.args().Text("consumerGroup"));
  if (words.size() != 1 || words[0].empty()) {
    return UsageError("give one consumer group: mqadmin why GROUP, or -g GROUP");
  }
  session.admin().WaitOncePerServer();
  auto facts = FactsOfGroup(session, words[0]);
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

constexpr OptionSpec kWhy[] = {
    {"g", "consumerGroup", ValueKind::kGroup, Need::kOptional, "the group, instead of the word GROUP"}};
constexpr WordSpec kWords[] = {{ValueKind::kGroup}};

constexpr CommandSpec kCommands[] = {
    {"why", "consumer group", "Tells on one screen how a group gets on, with a verdict", kWhy,
     "mqadmin why billing", Effect::kReads, Needs::kNameServer, RunWhy, "[GROUP]", kWords},
};

}  // namespace

std::span<const CommandSpec> WhyCommands() { return kCommands; }

}  // namespace orbitmq::tools
