// SPDX-License-Identifier: Apache-2.0
// Commands that write what brokers have into files.
#include "common/strings.h"
#include "remoting/protocol/body_codec.h"
#include "tools/mqadmin/export_file.h"
#include "tools/mqadmin/properties_view.h"

namespace orbitmq::tools {
namespace {

// The keys that Java's command takes from a broker's configuration.
constexpr std::string_view kConfigKeys[] = {"autoCreateSubscriptionGroup",
                                            "autoCreateTopicEnable",
                                            "brokerClusterName",
                                            "brokerId",
                                            "brokerName",
                                            "brokerRole",
                                            "fileReservedTime",
                                            "filterServerNums",
                                            "flushDiskType",
                                            "maxMessageSize",
                                            "messageDelayLevel",
                                            "msgTraceTopicName",
                                            "slaveReadEnable",
                                            "traceOn",
                                            "traceTopicEnable",
                                            "useTLS"};

Status RunExportConfigs(Session& session) {
  const std::string cluster = session.args().Text("clusterName");
  const auto masters = session.MastersOf(cluster);
  if (!masters.ok()) return masters.status();
  const auto replicas = session.MastersAndSlavesOf(cluster);
  if (!replicas.ok()) return replicas.status();
  std::string configs;
  for (const auto& text : session.admin().CallAll(&net::AdminStub::GetConfig, *masters)) {
    if (!text.ok()) return text.status();
    const auto properties = ParseProperties(*text);
    std::string object;
    for (const std::string_view key : kConfigKeys) {
      const auto value = properties.find(std::string(key));
      if (value == properties.end()) continue;
      StrAppend(object, object.empty() ? "" : ",", JsonText(key), ":", JsonText(value->second));
    }
    const auto name = properties.find("brokerName");
    StrAppend(configs, configs.empty() ? "" : ",", JsonText(name == properties.end() ? "" : name->second),
              ":{", object, "}");
  }
  return WriteExport(session, "configs.json",
                     StrCat("{\"brokerConfigs\":{", configs, "},\"clusterScale\":{\"masterBrokerSize\":",
                            masters->size(), ",\"namesrvSize\":", session.admin().name_servers().size(),
                            ",\"slaveBrokerSize\":", replicas->size() - masters->size(), "}}\n"));
}

// Of several brokers: the queues of a topic together.
void AddTopics(std::map<std::string, proto::TopicConfig> from,
               std::map<std::string, proto::TopicConfig>& all) {
  for (auto& [name, topic] : from) {
    const auto [at, fresh] = all.emplace(name, topic);
    if (fresh) continue;
    at->second.read_queue_nums += topic.read_queue_nums;
    at->second.write_queue_nums += topic.write_queue_nums;
  }
}

template <class Body>
std::string TableJson(const std::map<std::string, Body>& table) {
  std::string out = "{";
  for (const auto& [name, body] : table) {
    StrAppend(out, out.size() == 1 ? "" : ",", JsonText(name), ":",
              proto::EncodeBody(body, proto::JsonStyle::kStandard));
  }
  return out + "}";
}

Status RunExportMetadata(Session& session) {
  const auto brokers = session.Targets("brokerAddr", "clusterName");
  if (!brokers.ok()) return brokers.status();
  std::map<std::string, proto::TopicConfig> topics;
  std::map<std::string, proto::SubscriptionGroupConfig> groups;
  for (const Endpoint& broker : *brokers) {
    auto its_topics = UserTopics(session, broker, session.args().Has("specialTopic"));
    if (!its_topics.ok()) return its_topics.status();
    AddTopics(*std::move(its_topics), topics);
    const auto its_groups = UserGroups(session, broker);
    if (!its_groups.ok()) return its_groups.status();
    groups.insert(its_groups->begin(), its_groups->end());
  }
  const bool only_topics = session.args().Has("topic");
  const bool only_groups = session.args().Has("subscriptionGroup") && !only_topics;
  std::string out = StrCat("{\"exportTime\":", session.env().clock().WallMillis());
  if (!only_topics) StrAppend(out, ",\"subscriptionGroupTable\":", TableJson(groups));
  if (!only_groups) StrAppend(out, ",\"topicConfigTable\":", TableJson(topics));
  return WriteExport(session,
                     only_topics   ? "topic.json"
                     : only_groups ? "subscriptionGroup.json"
                                   : "metadata.json",
                     out + "}\n");
}

constexpr OptionSpec kExportConfigs[] = {
    {"c", "clusterName", ValueKind::kCluster, Need::kRequired, "the cluster"}, kExportFolder};
constexpr OptionSpec kExportMetadata[] = {
    {"c", "clusterName", ValueKind::kCluster, Need::kAnyOf, "all masters of this cluster"},
    {"b", "brokerAddr", ValueKind::kAddress, Need::kAnyOf, "only this broker"},
    kExportFolder,
    {"t", "topic", ValueKind::kFlag, Need::kOptional, "only topics"},
    {"g", "subscriptionGroup", ValueKind::kFlag, Need::kOptional, "only groups"},
    {"s", "specialTopic", ValueKind::kFlag, Need::kOptional, "retry and dead-letter topics too"}};

constexpr CommandSpec kCommands[] = {
    {"exportConfigs", "export", "Writes the main configuration of a cluster's brokers to a file",
     kExportConfigs, "mqadmin exportConfigs -c DefaultCluster -f ./export", Effect::kReads,
     Needs::kNameServer, RunExportConfigs},
    {"exportMetadata", "export", "Writes topics and groups to a file", kExportMetadata,
     "mqadmin exportMetadata -c DefaultCluster -f ./export", Effect::kReads, Needs::kNothing,
     RunExportMetadata},
};

}  // namespace

std::span<const CommandSpec> ExportCommands() { return kCommands; }

}  // namespace orbitmq::tools
