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
constexpr int64_t kByTime = -1;    // As an offset.

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

// What a reset has done, at all brokers.
struct Moved {
  bool by_brokers = false;  // There are brokers that did it themselves.
  std::map<MessageQueue, int64_t> queues{};
  bool by_offsets = false;                // There are brokers without members that could be told.
  std::vector<std::vector<Cell>> rows{};  // Of the queues there.
};

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

// Computes and writes the offset of each queue of a broker: for groups without members. As Java: a queue
// whose consumer is behind that time already moves only with force.
Status ResetByOffsets(Session& session, const Reset& reset, const Endpoint& broker, Moved& moved) {
  proto::GetConsumeStatsRequestHeader header;
  header.consumer_group = reset.group;
  header.topic = reset.topic;
  const auto stats = session.admin().Call(&net::AdminStub::GetConsumeStats, broker, header);
  if (!stats.ok()) return stats.status();
  for (const auto& [queue, offset] : stats->offset_table) {
    const auto found = OffsetAt(session, broker, queue, reset.timestamp);
    if (!found.ok()) return found.status();
    const bool moves = reset.force || *found <= offset.consumer_offset;
    const int64_t target = moves ? *found : offset.consumer_offset;
    if (moves) {
      const auto written = session.admin().Call(&net::BrokerStub::UpdateConsumerOffset, broker,
                                                Commit(reset.group, queue, target));
      if (!written.ok()) return written.status();
    }
    moved.rows.push_back({Cell::Front(queue.broker_name, 32), queue.queue_id, offset.broker_offset,
                          offset.consumer_offset, *found, target});
  }
  return {};
}

bool NotOnline(const Status& status) { return status.wire_code() == proto::ResponseCode::kConsumerNotOnline; }

// Asks each master to move the offsets and to tell the members; where there are none that could be told, the
// offsets are written.
Status ResetAll(Session& session, const Reset& reset, Moved& moved) {
  const auto route = session.Route(reset.cluster.empty() ? reset.topic : reset.cluster);
  if (!route.ok()) return route.status();
  proto::ResetOffsetRequestHeader header;
  header.topic = reset.topic;
  header.group = reset.group;
  header.timestamp = reset.timestamp;
  header.force = reset.force;
  const std::string what = StrCat("reset the offsets of group ", reset.group, " in ", reset.topic);
  const Status done = session.AtEach(session.MastersOfRoute(*route), [&](const Endpoint& broker) -> Status {
    const auto reply = session.Change(what, &net::AdminStub::ResetOffset, broker, header);
    if (reply.ok()) {
      moved.by_brokers = !session.dry_run();
      moved.queues.insert(reply->offset_table.begin(), reply->offset_table.end());
      return {};
    }
    if (!NotOnline(reply.status())) return reply.status();
    moved.by_offsets = true;
    return ResetByOffsets(session, reset, broker, moved);
  });
  const bool nothing = moved.by_offsets && moved.rows.empty() && !moved.by_brokers;
  return done.ok() && nothing ? NoOffsets({.group = reset.group, .topic = reset.topic}) : done;
}

// Also of what was moved before a broker failed. The heads come before the tables if they are not empty.
void PrintMoved(Session& session, const Moved& moved, const TableShape& by_offsets,
                const std::string& head = {}, const std::string& head_by_offsets = {}) {
  if (moved.by_brokers) {
    if (!head.empty()) session.Did(head);
    session.out().Head(kOffsets);
    for (const auto& [queue, offset] : moved.queues) {
      session.out().Row(kOffsets, {Cell::Front(queue.broker_name, 32), queue.queue_id, offset});
    }
  }
  if (!moved.by_offsets) return;
  if (!head_by_offsets.empty()) session.Did(head_by_offsets);
  session.out().Head(by_offsets);
  for (const std::vector<Cell>& row : moved.rows) session.out().Row(by_offsets, row);
}

// The broker is asked first, which refuses what is not there, tells the members and replaces a reset that is
// pending. The plain commit is for brokers that tell nobody, or move whole topics only: those keep all queues
// where they are for this request (no force, to the end), while Java's mqadmin, which commits first and names
// the time 0, lets them begin anew.
Status MoveOneQueue(Session& session, const Reset& reset, const Endpoint& broker, const MessageQueue& queue,
                    int64_t offset) {
  proto::ResetOffsetRequestHeader header;
  header.topic = queue.topic;
  header.group = reset.group;
  header.queue_id = queue.queue_id;
  header.offset = offset;
  header.timestamp = kToTheEnd;
  header.force = false;
  const auto moved = session.Change(
      StrCat("set the offset of group ", reset.group, ", queue ", queue.queue_id, " to ", offset),
      &net::AdminStub::ResetOffset, broker, header);
  if (!moved.ok() && !NotOnline(moved.status())) return moved.status();
  if (session.dry_run()) return {};
  const auto written = session.admin().Call(&net::BrokerStub::UpdateConsumerOffset, broker,
                                            Commit(reset.group, queue, offset));
  return written.ok() ? Status() : written.status();
}

// -b and -q: one queue, with its offset looked up or given.
Status ResetOneQueue(Session& session, const Reset& reset, int32_t queue_id) {
  const auto broker = session.Address("broker");
  if (!broker.ok()) return broker.status();
  session.Did(StrCat("start reset consumer offset by specified, group[", reset.group, "], topic[",
                     reset.topic, "], queueId[", queue_id, "], broker[", broker->ToString(),
                     "], timestamp(string)[", reset.given, "], timestamp(long)[", reset.timestamp, "]"));
  const MessageQueue queue{reset.topic, "", queue_id};
  const int64_t given = session.args().Number("offset", kByTime);
  const auto offset =
      given != kByTime ? Result<int64_t>(given) : OffsetAt(session, *broker, queue, reset.timestamp);
  if (!offset.ok()) return offset.status();
  if (Status moved = MoveOneQueue(session, reset, *broker, queue, *offset); !moved.ok()) return moved;
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
  const auto queue_id = static_cast<int32_t>(args.Number("queue", 0));
  if (queue_id < 0) return UsageError(StrCat("option -q/--queue: ", queue_id, " is no queue"));
  if (Status agreed = session.Confirm(StrCat("move the offsets of group ", reset.group, " in topic ",
                                             reset.topic, " to the time ", reset.given));
      !agreed.ok()) {
    return agreed;
  }
  if (args.Has("broker") && args.Has("queue")) return ResetOneQueue(session, reset, queue_id);
  Moved moved;
  const Status done = ResetAll(session, reset, moved);
  const std::string rest =
      StrCat("group[", reset.group, "], topic[", reset.topic, "], force[", reset.force,
             "], timestamp(string)[", reset.given, "], timestamp(long)[", reset.timestamp, "]");
  PrintMoved(session, moved, kOldReset, StrCat("start reset consumer offset by specified, ", rest),
             StrCat("reset consumer offset by specified ", rest));
  return done;
}

Status RunSkipAccumulatedMessage(Session& session) {
  const Reset reset = ResetFromOptions(session.args());
  if (Status agreed = session.Confirm(
          StrCat("make group ", reset.group, " skip all messages of topic ", reset.topic, " up to now"));
      !agreed.ok()) {
    return agreed;
  }
  Moved moved;
  const Status done = ResetAll(session, reset, moved);
  PrintMoved(session, moved, kOldSkip);
  return done;
}

// Copies the offsets of the queues that a broker has.
Status CloneAt(Session& session, const Endpoint& broker, const std::string& name, const std::string& to,
               const proto::ConsumeStats& stats) {
  for (const auto& [queue, offset] : stats.offset_table) {
    if (queue.broker_name != name || offset.consumer_offset < 0) continue;
    const auto written = session.Change(
        StrCat("set the offset of group ", to, ", queue ", queue.queue_id, " to ", offset.consumer_offset),
        &net::BrokerStub::UpdateConsumerOffset, broker, Commit(to, queue, offset.consumer_offset));
    if (!written.ok()) return written.status();
  }
  return {};
}

Status RunCloneGroupOffset(Session& session) {
  const std::string from = session.args().Text("srcGroup");
  const std::string to = session.args().Text("destGroup");
  const std::string topic = session.args().Text("topic");
  const auto stats = ConsumeStatsOfGroup(session, {.group = from, .topic = topic, .committed_only = true});
  if (!stats.ok()) return stats.status();
  const auto route = session.Route(topic);
  if (!route.ok()) return route.status();
  if (Status agreed = session.Confirm(StrCat("set the offsets of group ", to, " to those of group ", from));
      !agreed.ok()) {
    return agreed;
  }
  std::map<Endpoint, std::string> names;
  for (const proto::BrokerData& broker : route->broker_datas) {
    if (const auto master = MasterAddress(broker)) names.emplace(*master, broker.broker_name);
  }
  const Status cloned = session.AtEach(session.MastersOfRoute(*route), [&](const Endpoint& broker) {
    return CloneAt(session, broker, names.at(broker), to, *stats);
  });
  if (!cloned.ok()) return cloned;
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
    {"o", "offset", ValueKind::kLong, Need::kOptional,
     "with -b and -q: this offset instead of the time's (-1)"},
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
