// SPDX-License-Identifier: Apache-2.0
// Commands that move the offsets of consumer groups.
#include "common/strings.h"
#include "remoting/protocol/codes.h"
#include "tools/mqadmin/group_view.h"
#include "tools/mqadmin/java_format.h"
#include "tools/mqadmin/session.h"

namespace orbitmq::tools {
namespace {

constexpr int64_t kToTheEnd = -1;  // As a timestamp.

constexpr TableShape kOffsets = {"offsets", "%-40s  %-40s  %-40s%n", "%-40s  %-40s  %-40s%n",
                                 "#brokerName|#queueId|#offset"};
constexpr char kOldFormat[] = "%-20s  %-20s  %-20s  %-20s  %-20s  %-20s%n";
constexpr TableShape kOldReset = {
    "offsets", kOldFormat, kOldFormat,
    "#brokerName|#queueId|#brokerOffset|#consumerOffset|#timestampOffset|#resetOffset"};
constexpr TableShape kOldSkip = {
    "offsets", kOldFormat, kOldFormat,
    "#brokerName|#queueId|#brokerOffset|#consumerOffset|#timestampOffset|#rollbackOffset"};

// What a reset is asked to do.
struct Reset {
  std::string group;
  std::string topic;
  std::string cluster;  // Whose route to take, or empty.
  std::string given{};  // The time as the user wrote it.
  int64_t timestamp = kToTheEnd;
  bool force = true;
};

Reset ResetFromOptions(const Arguments& args) {
  return {.group = args.Text("group"),
          .topic = args.Text("topic"),
          .cluster = args.Text("cluster"),
          .force = args.Bool("force", true)};
}

Result<std::vector<proto::BrokerData>> BrokersOf(Session& session, const Reset& reset) {
  auto route = session.Route(reset.cluster.empty() ? reset.topic : reset.cluster);
  if (!route.ok()) return route.status();
  return std::move(route->broker_datas);
}

// Asks each broker to move the offsets and to tell the members. An error with CONSUMER_NOT_ONLINE means that
// the group has no member that could be told.
Result<std::map<MessageQueue, int64_t>> ResetByBrokers(Session& session, const Reset& reset) {
  const auto brokers = BrokersOf(session, reset);
  if (!brokers.ok()) return brokers.status();
  proto::ResetOffsetRequestHeader header;
  header.topic = reset.topic;
  header.group = reset.group;
  header.timestamp = reset.timestamp;
  header.force = reset.force;
  std::map<MessageQueue, int64_t> moved;
  for (const proto::BrokerData& broker : *brokers) {
    const auto address = SelectAddress(broker);
    if (!address) continue;
    const auto reply = session.Change(StrCat("reset the offsets of group ", reset.group, " in ", reset.topic),
                                      &net::AdminStub::ResetOffset, *address, header);
    if (!reply.ok()) return reply.status();
    moved.insert(reply->offset_table.begin(), reply->offset_table.end());
  }
  return moved;
}

// The queue offset that a time stands for.
Result<int64_t> OffsetAt(Session& session, const Endpoint& broker, const MessageQueue& queue,
                         int64_t timestamp) {
  if (timestamp == kToTheEnd) {
    return session.admin().Call(&net::BrokerStub::GetMaxOffset, broker, queue.topic, queue.queue_id);
  }
  proto::SearchOffsetRequestHeader header;
  header.topic = queue.topic;
  header.queue_id = queue.queue_id;
  header.timestamp = timestamp;
  return session.admin().Call(&net::BrokerStub::SearchOffset, broker, header);
}

proto::UpdateConsumerOffsetRequestHeader Commit(const std::string& group, const MessageQueue& queue,
                                                int64_t offset) {
  proto::UpdateConsumerOffsetRequestHeader header;
  header.consumer_group = group;
  header.topic = queue.topic;
  header.queue_id = queue.queue_id;
  header.commit_offset = offset;
  return header;
}

// Computes and writes the offset of each queue: for groups without members. As Java: a queue whose consumer
// is behind that time already moves only with force.
Status ResetByOffsets(Session& session, const Reset& reset, const TableShape& shape) {
  const auto stats =
      ConsumeStatsOfGroup(session, {.group = reset.group, .topic = reset.topic, .cluster = reset.cluster});
  if (!stats.ok()) return stats.status();
  const auto brokers = BrokersOf(session, reset);
  if (!brokers.ok()) return brokers.status();
  session.out().Head(shape);
  for (const auto& [queue, offset] : stats->offset_table) {
    for (const proto::BrokerData& broker : *brokers) {
      const auto address = SelectAddress(broker);
      if (broker.broker_name != queue.broker_name || queue.topic != reset.topic || !address) continue;
      const auto found = OffsetAt(session, *address, queue, reset.timestamp);
      if (!found.ok()) return found.status();
      const bool moves = reset.force || *found <= offset.consumer_offset;
      const int64_t target = moves ? *found : offset.consumer_offset;
      if (moves) {
        const auto written = session.Change(
            StrCat("set the offset of group ", reset.group, ", queue ", queue.queue_id, " to ", target),
            &net::BrokerStub::UpdateConsumerOffset, *address, Commit(reset.group, queue, target));
        if (!written.ok()) return written.status();
      }
      if (session.dry_run()) continue;
      session.out().Row(shape, {Cell::Front(queue.broker_name, 32), queue.queue_id, offset.broker_offset,
                                offset.consumer_offset, *found, target});
    }
  }
  return {};
}

Status PrintMoved(Session& session, const std::map<MessageQueue, int64_t>& moved) {
  if (session.dry_run()) return {};
  session.out().Head(kOffsets);
  for (const auto& [queue, offset] : moved) {
    session.out().Row(kOffsets, {Cell::Front(queue.broker_name, 32), queue.queue_id, offset});
  }
  return {};
}

bool NotOnline(const Status& status) { return status.wire_code() == proto::ResponseCode::kConsumerNotOnline; }

// -b and -q: one queue, with its offset looked up or given.
Status ResetOneQueue(Session& session, const Reset& reset, int32_t queue_id) {
  const auto broker = session.Address("broker");
  if (!broker.ok()) return broker.status();
  session.Did(StrCat("start reset consumer offset by specified, group[", reset.group, "], topic[",
                     reset.topic, "], queueId[", queue_id, "], broker[", broker->ToString(),
                     "], timestamp(string)[", reset.given, "], timestamp(long)[", reset.timestamp, "]"));
  const MessageQueue queue{reset.topic, "", queue_id};
  const auto offset = session.args().Has("offset") ? Result<int64_t>(session.args().Number("offset", 0))
                                                   : OffsetAt(session, *broker, queue, reset.timestamp);
  if (!offset.ok()) return offset.status();
  const auto written =
      session.Change(StrCat("set the offset of group ", reset.group, ", queue ", queue_id, " to ", *offset),
                     &net::BrokerStub::UpdateConsumerOffset, *broker, Commit(reset.group, queue, *offset));
  if (!written.ok()) return written.status();
  session.Did(StrCat("reset consumer offset to ", *offset));
  return {};
}

Status RunResetOffsetByTime(Session& session) {
  const Arguments& args = session.args();
  Reset reset = ResetFromOptions(args);
  reset.given = args.Text("timestamp");
  if (reset.given == "now") {
    reset.timestamp = session.env().clock().WallMillis();
  } else {
    const auto time = ParseToolTime(reset.given);
    if (!time.ok()) return UsageError(StrCat("option -s/--timestamp: ", time.status().text(), ", or now"));
    reset.timestamp = *time;
  }
  if (Status agreed = session.Confirm(StrCat("move the offsets of group ", reset.group, " in topic ",
                                             reset.topic, " to the time ", reset.given));
      !agreed.ok()) {
    return agreed;
  }
  const auto queue_id = static_cast<int32_t>(args.Number("queue", -1));
  if (args.Has("broker") && queue_id >= 0) return ResetOneQueue(session, reset, queue_id);
  const auto moved = ResetByBrokers(session, reset);
  if (!moved.ok() && !NotOnline(moved.status())) return moved.status();
  const std::string head =
      StrCat(moved.ok() ? "start reset consumer offset by specified, group["
                        : "reset consumer offset by specified group[",
             reset.group, "], topic[", reset.topic, "], force[", reset.force, "], timestamp(string)[",
             reset.given, "], timestamp(long)[", reset.timestamp, "]");
  if (moved.ok()) {
    session.Did(head);
    return PrintMoved(session, *moved);
  }
  session.Did(head);
  return ResetByOffsets(session, reset, kOldReset);
}

Status RunSkipAccumulatedMessage(Session& session) {
  const Reset reset = ResetFromOptions(session.args());
  if (Status agreed = session.Confirm(
          StrCat("make group ", reset.group, " skip all messages of topic ", reset.topic, " up to now"));
      !agreed.ok()) {
    return agreed;
  }
  const auto moved = ResetByBrokers(session, reset);
  if (moved.ok()) return PrintMoved(session, *moved);
  if (!NotOnline(moved.status())) return moved.status();
  return ResetByOffsets(session, reset, kOldSkip);
}

Status RunCloneGroupOffset(Session& session) {
  const std::string from = session.args().Text("srcGroup");
  const std::string to = session.args().Text("destGroup");
  const std::string topic = session.args().Text("topic");
  const auto stats = ConsumeStatsOfGroup(session, {.group = from, .topic = topic});
  if (!stats.ok()) return stats.status();
  const auto route = session.Route(topic);
  if (!route.ok()) return route.status();
  if (Status agreed = session.Confirm(StrCat("set the offsets of group ", to, " to those of group ", from));
      !agreed.ok()) {
    return agreed;
  }
  for (const auto& [queue, offset] : stats->offset_table) {
    if (queue.topic != topic || offset.consumer_offset < 0) continue;
    for (const proto::BrokerData& broker : route->broker_datas) {
      const auto address = SelectAddress(broker);
      if (broker.broker_name != queue.broker_name || !address) continue;
      const auto written = session.Change(
          StrCat("set the offset of group ", to, ", queue ", queue.queue_id, " to ", offset.consumer_offset),
          &net::BrokerStub::UpdateConsumerOffset, *address, Commit(to, queue, offset.consumer_offset));
      if (!written.ok()) return written.status();
    }
  }
  session.Did(
      StrCat("clone group offset success. srcGroup[", from, "], destGroup=[", to, "], topic[", topic, "]"));
  return {};
}

constexpr OptionSpec kGroup = {"g", "group", ValueKind::kGroup, Need::kRequired, "the consumer group"};
constexpr OptionSpec kTopic = {"t", "topic", ValueKind::kTopic, Need::kRequired, "the topic"};
constexpr OptionSpec kForce = {"f", "force", ValueKind::kBool, Need::kOptional,
                               "move queues forwards too; true"};
constexpr OptionSpec kCluster = {"c", "cluster", ValueKind::kCluster, Need::kOptional,
                                 "find the brokers through the route of this cluster (or parent topic)"};

constexpr OptionSpec kResetOffsetByTime[] = {
    kGroup,
    kTopic,
    {"s", "timestamp", ValueKind::kText, Need::kRequired,
     "now, milliseconds since 1970, or local time as 2026-01-31#13:45:10:000"},
    kForce,
    {"", "cplus", ValueKind::kFlag, Need::kOptional, "of no effect: brokers know their C++ clients"},
    {"b", "broker", ValueKind::kAddress, Need::kOptional, "with -q: the broker of the one queue to reset"},
    {"q", "queue", ValueKind::kInt, Need::kOptional, "with -b: the one queue to reset"},
    {"o", "offset", ValueKind::kLong, Need::kOptional, "with -b and -q: this offset instead of the time's"},
    kCluster};
constexpr OptionSpec kSkip[] = {kGroup, kTopic, kForce, kCluster};
constexpr OptionSpec kClone[] = {
    {"s", "srcGroup", ValueKind::kGroup, Need::kRequired, "the group to copy from"},
    {"d", "destGroup", ValueKind::kGroup, Need::kRequired, "the group to copy to; it must not consume now"},
    kTopic,
    {"o", "offline", ValueKind::kText, Need::kOptional, "of no effect, as in Java's"}};

constexpr CommandSpec kCommands[] = {
    {"resetOffsetByTime", "offset", "Moves a group to the messages of a time", kResetOffsetByTime,
     "mqadmin resetOffsetByTime -g billing -t orders -s 2026-01-31#13:45:10:000", Effect::kDestroys,
     Needs::kNameServer, RunResetOffsetByTime},
    {"skipAccumulatedMessage", "offset", "Makes a group skip everything it has not consumed", kSkip,
     "mqadmin skipAccumulatedMessage -g billing -t orders --yes", Effect::kDestroys, Needs::kNameServer,
     RunSkipAccumulatedMessage},
    {"cloneGroupOffset", "offset", "Copies the offsets of one group to another", kClone,
     "mqadmin cloneGroupOffset -s billing -d billing2 -t orders", Effect::kDestroys, Needs::kNameServer,
     RunCloneGroupOffset},
};

}  // namespace

std::span<const CommandSpec> OffsetCommands() { return kCommands; }

}  // namespace orbitmq::tools
