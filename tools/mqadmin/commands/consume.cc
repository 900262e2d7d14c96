// SPDX-License-Identifier: Apache-2.0
// Ours: messages of a topic become lines of standard output.
//
// Queues are read by pull, not as a member of a group: so a count is exact, nothing is given back, and a
// reader without -g leaves no trace. With -g the offsets are those of the group, committed behind what was
// written.
#include <algorithm>
#include <set>

#include "common/strings.h"
#include "tools/mqadmin/counted.h"
#include "tools/mqadmin/group_view.h"
#include "tools/mqadmin/java_format.h"
#include "tools/mqadmin/line_format.h"
#include "tools/mqadmin/message_view.h"
#include "tools/mqadmin/queue_reading.h"
#include "tools/mqadmin/session.h"

namespace orbitmq::tools {
namespace {

constexpr int64_t kPullCount = 32;
constexpr Millis kIdlePause{200};

// A queue while it is read.
struct OpenQueue {
  QueueSpan span;          // begin: the next offset to read; end: where --until-end stops.
  int64_t committed = -1;  // What the group's offset is; -1: none yet.
  bool exhausted = false;  // --until-end has reached its end.
};

struct Wishes {
  QueuePlace from = QueueEdge::kFirst;
  LineFormat format;
  std::string group;  // Empty: none.
  std::string expression;
  int64_t left = INT64_MAX;
  bool until_end = false;
};

Result<Wishes> ReadWishes(Session& session) {
  const Arguments& args = session.args();
  Wishes wishes;
  const std::string from = args.Text("from", "first");
  if (from == "last") {
    wishes.from = QueueEdge::kEnd;
  } else if (from != "first") {
    const auto time = ParseToolTime(from);
    if (!time.ok()) return UsageError(StrCat("--from must be first, last or a time: ", time.status().text()));
    wishes.from = *time;
  }
  auto format = LineFormat::Parse(args.Text("format", "%b\\n"));
  if (!format.ok()) return format.status().Annotate("--format");
  if (args.Has("format") && session.out().json()) return UsageError("give --format or --json, not both");
  wishes.format = *std::move(format);
  wishes.group = args.Text("consumerGroup");
  wishes.expression = args.Text("subExpression", "*");
  if (args.Has("count")) wishes.left = args.Number("count", 0);
  if (wishes.left < 1) return UsageError("--count must be at least 1");
  wishes.until_end = args.Has("until-end");
  return wishes;
}

// Two readers of one group's offsets would each miss what the other has read.
Status CheckNobodyElse(Session& session, const std::string& group) {
  const auto members = ConsumersOfGroup(session, group);
  if (!members.ok()) {
    return AdminClient::Unreachable(members.status()) ? members.status() : Status();
  }
  return {StatusCode::kFailedPrecondition,
          StrCat("the group ", group, " has ", Counted(std::ssize(members->connection_set), "member"),
                 " online, such as ", members->connection_set.front().client_id,
                 ", that read the same queues; stop them, or read without -g")};
}

Status Open(Session& session, const Wishes& wishes, OpenQueue& queue) {
  if (wishes.until_end) {
    const auto end = OffsetAt(session, queue.span, QueueEdge::kEnd);
    if (!end.ok()) return end.status();
    queue.span.end = *end;
  }
  if (!wishes.group.empty()) {
    proto::QueryConsumerOffsetRequestHeader header;
    header.consumer_group = wishes.group;
    header.topic = queue.span.queue.topic;
    header.queue_id = queue.span.queue.queue_id;
    header.set_zero_if_not_found = false;
    const auto known = session.admin().Call(&net::BrokerStub::QueryConsumerOffset, queue.span.broker, header);
    if (!known.ok()) return known.status();
    if (known->has_value()) {
      queue.committed = queue.span.begin = **known;
      return {};
    }
  }
  const auto begin = OffsetAt(session, queue.span, wishes.from);
  if (!begin.ok()) return begin.status();
  queue.span.begin = *begin;
  return {};
}

class Reading final {
 public:
  Reading(Session& session, Wishes wishes) : session_(session), wishes_(std::move(wishes)) {}

  Status Run(const std::string& topic) {
    auto spans = ReadableQueues(session_, topic, topic);
    if (!spans.ok()) return spans.status();
    if (spans->empty()) {
      return {StatusCode::kNotFound,
              StrCat("the topic ", topic, " has no queue to read; see mqadmin topicRoute -t ", topic)};
    }
    for (QueueSpan& span : *spans) {
      if (silent_.contains(span.broker)) continue;
      OpenQueue queue{.span = std::move(span)};
      if (Status opened = Open(session_, wishes_, queue); !opened.ok()) {
        // What is there now is written of those that answer; who goes on reading would miss what comes.
        if (!wishes_.until_end || !AdminClient::Unreachable(opened)) return opened;
        session_.Unanswered(opened);
        silent_.insert(queue.span.broker);
        continue;
      }
      queues_.push_back(std::move(queue));
    }
    std::erase_if(queues_, [this](const OpenQueue& queue) { return silent_.contains(queue.span.broker); });
    if (queues_.empty()) return session_.unanswered();
    while (wishes_.left > 0 && !session_.Interrupted()) {
      const auto moved = Round();
      if (!moved.ok()) return moved.status();
      if (wishes_.until_end && std::all_of(queues_.begin(), queues_.end(),
                                           [](const OpenQueue& queue) { return queue.exhausted; })) {
        break;
      }
      if (!*moved) session_.admin().Pause(kIdlePause);
    }
    return {};
  }

 private:
  // Pulls once from every queue. Whether anything was found; what was written is committed even then when a
  // queue failed.
  Result<bool> Round() {
    std::vector<OpenQueue*> asked;
    std::vector<std::pair<Endpoint, proto::PullMessageRequestHeader>> calls;
    for (OpenQueue& queue : queues_) {
      queue.exhausted = wishes_.until_end && queue.span.begin >= queue.span.end;
      // A group's first pull is made all the same: brokers make a group then, and refuse commits before.
      const bool introduced = wishes_.group.empty() || queue.committed >= 0;
      if (queue.exhausted && introduced) continue;
      const int64_t count = std::min({kPullCount, wishes_.left});
      asked.push_back(&queue);
      calls.emplace_back(queue.span.broker,
                         PullHeader({.queue = queue.span.queue,
                                     .offset = queue.span.begin,
                                     .count = static_cast<int32_t>(count),
                                     .expression = wishes_.expression,
                                     .group = wishes_.group.empty() ? kToolsGroup : wishes_.group}));
    }
    Status failure;
    bool moved = false;
    const auto replies = session_.admin().CallEach(&net::BrokerStub::Pull, calls);
    for (size_t i = 0; i < replies.size() && wishes_.left > 0; ++i) {
      const int64_t before = asked[i]->span.begin;
      const Status taken = replies[i].ok() ? Take(*asked[i], *replies[i]) : replies[i].status();
      if (!taken.ok() && failure.ok()) failure = taken;
      moved = moved || asked[i]->span.begin != before;
    }
    Status written = session_.out().Flush();
    if (written.ok()) written = Commit();
    if (!written.ok()) return written;
    if (!failure.ok()) return failure;
    return moved;
  }

  Status Take(OpenQueue& queue, const net::PullReply& reply) {
    const int64_t next = reply.header.next_begin_offset;
    if (reply.status == net::PullStatus::kNoNewMessage) {
      // Nothing behind this offset, though --until-end saw more: what was there is gone.
      if (wishes_.until_end) queue.span.begin = queue.span.end;
      return {};
    }
    // A reset that the broker has kept for the group is told in this way too, once, with the same offset.
    if (reply.status == net::PullStatus::kOffsetIllegal && next != queue.span.begin) {
      session_.Warn(StrCat(queue.span.queue.broker_name, " queue ", queue.span.queue.queue_id, ": offset ",
                           queue.span.begin, " is not there, going on at ", next));
    }
    if (reply.status != net::PullStatus::kFound) {
      queue.span.begin = next;
      return {};
    }
    const auto messages = DecodeMessages(reply.body.view(), queue.span.queue.broker_name);
    if (!messages.ok()) return messages.status();
    for (const ShownMessage& message : *messages) {
      const int64_t offset = message.view.queue_offset.value;
      if (wishes_.left == 0) return {};
      if (wishes_.until_end && offset >= queue.span.end) break;
      Write(message);
      --wishes_.left;
      queue.span.begin = offset + 1;
    }
    if (wishes_.left > 0) queue.span.begin = std::max(queue.span.begin, next);
    return {};
  }

  void Write(const ShownMessage& message) {
    if (session_.out().json()) {
      session_.out().JsonLine(MessageJson(message));
    } else {
      session_.out().Text(wishes_.format.Apply(message));
    }
  }

  Status Commit() {
    if (wishes_.group.empty() || session_.dry_run()) return {};
    for (OpenQueue& queue : queues_) {
      // Where --until-end ended, `begin` may be behind messages that were not written.
      const int64_t done = wishes_.until_end ? std::min(queue.span.begin, queue.span.end) : queue.span.begin;
      if (done == queue.committed) continue;
      proto::UpdateConsumerOffsetRequestHeader header;
      header.consumer_group = wishes_.group;
      header.topic = queue.span.queue.topic;
      header.queue_id = queue.span.queue.queue_id;
      header.commit_offset = done;
      const auto kept =
          session_.admin().Call(&net::BrokerStub::UpdateConsumerOffset, queue.span.broker, header);
      if (!kept.ok()) return kept.status();
      queue.committed = done;
    }
    return {};
  }

  Session& session_;
  Wishes wishes_;
  std::vector<OpenQueue> queues_;
  std::set<Endpoint> silent_;  // Brokers that do not answer.
};

Status RunConsume(Session& session) {
  session.out().BeginLines();
  auto wishes = ReadWishes(session);
  if (!wishes.ok()) return wishes.status();
  (void)session.Interrupted();  // From now on SIGINT ends the reading, not the program.
  if (!wishes->group.empty()) {
    if (Status alone = CheckNobodyElse(session, wishes->group); !alone.ok()) return alone;
  }
  return Reading(session, *std::move(wishes)).Run(session.args().Text("topic"));
}

constexpr OptionSpec kConsume[] = {
    {"t", "topic", ValueKind::kTopic, Need::kRequired, "the topic"},
    {"g", "consumerGroup", ValueKind::kGroup, Need::kOptional,
     "read on where this group is and commit; else no trace is left"},
    {"s", "from", ValueKind::kText, Need::kOptional,
     "where to begin if there is no committed offset: first, last, or a time; first"},
    {"c", "count", ValueKind::kLong, Need::kOptional, "end after so many messages"},
    {"e", "until-end", ValueKind::kFlag, Need::kOptional, "end with the last message that is there now"},
    {"x", "subExpression", ValueKind::kText, Need::kOptional, "only these tags: TagA || TagB"},
    {"f", "format", ValueKind::kText, Need::kOptional,
     "%t topic %B broker %q queue %o offset %k keys %g tag %p properties %b body %d time %s size %i id; "
     "%b\\n"}};

constexpr CommandSpec kCommands[] = {
    {"consume", "message", "Writes messages of a topic to standard output, line by line", kConsume,
     "mqadmin consume -t orders --until-end -f '%q %o %k %b\\n'", Effect::kReads, Needs::kNameServer,
     RunConsume},
};

}  // namespace

std::span<const CommandSpec> ConsumeCommands() { return kCommands; }

}  // namespace orbitmq::tools
