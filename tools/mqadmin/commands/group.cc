// SPDX-License-Identifier: Apache-2.0
// Commands that tell of consumer groups; those that change them are in group_change.cc.
#include <algorithm>

#include "common/names.h"
#include "common/strings.h"
#include "remoting/protocol/body_codec.h"
#include "remoting/protocol/json.h"
#include "tools/mqadmin/group_view.h"
#include "tools/mqadmin/java_format.h"
#include "tools/mqadmin/java_text.h"
#include "tools/mqadmin/running_info_text.h"
#include "tools/mqadmin/session.h"

namespace orbitmq::tools {
namespace {

constexpr TableShape kQueues = {"queues", "%-64s  %-32s  %-4s  %-20s  %-20s  %-20s %-20s%s%n",
                                "%-64s  %-32s  %-4s  %-20s  %-20s  %-20s %-20s %s%n",
                                "#Topic|#Broker Name|#QID|#Broker Offset|#Consumer Offset|#Diff|#Inflight|"
                                "#LastTime"};
constexpr TableShape kOwnedQueues = {
    "queues", "%-64s  %-32s  %-4s  %-20s  %-20s  %-20s %-20s %-20s%s%n",
    "%-64s  %-32s  %-4s  %-20s  %-20s  %-20s %-20s %-20s %s%n",
    "#Topic|#Broker Name|#QID|#Broker Offset|#Consumer Offset|#Client IP|#Diff|#Inflight|#LastTime"};
constexpr TableShape kGroups = {"groups", "%-64s  %-6s  %-24s %-5s  %-14s  %-7s  %s%n",
                                "%-64s  %-6s  %-24s %-5s  %-14s  %-7s  %s%n",
                                "#Group|#Count|#Version|#Type|#Model|#TPS|#Diff Total"};
constexpr TableShape kClients = {"clients", "%-10s %-40s %-20s %s%n", "%-10s %-40s %-20s %s%n",
                                 "#Index|#ClientId|#Version|#ConsumerRunningInfoFile"};

MemberQuery QueryOf(Session& session) {
  return {.broker = session.args().Text("brokerAddr"), .jstack = session.args().Has("jstack")};
}

// Which member has a queue: the part of its client id before '@'.
std::map<MessageQueue, std::string> OwnersOf(Session& session, const std::string& group) {
  std::map<MessageQueue, std::string> owners;
  const auto members = ConsumersOfGroup(session, group);
  if (!members.ok()) return owners;
  const auto infos = AskMembers(session, group, *members, QueryOf(session));
  if (!infos.ok()) return owners;
  for (const auto& [client, info] : *infos) {
    for (const auto& [queue, state] : info.mq_table) owners[queue] = client.substr(0, client.find('@'));
  }
  return owners;
}

Cell LastTime(int64_t epoch_ms) {
  return epoch_ms == 0 ? Cell("N/A", "null") : Cell(HumanSeconds(epoch_ms), StrCat(epoch_ms));
}

// Why nothing is shown: members that are online have said nothing yet.
Status WithoutOffsets(Session& session, const std::string& group, const Status& why) {
  if (why.code() != StatusCode::kNotFound || why.wire_code() >= 0) return why;
  const auto members = ConsumersOfGroup(session, group);
  if (!members.ok()) return why;
  return {StatusCode::kNotFound,
          StrCat("Not found the consumer group consume stats: the group ", group, " has members online (",
                 members->connection_set.size(), "), but none has committed an offset yet")};
}

Status ShowProgress(Session& session, const std::string& group) {
  const auto shown = ConsumeStatsToShow(
      session,
      {.group = group, .topic = session.args().Text("topicName"), .cluster = session.args().Text("cluster")});
  if (!shown.ok()) return WithoutOffsets(session, group, shown.status());
  const proto::ConsumeStats& stats = shown->stats;
  const bool owned = session.args().Bool("showClientIP", false);
  const auto owners = owned ? OwnersOf(session, group) : std::map<MessageQueue, std::string>();
  const TableShape& shape = owned ? kOwnedQueues : kQueues;
  int64_t diff_total = 0;
  int64_t in_flight_total = 0;
  session.out().Head(shape);
  for (const auto& [queue, offset] : stats.offset_table) {
    const int64_t diff = offset.broker_offset - offset.consumer_offset;
    const int64_t in_flight = offset.pull_offset - offset.consumer_offset;
    diff_total += diff;
    in_flight_total += in_flight;
    std::vector<Cell> row = {Cell::Front(queue.topic, 64), Cell::Front(queue.broker_name, 32), queue.queue_id,
                             offset.broker_offset, offset.consumer_offset};
    if (owned) {
      const auto owner = owners.find(queue);
      row.push_back(owner == owners.end() ? Cell("N/A", "null") : Cell(owner->second));
    }
    row.insert(row.end(), {diff, in_flight, LastTime(offset.last_timestamp)});
    session.out().Row(shape, row);
  }
  Output& out = session.out();
  out.Line("");
  const Cell tps = Cell::Fixed(stats.consume_tps, 2);
  out.Fact("consumeTps", tps, StrCat("Consume TPS: ", tps.text));
  out.Fact("diffTotal", diff_total, StrCat("Consume Diff Total: ", diff_total));
  out.Fact("inflightTotal", in_flight_total, StrCat("Consume Inflight Total: ", in_flight_total));
  return {};
}

void PrintGroup(Session& session, const std::string& group) {
  const auto shown = ConsumeStatsToShow(session, {.group = group});
  const auto members = ConsumersOfGroup(session, group);
  const size_t count = members.ok() ? members->connection_set.size() : 0;
  std::string version = "OFFLINE";
  std::string type;
  std::string model;
  if (count > 0) {
    const auto oldest = std::min_element(members->connection_set.begin(), members->connection_set.end(),
                                         [](const auto& a, const auto& b) { return a.version < b.version; });
    const bool pulls = members->consume_type == proto::ConsumeType::kConsumeActively;
    version = JavaVersion(oldest->version);
    type = pulls ? "PULL" : "PUSH";
    if (members->consume_type == proto::ConsumeType::kConsumePassively && members->message_model) {
      model = proto::EnumName(*members->message_model);
    }
  }
  session.out().Row(kGroups, {Cell::Front(group, 64), count, version, type, model,
                              static_cast<int64_t>(shown.ok() ? shown->stats.consume_tps : 0.0),
                              shown.ok() ? TotalDiff(shown->stats) : 0});
}

Status RunConsumerProgress(Session& session) {
  if (session.args().Has("groupName")) return ShowProgress(session, session.args().Text("groupName"));
  session.admin().WaitOncePerServer();
  const auto groups = ConsumingGroups(session);
  if (!groups.ok()) return groups.status();
  session.out().Head(kGroups);
  for (const std::string& group : *groups) PrintGroup(session, group);
  return {};
}

void TellVerdict(Session& session, const RunningInfos& infos) {
  const int64_t now_ms = session.env().clock().WallMillis();
  Output& out = session.out();
  const bool same = SameSubscriptions(infos, now_ms);
  out.Member("sameSubscription", same ? "true" : "false");
  if (!same) {
    out.Line("\n\nWARN: Different subscription in the same group of consumer!!!");
    return;
  }
  out.Line("\n\nSame subscription in the same group of consumer\n\nRebalance OK");
  for (const auto& [client, info] : infos) {
    for (const std::string& warning : QueueWarnings(client, info, now_ms)) out.Message(warning);
  }
}

Status ShowMember(Session& session, const std::string& group, const std::string& client) {
  const auto brokers = BrokersOfGroup(session, group, "", session.args().Text("brokerAddr"));
  if (!brokers.ok()) return brokers.status();
  Status failure(StatusCode::kNotFound, "no broker serves the group");
  const auto header = RunningInfoOf(group, client, session.args().Has("jstack"));
  for (const Endpoint& broker : *brokers) {
    const auto info = session.admin().Call(&net::AdminStub::GetRunningInfo, broker, header);
    if (!info.ok()) {
      failure = info.status();
      continue;
    }
    session.out().Text(RunningInfoText(*info));
    session.out().Member(client, proto::EncodeBody(*info, proto::JsonStyle::kStandard));
    return {};
  }
  return failure;
}

Status RunConsumerStatus(Session& session) {
  const std::string group = session.args().Text("consumerGroup");
  if (session.args().Has("clientId")) return ShowMember(session, group, session.args().Text("clientId"));
  const auto members = ConsumersOfGroup(session, group, session.args().Text("brokerAddr"));
  if (!members.ok()) return members.status();
  const auto infos = AskMembers(session, group, *members, QueryOf(session));
  if (!infos.ok()) return infos.status();
  const std::string folder = StrCat(session.env().clock().WallMillis());
  session.out().Head(kClients);
  int index = 1;
  for (const proto::Connection& client : members->connection_set) {
    const auto info = infos->find(client.client_id);
    if (info == infos->end()) continue;
    const std::string path = StrCat(folder, "/", client.client_id);
    const Status written = session.WriteFile(path, RunningInfoText(info->second));
    if (!written.ok()) return written;
    session.out().Row(kClients, {index++, client.client_id, JavaVersion(client.version), path});
  }
  if (!infos->empty()) TellVerdict(session, *infos);
  return {};
}

// A group's fields in the order of Java's class.
std::vector<std::pair<std::string, std::string>> FieldsOf(const proto::SubscriptionGroupConfig& group) {
  const auto text = [](bool value) { return std::string(value ? "true" : "false"); };
  return {{"groupName", group.group_name},
          {"consumeEnable", text(group.consume_enable)},
          {"consumeFromMinEnable", text(group.consume_from_min_enable)},
          {"consumeBroadcastEnable", text(group.consume_broadcast_enable)},
          {"consumeMessageOrderly", text(group.consume_message_orderly)},
          {"retryQueueNums", StrCat(group.retry_queue_nums)},
          {"retryMaxTimes", StrCat(group.retry_max_times)},
          {"groupRetryPolicy", RetryPolicyText(group.group_retry_policy)},
          {"brokerId", StrCat(group.broker_id)},
          {"whichBrokerWhenConsumeSlowly", StrCat(group.which_broker_when_consume_slowly)},
          {"notifyConsumerIdsChangedEnable", text(group.notify_consumer_ids_changed_enable)},
          {"groupSysFlag", StrCat(group.group_sys_flag)},
          {"consumeTimeoutMinute", StrCat(group.consume_timeout_minute)},
          {"subscriptionDataSet", ""},
          {"attributes", JavaMapText(group.attributes)}};
}

Status RunGetConsumerConfig(Session& session) {
  const auto view = session.ClusterView();
  if (!view.ok()) return view.status();
  std::vector<std::string> titles;
  std::vector<Endpoint> brokers;
  for (const auto& [cluster, names] : view->cluster_addr_table) {
    for (const std::string& name : names) {
      const auto broker = view->broker_addr_table.find(name);
      if (broker == view->broker_addr_table.end()) continue;
      auto address = SelectAddress(broker->second);
      if (!address) continue;
      titles.push_back(StrCat(cluster, ":", name));
      brokers.push_back(*std::move(address));
    }
  }
  const std::string group = session.args().Text("groupName");
  // Not GetGroup: a broker that makes groups by itself would make this one.
  const auto all = session.admin().CallAll(&net::AdminStub::GetAllGroups, brokers);
  const std::string line(29, '=');
  bool known = false;
  for (size_t i = 0; i < all.size(); ++i) {
    if (!all[i].ok()) return all[i].status();
    const auto config = all[i]->subscription_group_table.find(group);
    if (config == all[i]->subscription_group_table.end()) continue;
    known = true;
    session.out().Line(StrCat(line, titles[i], line));
    for (const auto& [name, value] : FieldsOf(config->second)) {
      const std::string arguments[] = {name, value};
      session.out().Text(JavaFormat("%-40s=  %s%n", arguments));
    }
    session.out().Member(titles[i], proto::EncodeBody(config->second, proto::JsonStyle::kStandard));
  }
  if (known) return {};
  return {StatusCode::kNotFound, StrCat("no broker knows the group ", group)};
}

constexpr OptionSpec kConsumerProgress[] = {
    {"g", "groupName", ValueKind::kGroup, Need::kOptional, "the group; else all groups, a line each"},
    {"t", "topicName", ValueKind::kTopic, Need::kOptional, "with -g: only this topic"},
    {"s", "showClientIP", ValueKind::kBool, Need::kOptional, "with -g: which client has each queue"},
    {"c", "cluster", ValueKind::kCluster, Need::kOptional,
     "find the brokers through the route of this cluster (or parent topic)"}};
constexpr OptionSpec kConsumerStatus[] = {
    {"g", "consumerGroup", ValueKind::kGroup, Need::kRequired, "the group"},
    {"i", "clientId", ValueKind::kText, Need::kOptional, "only this client, printed instead of written"},
    {"b", "brokerAddr", ValueKind::kAddress, Need::kOptional, "ask by way of this broker"},
    {"s", "jstack", ValueKind::kFlag, Need::kOptional, "with the clients' threads"}};
constexpr OptionSpec kGetConsumerConfig[] = {
    {"g", "groupName", ValueKind::kGroup, Need::kRequired, "the group"}};

constexpr CommandSpec kCommands[] = {
    {"consumerProgress", "consumer group", "Shows how far a group is, or all groups", kConsumerProgress,
     "mqadmin consumerProgress -g billing --watch 2", Effect::kReads, Needs::kNameServer,
     RunConsumerProgress},
    {"consumerStatus", "consumer group", "Shows what each client of a group tells of itself", kConsumerStatus,
     "mqadmin consumerStatus -g billing -i 10.0.0.7@4711", Effect::kReads, Needs::kNameServer,
     RunConsumerStatus},
    {"getConsumerConfig", "consumer group", "Shows a group's configuration on every broker",
     kGetConsumerConfig, "mqadmin getConsumerConfig -g billing", Effect::kReads, Needs::kNameServer,
     RunGetConsumerConfig},
};

}  // namespace

std::span<const CommandSpec> GroupCommands() { return kCommands; }

}  // namespace orbitmq::tools
