// SPDX-License-Identifier: Apache-2.0
#include "test/sim/node.h"

#include <utility>

#include "common/strings.h"
#include "remoting/protocol/codes.h"
#include "remoting/protocol/headers.h"

namespace orbitmq::sim {
namespace {

constexpr Duration kDrain = std::chrono::seconds(5);
constexpr Duration kBrokerStop = std::chrono::seconds(10);

}  // namespace

broker::BrokerOptions SmallBrokerOptions(const std::string& name, const std::string& ip,
                                         const std::string& namesrvs) {
  broker::BrokerOptions options;
  options.broker_name = name;
  options.broker_cluster_name = "sim";
  options.namesrv_addr = namesrvs;
  options.broker_ip1 = ip;
  options.listen_port = 10911;
  options.store_path_root_dir = kBrokerRoot;
  options.mapped_file_size_commit_log = 128 * 1024;
  options.mapped_file_size_consume_queue = 100 * 20;
  options.max_message_size = 32 * 1024;
  options.max_hash_slot_num = 300;
  options.max_index_num = 1000;
  options.flush_disk_type = store::FlushMode::kSync;
  return options;
}

broker::BrokerOptions PairedBrokerOptions(broker::BrokerRole role, const std::string& ip,
                                          const std::string& namesrvs) {
  using std::chrono::milliseconds;
  broker::BrokerOptions options = SmallBrokerOptions("b0", ip, namesrvs);
  options.broker_role = role;
  options.broker_id = role == broker::BrokerRole::kSlave ? 1 : 0;
  options.register_name_server_period = milliseconds(2000);
  options.slave_timeout = milliseconds(800);
  options.ha_send_heartbeat_interval = milliseconds(500);
  options.ha_housekeeping_interval = milliseconds(2000);
  return options;
}

ClientOptions SmallClientOptions(const std::string& namesrvs) {
  ClientOptions options;
  options.namesrv_addr = namesrvs;
  options.request_timeout = std::chrono::milliseconds(2000);
  options.route_poll_interval = std::chrono::milliseconds(3000);
  options.heartbeat_interval = std::chrono::milliseconds(3000);
  options.offset_persist_interval = std::chrono::milliseconds(1000);
  return options;
}

Node::Node(World& world, NodeKind kind, const NodeSpec& spec)
    : world_(world), kind_(kind), host_(spec.name, spec.ip, world.scheduler.random().Next(), spec.skew) {}

void Node::Start() {
  if (state_ != State::kDown) return;
  env_ = std::make_unique<SimEnv>(world_.scheduler, world_.network, host_, world_.log);
  if (const Status booted = Boot(*env_); !booted.ok()) {
    world_.log.Add(StrCat(name(), " does not start: ", booted.ToString()));
    if (booted.code() != StatusCode::kResourceExhausted) {
      world_.facts.findings.Add("start", StrCat(name(), " does not start: ", booted.ToString()));
    }
    env_->MarkKilled();
    Bury(SimEnv::Loss::kProcess);
    return;
  }
  state_ = State::kUp;
}

void Node::Kill(SimEnv::Loss loss) {
  if (state_ == State::kDown) return;
  env_->MarkKilled();
  Bury(loss);
  Gone(loss == SimEnv::Loss::kPower);
}

void Node::Bury(SimEnv::Loss loss) {
  state_ = State::kDown;
  down_since_ = world_.scheduler.now();
  Demolish();
  env_->FinishKill(loss);
  world_.graveyard.push_back(std::move(env_));
}

void Node::Stop() {
  if (state_ != State::kUp) return;
  state_ = State::kStopping;
  const int64_t which = incarnation();
  BeginStop([this, which](Result<Done> result) {
    if (!result.ok() && result.status().code() == StatusCode::kCancelled) return;  // Killed meanwhile.
    world_.log.Add(StrCat(name(), " stopped: ", result.ok() ? "in order" : result.status().ToString()));
    world_.scheduler.PostAt(nullptr, world_.scheduler.now(), [this, which] { FinishStop(which, true); })
        .Detach();
  });
  world_.scheduler
      .PostAt(nullptr, world_.scheduler.now() + kStopTimeMax, [this, which] { FinishStop(which, false); })
      .Detach();
}

void Node::FinishStop(int64_t which, bool in_time) {
  if (state_ != State::kStopping || incarnation() != which) return;
  if (!in_time) {
    world_.facts.findings.Add(
        "liveness", StrCat(name(), " did not stop within ",
                           std::chrono::duration_cast<std::chrono::seconds>(kStopTimeMax).count(), " s"));
    Kill(SimEnv::Loss::kProcess);
    return;
  }
  // Destroyed as in a real process: its executors still run what was posted, and its files still work.
  Demolish();
  env_->MarkKilled();
  Bury(SimEnv::Loss::kProcess);
  Gone(false);
}

Status NamesrvNode::Boot(SimEnv& env) {
  namesrv::NamesrvOptions options;
  options.listen_port = kPort;
  options.kv_config_path = "/namesrv/kvConfig.json";
  auto server = namesrv::Namesrv::Start(env, std::move(options));
  if (!server.ok()) return server.status();
  server_ = *std::move(server);
  return {};
}

Status BrokerNode::Boot(SimEnv& env) {
  auto started = broker::Broker::Start(env, options_);
  if (!started.ok()) return started.status();
  broker_ = *std::move(started);
  return {};
}

void BrokerNode::BeginStop(Completion<Done> done) { broker_->Shutdown(kBrokerStop, std::move(done)); }

Status ClientNode::Boot(SimEnv& env) {
  loop_ = env.NewExecutor({"loop", ExecutorKind::kIo});
  callbacks_ = env.NewExecutor({"callbacks", ExecutorKind::kCpu});
  runtime_ = std::make_shared<client::ClientRuntime>(env, *loop_, *callbacks_);
  return BootMember(runtime_);
}

void ClientNode::Demolish() {
  DropMember();
  // As the process's own runtime does: nothing runs any more that could touch what is gone.
  if (callbacks_) callbacks_->Stop();
  if (loop_) loop_->Stop();
  runtime_.reset();
}

Status ProducerNode::BootMember(const std::shared_ptr<client::ClientRuntime>& runtime) {
  auto producer = client::ProducerCore::Start(runtime, options_);
  if (!producer.ok()) return producer.status();
  producer_ = *std::move(producer);
  return {};
}

void ProducerNode::BeginStop(Completion<Done> done) { producer_->Shutdown(kDrain, std::move(done)); }

Status ConsumerNode::BootMember(const std::shared_ptr<client::ClientRuntime>& runtime) {
  auto consumer = client::PushConsumerCore::Start(runtime, options_, listener_);
  if (!consumer.ok()) return consumer.status();
  consumer_ = *std::move(consumer);
  return {};
}

void ConsumerNode::BeginStop(Completion<Done> done) { consumer_->Shutdown(kDrain, std::move(done)); }

proto::Command NumberedSend(uint64_t seed, const std::string& topic, const SentMessage& message) {
  proto::SendMessageRequestHeader header;
  header.producer_group = "P";
  header.topic = topic;
  header.default_topic = "TBW102";
  header.default_topic_queue_nums = 2;
  header.queue_id = static_cast<int32_t>(message.number % 2);
  proto::Command request = proto::MakeRequest(proto::RequestCode::kSendMessage, header);
  request.body.emplace_back(MakeBody(seed, message.number, message.body_bytes));
  return request;
}

Probe::Probe(World& world)
    : world_(world),
      host_("probe", "10.0.9.9", 0, {}),
      env_(world.scheduler, world.network, host_, world.log),
      loop_(env_.NewExecutor({"loop", ExecutorKind::kIo})),
      client_(net::RpcClient::New(env_, {}, *loop_)) {}

Probe::~Probe() {
  env_.MarkKilled();
  client_.reset();
  loop_.reset();
}

void Probe::Call(const Endpoint& to, proto::Command request, Completion<proto::Command> done) {
  client_->Call(to, std::move(request), std::chrono::seconds(2), std::move(done));
}

}  // namespace orbitmq::sim
