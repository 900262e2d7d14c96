// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "broker/broker.h"
#include "common/message_codec.h"
#include "remoting/protocol/body_codec.h"
#include "remoting/protocol/codes.h"
#include "remoting/protocol/headers.h"
#include "remoting/rpc_client.h"
#include "test/sim/sim_env.h"

namespace orbitmq::broker {

inline constexpr char kBrokerIp[] = "10.0.0.1";
inline constexpr uint16_t kBrokerPort = 10911;

// A client or tool on a host of its own, speaking real frames over the simulated network.
class Caller final {
 public:
  Caller(sim::Scheduler& scheduler, sim::SimNetwork& network, sim::SimHost& host, sim::SimLog& log);
  ~Caller();

  // Waits in virtual time; fails the test when no answer comes within `timeout`.
  proto::Command Call(proto::Command request, Duration timeout = std::chrono::seconds(3));
  template <class H>
  proto::Command Call(int32_t code, const H& header, std::string body = {}) {
    proto::Command request = proto::MakeRequest(code, header);
    if (!body.empty()) request.body.emplace_back(std::move(body));
    return Call(std::move(request));
  }
  // To another server than the broker.
  proto::Command CallAt(const Endpoint& to, proto::Command request);
  proto::Command Plain(int32_t code, std::string body = {});
  // Does not wait: the answer is put where the pointer points when it comes.
  std::shared_ptr<std::optional<proto::Command>> Begin(proto::Command request, Duration timeout,
                                                       const Endpoint& to = {kBrokerIp, kBrokerPort});
  void Oneway(proto::Command request);
  // Requests of the broker with this code are counted and answered with `reply`.
  std::shared_ptr<int> Expect(int32_t code, std::optional<proto::Command> reply);
  // The same, keeping the requests.
  std::shared_ptr<std::vector<proto::Command>> Record(int32_t code, std::optional<proto::Command> reply);
  void Disconnect();

 private:
  sim::Scheduler& scheduler_;
  sim::SimEnv env_;
  std::unique_ptr<Executor> loop_;
  std::unique_ptr<net::RpcClient> client_;
};

struct SendArguments {
  std::string topic = "T";
  std::string body = "hello";
  std::string properties{};
  int32_t queue_id = 0;
  int32_t sys_flag = 0;
  int32_t code = proto::RequestCode::kSendMessageV2;
  bool batch = false;
  int32_t queues = 4;
  std::optional<int32_t> reconsume_times{};
  std::optional<int32_t> max_reconsume_times{};
  std::string default_topic = "TBW102";
};

struct PullArguments {
  std::string group = "G";
  std::string topic = "T";
  int32_t queue_id = 0;
  int64_t offset = 0;
  Duration wait{};  // 0 = no waiting.
  std::string expression = "*";
  std::string expression_type = "TAG";
  int32_t max = 32;
  int32_t extra_flags = 0;
  bool with_subscription = true;
  int32_t code = proto::RequestCode::kPullMessage;
};

// A message as a test looks at it.
struct Seen {
  RecordCrcCheck record_crc = RecordCrcCheck::kAbsent;
  std::string topic;
  int32_t queue_id = 0;
  int64_t queue_offset = 0;
  int64_t log_offset = 0;
  int32_t reconsume_times = 0;
  std::string body;
  std::string properties;
};
std::vector<Seen> Decode(const proto::Command& reply);

class BrokerFixture : public testing::Test {
 protected:
  BrokerFixture();
  ~BrokerFixture() override;

  static BrokerOptions Options();
  void Start(BrokerOptions options = Options());
  // In two steps, for tests that prepare files or expect a refusal.
  void Boot();
  Status TryStart(BrokerOptions options = Options());
  bool Logged(std::string_view text) const;
  // In order, with everything persisted.
  void Stop();
  // As kill -9 does, or a loss of power.
  void Crash(sim::SimEnv::Loss loss = sim::SimEnv::Loss::kProcess);
  void Run(Duration time) { scheduler_.RunUntil(scheduler_.now() + time); }

  static proto::Command SendRequest(const SendArguments& arguments);
  static proto::Command PullRequest(const PullArguments& arguments);
  proto::Command Send(const SendArguments& arguments = {}) { return caller_->Call(SendRequest(arguments)); }
  proto::Command Pull(const PullArguments& arguments = {});
  std::vector<Seen> PullAll(const std::string& topic, int32_t queue_id = 0);
  proto::Command Heartbeat(Caller& caller, const std::string& client_id, const std::string& group,
                           const std::string& topic, const std::string& expression = "*");
  proto::Command SendBack(int64_t log_offset, int32_t delay_level, std::optional<int32_t> max_times = {});
  std::optional<int64_t> Offset(const std::string& topic, int32_t queue_id = 0,
                                const std::string& group = "G");
  proto::Command CommitOffset(const std::string& topic, int64_t offset, const std::string& group = "G");
  proto::Command CreateTopic(const std::string& topic, int32_t queues = 4, int32_t perm = 6,
                             const std::string& attributes = {});
  // The body of a success; fails the test when there is none.
  template <class Body>
  static Body BodyOf(const proto::Command& reply) {
    EXPECT_EQ(reply.code, proto::ResponseCode::kSuccess) << reply.remark;
    auto body = proto::DecodeBody<Body>(reply.JoinedBody().view());
    EXPECT_TRUE(body.ok()) << body.status().ToString();
    return body.ok() ? *std::move(body) : Body{};
  }
  std::unique_ptr<Caller> NewCaller(const std::string& name, const std::string& ip);

  sim::Scheduler scheduler_;
  sim::SimNetwork network_;
  sim::SimLog log_;
  sim::SimHost broker_host_{"b0", kBrokerIp, 1, {}};
  std::vector<std::unique_ptr<sim::SimHost>> hosts_;
  std::unique_ptr<sim::SimEnv> broker_env_;
  std::unique_ptr<Broker> broker_;
  std::unique_ptr<Caller> caller_;
};

}  // namespace orbitmq::broker
