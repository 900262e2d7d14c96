// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "broker/broker.h"
#include "client/client_runtime.h"
#include "client/producer_core.h"
#include "client/push_consumer_core.h"
#include "common/completion.h"
#include "namesrv/namesrv.h"
#include "remoting/rpc_client.h"
#include "test/sim/facts.h"
#include "test/sim/sim_env.h"

namespace orbitmq::sim {

// What all simulated machines share.
struct World {
  explicit World(uint64_t seed) : scheduler(seed), network(scheduler, {}) {}
  Facts facts;
  SimLog log;
  Scheduler scheduler;
  SimNetwork network;
  // The Envs of dead processes: what such a process left behind (a callback that the workload holds, say) may
  // still point to its Env.
  std::vector<std::unique_ptr<SimEnv>> graveyard;
};

// A broker with small files, so that every kind of roll happens many times in a run.
broker::BrokerOptions SmallBrokerOptions(const std::string& name, const std::string& ip,
                                         const std::string& namesrvs);
inline constexpr char kBrokerRoot[] = "/broker";  // Its store.
// The same as a member of a pair of the name "b0", which finds out soon what became of the other one.
broker::BrokerOptions PairedBrokerOptions(broker::BrokerRole role, const std::string& ip,
                                          const std::string& namesrvs);

// An application that notices soon what changes.
ClientOptions SmallClientOptions(const std::string& namesrvs);

enum class NodeKind : uint8_t { kNamesrv, kBroker, kProducer, kConsumer };

struct NodeSpec {
  std::string name;
  std::string ip;
  Duration skew{0};
};

// A machine with one process on it, which can be started, killed and stopped in order any number of times.
// Threads: the simulator's; every method outside of simulated tasks.
class Node {
 public:
  enum class State : uint8_t { kDown, kUp, kStopping };

  Node(World& world, NodeKind kind, const NodeSpec& spec);
  virtual ~Node() = default;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // A process that does not start is a finding, unless its disk is full.
  void Start();
  // At once, at whatever the process is doing. No-op when it is down.
  void Kill(SimEnv::Loss loss);
  // In order; one that takes longer than kStopTimeMax is a finding and is killed.
  void Stop();

  NodeKind kind() const { return kind_; }
  State state() const { return state_; }
  bool up() const { return state_ == State::kUp; }
  const std::string& name() const { return host_.name; }
  SimHost& host() { return host_; }
  // Counts starts; tells whether a process is still the same one.
  int64_t incarnation() const { return host_.incarnations; }
  MonoTime down_since() const { return down_since_; }

  static constexpr Duration kStopTimeMax = std::chrono::seconds(20);

 protected:
  virtual Status Boot(SimEnv& env) = 0;
  // Destroys the process's objects; `env` is still there.
  virtual void Demolish() = 0;
  virtual void BeginStop(Completion<Done> done) = 0;
  // The process is gone; its disk is at rest.
  virtual void Gone(bool power_lost) { (void)power_lost; }

  World& world_;

 private:
  void FinishStop(int64_t incarnation, bool in_time);
  void Bury(SimEnv::Loss loss);

  const NodeKind kind_;
  SimHost host_;
  State state_ = State::kDown;
  MonoTime down_since_{};
  std::unique_ptr<SimEnv> env_;
};

class NamesrvNode final : public Node {
 public:
  NamesrvNode(World& world, const NodeSpec& spec) : Node(world, NodeKind::kNamesrv, spec) {}
  static constexpr uint16_t kPort = 9876;
  Endpoint address() { return {host().ip, kPort}; }

 protected:
  Status Boot(SimEnv& env) override;
  void Demolish() override { server_.reset(); }
  void BeginStop(Completion<Done> done) override { server_->Shutdown(std::move(done)); }

 private:
  std::unique_ptr<namesrv::Namesrv> server_;
};

class BrokerNode final : public Node {
 public:
  // Called with the disk at rest, after a crash or an orderly stop.
  using RestListener = UniqueFunction<void(BrokerNode&, bool power_lost)>;

  BrokerNode(World& world, const NodeSpec& spec, broker::BrokerOptions options, RestListener at_rest)
      : Node(world, NodeKind::kBroker, spec), options_(std::move(options)), at_rest_(std::move(at_rest)) {}
  Endpoint address() { return {host().ip, static_cast<uint16_t>(options_.listen_port)}; }
  const broker::BrokerOptions& options() const { return options_; }
  // As its configuration file does: what it starts with from now on.
  void RememberRole(broker::BrokerRole role, int64_t id) {
    options_.broker_role = role;
    options_.broker_id = id;
  }
  bool sync_flush() const { return options_.flush_disk_type == store::FlushMode::kSync; }

 protected:
  Status Boot(SimEnv& env) override;
  void Demolish() override { broker_.reset(); }
  void BeginStop(Completion<Done> done) override;
  void Gone(bool power_lost) override { at_rest_(*this, power_lost); }

 private:
  broker::BrokerOptions options_;
  RestListener at_rest_;
  std::unique_ptr<broker::Broker> broker_;
};

// A process with the SDK in it.
class ClientNode : public Node {
 public:
  using Node::Node;

 protected:
  Status Boot(SimEnv& env) final;
  void Demolish() final;
  virtual Status BootMember(const std::shared_ptr<client::ClientRuntime>& runtime) = 0;
  virtual void DropMember() = 0;

 private:
  std::unique_ptr<Executor> loop_;
  std::unique_ptr<Executor> callbacks_;
  std::shared_ptr<client::ClientRuntime> runtime_;
};

class ProducerNode final : public ClientNode {
 public:
  ProducerNode(World& world, const NodeSpec& spec, ProducerOptions options)
      : ClientNode(world, NodeKind::kProducer, spec), options_(std::move(options)) {}
  // Only while up().
  client::ProducerCore& producer() { return *producer_; }

 protected:
  Status BootMember(const std::shared_ptr<client::ClientRuntime>& runtime) override;
  void DropMember() override { producer_.reset(); }
  void BeginStop(Completion<Done> done) override;

 private:
  ProducerOptions options_;
  std::shared_ptr<client::ProducerCore> producer_;
};

class ConsumerNode final : public ClientNode {
 public:
  ConsumerNode(World& world, const NodeSpec& spec, PushConsumerOptions options, MessageListener listener)
      : ClientNode(world, NodeKind::kConsumer, spec),
        options_(std::move(options)),
        listener_(std::move(listener)) {}
  const std::string& group() const { return options_.group; }

 protected:
  Status BootMember(const std::shared_ptr<client::ClientRuntime>& runtime) override;
  void DropMember() override { consumer_.reset(); }
  void BeginStop(Completion<Done> done) override;

 private:
  PushConsumerOptions options_;
  MessageListener listener_;
  std::shared_ptr<client::PushConsumerCore> consumer_;
};

// A send of the message with this number and size to queue 0 or 1 of the topic, made by hand: for scenes
// without a client that tries again.
proto::Command NumberedSend(uint64_t seed, const std::string& topic, const SentMessage& message);

// An administrator's machine that is never harmed: asks servers what the checkers want to know.
class Probe final {
 public:
  explicit Probe(World& world);
  ~Probe();
  void Call(const Endpoint& to, proto::Command request, Completion<proto::Command> done);

 private:
  World& world_;
  SimHost host_;
  SimEnv env_;
  std::unique_ptr<Executor> loop_;
  std::unique_ptr<net::RpcClient> client_;
};

}  // namespace orbitmq::sim
