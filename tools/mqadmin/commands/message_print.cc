// SPDX-License-Identifier: Apache-2.0
// Commands that walk through queues and print messages.
#include <algorithm>

#include "common/strings.h"
#include "tools/mqadmin/java_format.h"
#include "tools/mqadmin/java_text.h"
#include "tools/mqadmin/message_view.h"
#include "tools/mqadmin/queue_reading.h"
#include "tools/mqadmin/session.h"

namespace orbitmq::tools {
namespace {

constexpr int32_t kPullCount = 32;

std::string_view StatusName(net::PullStatus status) {
  switch (status) {
    case net::PullStatus::kFound:
      return "FOUND";
    case net::PullStatus::kNoNewMessage:
      return "NO_NEW_MSG";
    case net::PullStatus::kNoMatchedMessage:
      return "NO_MATCHED_MSG";
    case net::PullStatus::kOffsetIllegal:
      return "OFFSET_ILLEGAL";
  }
  return "";
}

// Sets the part of the queue: all of it, or from and up to a time.
Status SetSpan(Session& session, QueueSpan& span) {
  const auto place = [&session](std::string_view option, QueueEdge otherwise) -> QueuePlace {
    if (session.args().Has(option)) return session.args().Time(option, 0);
    return otherwise;
  };
  const auto begin = OffsetAt(session, span, place("beginTimestamp", QueueEdge::kFirst));
  if (!begin.ok()) return begin.status();
  const auto end = OffsetAt(session, span, place("endTimestamp", QueueEdge::kEnd));
  if (!end.ok()) return end.status();
  span.begin = *begin;
  span.end = *end;
  return {};
}

// Pulls through the part; found(messages), ended(status, next offset) for a pull without messages. A pull
// that does not get on ends the walk.
template <class Found, class Ended>
Status Walk(Session& session, const QueueSpan& span, const std::string& expression, Found found,
            Ended ended) {
  for (int64_t offset = span.begin; offset < span.end;) {
    const auto count = static_cast<int32_t>(std::min<int64_t>(kPullCount, span.end - offset));
    const auto pulled =
        PullOnce(session, span.broker,
                 {.queue = span.queue, .offset = offset, .count = count, .expression = expression});
    if (!pulled.ok()) return pulled.status();
    const int64_t next = pulled->header.next_begin_offset;
    if (pulled->status == net::PullStatus::kFound) {
      const auto messages = DecodePulled(*pulled, span.queue.broker_name);
      if (!messages.ok()) return messages.status();
      found(*messages);
    } else {
      ended(pulled->status, next);
      if (pulled->status != net::PullStatus::kNoMatchedMessage) return {};
    }
    if (next <= offset) return {};
    offset = next;
  }
  return {};
}

enum class BodyForm : uint8_t { kShown, kLeftOut };

void PrintMessages(Session& session, const std::vector<ShownMessage>& messages, BodyForm form) {
  for (const ShownMessage& message : messages) {
    session.out().Line(StrCat("MSGID: ", message.Id(), " ", MessageText(message), " BODY: ",
                              form == BodyForm::kShown ? JavaString(message.body) : "NOT PRINT BODY"));
    session.out().Append("found", MessageJson(message));
  }
}

Status RunPrintMsg(Session& session) {
  const std::string topic = session.args().Text("topic");
  auto queues = ReadableQueues(session, topic, session.args().Text("lmqParentTopic", topic));
  if (!queues.ok()) return queues.status();
  const BodyForm form = session.args().Bool("printBody", true) ? BodyForm::kShown : BodyForm::kLeftOut;
  for (QueueSpan& span : *queues) {
    if (Status set = SetSpan(session, span); !set.ok()) return set;
    const std::string name = QueueText(span.queue);
    session.out().Line(StrCat("minOffset=", span.begin, ", maxOffset=", span.end, ", ", name));
    const Status walked = Walk(
        session, span, session.args().Text("subExpression", "*"),
        [&](const auto& messages) { PrintMessages(session, messages, form); },
        [&](net::PullStatus status, int64_t next) {
          const bool more = status == net::PullStatus::kNoMatchedMessage;
          session.out().Line(StrCat(name, more ? " no matched msg. status=" : " print msg finished. status=",
                                    StatusName(status), ", offset=", next));
        });
    if (!walked.ok()) return walked;
    session.out().Line(std::string(56, '-'));
  }
  return {};
}

// The queue that options name.
Result<QueueSpan> NamedQueue(Session& session) {
  const std::string topic = session.args().Text("topic");
  const std::string broker = session.args().Text("brokerName");
  const auto queue_id = static_cast<int32_t>(session.args().Number("queueId", 0));
  const auto queues = ReadableQueues(session, topic, topic);
  if (!queues.ok()) return queues.status();
  for (const QueueSpan& span : *queues) {
    if (span.queue.broker_name == broker && span.queue.queue_id == queue_id) return span;
  }
  return Status(StatusCode::kNotFound,
                StrCat("the topic ", topic, " has no queue ", queue_id, " on the broker ", broker));
}

void PrintTagCounts(Session& session, const std::map<std::string, int64_t>& counts) {
  std::vector<std::pair<std::string, int64_t>> sorted(counts.begin(), counts.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  for (const auto& [tag, count] : sorted) {
    const std::string arguments[] = {tag, StrCat(count)};
    session.out().Text(JavaFormat("Tag: %-30s Count: %s%n", arguments));
    session.out().Append("tags", StrCat("{\"tag\":", JsonText(tag), ",\"count\":", count, "}"));
  }
}

Status RunPrintMsgByQueue(Session& session) {
  auto span = NamedQueue(session);
  if (!span.ok()) return span.status();
  if (Status set = SetSpan(session, *span); !set.ok()) return set;
  const BodyForm form = session.args().Bool("printBody", false) ? BodyForm::kShown : BodyForm::kLeftOut;
  const bool print = session.args().Bool("print", false);
  std::map<std::string, int64_t> counts;
  const Status walked = Walk(
      session, *span, session.args().Text("subExpression", "*"),
      [&](const auto& messages) {
        if (print) PrintMessages(session, messages, form);
        for (const ShownMessage& message : messages) {
          const std::string tag = message.Property(property::kTags, "");
          if (!IsBlank(tag)) ++counts[tag];
        }
      },
      [](net::PullStatus, int64_t) {});
  if (walked.ok() && session.args().Bool("calculate", false)) PrintTagCounts(session, counts);
  return walked;
}

// Checks what the options of consumeMessage say together, with Java's words.
Status CheckConsumeOptions(Session& session) {
  const Arguments& args = session.args();
  const int64_t now_ms = session.env().clock().WallMillis();
  if (args.Number("MessageNumber", 1) <= 0) return UsageError("Please input a positive messageNumber!");
  if (args.Has("queueId") && !args.Has("brokerName")) {
    return UsageError("Please set the brokerName before queueId!");
  }
  if (args.Has("offset") && !args.Has("queueId")) return UsageError("Please set queueId before offset!");
  if (args.Time("beginTimestamp", 0) > now_ms) {
    return UsageError("Please set the beginTimestamp before now!");
  }
  if (args.Time("endTimestamp", 0) > now_ms) return UsageError("Please set the endTimestamp before now!");
  if (args.Has("endTimestamp") && args.Time("beginTimestamp", 0) > args.Time("endTimestamp", 0)) {
    return UsageError("Please make sure that the beginTimestamp is less than or equal to the endTimestamp");
  }
  return {};
}

Status ConsumeSpan(Session& session, const QueueSpan& span) {
  const std::string name = QueueText(span.queue);
  return Walk(
      session, span, "*",
      [&](const auto& messages) {
        session.out().Line("Consume ok");
        PrintMessages(session, messages, BodyForm::kShown);
      },
      [&](net::PullStatus status, int64_t next) {
        const bool more = status == net::PullStatus::kNoMatchedMessage;
        session.out().Line(StrCat(name, more ? " no matched msg. status=" : " print msg finished. status=",
                                  StatusName(status), ", offset=", next));
      });
}

Status RunConsumeMessage(Session& session) {
  if (Status sound = CheckConsumeOptions(session); !sound.ok()) return sound;
  const std::string topic = session.args().Text("topic");
  int64_t left = session.args().Number("MessageNumber", 128);
  std::vector<QueueSpan> spans;
  if (session.args().Has("queueId")) {
    auto one = NamedQueue(session);
    if (!one.ok()) return one.status();
    spans.push_back(*std::move(one));
  } else {
    auto all = ReadableQueues(session, topic, topic);
    if (!all.ok()) return all.status();
    spans = *std::move(all);
  }
  for (QueueSpan& span : spans) {
    if (left <= 0) break;
    if (Status set = SetSpan(session, span); !set.ok()) return set;
    const int64_t offset = session.args().Number("offset", 0);
    if (offset > span.end) {
      session.out().Message(StrCat(QueueText(span.queue), " no matched msg, offset=", offset));
      continue;
    }
    span.begin = std::max(span.begin, offset);
    if (span.end - span.begin > left) {
      session.out().Message(session.args().Has("queueId")
                                ? StrCat("The oldler ", left, " message will be provided")
                                : StrCat("The older ", left, " message of the ", span.queue.queue_id,
                                         " queue will be provided"));
      span.end = span.begin + left;
    }
    left -= span.end - span.begin;
    // As Java: what is read to its end is asked once more, which tells of the end.
    if (left > 0 && !session.args().Has("endTimestamp")) ++span.end;
    if (Status consumed = ConsumeSpan(session, span); !consumed.ok()) return consumed;
  }
  return {};
}

constexpr OptionSpec kTopic = {"t", "topic", ValueKind::kTopic, Need::kRequired, "the topic"};
constexpr OptionSpec kCharset = {
    "c", "charsetName", ValueKind::kChoice, Need::kOptional, "how bodies are written", "UTF-8|utf-8|UTF8"};
constexpr OptionSpec kExpression = {"s", "subExpression", ValueKind::kText, Need::kOptional,
                                    "only these tags: TagA || TagB"};
constexpr OptionSpec kBegin = {"b", "beginTimestamp", ValueKind::kTime, Need::kOptional,
                               "from this time on: milliseconds or 2026-01-31#13:45:10:000"};
constexpr OptionSpec kEnd = {"e", "endTimestamp", ValueKind::kTime, Need::kOptional,
                             "up to this time: milliseconds or 2026-01-31#13:45:10:000"};

constexpr OptionSpec kPrintMsg[] = {
    kTopic,
    kCharset,
    kExpression,
    kBegin,
    kEnd,
    {"d", "printBody", ValueKind::kBool, Need::kOptional, "print bodies; true"},
    {"l", "lmqParentTopic", ValueKind::kTopic, Need::kOptional, "take the route of this topic"}};
constexpr OptionSpec kPrintMsgByQueue[] = {
    kTopic,
    {"a", "brokerName", ValueKind::kBroker, Need::kRequired, "the broker"},
    {"i", "queueId", ValueKind::kInt, Need::kRequired, "the queue"},
    kCharset,
    kExpression,
    kBegin,
    kEnd,
    {"p", "print", ValueKind::kBool, Need::kOptional, "print messages; false"},
    {"d", "printBody", ValueKind::kBool, Need::kOptional, "with -p true: print bodies; false"},
    {"f", "calculate", ValueKind::kBool, Need::kOptional, "count the messages of each tag; false"}};
constexpr OptionSpec kConsumeMessage[] = {
    kTopic,
    {"b", "brokerName", ValueKind::kBroker, Need::kOptional, "with -i: the broker"},
    {"i", "queueId", ValueKind::kInt, Need::kOptional, "only this queue"},
    {"o", "offset", ValueKind::kLong, Need::kOptional, "with -i: from this offset on"},
    {"g", "consumerGroup", ValueKind::kGroup, Need::kOptional, "of no effect: nothing is committed"},
    {"s", "beginTimestamp", ValueKind::kTime, Need::kOptional,
     "from this time on: milliseconds or 2026-01-31#13:45:10:000"},
    kEnd,
    {"c", "MessageNumber", ValueKind::kLong, Need::kOptional, "at most so many; 128"}};

constexpr CommandSpec kCommands[] = {
    {"printMsg", "message", "Prints the messages of a topic", kPrintMsg,
     "mqadmin printMsg -t orders -d false", Effect::kReads, Needs::kNameServer, RunPrintMsg},
    {"printMsgByQueue", "message", "Prints or counts the messages of a queue", kPrintMsgByQueue,
     "mqadmin printMsgByQueue -t orders -a broker-a -i 0 -f true", Effect::kReads, Needs::kNameServer,
     RunPrintMsgByQueue},
    {"consumeMessage", "message", "Prints some messages of a topic, queue or time", kConsumeMessage,
     "mqadmin consumeMessage -t orders -c 10", Effect::kReads, Needs::kNameServer, RunConsumeMessage},
};

}  // namespace

std::span<const CommandSpec> PrintCommands() { return kCommands; }

}  // namespace orbitmq::tools
