// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "client/client_runtime.h"
#include "client/producer_core.h"
#include "client/push_consumer_core.h"
#include "test/client/fake_broker.h"
#include "test/sim/sim_env.h"

namespace orbitmq::client {

using std::chrono::milliseconds;
using std::chrono::seconds;

inline constexpr char kTopic[] = "T";
inline constexpr char kGroup[] = "g";

// A host with one fake server on it.
struct SimServer {
  SimServer(sim::Scheduler& scheduler, sim::SimNetwork& network, sim::SimLog& log, const std::string& ip,
            const std::string& name)
      : host(name, ip, 7, {}), env(scheduler, network, host, log), fake(env, {ip, 10911}, name) {}
  sim::SimHost host;
  sim::SimEnv env;
  FakeBroker fake;
};

// A NameServer, two brokers and a client in virtual time: hours of timeouts cost nothing.
class SimClientTest : public testing::Test {
 protected:
  SimClientTest() : network_(scheduler_, {}), client_host_("client", "10.0.9.1", 3, {}) {
    ns_ = std::make_unique<SimServer>(scheduler_, network_, log_, "10.0.0.1", "ns");
    a_ = std::make_unique<SimServer>(scheduler_, network_, log_, "10.0.0.2", "a");
    b_ = std::make_unique<SimServer>(scheduler_, network_, log_, "10.0.0.3", "b");
    env_ = std::make_unique<sim::SimEnv>(scheduler_, network_, client_host_, log_);
    loop_ = env_->NewExecutor({"loop", ExecutorKind::kIo});
    callbacks_ = env_->NewExecutor({"callbacks", ExecutorKind::kCpu});
    runtime_ = std::make_shared<ClientRuntime>(*env_, *loop_, *callbacks_);
  }
  ~SimClientTest() override {
    // The test's body has ended, and with it the variables that its scripts refer to.
    for (const auto* server : {&ns_, &a_, &b_}) (*server)->fake.ClearOverrides();
    if (producer_) {
      EXPECT_TRUE(Shutdown(*producer_, seconds(1)).has_value());
    }
    if (consumer_) {
      EXPECT_TRUE(Shutdown(*consumer_, seconds(1)).has_value());
    }
    producer_.reset();
    consumer_.reset();
    Run(milliseconds(50));
    callbacks_->Stop();
    loop_->Stop();
    runtime_.reset();
  }

  void Run(Duration time) { scheduler_.RunUntil(scheduler_.now() + time); }
  template <class Predicate>
  bool RunUntil(Duration most, Predicate done) {
    return scheduler_.RunUntil(scheduler_.now() + most, done);
  }

  ClientOptions Client() const {
    ClientOptions options;
    options.namesrv_addr = "10.0.0.1:10911";
    return options;
  }
  ProducerOptions Options() const {
    ProducerOptions options;
    options.client = Client();
    options.group = "p";
    return options;
  }
  void StartProducer(ProducerOptions options) {
    auto core = ProducerCore::Start(runtime_, std::move(options));
    ASSERT_TRUE(core.ok()) << core.status().ToString();
    producer_ = *std::move(core);
  }
  PushConsumerOptions ConsumerOptions() const {
    PushConsumerOptions options;
    options.client = Client();
    options.group = kGroup;
    options.subscriptions = {{kTopic, "*"}};
    options.consume_from = ConsumeFrom::kFirstOffset;
    options.consume_threads = 4;
    return options;
  }
  void StartConsumer(PushConsumerOptions options, MessageListener listener) {
    auto core = PushConsumerCore::Start(runtime_, std::move(options), std::move(listener));
    ASSERT_TRUE(core.ok()) << core.status().ToString();
    consumer_ = *std::move(core);
  }

  static Message NewMessage(std::string body, std::string topic = kTopic) {
    Message message;
    message.topic = std::move(topic);
    message.body = std::move(body);
    return message;
  }

  // How a send ended and how often its callback was called.
  struct Sent {
    std::vector<Result<SendResult>> results;
    MonoTime ended{};
    bool done() const { return !results.empty(); }
    const Status& status() const { return results.front().status(); }
  };
  std::shared_ptr<Sent> SendAsync(Message message, SendOptions options = {}) {
    auto sent = std::make_shared<Sent>();
    producer_->SendAsync(std::move(message), std::move(options), [this, sent](Result<SendResult> result) {
      EXPECT_TRUE(callbacks_->Current());
      sent->ended = scheduler_.now();
      sent->results.push_back(std::move(result));
    });
    return sent;
  }
  Result<SendResult> Send(Message message, SendOptions options = {}) {
    auto sent = SendAsync(std::move(message), std::move(options));
    EXPECT_TRUE(RunUntil(seconds(60), [&] { return sent->done(); }));
    if (!sent->done()) return Status(StatusCode::kInternal, "the send never ended");
    return sent->results.front();
  }
  // Nothing = it did not end in time.
  template <class Core>
  std::optional<Status> Shutdown(Core& core, Duration drain) {
    std::optional<Status> ended;
    core.Shutdown(drain, [&ended](Result<Done> result) { ended = result.status(); });
    RunUntil(drain + seconds(10), [&] { return ended.has_value(); });
    return ended;
  }

  sim::Scheduler scheduler_{42};
  sim::SimNetwork network_;
  sim::SimLog log_;
  sim::SimHost client_host_;
  std::unique_ptr<SimServer> ns_, a_, b_;
  std::unique_ptr<sim::SimEnv> env_;
  std::unique_ptr<Executor> loop_, callbacks_;
  std::shared_ptr<ClientRuntime> runtime_;
  std::shared_ptr<ProducerCore> producer_;
  std::shared_ptr<PushConsumerCore> consumer_;
};

inline net::Response Answer(int32_t code, std::string remark = {}) {
  net::Response response;
  response.code = code;
  response.remark = std::move(remark);
  return response;
}

}  // namespace orbitmq::client
