// SPDX-License-Identifier: Apache-2.0
// Commands that find messages.
#include <algorithm>

#include "common/message_id.h"
#include "common/strings.h"
#include "tools/mqadmin/message_search.h"
#include "tools/mqadmin/sending.h"
#include "tools/mqadmin/session.h"

namespace orbitmq::tools {
namespace {

constexpr int32_t kUniqueKeyMax = 32;

constexpr char kFoundFormat[] = "%-50s %4s %40s %-200s%n";
constexpr TableShape kFound = {"messages", kFoundFormat, kFoundFormat,
                               "#Message ID|#QID|#Offset|#IndexKey"};

// By the id that a broker or a client made.
Result<ShownMessage> FindById(Session& session, const std::string& topic, const std::string& id) {
  const auto decoded = DecodeOffsetMessageId(id);
  // An id of a client has the same length and form; only an address that answers tells them apart.
  if (decoded.ok() && decoded->store_host.port > 0 && decoded->store_host.port <= 65535) {
    const Endpoint broker{decoded->store_host.IpText(), static_cast<uint16_t>(decoded->store_host.port)};
    const auto records =
        session.admin().Call(&net::AdminStub::ViewMessage, broker,
                             proto::ViewMessageRequestHeader{topic, decoded->log_offset.value});
    if (records.ok()) {
      auto messages = DecodeMessages(records->view(), "");
      if (!messages.ok()) return messages.status();
      if (!messages->empty() && messages->front().view.topic == topic) return std::move(messages->front());
    }
  }
  auto found = FindByKey(session, {.topic = topic,
                                   .cluster = session.args().Text("cluster"),
                                   .key = id,
                                   .unique = true,
                                   .count = kUniqueKeyMax});
  if (!found.ok()) return found.status();
  return std::move(found->front());
}

// Lets one client of the group consume the message now, by way of its broker.
Status ConsumeDirectly(Session& session, const ShownMessage& message) {
  proto::ConsumeMessageDirectlyResultRequestHeader header;
  header.consumer_group = session.args().Text("consumerGroup");
  header.client_id = session.args().Text("clientId");
  header.msg_id = message.OffsetId();
  header.topic = std::string(message.view.topic);
  const Endpoint broker{message.view.store_host.IpText(),
                        static_cast<uint16_t>(message.view.store_host.port)};
  const auto result = session.Change(StrCat("let ", header.client_id, " consume ", message.Id()),
                                     &net::AdminStub::ConsumeDirectly, broker, header);
  if (!result.ok()) return result.status();
  session.Did(StrCat(
      "ConsumeMessageDirectlyResult [order=", result->order, ", autoCommit=", result->auto_commit,
      ", consumeResult=", result->consume_result ? proto::EnumName(*result->consume_result) : "null",
      ", remark=", result->remark.value_or("null"), ", spentTimeMills=", result->spent_time_mills, "]"));
  return {};
}

bool WantsDirectConsumption(const Arguments& args) {
  return args.Has("consumerGroup") && args.Has("clientId");
}

// Sends the message again, with its id and its properties.
Status ResendMessage(Session& session, const ShownMessage& message) {
  const auto queues = WritableQueues(session, std::string(message.view.topic));
  if (!queues.ok()) return queues.status();
  OutgoingText again{.body = message.body, .properties = message.properties, .group = "ReSendMsgById"};
  again.properties.erase(std::string(property::kCrc32));
  session.Did(StrCat("prepare resend msg. originalMsgId=", message.Id()));
  const auto sent = SendOnce(session, queues->front(), std::move(again));
  if (!sent.ok()) return sent.status();
  session.Did(SendResultText(*sent, queues->front().queue));
  return {};
}

Status RunQueryMsgById(Session& session) {
  const std::string topic = session.args().Text("topic");
  Status failure;
  const std::string ids = session.args().Text("msgId");
  for (const std::string_view piece : Split(ids, ',')) {
    const std::string id(Trim(piece));
    if (id.empty()) continue;
    const auto message = FindById(session, topic, id);
    Status done = message.status();
    if (message.ok() && WantsDirectConsumption(session.args())) {
      done = ConsumeDirectly(session, *message);
    } else if (message.ok() && session.args().Bool("sendMessage", false)) {
      done = ResendMessage(session, *message);
    } else if (message.ok()) {
      done = ShowMessage(session, *message, {.body_text = session.args().Has("bodyFormat")});
    }
    if (done.ok()) continue;
    if (!failure.ok()) session.Warn(done.Annotate(id));
    if (failure.ok()) failure = done.Annotate(id);
  }
  return failure;
}

// How an index of RocksDB's spells its entry; what Java's --lastKey takes to go on behind it.
std::string IndexKey(const ShownMessage& message, const KeyQuery& query) {
  constexpr int64_t kHourMs = 3600 * 1000;
  const int64_t stored_ms = ToEpochMillis(message.view.store_time);
  return StrCat(stored_ms - stored_ms % kHourMs, "@", query.topic, "@", query.type, "@", query.key, "@",
                message.Id(), "@", message.view.log_offset.value);
}

Status RunQueryMsgByKey(Session& session) {
  const Arguments& args = session.args();
  const KeyQuery query = {.topic = args.Text("topic"),
                          .cluster = args.Text("cluster"),
                          .key = args.Text("msgKey"),
                          .type = args.Text("keyType", "K"),
                          .count = static_cast<int32_t>(args.Number("maxNum", 64)),
                          .begin = args.Time("beginTimestamp", 0),
                          .end = args.Time("endTimestamp", KeyQuery().end)};
  const auto found = FindByKey(session, query);
  if (!found.ok()) return found.status();
  session.out().Head(kFound);
  for (const ShownMessage& message : *found) {
    session.out().Row(kFound, {message.Id(), message.view.queue_id, message.view.queue_offset.value,
                               IndexKey(message, query)});
  }
  return {};
}

Status RunQueryMsgByUniqueKey(Session& session) {
  auto found = FindByKey(session, {.topic = session.args().Text("topic"),
                                   .cluster = session.args().Text("cluster"),
                                   .key = session.args().Text("msgId"),
                                   .unique = true,
                                   .count = kUniqueKeyMax,
                                   .begin = session.args().Time("startTime", 0),
                                   .end = session.args().Time("endTime", KeyQuery().end)});
  if (!found.ok()) return found.status();
  std::sort(found->begin(), found->end(),
            [](const auto& a, const auto& b) { return a.view.store_time < b.view.store_time; });
  if (WantsDirectConsumption(session.args())) return ConsumeDirectly(session, found->front());
  if (!session.args().Has("showAll")) found->resize(1);
  int copy = 0;
  for (const ShownMessage& message : *found) {
    const Status shown = ShowMessage(session, message, {.offset_id = false, .copy = copy++});
    if (!shown.ok()) return shown;
  }
  return {};
}

Status RunQueryMsgByOffset(Session& session) {
  const std::string topic = session.args().Text("topic");
  const std::string name = session.args().Text("brokerName");
  const auto route = session.Route(session.args().Text("routeTopic", topic));
  if (!route.ok()) return route.status();
  for (const proto::BrokerData& broker : route->broker_datas) {
    const auto address = SelectAddress(broker);
    if (broker.broker_name != name || !address) continue;
    const int64_t offset = session.args().Number("offset", 0);
    const auto queue_id = static_cast<int32_t>(session.args().Number("queueId", 0));
    const auto pulled =
        PullOnce(session, *address, {.queue = {topic, name, queue_id}, .offset = offset, .count = 1});
    if (!pulled.ok()) return pulled.status();
    const auto messages = DecodePulled(*pulled, name);
    if (!messages.ok()) return messages.status();
    if (messages->empty() || pulled->status != net::PullStatus::kFound) {
      return {StatusCode::kNotFound,
              StrCat("queue ", queue_id, " of ", name, " has no message at offset ", offset, ", but from ",
                     pulled->header.min_offset, " up to ", pulled->header.max_offset)};
    }
    return ShowMessage(session, messages->front(), {.body_text = session.args().Has("bodyFormat")});
  }
  return {StatusCode::kNotFound, StrCat("the topic ", topic, " has no broker ", name)};
}

constexpr OptionSpec kTopic = {"t", "topic", ValueKind::kTopic, Need::kRequired, "the topic"};
constexpr OptionSpec kCluster = {"c", "cluster", ValueKind::kCluster, Need::kOptional,
                                 "find the brokers through the route of this cluster (or parent topic)"};
constexpr OptionSpec kGroup = {"g", "consumerGroup", ValueKind::kGroup, Need::kOptional,
                               "with -d: the group of the client that shall consume it now"};
constexpr OptionSpec kClient = {"d", "clientId", ValueKind::kText, Need::kOptional,
                                "with -g: the client that shall consume it now"};
constexpr OptionSpec kBodyFormat = {"f", "bodyFormat", ValueKind::kText, Need::kOptional,
                                    "print the body too, as text; UTF-8"};

constexpr char kStoredFrom[] = "stored from then on: milliseconds or 2026-01-31#13:45:10:000; 0";
constexpr char kStoredUpTo[] = "stored up to then: milliseconds or 2026-01-31#13:45:10:000; no end";

constexpr OptionSpec kById[] = {
    kTopic,
    {"i", "msgId", ValueKind::kText, Need::kRequired, "ids, separated by ','"},
    kGroup,
    kClient,
    {"s", "sendMessage", ValueKind::kBool, Need::kOptional, "send it again; false"},
    {"u", "unitName", ValueKind::kText, Need::kOptional, "of no effect: there are no units"},
    kCluster,
    kBodyFormat};
constexpr OptionSpec kByKey[] = {
    kTopic,
    {"k", "msgKey", ValueKind::kText, Need::kRequired, "a key of the message"},
    {"b", "beginTimestamp", ValueKind::kTime, Need::kOptional, kStoredFrom},
    {"e", "endTimestamp", ValueKind::kTime, Need::kOptional, kStoredUpTo},
    {"m", "maxNum", ValueKind::kInt, Need::kOptional, "at most so many per broker; 64"},
    {"p", "keyType", ValueKind::kChoice, Need::kOptional, "what the key is: a key, or a tag; K", "K|T"},
    {"l", "lastKey", ValueKind::kText, Need::kOptional, "of no effect: the index of files has no such key"},
    kCluster};
constexpr OptionSpec kByUniqueKey[] = {
    {"i", "msgId", ValueKind::kText, Need::kRequired, "the id that the producer's client made"},
    kGroup,
    kClient,
    kTopic,
    {"a", "showAll", ValueKind::kFlag, Need::kOptional, "all messages with that id, at most 32"},
    {"s", "startTime", ValueKind::kTime, Need::kOptional, kStoredFrom},
    {"e", "endTime", ValueKind::kTime, Need::kOptional, kStoredUpTo},
    kCluster};
constexpr OptionSpec kByOffset[] = {
    kTopic,
    {"b", "brokerName", ValueKind::kBroker, Need::kRequired, "the broker"},
    {"i", "queueId", ValueKind::kInt, Need::kRequired, "the queue"},
    {"o", "offset", ValueKind::kLong, Need::kRequired, "the message's offset in the queue"},
    {"r", "routeTopic", ValueKind::kTopic, Need::kOptional, "find the broker through this topic's route"},
    kBodyFormat};

constexpr CommandSpec kCommands[] = {
    {"queryMsgById", "message", "Shows a message by its id", kById,
     "mqadmin queryMsgById -t orders -i 0A00000100002A9F0000000000000000", Effect::kChanges,
     Needs::kNameServer, RunQueryMsgById},
    {"queryMsgByKey", "message", "Lists the messages with a key", kByKey,
     "mqadmin queryMsgByKey -t orders -k order-4711", Effect::kReads, Needs::kNameServer, RunQueryMsgByKey},
    {"queryMsgByUniqueKey", "message", "Shows a message by the id that its producer made", kByUniqueKey,
     "mqadmin queryMsgByUniqueKey -t orders -i 7F0000010F5C3D71E5A07B6D0F2C0000", Effect::kReads,
     Needs::kNameServer, RunQueryMsgByUniqueKey},
    {"queryMsgByOffset", "message", "Shows the message at an offset of a queue", kByOffset,
     "mqadmin queryMsgByOffset -t orders -b broker-a -i 0 -o 42 -f UTF-8", Effect::kReads, Needs::kNameServer,
     RunQueryMsgByOffset},
};

}  // namespace

std::span<const CommandSpec> MessageCommands() { return kCommands; }

}  // namespace orbitmq::tools
