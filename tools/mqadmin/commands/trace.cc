// SPDX-License-Identifier: Apache-2.0
// What clients wrote into a trace topic about one message.
#include <map>

#include "common/names.h"
#include "common/strings.h"
#include "tools/mqadmin/java_format.h"
#include "tools/mqadmin/message_search.h"
#include "tools/mqadmin/trace_record.h"

namespace orbitmq::tools {
namespace {

constexpr char kFormat[] = "%-10s %-20s %-20s %-20s %-10s %-10s%n";
constexpr TableShape kSent = {"sent", kFormat, kFormat,
                              "#Type|#ProducerGroup|#ClientHost|#SendTime|#CostTimes=costMs|#Status"};
constexpr TableShape kConsumed = {
    "consumed", kFormat, kFormat,
    "#Type|#ConsumerGroup|#ClientHost|#ConsumerTime|#CostTimes=costMs|#Status"};

// A record, and the client whose trace it stands in.
struct Found {
  TraceRecord record;
  std::string client_host;
};

void PrintRow(Session& session, const TableShape& shape, std::string_view type, const Found& found) {
  const TraceRecord& record = found.record;
  session.out().Row(shape, {type, record.group, found.client_host,
                            Cell(HumanSeconds(record.time_ms), StrCat(record.time_ms)),
                            Cell(StrCat(record.cost_ms, "ms"), StrCat(record.cost_ms)),
                            record.success ? "success" : "failed"});
}

// As Java: each send under a head of its own, then each consumer group.
void PrintTrace(Session& session, const std::vector<Found>& all) {
  std::map<std::string, std::vector<const Found*>> consumers;
  for (const Found& found : all) {
    if (found.record.kind == TraceRecord::Kind::kSubAfter) consumers[found.record.group].push_back(&found);
    if (found.record.kind != TraceRecord::Kind::kPub) continue;
    session.out().Head(kSent);
    PrintRow(session, kSent, "Pub", found);
    session.out().Line("");
  }
  for (const auto& [group, records] : consumers) {
    session.out().Head(kConsumed);
    for (const Found* found : records) PrintRow(session, kConsumed, "Sub", *found);
    session.out().Line("");
  }
}

Status RunQueryMsgTraceById(Session& session) {
  const Arguments& args = session.args();
  const std::string id = args.Text("msgId");
  const std::string topic = args.Text("traceTopic", names::kTraceTopic);
  const auto messages = FindByKey(session, {.topic = topic,
                                            .cluster = "",
                                            .key = id,
                                            .count = static_cast<int32_t>(args.Number("maxNum", 64)),
                                            .begin = args.Time("beginTimestamp", 0),
                                            .end = args.Time("endTimestamp", KeyQuery().end)});
  if (!messages.ok()) return messages.status();
  std::vector<Found> found;
  for (const ShownMessage& message : *messages) {
    auto records = DecodeTrace(message.body);
    if (!records.ok()) {
      session.Warn(records.status().Annotate(message.Id()));
      continue;
    }
    for (TraceRecord& record : *records) {
      if (record.message_id == id) found.push_back({std::move(record), message.view.born_host.IpText()});
    }
  }
  if (found.empty() && session.unanswered().ok()) {
    return {StatusCode::kNotFound, StrCat("the trace topic ", topic, " has no record of the message ", id)};
  }
  PrintTrace(session, found);
  return {};
}

constexpr OptionSpec kTrace[] = {
    {"i", "msgId", ValueKind::kText, Need::kRequired, "the id that the producer's client made"},
    {"t", "traceTopic", ValueKind::kTopic, Need::kOptional, "where clients trace to; RMQ_SYS_TRACE_TOPIC"},
    {"b", "beginTimestamp", ValueKind::kTime, Need::kOptional,
     "traces stored from then on: milliseconds or 2026-01-31#13:45:10:000; 0"},
    {"e", "endTimestamp", ValueKind::kTime, Need::kOptional,
     "traces stored up to then: milliseconds or 2026-01-31#13:45:10:000; no end"},
    {"c", "maxNum", ValueKind::kInt, Need::kOptional, "at most so many trace messages per broker; 64"}};

constexpr CommandSpec kCommands[] = {
    {"queryMsgTraceById", "message", "Shows who sent a message and who consumed it, from the clients' traces",
     kTrace, "mqadmin queryMsgTraceById -i 7F0000010F5C3D71E5A07B6D0F2C0000", Effect::kReads,
     Needs::kNameServer, RunQueryMsgTraceById},
};

}  // namespace

std::span<const CommandSpec> TraceCommands() { return kCommands; }

}  // namespace orbitmq::tools
