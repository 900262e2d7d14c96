// SPDX-License-Identifier: Apache-2.0
#include "client/sender.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "client/user_code.h"
#include "common/limits.h"
#include "common/names.h"
#include "common/strings.h"
#include "remoting/protocol/codes.h"

namespace orbitmq::client {
namespace {

// Before the same broker is tried again; doubles with every try.
constexpr Duration kSameBrokerBackoff = std::chrono::milliseconds(50);
// How often NameServers are asked while sends wait for a master: a change of the master takes about a second,
// the return of a dead one as long as it takes.
constexpr Duration kMasterPoll = std::chrono::milliseconds(100);
constexpr Duration kMasterPollLater = std::chrono::seconds(1);
constexpr int kQuickPolls = 50;
// A try that failed sooner (refused, a connection that ended) costs the next send no time.
constexpr Duration kSilenceMin = std::chrono::milliseconds(100);

SendStatus SendStatusOf(int32_t code) {
  switch (code) {
    case proto::ResponseCode::kFlushDiskTimeout:
      return SendStatus::kFlushDiskTimeout;
    case proto::ResponseCode::kFlushSlaveTimeout:
      return SendStatus::kFlushSlaveTimeout;
    case proto::ResponseCode::kSlaveNotAvailable:
      return SendStatus::kSlaveNotAvailable;
    default:
      return SendStatus::kOk;
  }
}

// Whether a further try can end differently. Without an answer: always, as in Java.
bool CanRetry(const Status& why) {
  if (why.code() == StatusCode::kCancelled || why.code() == StatusCode::kInvalidArgument) return false;
  return why.wire_code() < 0 ? why.code() != StatusCode::kCorrupt : why.retriable();
}

}  // namespace

struct Sender::Operation {
  uint64_t serial = 0;  // In the order of the calls.
  OutgoingMessage message;
  SendTarget target;
  MonoTime deadline;
  MonoTime began;
  Completion<SendResult> done;
  Completion<Done> oneway_done;
  int tries = 0;
  bool in_flight = false;
  std::string last_broker;
  std::vector<std::string> brokers;
  Persisted persisted = Persisted::kNo;
  std::optional<SendResult> stored;  // A result that is not kOk, while another broker is tried.
  Timer timer;

  bool oneway() const { return static_cast<bool>(oneway_done); }
};

Sender::Sender(ClientInstance& instance, SenderSettings settings)
    : instance_(instance),
      settings_(std::move(settings)),
      random_(instance.env().NewRandom("queue rotation")),
      rotation_(random_),
      self_(std::make_shared<Sender*>(this)) {}

Sender::~Sender() {
  CancelAll();
  *self_ = nullptr;
}

void Sender::Send(OutgoingMessage message, SendTarget target, Duration timeout, Completion<SendResult> done) {
  auto op = std::make_shared<Operation>();
  op->message = std::move(message);
  op->target = std::move(target);
  op->began = instance_.Now();
  op->deadline = op->began + timeout;
  op->done = std::move(done);
  op->serial = next_serial_++;
  operations_.emplace(op->serial, op);
  Begin(op);
}

void Sender::SendOneway(OutgoingMessage message, SendTarget target, Duration timeout, Completion<Done> done) {
  auto op = std::make_shared<Operation>();
  op->message = std::move(message);
  op->target = std::move(target);
  op->began = instance_.Now();
  op->deadline = op->began + timeout;
  op->oneway_done = std::move(done);
  op->serial = next_serial_++;
  operations_.emplace(op->serial, op);
  Begin(op);
}

void Sender::WhenIdle(Completion<Done> done) {
  if (operations_.empty()) return done(Done{});
  idle_ = std::move(done);
}

void Sender::CancelAll() {
  std::vector<OperationPtr> operations;
  for (auto& [serial, op] : operations_) operations.push_back(std::move(op));
  operations_.clear();
  // In the order in which they were made, whatever the table's order.
  std::sort(operations.begin(), operations.end(),
            [](const OperationPtr& a, const OperationPtr& b) { return a->serial < b->serial; });
  Completion<Done> idle = std::move(idle_);
  for (const OperationPtr& op : operations) {
    Fail(op, Status(StatusCode::kCancelled, "the producer was shut down before the send ended"));
  }
  if (idle) idle(Done{});
}

Duration Sender::Left(const Operation& op) { return op.deadline - instance_.Now(); }

void Sender::Begin(const OperationPtr& op) {
  if (topics_.size() < limits::kTopicsMax) topics_.insert(op->message.topic);
  if (RoutePtr known = instance_.routes().Find(op->message.topic)) return WithRoute(op, known);
  // The lookup is shared with others and has its own pace; this send's budget is its own.
  op->timer = instance_.loop().PostAt(op->deadline, [this, op] {
    RetryOrFail(op,
                Status(StatusCode::kTimeout, "no NameServer answered in time").WithPersisted(Persisted::kNo));
  });
  instance_.Lookup(LookupOf(op->message.topic), [self = self_, op](Result<RoutePtr> route) {
    if (*self == nullptr || !(*self)->operations_.contains(op->serial)) return;
    op->timer.Cancel();
    (*self)->WithRoute(op, route);
  });
}

void Sender::WithRoute(const OperationPtr& op, const Result<RoutePtr>& route) {
  if (!route.ok()) {
    // Whatever happened to the question, the message itself has not left.
    const Status& why = route.status();
    const bool unknown = why.code() == StatusCode::kUnknown;
    return Fail(op, (unknown ? Status(StatusCode::kUnavailable, why.text()).WithRetriable(true) : why)
                        .WithPersisted(Persisted::kNo));
  }
  if ((*route)->masterless) return AwaitMaster(op);
  if ((*route)->publish_queues.empty()) {
    instance_.RefreshRoute(LookupOf(op->message.topic));
    return Fail(op, Status(StatusCode::kNotFound,
                           StrCat("topic '", op->message.topic,
                                  "' has no writable queue; see its permission (mqadmin topicRoute)"))
                        .WithRetriable(true));
  }
  if (op->target.selector) return RunSelector(op, *route);
  PickQueue(op, *route, std::nullopt);
}

void Sender::RunSelector(const OperationPtr& op, RoutePtr route) {
  // User code: on the callback thread, then back. Both hops keep the order of sends.
  instance_.runtime().callbacks().Post([self = self_, op, route = std::move(route),
                                        &loop = instance_.loop()] {
    std::optional<size_t> index;
    const Status ran =
        RunUserCode([&] { index = op->target.selector(route->publish_queues, *op->target.message); });
    loop.Post([self, op, route, index, ran] {
      if (*self == nullptr || !(*self)->operations_.contains(op->serial)) return;
      if (!ran.ok()) {
        return (*self)->Fail(op, Status(StatusCode::kInvalidArgument, ran.text()).Annotate("queue selector"));
      }
      (*self)->PickQueue(op, route, index);
    });
  });
}

void Sender::PickQueue(const OperationPtr& op, const RoutePtr& route, std::optional<size_t> selected) {
  const auto& queues = route->publish_queues;
  if (op->target.queue) {
    if (op->target.queue->topic != op->message.topic) {
      return Fail(op, Status(StatusCode::kInvalidArgument,
                             StrCat("SendOptions::queue belongs to topic '", op->target.queue->topic,
                                    "', the message to '", op->message.topic, "'")));
    }
    return Try(op, *op->target.queue);
  }
  if (selected) return Try(op, queues[*selected % queues.size()]);
  if (!op->target.sharding_key.empty()) {
    return Try(op, queues[QueueIndexOfKey(op->target.sharding_key, queues.size())]);
  }
  const auto next = rotation_.Next(queues, {op->last_broker, &health_, instance_.Now(), &instance_.routes()});
  if (!next) return AwaitMaster(op);
  Try(op, queues[*next]);
}

proto::SendMessageRequestHeader Sender::HeaderOf(const Operation& op, const MessageQueue& queue) {
  proto::SendMessageRequestHeader header;
  header.producer_group = settings_.group;
  header.topic = op.message.topic;
  header.default_topic = names::kAutoCreateTopic;
  header.default_topic_queue_nums = settings_.default_topic_queue_count;
  header.queue_id = queue.queue_id;
  header.sys_flag = op.message.sys_flag;
  header.born_timestamp = instance_.env().clock().WallMillis();
  header.flag = op.message.flag;
  header.properties = op.message.properties;
  header.reconsume_times = op.message.reconsume_times;
  header.unit_mode = false;
  header.max_reconsume_times = op.message.max_reconsume_times;
  header.batch = op.message.kind == net::SendKind::kBatch;
  header.rpc.bname = queue.broker_name;
  return header;
}

void Sender::Try(const OperationPtr& op, const MessageQueue& queue) {
  if (Left(*op) <= Duration::zero()) {
    return Fail(op, Status(StatusCode::kTimeout, "the time for the send is used up"));
  }
  const auto master = instance_.routes().Master(queue.broker_name);
  if (!master && InRoute(*op, queue.broker_name)) return AwaitMaster(op);
  const Duration timeout = AttemptTimeout(*op, queue.broker_name);
  ++op->tries;
  op->last_broker = queue.broker_name;
  op->brokers.push_back(queue.broker_name);
  if (!master) return RetryOrFail(op, NoMaster(*op));
  const auto header = HeaderOf(*op, queue);
  if (op->oneway()) {
    const Status written =
        instance_.broker().SendOneway(*master, header, op->message.kind, BytesChain{op->message.body});
    return written.ok() ? Succeed(op, {}) : RetryOrFail(op, written);
  }
  op->in_flight = true;
  instance_.broker().Send(*master, header, op->message.kind, BytesChain{op->message.body}, timeout,
                          [self = self_, op, began = instance_.Now()](Result<net::SendReply> reply) {
                            if (*self != nullptr) (*self)->OnReply(op, std::move(reply), began);
                          });
}

Status Sender::NoMaster(const Operation& op) {
  return Status(StatusCode::kUnavailable,
                StrCat("topic '", op.message.topic,
                       "' has no master now for the queues that this send may go to"))
      .WithRetriable(true);
}

// Nothing has left for a broker, so that waiting is no try, and allowed to sends that are never repeated.
void Sender::AwaitMaster(const OperationPtr& op) {
  if (op->stored) return Fail(op, NoMaster(*op));
  op->timer = instance_.loop().PostAt(op->deadline, [this, op] { Fail(op, NoMaster(*op)); });
  awaiting_master_.emplace(op->serial, op);
  if (master_polls_.try_emplace(op->message.topic).second) AskForMasters();
}

void Sender::AskForMasters() {
  if (master_polls_.empty()) return;
  const MonoTime now = instance_.Now();
  MonoTime next = kNever;
  std::vector<std::string> due;
  for (auto& [topic, polls] : master_polls_) {
    if (polls.next <= now) {
      due.push_back(topic);
      polls.next = now + (++polls.count <= kQuickPolls ? kMasterPoll : kMasterPollLater);
    }
    next = std::min(next, polls.next);
  }
  master_timer_ = instance_.loop().PostAt(next, [this] {
    ForgetMasterPolls();
    AskForMasters();
  });
  // The last thing here: an answer may come at once.
  for (const std::string& topic : due) instance_.RefreshRoute(LookupOf(topic));
}

void Sender::ForgetMasterPolls() {
  std::set<std::string_view> topics;
  for (const auto& [serial, op] : awaiting_master_) topics.insert(op->message.topic);
  std::erase_if(master_polls_, [&topics](const auto& polls) { return !topics.contains(polls.first); });
}

void Sender::OnRouteChanged() {
  // In the order of the calls; whoever finds no master still waits anew.
  for (auto& [serial, op] : std::exchange(awaiting_master_, {})) {
    if (!operations_.contains(serial)) continue;
    op->timer.Cancel();
    Begin(op);
  }
  // The next change of a master that has come is asked for quickly again.
  ForgetMasterPolls();
}

bool Sender::Elsewhere(const Operation& op, const std::string& broker) const {
  const RoutePtr route = instance_.routes().Find(op.message.topic);
  return route && std::any_of(route->publish_queues.begin(), route->publish_queues.end(),
                              [this, &broker](const MessageQueue& queue) {
                                return queue.broker_name != broker &&
                                       instance_.routes().HasMaster(queue.broker_name);
                              });
}

bool Sender::InRoute(const Operation& op, const std::string& broker) const {
  const RoutePtr route = instance_.routes().Find(op.message.topic);
  return route && route->brokers.contains(broker);
}

// A topic that was there is not made anew elsewhere: its broker returns with what it holds.
RouteLookup Sender::LookupOf(const std::string& topic) const {
  const RoutePtr known = instance_.routes().Find(topic);
  const bool may_be_made = !known || known->source == RouteSource::kTemplate;
  return {topic, may_be_made ? settings_.default_topic_queue_count : 0};
}

Duration Sender::AttemptTimeout(const Operation& op, const std::string& broker) {
  const Duration left = Left(op);
  const int further = op.target.fixed() ? 0 : settings_.retries - op.tries;
  if (further <= 0) return left;
  if (settings_.attempt_timeout_max > Duration::zero()) return std::min(left, settings_.attempt_timeout_max);
  const RoutePtr route = instance_.routes().Find(op.message.topic);
  if (!route) return left;
  std::set<std::string_view> untried;
  for (const MessageQueue& queue : route->publish_queues) {
    const bool tried = std::find(op.brokers.begin(), op.brokers.end(), queue.broker_name) != op.brokers.end();
    if (!tried && queue.broker_name != broker && instance_.routes().HasMaster(queue.broker_name)) {
      untried.insert(queue.broker_name);
    }
  }
  return left / (1 + std::min(further, static_cast<int>(untried.size())));
}

void Sender::NoteHealth(const std::string& broker, const Status& outcome, Duration took) {
  const bool silent = !outcome.ok() && outcome.wire_code() < 0 && took >= kSilenceMin;
  if (!settings_.latency_fault_avoidance && !silent) return;
  health_.Record(broker, outcome.ok() ? took : kFailedSendLatency, instance_.Now());
}

void Sender::OnReply(const OperationPtr& op, Result<net::SendReply> reply, MonoTime began) {
  if (!operations_.contains(op->serial)) return;
  op->in_flight = false;
  NoteHealth(op->last_broker, reply.status(), instance_.Now() - began);
  if (!reply.ok()) return RetryOrFail(op, reply.status());
  const auto& header = reply->header;
  SendResult result;
  result.status = SendStatusOf(reply->code);
  result.message_id = header.batch_uniq_id.empty() ? op->message.message_id : header.batch_uniq_id;
  result.offset_message_id = header.msg_id;
  result.queue = {op->message.topic, op->last_broker, header.queue_id};
  result.queue_offset = header.queue_offset;
  result.region_id = header.msg_region.empty() ? std::string(names::kDefaultRegion) : header.msg_region;
  result.transaction_id = header.transaction_id;
  result.recall_handle = header.recall_handle;
  const bool may_retry =
      settings_.retry_when_not_stored_ok && !op->target.fixed() && Elsewhere(*op, op->last_broker);
  if (result.status != SendStatus::kOk && may_retry && op->tries <= settings_.retries &&
      Left(*op) > Duration::zero()) {
    op->stored = std::move(result);
    return Begin(op);
  }
  Succeed(op, std::move(result));
}

void Sender::RetryOrFail(const OperationPtr& op, const Status& why) {
  if (!operations_.contains(op->serial)) return;
  op->persisted = std::max(op->persisted, why.persisted());
  if (why.code() == StatusCode::kUnavailable || why.code() == StatusCode::kNotFound) {
    // A route that leads to a dead broker is the usual reason.
    instance_.RefreshRoute(LookupOf(op->message.topic));
  }
  const bool again = !op->target.fixed() && op->tries > 0 && op->tries <= settings_.retries && CanRetry(why);
  if (!again || Left(*op) <= Duration::zero()) return Fail(op, why);
  if (Elsewhere(*op, op->last_broker)) return Begin(op);
  // Only the same broker is left: a moment later it is more likely to take it.
  const Duration pause = std::min(kSameBrokerBackoff * (1 << std::min(op->tries - 1, 5)), Left(*op) / 2);
  op->timer = instance_.loop().PostAt(instance_.Now() + pause, [this, op] {
    if (operations_.contains(op->serial)) Begin(op);
  });
}

void Sender::Succeed(const OperationPtr& op, SendResult result) {
  Forget(op);
  if (op->oneway()) {
    op->oneway_done(Done{});
  } else {
    op->done(std::move(result));
  }
}

void Sender::Fail(const OperationPtr& op, const Status& why) {
  Forget(op);
  if (op->stored) return op->done(*std::move(op->stored));
  if (op->in_flight) op->persisted = std::max(op->persisted, Persisted::kMaybe);
  Status status = why;
  if (op->tries > 0) {
    std::string brokers;
    for (const std::string& broker : op->brokers) StrAppend(brokers, brokers.empty() ? "" : ",", broker);
    const auto spent = std::chrono::duration_cast<Millis>(instance_.Now() - op->began);
    status = status.Annotate(StrCat("send to topic '", op->message.topic, "' failed after ", op->tries,
                                    " tries in ", spent.count(), " ms, brokers [", brokers, "]"));
  }
  status = status.WithPersisted(std::max(op->persisted, status.persisted()));
  if (op->oneway()) return op->oneway_done(status);
  op->done(status);
}

void Sender::Forget(const OperationPtr& op) {
  op->timer.Cancel();
  awaiting_master_.erase(op->serial);
  operations_.erase(op->serial);
  if (operations_.empty() && idle_) idle_(Done{});
}

}  // namespace orbitmq::client
