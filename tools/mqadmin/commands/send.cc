// SPDX-License-Identifier: Apache-2.0
// Commands that send messages.
#include "common/strings.h"
#include "tools/mqadmin/counted.h"
#include "tools/mqadmin/java_format.h"
#include "tools/mqadmin/sending.h"
#include "tools/mqadmin/session.h"

namespace orbitmq::tools {
namespace {

constexpr char kSentFormat[] = "%-32s  %-4s  %-20s    %s%n";
constexpr TableShape kSent = {"sent", kSentFormat, kSentFormat, "#Broker Name|#QID|#Send Result|#MsgId"};
constexpr TableShape kTimed = {"sent", kSentFormat, kSentFormat, "#Broker Name|#QID|#Send Result|#RT"};
constexpr TableShape kRoundTrips = {"brokers", "%-24s  %-24s  %-4s  %-8s  %-8s%n",
                                    "%-24s  %-24s  %-8s  %-16s  %-16s%n",
                                    "#Cluster Name|#Broker Name|#RT|#successCount|#failCount"};

// How long a number of sends took, without the first, which opens the connection.
struct Timing {
  int64_t total_ms = 0;
  int64_t sent = 0;
  int64_t failed = 0;
  void Add(bool first, int64_t ms, bool ok) {
    if (!first) total_ms += ms;
    ++(ok ? sent : failed);
  }
  double MeanMs() const {
    const int64_t counted = sent + failed - 1;
    return counted > 0 ? static_cast<double>(total_ms) / static_cast<double>(counted) : 0.0;
  }
};

int64_t MillisSince(Session& session, MonoTime begin) {
  return std::chrono::duration_cast<Millis>(session.env().clock().Monotonic() - begin).count();
}

Result<std::string> BodyOfSize(const Arguments& args, std::string_view option) {
  const int64_t bytes = args.Number(option, 128);
  if (bytes < 1 || bytes > (int64_t{4} << 20)) {
    return UsageError(StrCat("--", option, " must be 1 to 4194304 bytes"));
  }
  return std::string(static_cast<size_t>(bytes), 'a');
}

// Instead of figures of sends that were not made.
void TellSends(Session& session, int64_t amount, const std::string& body, std::string_view to) {
  session.out().Message(StrCat("would send ", Counted(amount, "message"), " of ",
                               Counted(std::ssize(body), "byte"), " to ", to));
}

Result<WritableQueue> ChosenQueue(Session& session, const std::string& topic) {
  const Arguments& args = session.args();
  if (args.Has("qid") && !args.Has("broker")) {
    return UsageError("Broker name must be set if the queue is chosen!");
  }
  const auto queues = WritableQueues(session, topic);
  if (!queues.ok()) return queues.status();
  if (!args.Has("broker") || !args.Has("qid")) {
    const auto millis = static_cast<size_t>(session.env().clock().WallMillis());
    return (*queues)[millis % queues->size()];
  }
  for (const WritableQueue& queue : *queues) {
    if (queue.queue.broker_name == args.Text("broker") && queue.queue.queue_id == args.Number("qid", 0)) {
      return queue;
    }
  }
  return Status(StatusCode::kNotFound, StrCat("broker ", args.Text("broker"), " has no writable queue ",
                                              args.Text("qid"), " of the topic ", topic));
}

Status RunSendMessage(Session& session) {
  const Arguments& args = session.args();
  const auto queue = ChosenQueue(session, args.Text("topic"));
  if (!queue.ok()) return queue.status();
  OutgoingText message{.body = args.Text("body")};
  for (const auto& [option, name] : {std::pair{"key", property::kKeys}, std::pair{"tags", property::kTags}}) {
    if (!args.Has(option)) continue;
    if (Status fits = CheckProperty(name, args.Text(option)); !fits.ok()) return fits;
    message.properties[std::string(name)] = args.Text(option);
  }
  const auto sent = SendOnce(session, *queue, std::move(message));
  if (!sent.ok()) return sent.status();
  if (session.dry_run()) return {};
  session.out().Head(kSent);
  session.out().Row(kSent, {queue->queue.broker_name, sent->reply.header.queue_id,
                            SendStatusName(sent->reply.code), sent->id});
  return {};
}

Status RunCheckMsgSendRt(Session& session) {
  const auto body = BodyOfSize(session.args(), "size");
  if (!body.ok()) return body.status();
  const auto queues = WritableQueues(session, session.args().Text("topic"));
  if (!queues.ok()) return queues.status();
  const int64_t amount = session.args().Number("amount", 100);
  if (session.dry_run()) {
    TellSends(session, amount, *body, StrCat("the topic ", session.args().Text("topic")));
    return {};
  }
  session.out().Head(kTimed);
  Timing timing;
  for (int64_t i = 0; i < amount; ++i) {
    const WritableQueue& queue = (*queues)[static_cast<size_t>(i) % queues->size()];
    const MonoTime begin = session.env().clock().Monotonic();
    const auto sent = SendOnce(session, queue, {.body = *body});
    const int64_t ms = MillisSince(session, begin);
    if (!sent.ok()) session.Warn(sent.status());
    timing.Add(i == 0, ms, sent.ok());
    session.out().Row(kTimed, {queue.queue.broker_name, queue.queue.queue_id, sent.ok(), ms});
  }
  const Cell mean = Cell::Fixed(timing.MeanMs(), 2);
  session.out().Fact("averageRt", mean, StrCat("Avg RT: ", mean.text));
  if (timing.failed == 0) return {};
  return {StatusCode::kInternal, StrCat(timing.failed, " of ", amount, " messages were not sent")};
}

Status RunSendMsgStatus(Session& session) {
  const auto body = BodyOfSize(session.args(), "messageSize");
  if (!body.ok()) return body.status();
  const auto queues = WritableQueues(session, session.args().Text("brokerName"));
  if (!queues.ok()) return queues.status();
  const int64_t count = session.args().Number("count", 50);
  for (int64_t i = 0; i < count; ++i) {
    const WritableQueue& queue = (*queues)[static_cast<size_t>(i) % queues->size()];
    const MonoTime begin = session.env().clock().Monotonic();
    const auto sent = SendOnce(session, queue, {.body = *body, .group = "PID_SMSC"});
    const int64_t ms = MillisSince(session, begin);
    if (!sent.ok()) return sent.status();
    session.Did(StrCat("rt=", ms, "ms, SendResult=", SendResultText(*sent, queue.queue)));
  }
  return {};
}

Status MeasureBroker(Session& session, const std::string& cluster, const std::string& broker,
                     const std::string& body) {
  const auto queues = WritableQueues(session, broker);
  if (!queues.ok()) return queues.status();
  const int64_t amount = session.args().Number("amount", 100);
  if (session.dry_run()) {
    TellSends(session, amount, body, StrCat(broker, " of the cluster ", cluster));
    return {};
  }
  Timing timing;
  for (int64_t i = 0; i < amount; ++i) {
    const MonoTime begin = session.env().clock().Monotonic();
    const auto sent = SendOnce(session, (*queues)[static_cast<size_t>(i) % queues->size()], {.body = body});
    timing.Add(i == 0, MillisSince(session, begin), sent.ok());
  }
  if (session.args().Bool("print", false)) {
    session.out().Line(StrCat(HumanSeconds(session.env().clock().WallMillis()), "|",
                              session.args().Text("machine", "noname"), "|", cluster, "|", broker, "|",
                              JavaFixed(timing.MeanMs(), 0)));
    return {};
  }
  session.out().Row(kRoundTrips,
                    {cluster, broker, Cell::Fixed(timing.MeanMs(), 2), timing.sent, timing.failed});
  return {};
}

// One round; Java's command goes on for ever, ours does so with --interval.
Status MeasureClusters(Session& session) {
  const auto body = BodyOfSize(session.args(), "size");
  if (!body.ok()) return body.status();
  const auto view = session.ClusterView();
  if (!view.ok()) return view.status();
  if (!session.args().Bool("print", false) && !session.dry_run()) session.out().Head(kRoundTrips);
  const std::string wanted = session.args().Text("cluster");
  bool any = false;
  Status failure;
  for (const auto& [cluster, brokers] : view->cluster_addr_table) {
    if (!wanted.empty() && cluster != wanted) continue;
    any = true;
    for (const std::string& broker : brokers) {
      const Status measured = MeasureBroker(session, cluster, broker, *body);
      if (measured.ok()) continue;
      session.Warn(measured);
      failure = measured;
    }
  }
  if (!any) return {StatusCode::kNotFound, StrCat("cluster [", wanted, "] not exist")};
  return failure;
}

Status RunClusterRt(Session& session) { return session.Repeat(MeasureClusters); }

constexpr OptionSpec kTopic = {"t", "topic", ValueKind::kTopic, Need::kRequired, "the topic"};
constexpr OptionSpec kAmount = {"a", "amount", ValueKind::kLong, Need::kOptional, "how many messages; 100"};
constexpr OptionSpec kSize = {"s", "size", ValueKind::kLong, Need::kOptional, "bytes of each; 128"};

constexpr OptionSpec kSendMessage[] = {
    kTopic,
    {"p", "body", ValueKind::kText, Need::kRequired, "the body, as UTF-8"},
    {"k", "key", ValueKind::kText, Need::kOptional, "its keys, separated by blanks"},
    {"c", "tags", ValueKind::kText, Need::kOptional, "its tag"},
    {"b", "broker", ValueKind::kBroker, Need::kOptional, "with -i: to this broker"},
    {"i", "qid", ValueKind::kInt, Need::kOptional, "with -b: to this queue"},
    {"m", "msgTraceEnable", ValueKind::kBool, Need::kOptional, "of no effect: no trace is written"}};
constexpr OptionSpec kCheckMsgSendRt[] = {kTopic, kAmount, kSize};
constexpr OptionSpec kSendMsgStatus[] = {
    {"b", "brokerName", ValueKind::kBroker, Need::kRequired, "the broker, whose name is the topic"},
    {"s", "messageSize", ValueKind::kLong, Need::kOptional, "bytes of each; 128"},
    {"c", "count", ValueKind::kLong, Need::kOptional, "how many messages; 50"}};
constexpr OptionSpec kClusterRt[] = {
    kAmount,
    kSize,
    {"c", "cluster", ValueKind::kCluster, Need::kOptional, "only this cluster"},
    {"p", "print", ValueKind::kBool, Need::kOptional, "print time|room|cluster|broker|ms; false"},
    {"m", "machine", ValueKind::kText, Need::kOptional, "with -p: the room to print; noname"},
    {"i", "interval", ValueKind::kInt, Need::kOptional, "measure again every so many seconds"}};

constexpr CommandSpec kCommands[] = {
    {"sendMessage", "message", "Sends one message", kSendMessage,
     "mqadmin sendMessage -t orders -p 'hello' -k order-4711 -c paid", Effect::kChanges, Needs::kNameServer,
     RunSendMessage},
    {"checkMsgSendRT", "message", "Sends messages and tells how long each took", kCheckMsgSendRt,
     "mqadmin checkMsgSendRT -t orders -a 10 -s 1024", Effect::kChanges, Needs::kNameServer,
     RunCheckMsgSendRt},
    {"sendMsgStatus", "message", "Sends messages to one broker and tells how each ended", kSendMsgStatus,
     "mqadmin sendMsgStatus -b broker-a -c 5", Effect::kChanges, Needs::kNameServer, RunSendMsgStatus},
    {"clusterRT", "cluster", "Sends messages to every broker and tells how long they took", kClusterRt,
     "mqadmin clusterRT -a 10", Effect::kChanges, Needs::kNameServer, RunClusterRt},
};

}  // namespace

std::span<const CommandSpec> SendCommands() { return kCommands; }

}  // namespace orbitmq::tools
