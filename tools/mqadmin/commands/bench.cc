// SPDX-License-Identifier: Apache-2.0
// Ours: load on one topic through the SDK, as an application would make it, and what it felt like.
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>

#include "common/latency_histogram.h"
#include "common/strings.h"
#include "orbitmq/producer.h"
#include "orbitmq/push_consumer.h"
#include "tools/mqadmin/counted.h"
#include "tools/mqadmin/java_format.h"
#include "tools/mqadmin/progress_line.h"
#include "tools/mqadmin/sending.h"

namespace orbitmq::tools {
namespace {

constexpr size_t kBodyBytesMax = size_t{4} << 20;
constexpr int64_t kConnectionsMax = 64;
constexpr int64_t kInFlightMax = 65536;
constexpr int64_t kRateMax = 1'000'000;
constexpr int64_t kSecondsMax = 86400;
constexpr char kGroup[] = "CLI_BENCH";
constexpr Millis kLook{100};
constexpr Duration kAssignmentMax = std::chrono::seconds(30);
constexpr Duration kHandOver = std::chrono::seconds(2);
constexpr Duration kArrivalMax = std::chrono::seconds(30);

constexpr char kFormat[] = "%-8s %12s %12s %10s %9s %9s %10s %9s %8s%n";
constexpr TableShape kLoads = {
    "loads", kFormat, kFormat,
    "#Load|#Messages|#Per Second|#MiB/s=mebibytesPerSecond|#p50(ms)=p50Ms|#p99(ms)=p99Ms|#p99.9(ms)=p999Ms|"
    "#Max(ms)=maxMs|#Errors"};

struct BenchPlan {
  std::string topic;
  std::string group;
  bool produce = true;
  bool consume = false;
  size_t body_bytes = 0;
  size_t queue_count = 0;
  int64_t connections = 1;
  int64_t in_flight = 1;  // Of all connections together.
  int64_t rate = 0;       // Messages per second; 0: as fast as it goes.
  Duration duration{};
};

// What one side of the load has counted. Threads: any.
class LoadTally final {
 public:
  struct Figures {
    int64_t count = 0;
    int64_t bytes = 0;
    int64_t not_safe = 0;  // Of `count`: stored, but not flushed or copied to a slave in time.
    int64_t errors = 0;
    Status first_error{};
    LatencyHistogram latency{};
  };
  void Add(size_t bytes, Duration latency) {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++figures_.count;
    figures_.bytes += static_cast<int64_t>(bytes);
    figures_.latency.Add(latency.count());
  }
  void NotSafe() {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++figures_.not_safe;
  }
  void Fail(const Status& why) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (figures_.errors++ == 0) figures_.first_error = why;
  }
  int64_t count() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return figures_.count;
  }
  Figures Read() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return figures_;
  }

 private:
  mutable std::mutex mutex_;
  Figures figures_;
};

// Places for the sends under way. Threads: any.
class Places final {
 public:
  explicit Places(int64_t count) : count_(count), free_(count) {}
  void Take() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return free_ > 0; });
    --free_;
  }
  void Return() {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++free_;
    changed_.notify_one();
  }
  // Waits until every place is free: each send ends, if only with a time-out.
  void AwaitAll() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return free_ == count_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  const int64_t count_;
  int64_t free_;
};

Result<int64_t> Within(const Arguments& args, std::string_view name, int64_t otherwise, int64_t max) {
  const int64_t value = args.Number(name, otherwise);
  if (value >= 1 && value <= max) return value;
  return UsageError(StrCat("--", name, " must be 1 to ", max));
}

Result<BenchPlan> ReadPlan(const Arguments& args) {
  BenchPlan plan;
  plan.topic = args.Text("topic");
  plan.group = args.Text("consumerGroup", kGroup);
  const std::string mode = args.Text("mode", "produce");
  plan.produce = mode != "consume";
  plan.consume = mode != "produce";
  const auto size = Within(args, "size", 1024, kBodyBytesMax);
  const auto connections = Within(args, "connections", 1, kConnectionsMax);
  const auto in_flight = Within(args, "in-flight", 64, kInFlightMax);
  const auto rate = Within(args, "rate", 1, kRateMax);
  const auto seconds = Within(args, "duration", 10, kSecondsMax);
  for (const auto* number : {&size, &connections, &in_flight, &rate, &seconds}) {
    if (!number->ok()) return number->status();
  }
  plan.body_bytes = static_cast<size_t>(*size);
  plan.connections = *connections;
  plan.in_flight = *in_flight * *connections;
  plan.rate = args.Has("rate") ? *rate : 0;
  plan.duration = std::chrono::seconds(*seconds);
  if (!plan.produce && (args.Has("size") || args.Has("rate") || args.Has("in-flight"))) {
    return UsageError("--size, --rate and --in-flight are of messages that are sent; give --mode both");
  }
  return plan;
}

// One run of the plan. Threads: the main thread; the SDK's threads count in the tallies.
class Bench final {
 public:
  Bench(Session& session, BenchPlan plan)
      : session_(session), plan_(std::move(plan)), places_(plan_.in_flight), progress_(session) {}

  Status Run() {
    if (plan_.produce) {
      if (Status started = StartProducers(); !started.ok()) return started;
    }
    if (plan_.consume) {
      if (Status started = StartConsumers(); !started.ok()) return started;
    }
    begin_ = Now();
    if (plan_.produce) {
      Feed();
      places_.AwaitAll();
    } else {
      Watch(begin_ + plan_.duration, [] { return false; });
    }
    const double seconds = Seconds(Now() - begin_);
    if (plan_.produce && plan_.consume) {
      Watch(Now() + kArrivalMax, [this] { return received_.count() >= sent_.count(); });
    }
    for (PushConsumer& consumer : consumers_) (void)consumer.Shutdown(Millis(3000));
    progress_.Clear();
    return Tell(seconds);
  }

 private:
  MonoTime Now() const { return session_.env().clock().Monotonic(); }
  static double Seconds(Duration span) { return std::chrono::duration<double>(span).count(); }

  Status StartProducers() {
    for (int64_t i = 0; i < plan_.connections; ++i) {
      ProducerOptions options;
      options.client = session_.SdkOptions();
      options.group = "CLI_BENCH_PRODUCER";  // Taken by the first: each has a client, and so a connection.
      options.send_timeout = std::chrono::duration_cast<Millis>(session_.admin().timeout());
      options.retries = 0;  // Every failure is to be seen.
      options.message_bytes_max = kBodyBytesMax;
      options.compression = BodyCompression::kNone;
      auto producer = Producer::Start(std::move(options));
      if (!producer.ok()) return producer.status();
      producers_.push_back(*std::move(producer));
    }
    return {};
  }

  Status StartConsumers() {
    begin_wall_ = session_.env().clock().Wall();
    for (int64_t i = 0; i < plan_.connections; ++i) {
      PushConsumerOptions options;
      options.client = session_.SdkOptions();
      options.group = plan_.group;
      options.subscriptions = {{.topic = plan_.topic}};
      options.consume_from = plan_.produce ? ConsumeFrom::kLastOffset : ConsumeFrom::kFirstOffset;
      options.consume_batch_size = 32;
      auto consumer = PushConsumer::Start(
          std::move(options), [this](std::span<const ReceivedMessage> messages, ConsumeContext&) {
            for (const ReceivedMessage& message : messages) Count(message);
            return ConsumeResult::kSuccess;
          });
      if (!consumer.ok()) return consumer.status();
      consumers_.push_back(*std::move(consumer));
    }
    // The time counts from the moment at which the members have divided the queues.
    Watch(Now() + kAssignmentMax, [this] {
      size_t queues = 0;
      size_t busy = 0;
      for (const PushConsumer& consumer : consumers_) {
        const size_t own = consumer.Assignment().size();
        queues += own;
        busy += own > 0 ? 1 : 0;
      }
      return queues == plan_.queue_count && busy == std::min(plan_.queue_count, consumers_.size());
    });
    // A queue that has just changed hands may have to be asked again after a second.
    if (plan_.produce && plan_.connections > 1) {
      Watch(Now() + kHandOver, [] { return false; });
    }
    return {};
  }

  // With own sends only those count: what else lies in the topic is older.
  void Count(const ReceivedMessage& message) {
    const Duration age = session_.env().clock().Wall() - message.born_time();
    if (plan_.produce && message.born_time() < begin_wall_) return;
    received_.Add(message.body().size(), std::max(age, Duration::zero()));
  }

  // Sends in turn over all connections, at the rate, until the time is over.
  void Feed() {
    Message message;
    message.topic = plan_.topic;
    message.body.assign(plan_.body_bytes, 'x');
    const MonoTime end = begin_ + plan_.duration;
    MonoTime woke = begin_;
    for (int64_t number = 0; !session_.Interrupted(); ++number) {
      MonoTime due = Now();
      if (plan_.rate > 0) {
        due = begin_ + std::chrono::nanoseconds(number * 1'000'000'000 / plan_.rate);
        if (due > Now()) {
          session_.admin().Pause(due - Now());
          woke = Now();
        }
        // A message that a slow broker holds up counts from when it was due; one that this process slept over
        // does not.
        due = std::max(due, woke);
      }
      if (due >= end) return;
      places_.Take();
      if (plan_.rate == 0) due = Now();
      Producer& producer = producers_[static_cast<size_t>(number) % producers_.size()];
      producer.SendAsync(message, {}, [this, due](const Result<SendResult>& result) {
        if (result.ok()) {
          sent_.Add(plan_.body_bytes, Now() - due);
          if (result->status != SendStatus::kOk) sent_.NotSafe();
        } else {
          sent_.Fail(result.status());
        }
        failing_ = !result.ok();
        places_.Return();
      });
      ShowProgress();
      // Refused connections fail at once; as fast as it goes would be millions.
      if (failing_) session_.admin().Pause(kLook);
      if (Now() >= end) return;
    }
  }

  template <class Reached>
  void Watch(MonoTime end, Reached reached) {
    while (Now() < end && !session_.Interrupted() && !reached()) {
      session_.admin().Pause(kLook);
      ShowProgress();
    }
  }

  void ShowProgress() {
    progress_.Update([this] {
      const double seconds = std::max(Seconds(Now() - begin_), 0.001);
      const auto side = [seconds](std::string_view name, int64_t count) {
        return StrCat(" ", count, " ", name, " (", JavaFixed(static_cast<double>(count) / seconds, 0), "/s)");
      };
      return StrCat(JavaFixed(seconds, 0), " s", plan_.produce ? side("sent", sent_.count()) : "",
                    plan_.consume ? side("received", received_.count()) : "");
    });
  }

  void Row(std::string_view name, const LoadTally::Figures& figures, double seconds, bool timed) {
    constexpr double kMebibyte = 1 << 20;
    const double span = std::max(seconds, 0.001);
    const auto shown = [&](double micros) {
      return timed && figures.count > 0 ? Cell::Fixed(micros / 1000, 3) : Cell("-", "null");
    };
    const LatencyHistogram& latency = figures.latency;
    session_.out().Row(kLoads, {name, figures.count,
                                Cell::Fixed(static_cast<double>(figures.count) / span, 0),
                                Cell::Fixed(static_cast<double>(figures.bytes) / kMebibyte / span, 2),
                                shown(latency.QuantileMicros(0.5)), shown(latency.QuantileMicros(0.99)),
                                shown(latency.QuantileMicros(0.999)), shown(latency.MaxMicros()),
                                figures.errors});
  }

  Status Tell(double seconds) {
    const LoadTally::Figures sent = sent_.Read();
    Output& out = session_.out();
    out.Member("seconds", Cell::Fixed(seconds, 3).json);
    out.Head(kLoads);
    if (plan_.produce) Row("produce", sent, seconds, true);
    // Of a backlog the age says nothing about the broker.
    if (plan_.consume) Row("consume", received_.Read(), seconds, plan_.produce);
    if (plan_.produce) TellNotSafe(session_, sent.not_safe);
    if (sent.errors == 0) return {};
    const Status& first = sent.first_error;
    const std::string text = StrCat(sent.errors, " of ", sent.errors + sent.count,
                                    " messages were not sent, the first: ", first.text());
    return {IsUsageError(first) ? StatusCode::kFailedPrecondition : first.code(), text};
  }

  Session& session_;
  const BenchPlan plan_;
  LoadTally sent_;
  LoadTally received_;
  Places places_;
  ProgressLine progress_;
  std::atomic<bool> failing_{false};  // The last send that ended has failed.
  MonoTime begin_{};
  WallTime begin_wall_{};
  // Last, so that they end first: they call what stands above.
  std::vector<Producer> producers_;
  std::vector<PushConsumer> consumers_;
};

Status RunBench(Session& session) {
  auto plan = ReadPlan(session.args());
  if (!plan.ok()) return plan.status();
  // Says what is wrong with the topic or the NameServer before anything is started.
  const auto queues = WritableQueues(session, plan->topic);
  if (!queues.ok()) return queues.status();
  if (plan->consume) {
    // A topic that is only made by the first message has nothing to read yet.
    if (const auto route = session.Route(plan->topic); !route.ok()) return route.status();
  }
  plan->queue_count = queues->size();
  if (session.dry_run()) {
    const std::string load = StrCat(plan->produce ? StrCat("send messages of ", plan->body_bytes, " bytes to")
                                                  : std::string("read as the group "),
                                    plan->produce ? "" : plan->group, plan->produce ? "" : " from");
    session.out().Message(StrCat("would ", load, " the topic ", plan->topic, " for ",
                                 std::chrono::duration_cast<std::chrono::seconds>(plan->duration).count(),
                                 " s over ", Counted(plan->connections, "connection")));
    return {};
  }
  (void)session.Interrupted();  // From now on SIGINT ends the load, and the table comes all the same.
  return Bench(session, *std::move(plan)).Run();
}

constexpr OptionSpec kBench[] = {
    {"t", "topic", ValueKind::kTopic, Need::kRequired, "the topic; what is sent stays in it"},
    {"m", "mode", ValueKind::kChoice, Need::kOptional, "what to do; both times from send to arrival; produce",
     "produce|consume|both"},
    {"s", "size", ValueKind::kLong, Need::kOptional, "bytes of a body; 1024"},
    {"c", "connections", ValueKind::kLong, Need::kOptional, "clients, each with its own connection; 1"},
    {"f", "in-flight", ValueKind::kLong, Need::kOptional, "sends under way per connection at most; 64"},
    {"r", "rate", ValueKind::kLong, Need::kOptional, "messages per second, all together; else what goes"},
    {"d", "duration", ValueKind::kLong, Need::kOptional, "seconds; 10"},
    {"g", "consumerGroup", ValueKind::kGroup, Need::kOptional,
     "the group that consumes, which stays on the brokers; CLI_BENCH"}};

constexpr CommandSpec kCommands[] = {
    {"bench", "message", "Loads a topic and tells rate and latencies", kBench,
     "mqadmin bench -t load-test -s 512 -c 4 -d 30", Effect::kChanges, Needs::kNameServer, RunBench},
};

}  // namespace

std::span<const CommandSpec> BenchCommands() { return kCommands; }

}  // namespace orbitmq::tools
