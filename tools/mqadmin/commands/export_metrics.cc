// SPDX-License-Identifier: Apache-2.0
// Figures of a cluster's masters, written to a file in the form of Java's command.
#include <set>

#include "common/names.h"
#include "common/strings.h"
#include "remoting/protocol/command.h"
#include "remoting/protocol/json.h"
#include "tools/mqadmin/export_file.h"
#include "tools/mqadmin/group_view.h"
#include "tools/mqadmin/java_text.h"
#include "tools/mqadmin/properties_view.h"
#include "tools/mqadmin/traffic.h"

namespace orbitmq::tools {
namespace {

using Texts = std::map<std::string, std::string>;

// What one master told; of traffic what came in as it is, half messages, and delayed messages.
struct MasterMetrics {
  std::string name;
  Texts runtime;
  Texts config;
  double normal_in_tps = 0;
  double normal_out_tps = 0;
  Traffic half_in;
  Traffic delayed_in;
  int64_t normal_in_day = 0;
  int64_t normal_out_day = 0;
  size_t topic_count = 0;
  size_t group_count = 0;
  std::set<std::string> clients{};  // "JAVA%V5_5_0".
};

std::string Get(const Texts& texts, const std::string& key) {
  const auto at = texts.find(key);
  return at == texts.end() ? std::string() : at->second;
}

// The first of figures separated by blanks: that of the last ten seconds.
double FirstTps(const Texts& runtime, const std::string& key) {
  const std::string text = Get(runtime, key);
  return ParseDouble(text.substr(0, text.find(' '))).value_or(0);
}

// Of yesterday: from midnight to midnight.
int64_t Yesterday(const Texts& runtime, std::string_view what) {
  const auto figure = [&](std::string_view when) {
    return ParseInt<int64_t>(Get(runtime, StrCat(what, when))).value_or(0);
  };
  return figure("TodayMorning") - figure("YesterdayMorning");
}

// Nothing where the broker never counted the topic.
Traffic PutTraffic(Session& session, const Endpoint& master, std::string_view topic) {
  const proto::ViewBrokerStatsDataRequestHeader header{"TOPIC_PUT_NUMS", std::string(topic)};
  const auto stats = session.admin().Call(&net::AdminStub::ViewStats, master, header);
  if (!stats.ok()) return {};
  return {stats->stats_minute.tps, DaySum(*stats)};
}

Result<MasterMetrics> AskMaster(Session& session, const Endpoint& master) {
  MasterMetrics metrics;
  auto runtime = session.admin().Call(&net::AdminStub::GetRuntimeStats, master);
  if (!runtime.ok()) return runtime.status();
  metrics.runtime = std::move(runtime->table);
  const auto config = session.admin().Call(&net::AdminStub::GetConfig, master);
  if (!config.ok()) return config.status();
  metrics.config = ParseProperties(*config);
  metrics.name = Get(metrics.config, "brokerName");
  metrics.normal_in_tps = FirstTps(metrics.runtime, "putTps");
  metrics.normal_out_tps = FirstTps(metrics.runtime, "getTransferredTps");
  metrics.normal_in_day = Yesterday(metrics.runtime, "msgPutTotal");
  metrics.normal_out_day = Yesterday(metrics.runtime, "msgGetTotal");
  metrics.half_in = PutTraffic(session, master, names::kTransHalfTopic);
  metrics.delayed_in = PutTraffic(session, master, names::kScheduleTopic);
  const auto topics = UserTopics(session, master, false);
  if (!topics.ok()) return topics.status();
  metrics.topic_count = topics->size();
  const auto groups = UserGroups(session, master);
  if (!groups.ok()) return groups.status();
  metrics.group_count = groups->size();
  for (const auto& [group, group_config] : *groups) {
    const auto members = ConsumersOfGroup(session, group);
    if (!members.ok()) continue;  // Nobody is online.
    for (const proto::Connection& client : members->connection_set) {
      metrics.clients.insert(StrCat(proto::EnumName(client.language), "%", JavaVersion(client.version)));
    }
  }
  return metrics;
}

// Writes members one after the other.
class Members final {
 public:
  explicit Members(proto::JsonWriter& json) : json_(json) {}
  Members& Real(std::string_view name, double value) {
    json_.Key(name);
    json_.Double(value);
    return *this;
  }
  Members& Whole(std::string_view name, int64_t value) {
    json_.Key(name);
    json_.Int(value);
    return *this;
  }
  // Left out where the broker does not tell it, as Java leaves out what is null.
  Members& Told(std::string_view name, const Texts& from, const std::string& key) {
    const auto at = from.find(key);
    if (at == from.end()) return *this;
    json_.Key(name);
    json_.String(at->second);
    return *this;
  }
  template <class Write>
  Members& Object(std::string_view name, Write write) {
    json_.Key(name);
    json_.BeginObject();
    write();
    json_.EndObject();
    return *this;
  }

 private:
  proto::JsonWriter& json_;
};

void WriteDay(Members& members, const MasterMetrics& metrics) {
  members.Whole("normalOneDayInNum", metrics.normal_in_day)
      .Whole("normalOneDayOutNum", metrics.normal_out_day)
      .Whole("scheduleOneDayInNum", metrics.delayed_in.day)
      .Whole("transOneDayInNum", metrics.half_in.day);
}

void WriteMaster(proto::JsonWriter& json, const MasterMetrics& metrics) {
  Members members(json);
  members.Object("runtimeEnv", [&] {
    members.Told("cpuNum", metrics.config, "clientCallbackExecutorThreads")
        .Told("totalMemKBytes", metrics.runtime, "totalMemKBytes");
  });
  members.Object("runtimeQuota", [&] {
    members.Object("diskRatio", [&] {
      members.Told("commitLogDiskRatio", metrics.runtime, "commitLogDiskRatio")
          .Told("consumeQueueDiskRatio", metrics.runtime, "consumeQueueDiskRatio");
    });
    members.Whole("groupSize", static_cast<int64_t>(metrics.group_count))
        .Told("messageAverageSize", metrics.runtime, "putMessageAverageSize");
    members.Object("oneDayNum", [&] { WriteDay(members, metrics); });
    members.Whole("topicSize", static_cast<int64_t>(metrics.topic_count));
    members.Object("tps", [&] {
      members.Real("normalInTps", metrics.normal_in_tps)
          .Real("normalOutTps", metrics.normal_out_tps)
          .Real("scheduleInTps", metrics.delayed_in.tps)
          .Real("transInTps", metrics.half_in.tps);
    });
  });
  members.Object("runtimeVersion", [&] {
    json.Key("clientInfo");
    json.BeginArray();
    for (const std::string& client : metrics.clients) json.String(client);
    json.EndArray();
    // Java's command names its own version here; this one speaks the same.
    json.Key("rocketmqVersion");
    json.String(JavaVersion(proto::kProtocolVersion));
  });
}

std::string MetricsJson(const std::vector<MasterMetrics>& masters) {
  MasterMetrics total;
  for (const MasterMetrics& metrics : masters) {
    total.normal_in_tps += metrics.normal_in_tps;
    total.normal_out_tps += metrics.normal_out_tps;
    total.half_in.tps += metrics.half_in.tps;
    total.half_in.day += metrics.half_in.day;
    total.delayed_in.tps += metrics.delayed_in.tps;
    total.delayed_in.day += metrics.delayed_in.day;
    total.normal_in_day += metrics.normal_in_day;
    total.normal_out_day += metrics.normal_out_day;
  }
  proto::JsonWriter json({.layout = proto::JsonWriter::Layout::kPretty});
  Members members(json);
  json.BeginObject();
  members.Object("evaluateReport", [&] {
    for (const MasterMetrics& metrics : masters) {
      members.Object(metrics.name, [&] { WriteMaster(json, metrics); });
    }
  });
  members.Object("totalData", [&] {
    members.Object("totalOneDayNum", [&] { WriteDay(members, total); });
    members.Object("totalTps", [&] {
      members.Real("totalNormalInTps", total.normal_in_tps)
          .Real("totalNormalOutTps", total.normal_out_tps)
          .Real("totalScheduleInTps", total.delayed_in.tps)
          .Real("totalTransInTps", total.half_in.tps);
    });
  });
  json.EndObject();
  return json.Take() + "\n";
}

Status RunExportMetrics(Session& session) {
  const auto masters = session.MastersOf(session.args().Text("clusterName"));
  if (!masters.ok()) return masters.status();
  std::vector<MasterMetrics> all;
  for (const Endpoint& master : *masters) {
    auto metrics = AskMaster(session, master);
    if (!metrics.ok()) return metrics.status();
    all.push_back(*std::move(metrics));
  }
  return WriteExport(session, "metrics.json", MetricsJson(all));
}

constexpr OptionSpec kExportMetrics[] = {
    {"c", "clusterName", ValueKind::kCluster, Need::kRequired, "the cluster"}, kExportFolder};

constexpr CommandSpec kCommands[] = {
    {"exportMetrics", "export", "Writes rates, totals and clients of a cluster's brokers to a file",
     kExportMetrics, "mqadmin exportMetrics -c DefaultCluster -f ./export", Effect::kReads,
     Needs::kNameServer, RunExportMetrics},
};

}  // namespace

std::span<const CommandSpec> ExportMetricsCommands() { return kCommands; }

}  // namespace orbitmq::tools
