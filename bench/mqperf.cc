// SPDX-License-Identifier: Apache-2.0
// Load on any broker that speaks the remoting protocol, and what it does to it:
//
//   mqperf --mode=produce --namesrv=127.0.0.1:9876 --topic=perf --connections=8 --in_flight=64 --seconds=10
//   mqperf --mode=consume --broker=127.0.0.1:10911 --topic=perf --queues=8 --seconds=10
//   mqperf --mode=e2e     --namesrv=127.0.0.1:9876 --topic=perf --rate=10000 --seconds=10 --json
//
// It sends raw pipelined requests, so that the broker is measured and not a client library. `e2e` latency
// runs from the moment a message was due to be sent to the arrival of the reply that carries it. Exit codes:
// 0 done without a failed send, 1 otherwise, 2 wrong usage.
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

#include "bench/perf_load.h"
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
DEFINE_string(from, "", "where pulling begins: first or last; default: first for consume, last for e2e");
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
};

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

void Print(const Report& report) {
  const PerfTally& tally = report.tally;
  const double send_rate = static_cast<double>(tally.sent) / report.seconds;
  const double receive_rate = static_cast<double>(tally.received) / report.seconds;
  if (FLAGS_json) {
    std::printf(
        "{\"mode\":\"%s\",\"connections\":%d,\"in_flight\":%d,\"size\":%d,\"seconds\":%.3f,\"sent\":%llu,"
        "\"send_failed\":%llu,\"received\":%llu,\"send_per_second\":%.1f,\"receive_per_second\":%.1f",
        FLAGS_mode.c_str(), FLAGS_connections, FLAGS_in_flight, FLAGS_size, report.seconds,
        static_cast<unsigned long long>(tally.sent), static_cast<unsigned long long>(tally.send_failed),
        static_cast<unsigned long long>(tally.received), send_rate, receive_rate);
    PrintJsonLatency("send_latency", tally.send_latency);
    if (FLAGS_mode == "e2e") PrintJsonLatency("end_to_end", tally.end_to_end);
    std::printf("}\n");
    return;
  }
  std::printf("%s: %d connections, %d in flight each, %d bytes, %.2f s\n", FLAGS_mode.c_str(),
              FLAGS_connections, FLAGS_in_flight, FLAGS_size, report.seconds);
  if (FLAGS_mode != "consume") {
    std::printf("%-10s %.0f msgs/s, %llu sent, %llu failed\n", "send", send_rate,
                static_cast<unsigned long long>(tally.sent),
                static_cast<unsigned long long>(tally.send_failed));
    PrintLatency("  latency", tally.send_latency);
  }
  if (FLAGS_mode != "produce") {
    std::printf("%-10s %.0f msgs/s, %llu received, %.1f MB/s\n", "receive", receive_rate,
                static_cast<unsigned long long>(tally.received),
                static_cast<double>(tally.received_bytes) / report.seconds / 1e6);
  }
  if (FLAGS_mode == "e2e") PrintLatency("end to end", tally.end_to_end);
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
    return {};
  }

  Report Measure() {
    if (FLAGS_mode != "produce") StartPulls();
    if (FLAGS_mode != "consume") StartSends();
    // With a count the whole run is measured, otherwise what follows the warm-up.
    MonoTime began = env_.clock().Monotonic();
    if (FLAGS_count == 0 && FLAGS_warmup_seconds > 0) {
      (void)all_sent_.WaitFor(FLAGS_warmup_seconds);
      ForAll([](SendLoad& load) { load.Reset(); }, [](PullLoad& load) { load.Reset(); });
      began = env_.clock().Monotonic();
    }
    if (FLAGS_count > 0 && FLAGS_mode != "consume") {
      (void)all_sent_.Wait();
    } else {
      (void)all_sent_.WaitFor(FLAGS_seconds);
    }
    Report report;
    report.seconds = std::chrono::duration<double>(env_.clock().Monotonic() - began).count();
    const auto collect = [&report](const auto& load) { report.tally.Merge(load.tally()); };
    ForAll(collect, collect);
    ForAll([](SendLoad& load) { load.Stop(); }, [](PullLoad& load) { load.Close(); });
    if (FLAGS_mode != "consume") (void)all_sent_.WaitFor(10);
    ForAll([](SendLoad& load) { load.Close(); }, [](PullLoad&) {});
    return report;
  }

 private:
  Executor& LoopOf(size_t index) { return *loops_[index % loops_.size()]; }

  template <class OnSend, class OnPull>
  void ForAll(OnSend on_send, OnPull on_pull) {
    for (size_t i = 0; i < sends_.size(); ++i) RunOn(LoopOf(i), [&] { on_send(*sends_[i]); });
    for (size_t i = 0; i < pulls_.size(); ++i) RunOn(LoopOf(i), [&] { on_pull(*pulls_[i]); });
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
    const auto begin = from == "first" ? PullLoad::From::kFirst : PullLoad::From::kLast;
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
  if (!FLAGS_from.empty() && FLAGS_from != "first" && FLAGS_from != "last")
    return Usage("--from: first or last");
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
    std::fprintf(stderr, "%llu x %s\n", static_cast<unsigned long long>(count), text.c_str());
  }
  const bool nothing = report.tally.sent + report.tally.received == 0;
  return report.tally.send_failed > 0 || nothing ? 1 : 0;
}

}  // namespace
}  // namespace orbitmq::bench

int main(int argc, char** argv) {
  gflags::SetUsageMessage("load on any broker that speaks RocketMQ's remoting protocol");
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  return orbitmq::bench::Main();
}
