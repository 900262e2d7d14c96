// SPDX-License-Identifier: Apache-2.0
#include "test/broker/broker_fixture.h"

#include <utility>

#include "common/sys_flag.h"
#include "remoting/protocol/command_codec.h"
#include "remoting/protocol/heartbeat.h"

namespace orbitmq::broker {

using proto::Command;
using proto::RequestCode;
using std::chrono::seconds;

Caller::Caller(sim::Scheduler& scheduler, sim::SimNetwork& network, sim::SimHost& host, sim::SimLog& log)
    : scheduler_(scheduler), env_(scheduler, network, host, log) {
  loop_ = env_.NewExecutor({"io", ExecutorKind::kIo});
  client_ = net::RpcClient::New(env_, {}, *loop_);
}

Caller::~Caller() { Disconnect(); }

void Caller::Disconnect() {
  if (client_ == nullptr) return;
  loop_->Post([this] { client_->Shutdown(); });
  scheduler_.RunUntil(scheduler_.now() + std::chrono::milliseconds(100));
  client_.reset();
}

std::shared_ptr<std::optional<Command>> Caller::Begin(Command request, Duration timeout, const Endpoint& to) {
  auto answer = std::make_shared<std::optional<Command>>();
  client_->Call(to, std::move(request), timeout, [answer](Result<Command> reply) {
    if (reply.ok()) {
      *answer = *std::move(reply);
      return;
    }
    Command none;
    none.code = -1;
    none.remark = reply.status().ToString();
    *answer = std::move(none);
  });
  return answer;
}

Command Caller::Call(Command request, Duration timeout) {
  const auto answer = Begin(std::move(request), timeout);
  scheduler_.RunUntil(scheduler_.now() + timeout + seconds(1), [&] { return answer->has_value(); });
  EXPECT_TRUE(answer->has_value()) << "no answer";
  return answer->value_or(Command{});
}

Command Caller::CallAt(const Endpoint& to, Command request) {
  const auto answer = Begin(std::move(request), seconds(3), to);
  scheduler_.RunUntil(scheduler_.now() + seconds(4), [&] { return answer->has_value(); });
  EXPECT_TRUE(answer->has_value()) << "no answer";
  return answer->value_or(Command{});
}

Command Caller::Plain(int32_t code, std::string body) {
  Command request;
  request.code = code;
  if (!body.empty()) request.body.emplace_back(std::move(body));
  return Call(std::move(request));
}

void Caller::Oneway(Command request) {
  EXPECT_TRUE(client_->Oneway({kBrokerIp, kBrokerPort}, std::move(request)).ok());
}

std::shared_ptr<int> Caller::Expect(int32_t code, std::optional<Command> reply) {
  auto count = std::make_shared<int>(0);
  client_->HandleIncoming(code, [count, reply = std::move(reply)](net::RpcClient::Incoming incoming) {
    ++*count;
    if (reply) incoming.reply(*reply);
  });
  return count;
}

std::shared_ptr<std::vector<Command>> Caller::Record(int32_t code, std::optional<Command> reply) {
  auto requests = std::make_shared<std::vector<Command>>();
  client_->HandleIncoming(code, [requests, reply = std::move(reply)](net::RpcClient::Incoming incoming) {
    requests->push_back(proto::ToOwned(incoming.command));
    if (reply) incoming.reply(*reply);
  });
  return requests;
}

std::vector<Seen> Decode(const Command& reply) {
  std::vector<Seen> seen;
  const Bytes body = reply.JoinedBody();
  std::string_view rest = body.view();
  while (!rest.empty()) {
    const auto message = DecodeMessage(rest, BodyCheck::kVerifyCrc);
    EXPECT_TRUE(message.ok()) << message.status().ToString();
    if (!message.ok()) break;
    const std::string_view record = rest.substr(0, static_cast<size_t>(message->total_bytes));
    seen.push_back({CheckRecordCrc(record, *message), std::string(message->topic), message->queue_id,
                    message->queue_offset.value, message->log_offset.value, message->reconsume_times,
                    std::string(message->body), std::string(message->properties)});
    rest.remove_prefix(static_cast<size_t>(message->total_bytes));
  }
  return seen;
}

BrokerFixture::BrokerFixture() : scheduler_(7), network_(scheduler_, {}) {
  caller_ = NewCaller("client", "10.0.0.2");
}

BrokerFixture::~BrokerFixture() {
  caller_.reset();
  Stop();
}

std::unique_ptr<Caller> BrokerFixture::NewCaller(const std::string& name, const std::string& ip) {
  hosts_.push_back(std::make_unique<sim::SimHost>(name, ip, hosts_.size() + 2, Duration{}));
  return std::make_unique<Caller>(scheduler_, network_, *hosts_.back(), log_);
}

BrokerOptions BrokerFixture::Options() {
  BrokerOptions options;
  options.broker_name = "b0";
  options.broker_ip1 = kBrokerIp;
  options.listen_port = kBrokerPort;
  options.store_path_root_dir = "/data";
  options.mapped_file_size_commit_log = 8 << 20;
  options.max_message_size = 1 << 20;
  options.max_hash_slot_num = 1000;
  options.max_index_num = 4000;
  options.tls.mode = net::TlsMode::kDisabled;
  return options;
}

void BrokerFixture::Boot() {
  broker_env_ = std::make_unique<sim::SimEnv>(scheduler_, network_, broker_host_, log_);
}

Status BrokerFixture::TryStart(BrokerOptions options) {
  auto broker = Broker::Start(*broker_env_, std::move(options));
  if (!broker.ok()) return broker.status();
  broker_ = *std::move(broker);
  return {};
}

void BrokerFixture::Start(BrokerOptions options) {
  Boot();
  const Status started = TryStart(std::move(options));
  ASSERT_TRUE(started.ok()) << started.ToString();
}

bool BrokerFixture::Logged(std::string_view text) const {
  for (const std::string& line : log_.lines()) {
    if (line.find(text) != std::string::npos) return true;
  }
  return false;
}

void BrokerFixture::Stop() {
  if (broker_ == nullptr) return;
  std::optional<Status> stopped;
  broker_->Shutdown(seconds(10), [&](Result<Done> done) { stopped = done.status(); });
  EXPECT_TRUE(scheduler_.RunUntil(scheduler_.now() + seconds(20), [&] { return stopped.has_value(); }));
  EXPECT_TRUE(stopped && stopped->ok()) << (stopped ? stopped->ToString() : "still running");
  broker_.reset();
  broker_env_.reset();
}

void BrokerFixture::Crash(sim::SimEnv::Loss loss) {
  broker_env_->MarkKilled();
  broker_.reset();
  broker_env_->FinishKill(loss);
  broker_env_.reset();
  // The old connection would be found dead by the first call only.
  caller_ = NewCaller("client", "10.0.0.2");
}

Command BrokerFixture::SendRequest(const SendArguments& arguments) {
  proto::SendMessageRequestHeader header;
  header.producer_group = "P";
  header.topic = arguments.topic;
  header.default_topic = arguments.default_topic;
  header.default_topic_queue_nums = arguments.queues;
  header.queue_id = arguments.queue_id;
  header.sys_flag = arguments.sys_flag;
  header.born_timestamp = 1'700'000'000'000;
  header.properties = arguments.properties;
  header.reconsume_times = arguments.reconsume_times;
  header.max_reconsume_times = arguments.max_reconsume_times;
  if (arguments.batch) header.batch = true;
  Command request = proto::MakeRequest(arguments.code, header, proto::SendNameForm(arguments.code));
  if (!arguments.body.empty()) request.body.emplace_back(arguments.body);
  return request;
}

Command BrokerFixture::PullRequest(const PullArguments& arguments) {
  proto::PullMessageRequestHeader header;
  header.consumer_group = arguments.group;
  header.topic = arguments.topic;
  header.queue_id = arguments.queue_id;
  header.queue_offset = arguments.offset;
  header.max_msg_nums = arguments.max;
  header.sys_flag = arguments.extra_flags;
  if (arguments.with_subscription) header.sys_flag |= pull_flag::kSubscription;
  if (arguments.wait > Duration{}) header.sys_flag |= pull_flag::kSuspend;
  header.suspend_timeout_millis = std::chrono::duration_cast<Millis>(arguments.wait).count();
  header.subscription = arguments.expression;
  header.expression_type = arguments.expression_type;
  header.sub_version = 1;
  return proto::MakeRequest(arguments.code, header);
}

Command BrokerFixture::Pull(const PullArguments& arguments) {
  return caller_->Call(PullRequest(arguments), arguments.wait + seconds(3));
}

std::vector<Seen> BrokerFixture::PullAll(const std::string& topic, int32_t queue_id) {
  Run(std::chrono::milliseconds(200));
  return Decode(Pull({.topic = topic, .queue_id = queue_id}));
}

Command BrokerFixture::Heartbeat(Caller& caller, const std::string& client_id, const std::string& group,
                                 const std::string& topic, const std::string& expression) {
  proto::HeartbeatData data;
  data.client_id = client_id;
  proto::ConsumerData consumer;
  consumer.group_name = group;
  auto subscription = BuildSubscription(topic, expression);
  EXPECT_TRUE(subscription.ok());
  subscription->sub_version = 1;
  consumer.subscription_data_set.push_back(*std::move(subscription));
  data.consumer_data_set.push_back(std::move(consumer));
  data.producer_data_set.push_back({.group_name = "P-" + client_id});
  return caller.Call(RequestCode::kHeartBeat, proto::HeartbeatRequestHeader{}, proto::EncodeBody(data));
}

Command BrokerFixture::SendBack(int64_t log_offset, int32_t delay_level, std::optional<int32_t> max_times) {
  proto::ConsumerSendMsgBackRequestHeader header;
  header.offset = log_offset;
  header.group = "G";
  header.delay_level = delay_level;
  header.max_reconsume_times = max_times;
  return caller_->Call(RequestCode::kConsumerSendMsgBack, header);
}

std::optional<int64_t> BrokerFixture::Offset(const std::string& topic, int32_t queue_id,
                                             const std::string& group) {
  proto::QueryConsumerOffsetRequestHeader header;
  header.consumer_group = group;
  header.topic = topic;
  header.queue_id = queue_id;
  header.set_zero_if_not_found = false;
  const Command reply = caller_->Call(RequestCode::kQueryConsumerOffset, header);
  if (reply.code != proto::ResponseCode::kSuccess) return std::nullopt;
  return proto::DecodeHeader<proto::QueryConsumerOffsetResponseHeader>(reply)->offset;
}

Command BrokerFixture::CommitOffset(const std::string& topic, int64_t offset, const std::string& group) {
  proto::UpdateConsumerOffsetRequestHeader header;
  header.consumer_group = group;
  header.topic = topic;
  header.commit_offset = offset;
  return caller_->Call(RequestCode::kUpdateConsumerOffset, header);
}

Command BrokerFixture::CreateTopic(const std::string& topic, int32_t queues, int32_t perm,
                                   const std::string& attributes) {
  proto::CreateTopicRequestHeader header;
  header.topic = topic;
  header.default_topic = "TBW102";
  header.read_queue_nums = queues;
  header.write_queue_nums = queues;
  header.perm = perm;
  header.attributes = attributes;
  return caller_->Call(RequestCode::kUpdateAndCreateTopic, header);
}

}  // namespace orbitmq::broker
