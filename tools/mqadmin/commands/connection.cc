// SPDX-License-Identifier: Apache-2.0
// Commands that tell who is connected.
#include "common/strings.h"
#include "remoting/protocol/body_codec.h"
#include "tools/mqadmin/group_view.h"
#include "tools/mqadmin/java_text.h"
#include "tools/mqadmin/session.h"

namespace orbitmq::tools {
namespace {

constexpr char kClientFormat[] = "%-36s %-22s %-10s %s%n";
constexpr TableShape kClients = {"clients", kClientFormat, kClientFormat,
                                 "#ClientId|#ClientAddr|#Language|#Version"};
constexpr TableShape kSubscriptions = {"subscriptions", "%-20s %s%n", "%-20s %s%n", "#Topic|#SubExpression"};
constexpr TableShape kProducers = {"clients", "", "%04d  %-32s %-22s %-8s %s%n",
                                   "#Index|#ClientId|#ClientAddr|#Language|#Version"};

template <class Enum>
std::string NameOr(const std::optional<Enum>& value, std::string_view otherwise) {
  return value ? std::string(proto::EnumName(*value)) : std::string(otherwise);
}

Status RunConsumerConnection(Session& session) {
  const auto group =
      ConsumersOfGroup(session, session.args().Text("consumerGroup"), session.args().Text("brokerAddr"));
  if (!group.ok()) return group.status();
  Output& out = session.out();
  out.Head(kClients);
  for (const proto::Connection& client : group->connection_set) {
    out.Row(kClients, {client.client_id, client.client_addr, proto::EnumName(client.language),
                       JavaVersion(client.version)});
  }
  out.Text("\nBelow is subscription:\n");
  out.Head(kSubscriptions);
  for (const auto& [topic, subscription] : group->subscription_table) {
    out.Row(kSubscriptions, {subscription.topic, subscription.sub_string});
  }
  const std::string type = NameOr(group->consume_type, "null");
  const std::string model = NameOr(group->message_model, "null");
  const std::string from = NameOr(group->consume_from_where, "null");
  out.Line("");
  out.Fact("consumeType", type, StrCat("ConsumeType: ", type));
  out.Fact("messageModel", model, StrCat("MessageModel: ", model));
  out.Fact("consumeFromWhere", from, StrCat("ConsumeFromWhere: ", from));
  return {};
}

Status RunProducerConnection(Session& session) {
  const auto route = session.Route(session.args().Text("topic"));
  if (!route.ok()) return route.status();
  const std::vector<Endpoint> brokers = BrokersOfRoute(*route);
  const std::string group = session.args().Text("producerGroup");
  Status failure(StatusCode::kNotFound,
                 StrCat("no broker of the topic knows a producer of the group ", group));
  for (const auto& found : session.admin().CallAll(&net::AdminStub::GetProducers, brokers, group)) {
    if (!found.ok()) {
      failure = found.status();
      continue;
    }
    if (found->connection_set.empty()) continue;
    int number = 1;
    session.out().Head(kProducers);
    for (const proto::Connection& client : found->connection_set) {
      session.out().Row(kProducers, {number++, client.client_id, client.client_addr,
                                     proto::EnumName(client.language), JavaVersion(client.version)});
    }
    return {};
  }
  return failure;
}

std::string ProducerText(const proto::ProducerInfo& producer) {
  return StrCat("clientId=", producer.client_id, ",remoteIP=", producer.remote_ip,
                ", language=", proto::EnumName(producer.language), ", version=", producer.version,
                ", lastUpdateTimestamp=", producer.last_update_timestamp);
}

Status RunProducer(Session& session) {
  const auto broker = session.Address("broker");
  if (!broker.ok()) return broker.status();
  const auto all = session.admin().Call(&net::AdminStub::GetAllProducers, *broker);
  if (!all.ok()) return all.status();
  for (const auto& [group, producers] : all->data) {
    if (producers.empty()) session.out().Line(StrCat("producer group (", group, ") instances are empty"));
    for (const proto::ProducerInfo& producer : producers) {
      session.out().Line(StrCat("producer group (", group, ") instance : ", ProducerText(producer)));
    }
  }
  session.out().Member("producers", proto::EncodeBody(*all, proto::JsonStyle::kStandard));
  return {};
}

constexpr OptionSpec kConsumerConnection[] = {
    {"g", "consumerGroup", ValueKind::kGroup, Need::kRequired, "the consumer group"},
    {"b", "brokerAddr", ValueKind::kAddress, Need::kOptional, "ask this broker only"}};
constexpr OptionSpec kProducerConnection[] = {
    {"g", "producerGroup", ValueKind::kText, Need::kRequired, "the producer group"},
    {"t", "topic", ValueKind::kTopic, Need::kRequired, "a topic that it sends to"}};
constexpr OptionSpec kProducer[] = {{"b", "broker", ValueKind::kAddress, Need::kRequired, "the broker"}};

constexpr CommandSpec kCommands[] = {
    {"consumerConnection", "connections", "Shows a group's clients and what they subscribe to",
     kConsumerConnection, "mqadmin consumerConnection -g billing", Effect::kReads, Needs::kNameServer,
     RunConsumerConnection},
    {"producerConnection", "connections", "Shows a producer group's clients", kProducerConnection,
     "mqadmin producerConnection -g shop -t orders", Effect::kReads, Needs::kNameServer,
     RunProducerConnection},
    {"producer", "connections", "Lists every producer that is connected to a broker", kProducer,
     "mqadmin producer -b 10.0.0.1:10911", Effect::kReads, Needs::kNothing, RunProducer},
};

}  // namespace

std::span<const CommandSpec> ConnectionCommands() { return kCommands; }

}  // namespace orbitmq::tools
