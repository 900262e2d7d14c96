// SPDX-License-Identifier: Apache-2.0
// Traffic of topics and groups, and raw entries of queues.
#include <utility>

#include "common/names.h"
#include "common/strings.h"
#include "remoting/protocol/body_codec.h"
#include "remoting/protocol/json.h"
#include "tools/mqadmin/session.h"
#include "tools/mqadmin/traffic.h"

namespace orbitmq::tools {
namespace {

constexpr char kTrafficFormat[] = "%-64s  %-64s %12s %11s %11s %14s %14s%n";
constexpr TableShape kTraffic = {
    "topics", kTrafficFormat, kTrafficFormat,
    "#Topic|#Consumer Group|#Accumulation|#InTPS|#OutTPS|#InMsg24Hour|#OutMsg24Hour"};
constexpr std::string_view kSeparator = "======================================";

Status PrintTopic(Session& session, const std::string& topic) {
  const auto traffic = TrafficOfTopic(session, topic);
  if (!traffic.ok()) return traffic.status();
  const bool active_only = session.args().Has("activeTopic");
  const Traffic& in = traffic->in;
  if (traffic->groups.empty() && (!active_only || in.day > 0)) {
    session.out().Row(kTraffic, {Cell::Front(topic, 64), Cell("", "null"), 0, Cell::Fixed(in.tps, 2),
                                 Cell("", "null"), in.day, "NO_CONSUMER"});
  }
  for (const GroupTraffic& group : traffic->groups) {
    if (active_only && in.day == 0 && group.out.day == 0) continue;
    session.out().Row(kTraffic, {Cell::Front(topic, 64), Cell::Front(group.name, 64), group.lag,
                                 Cell::Fixed(in.tps, 2), Cell::Fixed(group.out.tps, 2), in.day,
                                 group.out.day});
  }
  return {};
}

Status RunStatsAll(Session& session) {
  const auto topics = session.admin().CallNamesrv(&net::NamesrvStub::GetAllTopics);
  if (!topics.ok()) return topics.status();
  const std::string wanted = session.args().Text("topic");
  session.admin().WaitOncePerServer();
  session.out().Head(kTraffic);
  for (const std::string& topic : topics->topic_list) {
    if (IsRetryTopic(topic) || IsDlqTopic(topic) || (!wanted.empty() && topic != wanted)) continue;
    const Status printed = PrintTopic(session, topic);
    if (AdminClient::Unreachable(printed)) return printed;
    if (!printed.ok()) session.Warn(printed);  // A topic that went meanwhile is no failure.
  }
  return {};
}

std::string EntryText(const proto::ConsumeQueueData& entry) {
  const auto quoted = [](const std::optional<std::string>& text) { return text.value_or("null"); };
  return StrCat("ConsumeQueueData{physicOffset=", entry.physic_offset, ", physicSize=", entry.physic_size,
                ", tagsCode=", entry.tags_code, ", extendDataJson='", quoted(entry.extend_data_json),
                "', bitMap='", quoted(entry.bit_map), "', eval=", entry.eval, ", msg='", quoted(entry.msg),
                "'}");
}

std::string SubscriptionText(const SubscriptionData& subscription) {
  proto::JsonWriter json({.layout = proto::JsonWriter::Layout::kPretty});
  json.BeginObject();
  json.Key("classFilterMode");
  json.Bool(subscription.class_filter_mode);
  json.Key("codeSet");
  json.BeginArray();
  for (const int32_t code : subscription.code_set) json.Int(code);
  json.EndArray();
  json.Key("expressionType");
  json.String(subscription.expression_type);
  json.Key("subString");
  json.String(subscription.sub_string);
  json.Key("subVersion");
  json.Int(subscription.sub_version);
  json.Key("tagsSet");
  json.BeginArray();
  for (const std::string& tag : subscription.tags_set) json.String(tag);
  json.EndArray();
  json.Key("topic");
  json.String(subscription.topic);
  json.EndObject();
  return json.Take();
}

// Asks the topic's first broker, its slaves when the master is silent, and so on; which one is told when it
// is not the first master.
Result<proto::QueryConsumeQueueResponseBody> AskFirst(Session& session,
                                                      const proto::QueryConsumeQueueRequestHeader& header) {
  const auto route = session.Route(header.topic);
  if (!route.ok()) return route.status();
  Status failure(StatusCode::kNotFound, "No topic route data!");
  bool expected = true;  // The next to be asked is the first master.
  for (const proto::BrokerData& broker : route->broker_datas) {
    for (const auto& [id, text] : broker.broker_addrs) {
      const auto address = ParseEndpoint(text);
      if (!address.ok()) continue;
      if (!std::exchange(expected, false) || id != kMasterId) {
        session.Warn(StrCat("asking ", broker.broker_name, " at ", text, id == kMasterId ? "" : ", a slave,",
                            " because the topic's first master ",
                            AdminClient::Unreachable(failure) ? failure.text() : "is not registered"));
      }
      auto reply = session.admin().Call(&net::AdminStub::QueryConsumeQueue, *address, header);
      if (reply.ok() || !AdminClient::Unreachable(reply.status())) return reply;
      failure = reply.status();
    }
  }
  return failure;
}

Status RunQueryCq(Session& session) {
  const Arguments& args = session.args();
  proto::QueryConsumeQueueRequestHeader header;
  header.topic = args.Text("topic");
  header.queue_id = static_cast<int32_t>(args.Number("queue", 0));
  header.index = args.Number("index", 0);
  header.count = static_cast<int32_t>(args.Number("count", 10));
  header.consumer_group = args.Text("consumer");
  const auto broker = args.Has("broker") ? session.Address("broker") : Result<Endpoint>(Endpoint());
  if (!broker.ok()) return broker.status();
  const auto reply = args.Has("broker")
                         ? session.admin().Call(&net::AdminStub::QueryConsumeQueue, *broker, header)
                         : AskFirst(session, header);
  if (!reply.ok()) return reply.status();
  Output& out = session.out();
  if (reply->subscription_data) {
    out.Line(StrCat("Subscription data: \n", SubscriptionText(*reply->subscription_data)));
    out.Line(kSeparator);
  }
  if (reply->filter_data) {
    out.Line(StrCat("Filter data: \n", *reply->filter_data));
    out.Line(kSeparator);
  }
  out.Line(StrCat("Queue data: \nmax: ", reply->max_queue_index, ", min: ", reply->min_queue_index));
  out.Line(kSeparator);
  int64_t index = header.index;
  for (const proto::ConsumeQueueData& entry : reply->queue_data) {
    out.Line(StrCat("idx: ", index++));
    out.Line(EntryText(entry));
    out.Line(kSeparator);
  }
  out.Member("queue", proto::EncodeBody(*reply, proto::JsonStyle::kStandard));
  return {};
}

constexpr OptionSpec kStatsAll[] = {
    {"a", "activeTopic", ValueKind::kFlag, Need::kOptional, "only what had messages within a day"},
    {"t", "topic", ValueKind::kTopic, Need::kOptional, "only this topic"}};
constexpr OptionSpec kQueryCq[] = {
    {"t", "topic", ValueKind::kTopic, Need::kRequired, "the topic"},
    {"q", "queue", ValueKind::kInt, Need::kRequired, "the queue"},
    {"i", "index", ValueKind::kLong, Need::kRequired, "the first entry to show"},
    {"c", "count", ValueKind::kInt, Need::kOptional, "how many; 10"},
    {"b", "broker", ValueKind::kAddress, Need::kOptional, "ask this broker; else the topic's first master"},
    {"g", "consumer", ValueKind::kGroup, Need::kOptional, "tell which entries this group's filter takes"}};

constexpr CommandSpec kCommands[] = {
    {"statsAll", "statistics", "Shows the traffic of topics and groups", kStatsAll, "mqadmin statsAll -a",
     Effect::kReads, Needs::kNameServer, RunStatsAll},
    {"queryCq", "queue", "Shows entries of a consume queue", kQueryCq,
     "mqadmin queryCq -t orders -q 0 -i 0 -c 3", Effect::kReads, Needs::kNameServer, RunQueryCq},
};

}  // namespace

std::span<const CommandSpec> StatsCommands() { return kCommands; }

}  // namespace orbitmq::tools
