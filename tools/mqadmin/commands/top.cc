// SPDX-License-Identifier: Apache-2.0
// Ours: the busiest topics and groups, again and again on a terminal.
#include <algorithm>

#include "common/names.h"
#include "common/strings.h"
#include "tools/mqadmin/java_format.h"
#include "tools/mqadmin/session.h"
#include "tools/mqadmin/traffic.h"

namespace orbitmq::tools {
namespace {

constexpr char kFormat[] = "%-40s %-40s %12s %12s %14s%n";
constexpr TableShape kBusiest = {"busiest", kFormat, kFormat, "#Topic|#Group|#InTPS|#OutTPS|#Lag"};

struct BusyRow {
  std::string topic;
  std::string group;  // Empty: nobody reads the topic.
  double in_tps = 0;
  double out_tps = 0;
  int64_t lag = 0;
};

double WeightOf(const BusyRow& row, std::string_view order) {
  if (order == "in") return row.in_tps;
  if (order == "out") return row.out_tps;
  if (order == "lag") return static_cast<double>(row.lag);
  return row.in_tps + row.out_tps;
}

Result<std::vector<BusyRow>> AskAll(Session& session) {
  const auto topics = session.admin().CallNamesrv(&net::NamesrvStub::GetAllTopics);
  if (!topics.ok()) return topics.status();
  std::vector<BusyRow> rows;
  for (const std::string& topic : topics->topic_list) {
    if (IsRetryTopic(topic) || IsDlqTopic(topic)) continue;
    const auto traffic = TrafficOfTopic(session, topic);
    if (AdminClient::Unreachable(traffic.status())) return traffic.status();
    if (!traffic.ok()) continue;  // Deleted meanwhile, or without a broker.
    const double in_tps = traffic->in.tps;
    if (traffic->groups.empty() && in_tps > 0) rows.push_back({topic, std::string(), in_tps, 0, 0});
    for (const GroupTraffic& group : traffic->groups) {
      if (in_tps <= 0 && group.out.tps <= 0 && group.lag == 0) continue;
      rows.push_back({topic, group.name, in_tps, group.out.tps, group.lag});
    }
  }
  return rows;
}

Status ShowOnce(Session& session, bool refreshed) {
  auto rows = AskAll(session);
  if (!rows.ok()) return rows.status();
  const std::string order = session.args().Text("sort", "traffic");
  std::stable_sort(rows->begin(), rows->end(), [&order](const BusyRow& a, const BusyRow& b) {
    const double mine = WeightOf(a, order);
    const double other = WeightOf(b, order);
    return mine != other ? mine > other : a.lag > b.lag;
  });
  const auto count = static_cast<size_t>(session.args().Number("count", 20));
  if (refreshed) {
    session.out().Text("\033[H\033[2J");
    session.out().set_columns(session.surroundings().columns());
    session.out().Line(StrCat(HumanSeconds(session.env().clock().WallMillis()), "  ", rows->size(),
                              " pairs of topic and group are busy; figures of the last minute"));
  }
  session.out().Head(kBusiest);
  for (size_t i = 0; i < rows->size() && i < count; ++i) {
    const BusyRow& row = (*rows)[i];
    session.out().Row(kBusiest, {Cell::Front(row.topic, 40),
                                 row.group.empty() ? Cell("-", "null") : Cell::Front(row.group, 40),
                                 Cell::Fixed(row.in_tps, 2), Cell::Fixed(row.out_tps, 2), row.lag});
  }
  return session.out().Flush();
}

Status RunTop(Session& session) {
  const int64_t seconds = session.args().Number("interval", 3);
  if (seconds < 1) return UsageError("--interval must be at least 1 second");
  if (session.args().Number("count", 20) < 1) return UsageError("--count must be at least 1");
  session.admin().WaitOncePerServer();
  // --watch repeats by itself, also into files.
  const bool refreshed = session.surroundings().output_is_terminal && !session.out().json() &&
                         !session.args().Has("watch");
  Status shown = ShowOnce(session, refreshed);
  while (refreshed && shown.ok() && session.Wait(std::chrono::seconds(seconds))) {
    session.BeginLook();
    shown = ShowOnce(session, refreshed);
  }
  return shown;
}

constexpr OptionSpec kTop[] = {
    {"s", "sort", ValueKind::kChoice, Need::kOptional, "by what: in and out together, or one; traffic",
     "traffic|in|out|lag"},
    {"c", "count", ValueKind::kInt, Need::kOptional, "how many rows; 20"},
    {"i", "interval", ValueKind::kInt, Need::kOptional, "on a terminal: seconds between two looks; 3"}};

constexpr CommandSpec kCommands[] = {
    {"top", "statistics", "Shows the busiest topics and groups, refreshed on a terminal", kTop,
     "mqadmin top -s lag", Effect::kReads, Needs::kNameServer, RunTop},
};

}  // namespace

std::span<const CommandSpec> TopCommands() { return kCommands; }

}  // namespace orbitmq::tools
