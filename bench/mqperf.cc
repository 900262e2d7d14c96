// SPDX-License-Identifier: Apache-2.0
// Load on any broker that speaks the remoting protocol, and what it does to it:
//
//   mqperf --mode=produce --namesrv=127.0.0.1:9876 --topic=perf --connections=8 --in_flight=64 --seconds=10
//   mqperf --mode=consume --broker=127.0.0.1:10911 --topic=perf --queues=8 --seconds=10
//   mqperf --mode=e2e     --namesrv=127.0.0.1:9876 --topic=perf --rate=10000 --seconds=10 --json
//
// It sends raw pipelined requests made beforehand, so that the broker is measured and not a client library.
// Latency runs from the moment a message was due to be sent. MB/s count bodies. `e2e` ends when every
// acknowledged message came back, and names how many did not. Exit codes: 0 done, nothing failed and nothing
// missing; 1 otherwise; 2 wrong usage.
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gflags/gflags.h>

#include "bench/pull_load.h"
#include "bench/send_load.h"
#include "common/log.h"
#include "common/names.h"
#include "common/strings.h"
#include "common/sys_flag.h"
#include "remoting/protocol/codes.h"
#include "remoting/real_env.h"
#include "remoting/stubs/namesrv_stub.h"

DEFINE_string(mode, "produce", "produce, consume or e2e");
DEFINE_string(namesrv, "", "NameServer, host:port (or use --broker)");
DEFINE_string(broker, "", "broker, host:port, without a NameServer");
DEFINE_string(broker_name, "", "the broker's name, with --broker");
DEFINE_string(topic, "mqperf", "topic; made by the broker if it makes topics");
DEFINE_string(group, "mqperf", "producer and consumer group");
DEFINE_int32(queues, 8, "queues of a topic that does not exist yet, or with --broker");
DEFINE_int32(connections, 8, "connections that send, and as many that pull");
DEFINE_int32(in_flight, 64, "sends under way on each connection");
DEFINE_int32(size, 1024, "bytes of a body, at least 8");
DEFINE_double(rate, 0, "messages a second over all connections; 0 = as fast as answers come");
DEFINE_uint64(count, 0, "messages to send in all; 0 = for --seconds");
DEFINE_double(seconds, 10, "how long to measure");
DEFINE_double(warmup_seconds, 1, "how long to run before that");
DEFINE_int32(threads, 1, "event loops");
DEFINE_int32(pull_batch, 32, "messages of a pull at most");
DEFINE_string(from, "",
              "where pulling begins: first, last, or loop (first, and again from there at the end); default: "
              "first for consume, last for e2e");
DEFINE_uint64(backlog, 0,
              "with --from=first or loop: begin so many messages (of all queues) before the end; 0 = all");
DEFINE_double(missing_seconds, 10, "e2e: how long to wait at the end for messages that are still missing");
DEFINE_bool(json, false, "one line of JSON instead of text");

namespace orbitmq::bench {
namespace {

template <class T>
class Await final {
 public:
  Completion<T> completion() {
    return [this](Result<T> result) {
      const std::lock_guard<std::mutex> lock(mutex_);
      result_ = std::move(result);
      ended_.notify_all();
    };
  }
  Result<T> Wait() {
    std::unique_lock<std::mutex> lock(mutex_);
    ended_.wait(lock, [this] { return result_.has_value(); });
    return *std::move(result_);
  }
  // False when the time is over first.
  bool WaitFor(double seconds) {
    std::unique_lock<std::mutex> lock(mutex_);
    return ended_.wait_for(lock, std::chrono::duration<double>(seconds),
                           [this] { return result_.has_value(); });
  }

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
  std::optional<Result<T>> result_;
};

void RunOn(Executor& loop, UniqueFunction<void()> work) {
  Await<Done> done;
  loop.Post([&work, completion = done.completion()]() mutable {
    work();
    completion(Done{});
  });
  (void)done.Wait();
}

// The queues of the topic, or those that it will have.
Result<std::vector<PerfQueue>> FindQueues(Env& env, Executor& loop) {
  std::vector<PerfQueue> queues;
  if (!FLAGS_broker.empty()) {
    const auto address = ParseEndpoint(FLAGS_broker);
    if (!address.ok()) return address.status().Annotate("--broker");
    for (int32_t id = 0; id < FLAGS_queues; ++id) queues.push_back({FLAGS_broker_name, id, *address});
    return queues;
  }
  const auto namesrv = ParseEndpoint(FLAGS_namesrv);
  if (!namesrv.ok()) return namesrv.status().Annotate("--namesrv");
  const auto rpc = net::RpcClient::New(env, {}, loop);
  net::NamesrvStub stub(*rpc);
  const auto ask = [&](const std::string& topic) {
    Await<proto::TopicRouteData> answer;
    stub.GetRoute(*namesrv, topic, std::chrono::seconds(5), answer.completion());
    return answer.Wait();
  };
  auto route = ask(FLAGS_topic);
  int32_t queues_max = INT32_MAX;
  if (!route.ok() && route.status().wire_code() == proto::ResponseCode::kTopicNotExist) {
    route = ask(std::string(names::kAutoCreateTopic));
    queues_max = FLAGS_queues;
  }
  RunOn(loop, [&] { rpc->Shutdown(); });
  if (!route.ok()) return route.status().Annotate(StrCat("route of topic ", FLAGS_topic));
  for (const proto::QueueData& data : route->queue_datas) {
    for (const proto::BrokerData& broker : route->broker_datas) {
      const auto master = broker.broker_addrs.find(kMasterId);
      if (broker.broker_name != data.broker_name || master == broker.broker_addrs.end()) continue;
      const auto address = ParseEndpoint(master->second);
      if (!address.ok()) return address.status().Annotate("address in the route");
      for (int32_t id = 0; id < std::min(queues_max, data.write_queue_nums); ++id) {
        queues.push_back({data.broker_name, id, *address});
      }
    }
  }
  if (queues.empty()) return Status(StatusCode::kNotFound, StrCat("topic ", FLAGS_topic, " has no queues"));
  return queues;
}

struct Report {
  PerfTally tally;
  double seconds = 0;
  double cpu_seconds = 0;  // Of this program, all threads, in the same time.
  // Since the start, warm-up included; e2e only.
  uint64_t acknowledged = 0;
  uint64_t came_back = 0;
  uint64_t missing() const { return acknowledged > came_back ? acknowledged - came_back : 0; }
};

double CpuSeconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

unsigned long long Long(uint64_t value) { return value; }

void PrintLatency(const char* name, const LatencyHistogram& latency) {
  if (latency.count() == 0) return;
  std::printf("%-10s p50 %.0f us, p90 %.0f us, p99 %.0f us, p99.9 %.0f us, max %.0f us\n", name,
              latency.QuantileMicros(0.5), latency.QuantileMicros(0.9), latency.QuantileMicros(0.99),
              latency.QuantileMicros(0.999), latency.MaxMicros());
}

void PrintJsonLatency(const char* name, const LatencyHistogram& latency) {
  if (latency.count() == 0) return;
  std::printf(",\"%s\":{\"p50_us\":%.1f,\"p90_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f,\"max_us\":%.1f}",
              name, latency.QuantileMicros(0.5), latency.QuantileMicros(0.9), latency.QuantileMicros(0.99),
              latency.QuantileMicros(0.999), latency.MaxMicros());
}

void PrintJson(const Report& report, double own_us) {
  const PerfTally& tally = report.tally;
  std::printf(
      "{\"mode\":\"%s\",\"connections\":%d,\"in_flight\":%d,\"size\":%d,\"seconds\":%.3f,\"sent\":%llu,"
      "\"send_failed\":%llu,\"received\":%llu,\"send_per_second\":%.1f,\"receive_per_second\":%.1f,"
      "\"mqperf_cpu_us_per_message\":%.3f",
      FLAGS_mode.c_str(), FLAGS_connections, FLAGS_in_flight, FLAGS_size, report.seconds, Long(tally.sent),
      Long(tally.send_failed), Long(tally.received), static_cast<double>(tally.sent) / report.seconds,
      static_cast<double>(tally.received) / report.seconds, own_us);
  PrintJsonLatency("send_latency", tally.send_latency);
  if (FLAGS_mode == "e2e") {
    PrintJsonLatency("end_to_end", tally.end_to_end);
    std::printf(",\"missing\":%llu", Long(report.missing()));
  }
  std::printf("}\n");
}

void Print(const Report& report) {
  const PerfTally& tally = report.tally;
  const auto messages = static_cast<double>(std::max<uint64_t>(tally.sent + tally.received, 1));
  const double own_us = report.cpu_seconds * 1e6 / messages;
  if (FLAGS_json) return PrintJson(report, own_us);
  std::printf("%s: %d connections, %d in flight each, bodies of %d bytes, %.2f s\n", FLAGS_mode.c_str(),
              FLAGS_connections, FLAGS_in_flight, FLAGS_size, report.seconds);
  if (FLAGS_mode != "consume") {
    std::printf("%-10s %.0f msgs/s, %.1f MB/s of bodies, %llu sent, %llu failed\n", "send",
                static_cast<double>(tally.sent) / report.seconds,
                static_cast<double>(tally.sent) * FLAGS_size / report.seconds / 1e6, Long(tally.sent),
                Long(tally.send_failed));
    PrintLatency("  latency", tally.send_latency);
  }
  if (FLAGS_mode != "produce") {
    std::printf("%-10s %.0f msgs/s, %.1f MB/s of bodies, %llu received\n", "receive",
                static_cast<double>(tally.received) / report.seconds,
                static_cast<double>(tally.received_body_bytes) / report.seconds / 1e6, Long(tally.received));
  }
  if (FLAGS_mode == "e2e") PrintLatency("end to end", tally.end_to_end);
  std::printf("%-10s %.2f us of CPU a message in mqperf itself\n", "load", own_us);
}

class Run final {
 public:
  explicit Run(Env& env) : env_(env) {
    for (int i = 0; i < FLAGS_threads; ++i)
      loops_.push_back(env.NewExecutor({StrCat("perf", i), ExecutorKind::kIo}));
  }
  ~Run() {
    for (auto& loop : loops_) loop->Stop();
  }

  Status Prepare() {
    auto queues = FindQueues(env_, *loops_.front());
    if (!queues.ok()) return queues.status();
    plan_.topic = FLAGS_topic;
    plan_.group = FLAGS_group;
    plan_.queues = *std::move(queues);
    plan_.in_flight = static_cast<size_t>(FLAGS_in_flight);
    plan_.body_bytes = static_cast<size_t>(FLAGS_size);
    plan_.send_rate = FLAGS_rate / FLAGS_connections;
    plan_.send_count = (FLAGS_count + static_cast<uint64_t>(FLAGS_connections) - 1) /
                       static_cast<uint64_t>(FLAGS_connections);
    plan_.pull_batch = FLAGS_pull_batch;
    plan_.topic_queue_count = FLAGS_queues;
    plan_.backlog = static_cast<int64_t>(FLAGS_backlog / plan_.queues.size());
    plan_.run_id = env_.NewRandom("mqperf-run").Next();
    return {};
  }

  Report Measure() {
    if (FLAGS_mode != "produce") StartPulls();
    if (FLAGS_mode != "consume") StartSends();
    // With a count the whole run is measured, otherwise what follows the warm-up.
    MonoTime began = env_.clock().Monotonic();
    double cpu_before = CpuSeconds();
    if (FLAGS_count == 0 && FLAGS_warmup_seconds > 0) {
      (void)all_sent_.WaitFor(FLAGS_warmup_seconds);
      ForAll([](SendLoad& load) { load.Reset(); }, [](PullLoad& load) { load.Reset(); });
      began = env_.clock().Monotonic();
      cpu_before = CpuSeconds();
    }
    if (FLAGS_count > 0 && FLAGS_mode != "consume") {
      (void)all_sent_.Wait();
    } else {
      (void)all_sent_.WaitFor(FLAGS_seconds);
    }
    Report report;
    report.seconds = std::chrono::duration<double>(env_.clock().Monotonic() - began).count();
    report.cpu_seconds = CpuSeconds() - cpu_before;
    const auto collect = [&report](const auto& load) { report.tally.Merge(load.tally()); };
    ForAll(collect, collect);
    ForAll([](SendLoad& load) { load.Stop(); }, [](PullLoad&) {});
    if (FLAGS_mode != "consume") (void)all_sent_.WaitFor(10);
    if (FLAGS_mode == "e2e") AwaitMissing(report);
    ForAll([](SendLoad& load) { load.Close(); }, [](PullLoad& load) { load.Close(); });
    return report;
  }

 private:
  Executor& LoopOf(size_t index) { return *loops_[index % loops_.size()]; }

  template <class OnSend, class OnPull>
  void ForAll(OnSend on_send, OnPull on_pull) {
    for (size_t i = 0; i < sends_.size(); ++i) RunOn(LoopOf(i), [&] { on_send(*sends_[i]); });
    for (size_t i = 0; i < pulls_.size(); ++i) RunOn(LoopOf(i), [&] { on_pull(*pulls_[i]); });
  }

  // Waits until what was acknowledged has come back, for a while.
  void AwaitMissing(Report& report) {
    const MonoTime end = env_.clock().Monotonic() + std::chrono::duration_cast<Duration>(
                                                        std::chrono::duration<double>(FLAGS_missing_seconds));
    for (;;) {
      report.acknowledged = report.came_back = 0;
      ForAll([&](const SendLoad& load) { report.acknowledged += load.acknowledged(); },
             [&](const PullLoad& load) { report.came_back += load.received_own(); });
      if (report.missing() == 0 || env_.clock().Monotonic() >= end) return;
      Await<Done> moment;
      (void)moment.WaitFor(0.05);
    }
  }

  void StartSends() {
    const auto left = std::make_shared<std::atomic<int>>(FLAGS_connections);
    const auto all = std::make_shared<Completion<Done>>(all_sent_.completion());
    for (size_t i = 0; i < static_cast<size_t>(FLAGS_connections); ++i) {
      sends_.push_back(std::make_unique<SendLoad>(env_, LoopOf(i), plan_, i));
      LoopOf(i).Post([load = sends_.back().get(), left, all] {
        load->Start([left, all](Result<Done>) {
          if (--*left == 0) (*all)(Done{});
        });
      });
    }
  }

  void StartPulls() {
    const std::string from = FLAGS_from.empty() ? (FLAGS_mode == "e2e" ? "last" : "first") : FLAGS_from;
    auto begin = PullLoad::From::kLast;
    if (from == "first") begin = PullLoad::From::kFirst;
    if (from == "loop") begin = PullLoad::From::kLoop;
    const size_t count = std::min(static_cast<size_t>(FLAGS_connections), plan_.queues.size());
    for (size_t i = 0; i < count; ++i) {
      std::vector<PerfQueue> share;
      for (size_t q = i; q < plan_.queues.size(); q += count) share.push_back(plan_.queues[q]);
      pulls_.push_back(std::make_unique<PullLoad>(env_, LoopOf(i), plan_, std::move(share), begin));
      Await<Done> ready;
      LoopOf(i).Post([load = pulls_.back().get(), completion = ready.completion()]() mutable {
        load->Start(std::move(completion));
      });
      (void)ready.Wait();
    }
  }

  Env& env_;
  std::vector<std::unique_ptr<Executor>> loops_;
  PerfPlan plan_;
  Await<Done> all_sent_;
  std::vector<std::unique_ptr<SendLoad>> sends_;
  std::vector<std::unique_ptr<PullLoad>> pulls_;
};

int Usage(const std::string& why) {
  std::fprintf(stderr, "mqperf: %s\nmqperf --help lists the options\n", why.c_str());
  return 2;
}

int Main() {
  if (FLAGS_mode != "produce" && FLAGS_mode != "consume" && FLAGS_mode != "e2e") {
    return Usage(StrCat("--mode=", FLAGS_mode, " is not produce, consume or e2e"));
  }
  if (FLAGS_namesrv.empty() == FLAGS_broker.empty()) return Usage("give either --namesrv or --broker");
  const std::pair<const char*, int32_t> positive[] = {{"connections", FLAGS_connections},
                                                      {"in_flight", FLAGS_in_flight},
                                                      {"queues", FLAGS_queues},
                                                      {"threads", FLAGS_threads},
                                                      {"pull_batch", FLAGS_pull_batch}};
  for (const auto& [name, value] : positive) {
    if (value < 1 || value > 4096) return Usage(StrCat("--", name, "=", value, " must be 1..4096"));
  }
  if (FLAGS_size < 8 || FLAGS_size > (4 << 20)) return Usage("--size must be 8..4194304");
  if (FLAGS_seconds <= 0 && FLAGS_count == 0) return Usage("--seconds must be above 0");
  if (!FLAGS_from.empty() && FLAGS_from != "first" && FLAGS_from != "last" && FLAGS_from != "loop")
    return Usage(StrCat("--from=", FLAGS_from, " is not first, last or loop"));
  if (FLAGS_mode == "e2e" && FLAGS_from == "loop") return Usage("--from=loop does not go with --mode=e2e");
  const auto env = net::NewRealEnv(NullLogger());
  Run run(*env);
  const Status ready = run.Prepare();
  if (!ready.ok()) {
    std::fprintf(stderr, "mqperf: %s\n", ready.ToString().c_str());
    return 1;
  }
  const Report report = run.Measure();
  Print(report);
  for (const auto& [text, count] : report.tally.errors) {
    std::fprintf(stderr, "mqperf: %llu x %s\n", Long(count), text.c_str());
  }
  if (report.missing() > 0) {
    std::fprintf(
        stderr,
        "mqperf: %llu of %llu acknowledged messages did not come back within %g s after the last send "
        "(--missing_seconds)\n",
        Long(report.missing()), Long(report.acknowledged), FLAGS_missing_seconds);
  }
  const bool nothing = report.tally.sent + report.tally.received == 0;
  if (nothing) std::fprintf(stderr, "mqperf: not one message was sent or received\n");
  return report.tally.send_failed > 0 || report.missing() > 0 || nothing ? 1 : 0;
}

void PrintHelp() {
  std::printf(
      "mqperf: load on any broker that speaks RocketMQ's remoting protocol, and what it does to it\n\n"
      "  mqperf --mode=produce --namesrv=127.0.0.1:9876 --topic=perf --connections=8 --in_flight=64\n"
      "  mqperf --mode=consume --broker=127.0.0.1:10911 --topic=perf --queues=8\n"
      "  mqperf --mode=e2e --namesrv=127.0.0.1:9876 --topic=perf --rate=10000 --json\n\n");
  std::vector<gflags::CommandLineFlagInfo> flags;
  gflags::GetAllFlags(&flags);
  for (const auto& flag : flags) {
    if (!std::string_view(flag.filename).ends_with("mqperf.cc")) continue;
    const std::string shown = flag.type == "string" && flag.default_value.empty() ? "" : flag.default_value;
    std::printf("  --%-16s %s%s%s%s\n", flag.name.c_str(), flag.description.c_str(),
                shown.empty() ? "" : " [", shown.c_str(), shown.empty() ? "" : "]");
  }
  std::printf(
      "\nMB/s count bodies, not frames. Latency counts from the moment a message was due. Exit codes: 0 "
      "done, "
      "1 a send failed\nor messages are missing or nothing moved, 2 wrong usage.\n");
}

// Sets the options; the exit code when there is nothing more to do.
std::optional<int> ReadOptions(const std::vector<std::string_view>& words) {
  for (size_t i = 0; i < words.size(); ++i) {
    std::string_view word = words[i];
    if (word == "-h" || word == "--help" || word == "-help") {
      PrintHelp();
      return 0;
    }
    if (!word.starts_with("-")) return Usage(StrCat("unexpected argument '", word, "'"));
    word.remove_prefix(word.starts_with("--") ? 2 : 1);
    const size_t equals = word.find('=');
    const std::string name(word.substr(0, equals));
    gflags::CommandLineFlagInfo info;
    if (!gflags::GetCommandLineFlagInfo(name.c_str(), &info) || !info.filename.ends_with("mqperf.cc"))
      return Usage(StrCat("unknown option --", name));
    std::string value = info.type == "bool" ? "true" : "";
    if (equals != std::string_view::npos) {
      value = word.substr(equals + 1);
    } else if (info.type != "bool") {
      if (++i == words.size()) return Usage(StrCat("--", name, " needs a value"));
      value = words[i];
    }
    if (gflags::SetCommandLineOption(name.c_str(), value.c_str()).empty())
      return Usage(StrCat("--", name, "=", value, " is no ", info.type));
  }
  return std::nullopt;
}

}  // namespace
}  // namespace orbitmq::bench

int main(int argc, char** argv) {
  if (const auto code = orbitmq::bench::ReadOptions({argv + 1, argv + argc})) return *code;
  return orbitmq::bench::Main();
}
