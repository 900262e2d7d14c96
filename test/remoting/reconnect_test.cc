// SPDX-License-Identifier: Apache-2.0
// Connects that fail or never end, in virtual time: how long a caller waits, and how often is tried.
#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "remoting/protocol/codes.h"
#include "remoting/rpc_client.h"
#include "remoting/rpc_server.h"
#include "test/sim/sim_env.h"

namespace orbitmq::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class ReconnectTest : public testing::Test {
 protected:
  explicit ReconnectTest(uint64_t seed = 11) { Begin(seed); }
  ~ReconnectTest() override { End(); }

  void Begin(uint64_t seed) {
    scheduler_.emplace(seed);
    sim::NetworkFaults faults;
    faults.clog_one_in = 0;
    network_.emplace(*scheduler_, faults);
    host_.emplace("client", "10.0.0.1", seed, Duration{});
    server_host_.emplace("server", "10.0.0.2", seed + 1, Duration{});
    env_ = std::make_unique<sim::SimEnv>(*scheduler_, *network_, *host_, log_);
    server_env_ = std::make_unique<sim::SimEnv>(*scheduler_, *network_, *server_host_, log_);
    loop_ = env_->NewExecutor({"loop", ExecutorKind::kIo});
    io_ = server_env_->NewExecutor({"io", ExecutorKind::kIo});
    client_ = RpcClient::New(*env_, {}, *loop_);
  }
  void End() {
    loop_->Post([this] { client_->Shutdown(); });
    Run(milliseconds(10));
    client_.reset();
    server_.reset();
    loop_.reset();
    io_.reset();
    env_.reset();
    server_env_.reset();
  }
  void Serve() {
    server_ = RpcServer::New(*server_env_, {.listen = {kServer}, .name = "test"}, {io_.get()});
    server_->Handle(1, nullptr, [](ServerRequest request) { request.Reply({}); });
    ASSERT_TRUE(server_->Start().ok());
  }
  void Run(Duration time) { scheduler_->RunUntil(scheduler_->now() + time); }

  struct Ended {
    StatusCode code = StatusCode::kOk;
    std::string text;
    Duration after{};
  };
  Ended Call(Duration timeout) {
    const MonoTime began = scheduler_->now();
    std::optional<Ended> ended;
    proto::Command request;
    request.code = 1;
    client_->Call(kServer, std::move(request), timeout, [&](Result<proto::Command> reply) {
      ended = Ended{reply.status().code(), std::string(reply.status().text()), scheduler_->now() - began};
    });
    scheduler_->RunUntil(began + timeout + seconds(1), [&] { return ended.has_value(); });
    EXPECT_TRUE(ended.has_value());
    return ended.value_or(Ended{});
  }
  // The pauses between the connects of a caller that asks all the time.
  std::vector<Duration> PausesOfAnEagerCaller(size_t count) {
    std::vector<Duration> pauses;
    uint64_t seen = network_->counters().connects;
    std::optional<MonoTime> last;
    while (pauses.size() < count) {
      (void)Call(seconds(1));
      if (network_->counters().connects != seen) {
        EXPECT_EQ(network_->counters().connects, seen + 1);
        seen = network_->counters().connects;
        if (last) pauses.push_back(scheduler_->now() - *last);
        last = scheduler_->now();
      }
      Run(milliseconds(1));
    }
    return pauses;
  }

  const Endpoint kServer{"10.0.0.2", 10911};
  sim::SimLog log_;
  std::optional<sim::Scheduler> scheduler_;
  std::optional<sim::SimNetwork> network_;
  std::optional<sim::SimHost> host_;
  std::optional<sim::SimHost> server_host_;
  std::unique_ptr<sim::SimEnv> env_;
  std::unique_ptr<sim::SimEnv> server_env_;
  std::unique_ptr<Executor> loop_;
  std::unique_ptr<Executor> io_;
  std::unique_ptr<RpcServer> server_;
  std::unique_ptr<RpcClient> client_;
};

TEST_F(ReconnectTest, BlackHole_LongDeadline_EndsAtTheConnectTimeout) {
  Serve();
  network_->Block("10.0.0.1", "10.0.0.2");
  const Ended ended = Call(seconds(10));
  EXPECT_EQ(ended.code, StatusCode::kUnavailable) << ended.text;
  EXPECT_NE(ended.text.find("timed out"), std::string::npos) << ended.text;
  EXPECT_GE(ended.after, seconds(3));
  EXPECT_LT(ended.after, milliseconds(3100));
}

TEST_F(ReconnectTest, BlackHole_ShortDeadline_EndsAtTheDeadlineAndNothingLeft) {
  Serve();
  network_->Block("10.0.0.1", "10.0.0.2");
  const Ended ended = Call(milliseconds(500));
  EXPECT_EQ(ended.code, StatusCode::kTimeout) << ended.text;
  EXPECT_NE(ended.text.find("still connecting"), std::string::npos) << ended.text;
  EXPECT_GE(ended.after, milliseconds(500));
  EXPECT_LT(ended.after, milliseconds(600));
  // The attempt goes on, and its end is the next caller's answer.
  EXPECT_EQ(Call(seconds(10)).code, StatusCode::kUnavailable);
  EXPECT_EQ(network_->counters().connects, 1u);
}

TEST_F(ReconnectTest, BlackHole_Heals_IsReachedSoon) {
  Serve();
  network_->Block("10.0.0.1", "10.0.0.2");
  EXPECT_EQ(Call(seconds(10)).code, StatusCode::kUnavailable);
  network_->HealAll();
  Run(milliseconds(60));
  EXPECT_EQ(Call(seconds(1)).code, StatusCode::kOk);
}

TEST_F(ReconnectTest, BackOff_GrowsToItsMaximumWithJitterOfAHalf) {
  const std::vector<Duration> pauses = PausesOfAnEagerCaller(14);
  Duration full = milliseconds(50);
  for (size_t i = 0; i < pauses.size(); ++i) {
    // Half of it for certain, the rest by chance; the caller looks every few milliseconds.
    EXPECT_GE(pauses[i], full / 2) << i;
    EXPECT_LE(pauses[i], full + milliseconds(10)) << i;
    full = std::min<Duration>(full * 2, seconds(5));
  }
  EXPECT_EQ(full, Duration(seconds(5))) << "the maximum was reached";
}

TEST_F(ReconnectTest, BackOff_OfTwoClients_Differs) {
  const std::vector<Duration> one = PausesOfAnEagerCaller(10);
  End();
  Begin(12);
  const std::vector<Duration> other = PausesOfAnEagerCaller(10);
  size_t apart = 0;
  for (size_t i = 0; i < one.size(); ++i) {
    if (std::max(one[i], other[i]) - std::min(one[i], other[i]) > milliseconds(5)) ++apart;
  }
  EXPECT_GE(apart, 5u) << "clients of a restarted server must not come back all at once";
}

TEST_F(ReconnectTest, BackOff_WhileItRuns_CallsFailAtOnceWithTheReason) {
  EXPECT_EQ(Call(seconds(1)).code, StatusCode::kUnavailable);
  const Ended ended = Call(seconds(1));
  EXPECT_EQ(ended.code, StatusCode::kUnavailable);
  EXPECT_NE(ended.text.find("Connection refused"), std::string::npos) << ended.text;
  EXPECT_LT(ended.after, milliseconds(1));
  EXPECT_EQ(network_->counters().connects, 1u);
}

TEST_F(ReconnectTest, BackOff_AfterAnAnswer_BeginsAnew) {
  (void)PausesOfAnEagerCaller(8);
  Serve();
  Run(seconds(5));
  EXPECT_EQ(Call(seconds(1)).code, StatusCode::kOk);
  server_.reset();
  Run(milliseconds(50));
  const std::vector<Duration> again = PausesOfAnEagerCaller(1);
  EXPECT_LE(again[0], milliseconds(60));
}

}  // namespace
}  // namespace orbitmq::net
