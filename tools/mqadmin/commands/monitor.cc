// SPDX-License-Identifier: Apache-2.0
// Looks at every consumer group, period after period, and tells which of them need somebody.
#include <algorithm>

#include "common/strings.h"
#include "tools/mqadmin/counted.h"
#include "tools/mqadmin/group_facts.h"
#include "tools/mqadmin/group_view.h"
#include "tools/mqadmin/java_format.h"

namespace orbitmq::tools {
namespace {

constexpr int64_t kPeriodSeconds = 60;
constexpr char kFormat[] = "%-40s %-10s %-10s %-9s %s%n";
constexpr TableShape kWatched = {"groups", kFormat, kFormat,
                                 "#Group|#State|#Undone|#Members|#Finding"};

// One round: a line for each group that has messages to do, or that is not as it should be.
Status LookOnce(Session& session) {
  const auto groups = ConsumingGroups(session);
  if (!groups.ok()) return groups.status();
  struct Watched {
    std::string group;
    int64_t lag = 0;
    size_t members = 0;
    GroupVerdict verdict;
  };
  std::vector<Watched> shown;
  int64_t undone = 0;
  size_t troubled = 0;
  for (const std::string& group : *groups) {
    const auto facts = FactsOfGroup(session, group);
    if (!facts.ok()) {
      // Without offsets there is nothing to do; the others are still looked at.
      if (facts.status().code() != StatusCode::kNotFound) session.Warn(facts.status().Annotate(group));
      continue;
    }
    GroupVerdict verdict = Judge(*facts);
    const int64_t lag = TotalLag(*facts);
    undone += lag;
    // A group that nobody uses and that has nothing to do may stay as it is.
    const bool idle = verdict.state == GroupState::kNobody && lag == 0;
    const bool calm = idle || verdict.state == GroupState::kFine;
    if (!calm) ++troubled;
    if (lag > 0 || !calm) shown.push_back({group, lag, facts->members, std::move(verdict)});
  }
  Output& out = session.out();
  const int64_t now_ms = session.env().clock().WallMillis();
  out.Member("time", StrCat(now_ms));
  out.Member("groupCount", StrCat(groups->size()));
  out.Member("undone", StrCat(undone));
  out.Member("troubled", StrCat(troubled));
  out.Line(StrCat(HumanSeconds(now_ms), "  ", Counted(std::ssize(*groups), "group"), ", ",
                  Counted(undone, "message"), " undone, ", Counted(troubled, "group"),
                  troubled == 1 ? " needs somebody" : " need somebody"));
  if (!shown.empty() || out.json()) out.Head(kWatched);
  for (const Watched& one : shown) {
    const std::string& remedy = one.verdict.remedy;
    const std::string finding =
        remedy.empty() ? one.verdict.text : StrCat(one.verdict.text, "; remedy: ", remedy);
    out.Row(kWatched, {Cell::Front(one.group, 40), GroupStateName(one.verdict.state), one.lag, one.members,
                       finding});
  }
  out.Finish();
  return out.Flush();
}

Status RunStartMonitoring(Session& session) {
  const int64_t seconds = session.args().Number("interval", kPeriodSeconds);
  if (seconds < 1) return UsageError("--interval must be at least 1 second");
  const int64_t rounds = session.args().Number("count", INT64_MAX);
  if (rounds < 1) return UsageError("--count must be at least 1");
  (void)session.Interrupted();  // From now on SIGINT ends it in order.
  session.admin().WaitOncePerServer();
  // Every round is an object of its own, which LookOnce has written.
  Status looked = LookOnce(session);
  for (int64_t round = 1; looked.ok() && round < rounds; ++round) {
    if (!session.Wait(std::chrono::seconds(seconds))) break;
    (void)session.Interrupted();
    session.BeginLook();
    looked = LookOnce(session);
    // A NameServer that is away for a while must not end the watch.
    if (AdminClient::Unreachable(looked)) {
      session.Warn(looked);
      looked = Status();
    }
  }
  session.out().BeginLines();
  return looked;
}

constexpr OptionSpec kMonitoring[] = {
    {"i", "interval", ValueKind::kLong, Need::kOptional, "seconds between two rounds; 60"},
    {"", "count", ValueKind::kLong, Need::kOptional, "end after so many rounds; else with Ctrl-C"}};

constexpr CommandSpec kCommands[] = {
    {"startMonitoring", "consumer group",
     "Tells, until Ctrl-C, which groups have messages undone or stuck clients",
     kMonitoring, "mqadmin startMonitoring -i 10", Effect::kReads, Needs::kNameServer, RunStartMonitoring},
};

}  // namespace

std::span<const CommandSpec> MonitorCommands() { return kCommands; }

}  // namespace orbitmq::tools
