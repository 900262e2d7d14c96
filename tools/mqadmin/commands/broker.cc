// SPDX-License-Identifier: Apache-2.0
// Commands that talk to brokers about themselves.
#include "common/strings.h"
#include "remoting/protocol/body_codec.h"
#include "tools/mqadmin/java_format.h"
#include "tools/mqadmin/properties_view.h"
#include "tools/mqadmin/session.h"

namespace orbitmq::tools {
namespace {

constexpr TableShape kConsumeStats = {
    "queues", "%-64s  %-64s  %-32s  %-4s  %-20s  %-20s  %-20s  %s%n",
    "%-64s  %-64s  %-32s  %-4s  %-20s  %-20s  %-20s  %s%n",
    "#Topic|#Group|#Broker Name|#QID|#Broker Offset|#Consumer Offset|#Diff|#LastTime"};

// The first failure of several is returned, the others are warned about.
void Keep(Session& session, const Status& failure, Status& first) {
  if (first.ok()) {
    first = failure;
  } else {
    session.Warn(failure);
  }
}

Status RunBrokerStatus(Session& session) {
  const bool one = session.args().Has("brokerAddr");
  const auto brokers = one ? session.Targets("brokerAddr", "clusterName")
                           : session.MastersAndSlavesOf(session.args().Text("clusterName"));
  if (!brokers.ok()) return brokers.status();
  const auto all = session.admin().CallAll(&net::AdminStub::GetRuntimeStats, *brokers);
  Status failure;
  for (size_t i = 0; i < brokers->size(); ++i) {
    if (!all[i].ok()) {
      Keep(session, all[i].status(), failure);
      continue;
    }
    const std::string address = (*brokers)[i].ToString();
    std::string object = "{";
    for (const auto& [key, value] : all[i]->table) {
      const std::string arguments[] = {one ? "" : address, key, value};
      session.out().Text(one ? JavaFormat("%s%-32s: %s%n", arguments)
                             : JavaFormat("%-24s %-32s: %s%n", arguments));
      StrAppend(object, object.size() == 1 ? "" : ",", JsonText(key), ":", JsonText(value));
    }
    session.out().Member(address, object + "}");
  }
  return failure;
}

Status RunBrokerConsumeStats(Session& session) {
  const auto broker = session.Address("brokerAddr");
  if (!broker.ok()) return broker.status();
  session.admin().set_timeout(Millis(session.args().Number("timeoutMillis", 50000)));
  const proto::GetConsumeStatsInBrokerHeader header{session.args().Bool("order", false)};
  const auto all = session.admin().Call(&net::AdminStub::GetAllConsumeStats, *broker, header);
  if (!all.ok()) return all.status();
  const int64_t level = session.args().Number("level", 0);
  session.out().Head(kConsumeStats);
  for (const auto& by_group : all->consume_stats_list) {
    for (const auto& [group, many] : by_group) {
      for (const proto::ConsumeStats& stats : many) {
        for (const auto& [queue, offset] : stats.offset_table) {
          const int64_t diff = offset.broker_offset - offset.consumer_offset;
          if (diff < level || offset.last_timestamp <= 0) continue;
          session.out().Row(kConsumeStats,
                            {Cell::Front(queue.topic, 64), group, Cell::Front(queue.broker_name, 32),
                             queue.queue_id, offset.broker_offset, offset.consumer_offset, diff,
                             Cell(HumanSeconds(offset.last_timestamp), StrCat(offset.last_timestamp))});
        }
      }
    }
  }
  session.out().Fact("diffTotal", all->total_diff, StrCat("\nDiff Total: ", all->total_diff));
  return {};
}

// A broker, and the line that stands before its configuration.
struct TitledBroker {
  Endpoint address;
  std::string title;
};

Result<std::vector<TitledBroker>> MastersWithSlaves(Session& session, const std::string& cluster) {
  if (auto masters = session.MastersOf(cluster); !masters.ok()) return masters.status();
  const auto view = session.ClusterView();
  if (!view.ok()) return view.status();
  std::vector<TitledBroker> titled;
  for (const std::string& name : view->cluster_addr_table.at(cluster)) {
    const auto broker = view->broker_addr_table.find(name);
    if (broker == view->broker_addr_table.end()) continue;
    const auto master = MasterAddress(broker->second);
    const std::string master_text = master ? master->ToString() : "NO_MASTER";
    if (master) titled.push_back({*master, StrCat("============Master: ", master_text, "============")});
    for (const auto& [id, address] : broker->second.broker_addrs) {
      auto slave = ParseEndpoint(address);
      if (id == 0 || !slave.ok()) continue;
      titled.push_back({*std::move(slave), StrCat("============My Master: ", master_text,
                                                  "=====Slave: ", address, "============")});
    }
  }
  return titled;
}

Status RunGetBrokerConfig(Session& session) {
  std::vector<TitledBroker> titled;
  if (session.args().Has("brokerAddr")) {
    const auto broker = session.Address("brokerAddr");
    if (!broker.ok()) return broker.status();
    titled.push_back({*broker, StrCat("============", broker->ToString(), "============")});
  } else {
    auto found = MastersWithSlaves(session, session.args().Text("clusterName"));
    if (!found.ok()) return found.status();
    titled = *std::move(found);
  }
  std::vector<Endpoint> addresses;
  for (const TitledBroker& broker : titled) addresses.push_back(broker.address);
  const auto configs = session.admin().CallAll(&net::AdminStub::GetConfig, addresses);
  Status failure;
  for (size_t i = 0; i < titled.size(); ++i) {
    if (!configs[i].ok()) {
      Keep(session, configs[i].status(), failure);
      continue;
    }
    session.out().Line(titled[i].title);
    PrintProperties(session.out(), addresses[i].ToString(), *configs[i]);
    session.out().Line("");
  }
  return failure;
}

Status RunUpdateBrokerConfig(Session& session) {
  const std::string key = session.args().Text("key");
  const std::string value = session.args().Text("value");
  const bool slaves = session.args().Has("updateAllBroker") && !session.args().Has("brokerAddr");
  const auto brokers = slaves ? session.MastersAndSlavesOf(session.args().Text("clusterName"))
                              : session.Targets("brokerAddr", "clusterName");
  if (!brokers.ok()) return brokers.status();
  std::vector<Endpoint> unknown_at;
  const auto told = [&](const Endpoint& broker, const std::string& remark) {
    // Java's line says only that the broker has answered well, which it does for unknown keys, too.
    session.Did(StrCat("update broker config success, ", broker.ToString()));
    session.TellRemark(broker, remark);
    if (SaysKeyIsUnknown(remark)) unknown_at.push_back(broker);
  };
  const Status changed = session.ChangeAll(StrCat("set ", key, " to ", value), *brokers, told,
                                           &net::AdminStub::UpdateConfig, PropertyLine(key, value));
  return changed.ok() ? UnknownKey(session, key, unknown_at) : changed;
}

// The masters that -b or -c say; without both, of every cluster.
Result<std::vector<Endpoint>> CleanedBrokers(Session& session) {
  if (session.args().Has("brokerAddr") || session.args().Has("cluster")) {
    return session.Targets("brokerAddr", "cluster");
  }
  return session.AllMasters();
}

Status Clean(Session& session, std::string_view what,
             void (net::AdminStub::*method)(const Endpoint&, Duration, Completion<Done>)) {
  const auto brokers = CleanedBrokers(session);
  if (!brokers.ok()) return brokers.status();
  if (Status agreed = session.Confirm(what); !agreed.ok()) return agreed;
  const Status cleaned = session.ChangeAll(
      what, *brokers, [](const Endpoint&) {}, method);
  session.Did(cleaned.ok() ? "success" : "false");
  return cleaned;
}

Status RunCleanExpiredCq(Session& session) {
  return Clean(session, "delete consume queues whose messages are gone", &net::AdminStub::CleanExpiredQueues);
}
Status RunCleanUnusedTopic(Session& session) {
  return Clean(session, "delete the consume queues of topics that are gone",
               &net::AdminStub::CleanUnusedTopics);
}
Status RunDeleteExpiredCommitLog(Session& session) {
  return Clean(session, "delete log files whose time is over", &net::AdminStub::DeleteExpiredLogs);
}

constexpr OptionSpec kThisBroker = {"b", "brokerAddr", ValueKind::kAddress, Need::kAnyOf, "only this broker"};
constexpr OptionSpec kClean[] = {
    {"b", "brokerAddr", ValueKind::kAddress, Need::kOptional, "only this broker"},
    {"c", "cluster", ValueKind::kCluster, Need::kOptional,
     "all masters of this cluster; else of all clusters"}};
constexpr OptionSpec kBrokerStatus[] = {
    {"b", "brokerAddr", ValueKind::kAddress, Need::kOneOf, "only this broker"},
    {"c", "clusterName", ValueKind::kCluster, Need::kOneOf, "all brokers of this cluster, slaves too"}};
constexpr OptionSpec kGetBrokerConfig[] = {
    kThisBroker,
    {"c", "clusterName", ValueKind::kCluster, Need::kAnyOf, "all masters of this cluster and their slaves"}};
constexpr OptionSpec kUpdateBrokerConfig[] = {
    kThisBroker,
    {"c", "clusterName", ValueKind::kCluster, Need::kAnyOf, "all masters of this cluster"},
    {"a", "updateAllBroker", ValueKind::kText, Need::kOptional, "with -c: any value means slaves too"},
    {"k", "key", ValueKind::kText, Need::kRequired, "the key"},
    {"v", "value", ValueKind::kText, Need::kRequired, "the value"}};
constexpr OptionSpec kBrokerConsumeStats[] = {
    {"b", "brokerAddr", ValueKind::kAddress, Need::kRequired, "the broker"},
    {"t", "timeoutMillis", ValueKind::kLong, Need::kOptional, "milliseconds to wait; 50000"},
    {"l", "level", ValueKind::kLong, Need::kOptional, "only queues with at least so many to consume"},
    {"o", "order", ValueKind::kBool, Need::kOptional, "only ordered topics; false"}};

constexpr CommandSpec kCommands[] = {
    {"brokerStatus", "broker", "Shows the runtime figures of brokers", kBrokerStatus,
     "mqadmin brokerStatus -b 10.0.0.1:10911", Effect::kReads, Needs::kNothing, RunBrokerStatus},
    {"brokerConsumeStats", "broker", "Shows the lag of every group on a broker", kBrokerConsumeStats,
     "mqadmin brokerConsumeStats -b 10.0.0.1:10911 -l 1000", Effect::kReads, Needs::kNothing,
     RunBrokerConsumeStats},
    {"getBrokerConfig", "broker", "Shows the configuration of brokers", kGetBrokerConfig,
     "mqadmin getBrokerConfig -c DefaultCluster", Effect::kReads, Needs::kNothing, RunGetBrokerConfig},
    {"updateBrokerConfig", "broker", "Changes one key of brokers' configuration", kUpdateBrokerConfig,
     "mqadmin updateBrokerConfig -b 10.0.0.1:10911 -k fileReservedTime -v 48", Effect::kChanges,
     Needs::kNothing, RunUpdateBrokerConfig},
    {"cleanExpiredCQ", "broker", "Deletes consume queues whose messages are gone", kClean,
     "mqadmin cleanExpiredCQ -c DefaultCluster", Effect::kDestroys, Needs::kNothing, RunCleanExpiredCq},
    {"cleanUnusedTopic", "broker", "Deletes consume queues of topics that are gone", kClean,
     "mqadmin cleanUnusedTopic -c DefaultCluster", Effect::kDestroys, Needs::kNothing, RunCleanUnusedTopic},
    {"deleteExpiredCommitLog", "broker", "Deletes log files whose time is over", kClean,
     "mqadmin deleteExpiredCommitLog -c DefaultCluster", Effect::kDestroys, Needs::kNothing,
     RunDeleteExpiredCommitLog},
};

}  // namespace

std::span<const CommandSpec> BrokerCommands() { return kCommands; }

}  // namespace orbitmq::tools
