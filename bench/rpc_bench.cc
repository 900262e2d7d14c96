// SPDX-License-Identifier: Apache-2.0
// What a remote call costs: ns per executor hop, per call with one in flight, and calls per second with many.
// usage: rpc_bench [--calls=N] [--in_flight=N] [--body_bytes=N] [--hops=N]
#include <algorithm>
#include <atomic>
#include <cinttypes>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gflags/gflags.h>

#include "common/log_sinks.h"
#include "remoting/real_env.h"
#include "remoting/rpc_client.h"
#include "remoting/rpc_server.h"

DEFINE_int64(calls, 200000, "calls per measurement");
DEFINE_int64(in_flight, 256, "calls under way at once in the throughput measurement");
DEFINE_int64(body_bytes, 128, "bytes of each request's and each response's body");
DEFINE_int64(hops, 200000, "executor hops");

namespace orbitmq::net {
namespace {

constexpr int32_t kEcho = 1;

// Counts calls down and keeps `in_flight` of them under way; everything on the client's loop.
class Load final {
 public:
  Load(Env& env, Executor& loop, RpcClient& client, Endpoint to)
      : env_(env),
        loop_(loop),
        client_(client),
        to_(std::move(to)),
        body_(Bytes(std::string(body_bytes(), 'b'))) {}

  // Seconds for all calls.
  double Run(int64_t calls, int64_t in_flight) {
    left_ = calls;
    ended_ = 0;
    calls_ = calls;
    over_.store(false);
    latencies_.clear();
    latencies_.reserve(static_cast<size_t>(calls));
    const MonoTime start = env_.clock().Monotonic();
    loop_.Post([this, in_flight] {
      for (int64_t i = 0; i < in_flight && left_ > 0; ++i) Next();
    });
    over_.wait(false);
    return std::chrono::duration<double>(env_.clock().Monotonic() - start).count();
  }
  int64_t failed() const { return failed_; }
  double PercentileMicros(double part) {
    std::sort(latencies_.begin(), latencies_.end());
    return static_cast<double>(
               latencies_[static_cast<size_t>(part * static_cast<double>(latencies_.size() - 1))]) /
           1e3;
  }

 private:
  static size_t body_bytes() { return static_cast<size_t>(std::max<int64_t>(FLAGS_body_bytes, 0)); }

  void Next() {
    --left_;
    proto::Command request;
    request.code = kEcho;
    request.ext.Set("topic", "bench");
    request.body.push_back(body_);
    const MonoTime start = env_.clock().Monotonic();
    client_.Call(to_, std::move(request), std::chrono::seconds(10),
                 [this, start](Result<proto::Command> reply) {
                   if (!reply.ok() || reply->code != 0) ++failed_;
                   latencies_.push_back((env_.clock().Monotonic() - start).count());
                   if (++ended_ == calls_) {
                     over_.store(true);
                     over_.notify_one();
                   } else if (left_ > 0) {
                     Next();
                   }
                 });
  }

  Env& env_;
  Executor& loop_;
  RpcClient& client_;
  const Endpoint to_;
  const Bytes body_;
  int64_t left_ = 0;
  int64_t ended_ = 0;
  int64_t calls_ = 0;
  int64_t failed_ = 0;
  std::vector<int64_t> latencies_;
  std::atomic<bool> over_{false};
};

void MeasureHops(Env& env, Executor& a, Executor& b) {
  const int64_t hops = std::max<int64_t>(FLAGS_hops, 2);
  std::atomic<bool> over{false};
  struct Ball {
    Executor* sides[2];
    int64_t left;
    std::atomic<bool>* over;
    void Bounce() {
      if (--left > 0) {
        sides[left & 1]->Post([this] { Bounce(); });
      } else {
        over->store(true);
        over->notify_one();
      }
    }
  } ball{{&a, &b}, hops, &over};
  const MonoTime start = env.clock().Monotonic();
  a.Post([&ball] { ball.Bounce(); });
  over.wait(false);
  const auto nanos = (env.clock().Monotonic() - start).count();
  std::printf("hop_between_executors   %8" PRId64 " ns/hop (the other side sleeps)\n", nanos / hops);
}

int Main() {
  CallbackLogger log(LogLevel::kWarn, [](LogLevel, std::string_view line) {
    std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data());
  });
  const auto env = NewRealEnv(log);
  const auto io = env->NewExecutor({"io", ExecutorKind::kIo});
  const auto worker = env->NewExecutor({"worker", ExecutorKind::kCpu});
  const auto loop = env->NewExecutor({"loop", ExecutorKind::kIo});
  MeasureHops(*env, *io, *worker);

  const auto server = RpcServer::New(*env, {.listen = {{"127.0.0.1", 0}}, .name = "bench"}, {io.get()});
  server->Handle(kEcho, nullptr, [](ServerRequest request) {
    Response response;
    response.body.push_back(Bytes::Copy(request.command().body));
    request.Reply(std::move(response));
  });
  if (const Status status = server->Start(); !status.ok()) {
    std::fprintf(stderr, "rpc_bench: %s\n", status.ToString().c_str());
    return 1;
  }
  auto client = RpcClient::New(*env, {}, *loop);
  Load load(*env, *loop, *client, server->local_endpoints().front());
  const int64_t calls = std::max<int64_t>(FLAGS_calls, 1);
  load.Run(std::min<int64_t>(calls, 10000), 16);  // Warm up.

  const int64_t single = std::max<int64_t>(calls / 10, 1);
  const double alone = load.Run(single, 1);
  std::printf("call_one_in_flight      %8.0f ns/call, p50 %.1f us, p99 %.1f us\n",
              alone * 1e9 / static_cast<double>(single), load.PercentileMicros(0.5),
              load.PercentileMicros(0.99));
  const double together = load.Run(calls, std::max<int64_t>(FLAGS_in_flight, 1));
  std::printf("call_%" PRId64 "_in_flight      %8.0f ns/call, %.0f calls/s, p50 %.1f us, p99 %.1f us\n",
              FLAGS_in_flight, together * 1e9 / static_cast<double>(calls),
              static_cast<double>(calls) / together, load.PercentileMicros(0.5), load.PercentileMicros(0.99));

  std::atomic<bool> down{false};
  loop->Post([&] {
    client->Shutdown();
    client.reset();
    down.store(true);
    down.notify_one();
  });
  down.wait(false);
  std::atomic<bool> closed{false};
  server->Shutdown([&](Result<Done>) {
    closed.store(true);
    closed.notify_one();
  });
  closed.wait(false);
  if (load.failed() > 0) std::fprintf(stderr, "rpc_bench: %" PRId64 " calls failed\n", load.failed());
  return load.failed() > 0 ? 1 : 0;
}

}  // namespace
}  // namespace orbitmq::net

int main(int argc, char** argv) {
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  return orbitmq::net::Main();
}
