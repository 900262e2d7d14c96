// SPDX-License-Identifier: Apache-2.0
// Commands that look at whole clusters.
#include <optional>

#include "common/strings.h"
#include "remoting/protocol/json.h"
#include "tools/mqadmin/java_format.h"
#include "tools/mqadmin/session.h"

namespace orbitmq::tools {
namespace {

constexpr TableShape kLoad = {
    "brokers", "%-22s  %-22s  %-4s  %-22s %-16s  %16s  %30s  %-22s  %-11s  %-12s  %-8s  %-10s%n",
    "%-22s  %-22s  %-4s  %-22s %-16s  %16s  %30s  %-22s  %11s  %-12s  %-8s  %10s%n",
    "#Cluster Name|#Broker Name|#BID=brokerId|#Addr|#Version|#InTPS(LOAD)|#OutTPS(LOAD)|"
    "#Timer(Progress)|#PCWait(ms)=pageCacheWaitMs|#Hour|#SPACE|#ACTIVATED"};
constexpr TableShape kTotals = {
    "brokers", "%-16s  %-32s %14s %14s %14s %14s%n", "%-16s  %-32s %14s %14s %14s %14s%n",
    "#Cluster Name|#Broker Name|#InTotalYest|#OutTotalYest|#InTotalToday|#OutTotalToday"};

// One replica and what it told of itself; nothing when it did not answer.
struct Replica {
  std::string cluster;
  std::string broker;
  BrokerId id = 0;
  std::string address;
  std::optional<std::map<std::string, std::string>> stats;

  std::string Get(const std::string& key, std::string_view otherwise = {}) const {
    if (!stats) return std::string(otherwise);
    const auto at = stats->find(key);
    return at == stats->end() ? std::string(otherwise) : at->second;
  }
  int64_t Number(const std::string& key) const { return ParseInt<int64_t>(Get(key)).value_or(0); }
  double Real(const std::string& key) const { return ParseDouble(Get(key)).value_or(0); }
  // The first of three figures separated by blanks.
  double FirstTps(const std::string& key) const {
    const std::string text = Get(key);
    return ParseDouble(text.substr(0, text.find(' '))).value_or(0);
  }
};

// `silent`: the first failure of a replica, the others are told.
Result<std::vector<Replica>> Replicas(Session& session, Status& silent) {
  const auto view = session.ClusterView();
  if (!view.ok()) return view.status();
  const std::string wanted = session.args().Text("clusterName");
  std::vector<Replica> replicas;
  std::vector<Endpoint> addresses;
  for (const auto& [cluster, brokers] : view->cluster_addr_table) {
    if (!wanted.empty() && cluster != wanted) continue;
    for (const std::string& name : brokers) {
      const auto broker = view->broker_addr_table.find(name);
      if (broker == view->broker_addr_table.end()) continue;
      for (const auto& [id, address] : broker->second.broker_addrs) {
        auto endpoint = ParseEndpoint(address);
        if (!endpoint.ok()) continue;
        replicas.push_back({cluster, name, id, address, std::nullopt});
        addresses.push_back(*std::move(endpoint));
      }
    }
  }
  auto stats = session.admin().CallAll(&net::AdminStub::GetRuntimeStats, addresses);
  for (size_t i = 0; i < replicas.size(); ++i) {
    if (stats[i].ok()) {
      replicas[i].stats = std::move(stats[i]->table);
    } else if (silent.ok()) {
      silent = stats[i].status();
    } else {
      session.Warn(stats[i].status());
    }
  }
  return replicas;
}

std::string TimerText(const Replica& broker) {
  return StrCat(broker.Number("timerReadBehind"), "-", broker.Number("timerOffsetBehind"), "(",
                JavaFixed(broker.Real("timerCongestNum") / 10000, 1), "w, ",
                JavaFixed(broker.Real("timerEnqueueTps"), 1), ", ",
                JavaFixed(broker.Real("timerDequeueTps"), 1), ")");
}

// "%9.2f".
std::string TpsText(double tps) {
  const std::string arguments[] = {JavaFixed(tps, 2)};
  return JavaFormat("%9s", arguments);
}

Cell NumberOrText(const std::string& text) { return {text, ParseInt<int64_t>(text) ? text : JsonText(text)}; }

void PrintLoad(Session& session, const Replica& broker) {
  const double in = broker.FirstTps("putTps");
  const double out = broker.FirstTps("getTransferredTps");
  const std::string in_text = StrCat(TpsText(in), "(", broker.Get("sendThreadPoolQueueSize"), ",",
                                     broker.Get("sendThreadPoolQueueHeadWaitTimeMills"), "ms)");
  const std::string out_text = StrCat(TpsText(out), "(", broker.Get("pullThreadPoolQueueSize"), ",",
                                      broker.Get("pullThreadPoolQueueHeadWaitTimeMills"), "ms|",
                                      broker.Get("ackThreadPoolQueueSize", "N"), ",",
                                      broker.Get("ackThreadPoolQueueHeadWaitTimeMills", "N"), "ms)");
  const auto earliest = ParseInt<int64_t>(broker.Get("earliestMessageTimeStamp"));
  const double hours =
      earliest ? static_cast<double>(session.env().clock().WallMillis() - *earliest) / 3600000.0 : 0.0;
  const double space = broker.Real("commitLogDiskRatio");
  session.out().Row(
      kLoad, {broker.cluster, broker.broker, Cell::Number(static_cast<int64_t>(broker.id)), broker.address,
              broker.Get("brokerVersionDesc"), Cell(in_text, proto::FormatJavaDouble(in)),
              Cell(out_text, proto::FormatJavaDouble(out)), TimerText(broker),
              NumberOrText(broker.Get("pageCacheLockTimeMills")), Cell::Fixed(hours, 2),
              Cell::Fixed(space, 4), broker.Get("brokerActive") == "true"});
}

void PrintTotals(Session& session, const Replica& broker) {
  const auto between = [&broker](std::string_view what, std::string_view from, std::string_view to) {
    return broker.Number(StrCat(what, to)) - broker.Number(StrCat(what, from));
  };
  session.out().Row(
      kTotals, {broker.cluster, broker.broker, between("msgPutTotal", "YesterdayMorning", "TodayMorning"),
                between("msgGetTotal", "YesterdayMorning", "TodayMorning"),
                between("msgPutTotal", "TodayMorning", "TodayNow"),
                between("msgGetTotal", "TodayMorning", "TodayNow")});
}

Status ListOnce(Session& session) {
  Status silent;
  const auto replicas = Replicas(session, silent);
  if (!replicas.ok()) return replicas.status();
  const bool totals = session.args().Has("moreStats");
  session.out().Head(totals ? kTotals : kLoad);
  for (const Replica& broker : *replicas) {
    if (totals) {
      PrintTotals(session, broker);
    } else {
      PrintLoad(session, broker);
    }
  }
  // One that is away for a while must not end what is looked at again and again.
  if (silent.ok() || !session.args().Has("interval")) return silent;
  session.Warn(silent);
  return {};
}

Status RunClusterList(Session& session) { return session.Repeat(ListOnce); }

constexpr OptionSpec kClusterList[] = {
    {"m", "moreStats", ValueKind::kFlag, Need::kOptional, "messages in and out, yesterday and today"},
    {"i", "interval", ValueKind::kInt, Need::kOptional, "print again every so many seconds"},
    {"c", "clusterName", ValueKind::kCluster, Need::kOptional, "only this cluster"}};

constexpr CommandSpec kCommands[] = {
    {"clusterList", "cluster", "Lists the brokers of all clusters with their load", kClusterList,
     "mqadmin clusterList -m", Effect::kReads, Needs::kNameServer, RunClusterList},
};

}  // namespace

std::span<const CommandSpec> ClusterCommands() { return kCommands; }

}  // namespace orbitmq::tools
