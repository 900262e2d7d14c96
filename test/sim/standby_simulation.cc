// SPDX-License-Identifier: Apache-2.0
#include "test/sim/standby_simulation.h"

#include <map>
#include <memory>
#include <set>

#include "common/strings.h"
#include "remoting/protocol/codes.h"
#include "remoting/protocol/header_codec.h"
#include "remoting/protocol/headers.h"
#include "remoting/protocol/offset_bodies.h"
#include "test/sim/checkers/delivery.h"
#include "test/sim/checkers/queue_order.h"
#include "test/sim/checkers/replica.h"
#include "test/sim/pace.h"

namespace orbitmq::sim {
namespace {

using broker::BrokerRole;
using proto::RequestCode;
using proto::ResponseCode;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kFaultSpan = seconds(16);
constexpr Duration kPeaceMax = seconds(120);
// Of the slave's looks at its master, and of a starting master's questions, with room.
constexpr Duration kBroughtBackMax = seconds(20);
constexpr char kTopic[] = "T";
constexpr char kBrief[] = "brief";
constexpr int32_t kQueues = 3;
constexpr size_t kMessagesMax = 3000;
constexpr size_t kSteady = 0;  // The group of the consumer that is never harmed.
constexpr size_t kShared = 1;

class StandbyRun final {
 public:
  explicit StandbyRun(const SimulationOptions& options)
      : options_(options),
        world_(options.seed),
        random_(options.seed * 7919 + 23),
        pace_(world_.scheduler, random_),
        probe_(world_),
        replicas_(world_, probe_),
        delivery_((world_.facts.seed = options.seed, world_.facts.groups = Groups(), world_.facts)),
        queue_order_(world_.facts) {
    world_.log.EchoToStderr(options.trace);
    namesrv_ = std::make_unique<NamesrvNode>(world_, NodeSpec{"ns", "10.0.0.1", {}});
    list_ = namesrv_->address().ToString();
    master_ = MakeBroker(BrokerRole::kSyncMaster, "master", "10.0.1.1");
    slave_ = MakeBroker(BrokerRole::kSlave, "slave", "10.0.1.2");
    ProducerOptions producer;
    producer.client = SmallClientOptions(list_);
    producer.group = "makers";
    producer.send_timeout = milliseconds(3000);
    producer_ = std::make_unique<ProducerNode>(world_, NodeSpec{"p", "10.0.2.1", {}}, std::move(producer));
    consumers_.push_back(MakeConsumer(kSteady, "c0"));
    consumers_.push_back(MakeConsumer(kShared, "c1"));
    consumers_.push_back(MakeConsumer(kShared, "c2"));
  }
  ~StandbyRun() {
    for (Node* node : Nodes()) node->Kill(SimEnv::Loss::kProcess);
  }

  SimulationReport Run() {
    if (Begin() && Faults() && MasterAway() && MasterBack() && HandOvers() && Split()) Peace();
    SimulationReport report = ReportOf(world_);
    report.summary = StrCat("standby sent ", world_.facts.messages.size(), " acked ", acked_.size(), " kept ",
                            kept_.size(), " delivered ", delivery_.delivered_count(), " at the slave ",
                            at_slave_, " topics made ", made_, " switches ", switches_, " NameServer kills ",
                            namesrv_kills_, " lost at the old master ", lost_, " faults ", fault_count_,
                            " steps ", world_.scheduler.steps());
    return report;
  }

 private:
  static std::vector<GroupSpec> Groups() {
    std::vector<GroupSpec> groups(2);
    groups[kSteady] = {"steady", {{kTopic, {}}}, 1, 16, 0, 0};
    groups[kShared] = {"shared", {{kTopic, {}}}, 2, 16, 0, 0};
    return groups;
  }
  std::unique_ptr<BrokerNode> MakeBroker(BrokerRole role, const char* name, const char* ip) {
    broker::BrokerOptions options = PairedBrokerOptions(role, ip, list_);
    options.flush_consumer_offset_interval = milliseconds(1500);
    options.slave_read_enable = true;
    // On every second seed whoever is behind at all is sent to the slave.
    if (options_.seed % 4 < 2) options.access_message_in_memory_max_ratio = 0;
    // On every third seed the slave's clock is behind: who was made the master last is later all the same.
    const Duration skew = role == BrokerRole::kSlave && options_.seed % 3 == 1 ? -seconds(600) : seconds(0);
    return std::make_unique<BrokerNode>(world_, NodeSpec{name, ip, skew}, std::move(options),
                                        [](BrokerNode&, bool) {});
  }
  std::unique_ptr<ConsumerNode> MakeConsumer(size_t group, const char* name) {
    PushConsumerOptions options;
    options.client = SmallClientOptions(list_);
    options.group = world_.facts.groups[group].name;
    options.subscriptions.push_back({kTopic, "*"});
    options.consume_from = ConsumeFrom::kFirstOffset;
    // One thread starts and finishes messages in the order of their queue.
    options.consume_threads = group == kSteady ? 1 : 3;
    options.rebalance_interval = milliseconds(3000);
    return std::make_unique<ConsumerNode>(
        world_, NodeSpec{name, StrCat("10.0.3.", consumers_.size() + 1), {}}, std::move(options),
        [this, group](std::span<const ReceivedMessage> messages, ConsumeContext&) {
          for (const ReceivedMessage& message : messages) OnMessage(group, message);
          world_.scheduler.Spend(std::chrono::microseconds(random_.Between(50, 3000)));
          return ConsumeResult::kSuccess;
        });
  }
  std::vector<Node*> Nodes() {
    std::vector<Node*> nodes{namesrv_.get(), master_.get(), slave_.get(), producer_.get()};
    for (auto& consumer : consumers_) nodes.push_back(consumer.get());
    return nodes;
  }
  bool Fine() const { return world_.facts.findings.empty(); }
  // Runs until `done` holds; otherwise a finding, unless the caller has better words.
  template <class F>
  bool Await(Duration patience, const std::string& what, F done) {
    const MonoTime until = world_.scheduler.now() + patience;
    while (Fine() && world_.scheduler.now() < until) {
      if (done()) return true;
      pace_.RunFor(milliseconds(200));
    }
    if (Fine() && !what.empty()) world_.facts.findings.Add("liveness", what);
    return false;
  }
  // The answer; its code is -1 without one.
  proto::Command Ask(BrokerNode& node, proto::Command request) {
    auto answer = std::make_shared<std::optional<proto::Command>>();
    probe_.Call(node.address(), std::move(request), [answer](Result<proto::Command> reply) {
      *answer = reply.ok() ? *std::move(reply) : proto::Command{};
      if (!reply.ok()) (*answer)->code = -1;
    });
    world_.scheduler.RunUntil(world_.scheduler.now() + seconds(3), [&] { return answer->has_value(); });
    if (!answer->has_value()) answer->emplace().code = -1;
    return *std::move(*answer);
  }

  // --- what consumers get

  void OnMessage(size_t group, const ReceivedMessage& message) {
    const SentMessage* sent = delivery_.OnDelivered(group, message);
    if (sent == nullptr) return;
    const int32_t queue = message.queue().queue_id;
    const Place place{message.queue().broker_name, {message.queue().topic, queue}};
    queue_order_.OnSeen(place, message.queue_offset(), {sent->number, message.log_offset()},
                        world_.facts.groups[group].name);
    delivery_.OnVerdict(group, sent->number, DeliveryChecker::Verdict::kSuccess);
    if (!master_->up()) ++at_slave_;
    if (group != kSteady) return;
    int64_t& next = steady_next_[queue];
    if (message.queue_offset() < next) {
      world_.facts.findings.Add(
          "backwards", StrCat("the consumer that was never harmed got offset ", message.queue_offset(),
                              " of queue ", queue, ", after everything below ", next));
    }
    next = message.queue_offset() + 1;
  }

  // --- load

  void SendSome() {
    if (!sending_) return;
    const bool room = world_.facts.messages.size() < kMessagesMax && pending_ < 100;
    for (uint64_t i = room && producer_->up() ? random_.Below(5) : 0; i > 0; --i) SendOne();
    pace_.After(pace_.Between(5, 60), [this] { SendSome(); });
  }

  void SendOne() {
    const auto number = static_cast<uint32_t>(world_.facts.messages.size());
    SentMessage& sent = world_.facts.messages.emplace_back();
    sent.number = number;
    sent.topic = kTopic;
    sent.body_bytes = kBodyBytesMin + random_.Below(random_.Chance(1, 20) ? 9000 : 300);
    Message message;
    message.topic = kTopic;
    message.body = MakeBody(options_.seed, number, sent.body_bytes);
    ++pending_;
    producer_->producer().SendAsync(std::move(message), {}, [this, number](const Result<SendResult>& result) {
      --pending_;
      OnSent(world_.facts.messages[number], result);
    });
  }

  void OnSent(SentMessage& sent, const Result<SendResult>& result) {
    sent.fate = Fate::kMaybe;
    if (!result.ok() || result->status == SendStatus::kFlushDiskTimeout) return;
    sent.message_id = result->message_id;
    sent.place = {result->queue.broker_name, {result->queue.topic, result->queue.queue_id}};
    sent.queue_offset = result->queue_offset;
    queue_order_.OnSeen(sent.place, sent.queue_offset, {sent.number, -1}, "an answer");
    if (split_ && result->status != SendStatus::kOk) return;
    if (result->status != SendStatus::kOk) {
      // It is at the master and will be consumed, but not while only the slave is there.
      kept_.insert(sent.number);
      return;
    }
    sent.fate = Fate::kAcked;
    acked_.insert(sent.number);
  }

  // --- a topic that comes and goes

  bool MakeTopic(const char* topic, int32_t queues) {
    proto::CreateTopicRequestHeader header;
    header.topic = topic;
    header.default_topic = "TBW102";
    header.read_queue_nums = header.write_queue_nums = queues;
    header.perm = 6;
    return Ask(*master_, proto::MakeRequest(RequestCode::kUpdateAndCreateTopic, header)).code ==
           ResponseCode::kSuccess;
  }
  // Whether the broker stores it.
  bool SendBrief(BrokerNode& node) {
    proto::SendMessageRequestHeader header;
    header.producer_group = "P";
    header.topic = kBrief;
    header.default_topic = "none";
    header.queue_id = 0;
    proto::Command request = proto::MakeRequest(RequestCode::kSendMessage, header);
    request.body.emplace_back(std::string("brief"));
    const int32_t code = Ask(node, std::move(request)).code;
    return code == ResponseCode::kSuccess || code == ResponseCode::kSlaveNotAvailable ||
           code == ResponseCode::kFlushSlaveTimeout;
  }
  bool DeleteBrief() {
    proto::DeleteTopicRequestHeader header;
    header.topic = kBrief;
    return Ask(*master_, proto::MakeRequest(RequestCode::kDeleteTopicInBroker, header)).code ==
           ResponseCode::kSuccess;
  }
  // Deletes it, makes it anew and gives it some messages; whatever fails meanwhile fails.
  bool RenewBrief() {
    (void)DeleteBrief();
    if (random_.Chance(1, 2)) pace_.RunFor(pace_.Between(0, 1500));
    if (!MakeTopic(kBrief, 1)) return false;
    ++made_;
    bool sent = false;
    for (uint64_t i = 1 + random_.Below(4); i > 0; --i) sent = SendBrief(*master_) || sent;
    return sent;
  }

  // --- the phases; each returns whether the next one makes sense

  bool Begin() {
    for (Node* node : {static_cast<Node*>(namesrv_.get()), static_cast<Node*>(master_.get()),
                       static_cast<Node*>(slave_.get())}) {
      node->Start();
    }
    if (!Await(seconds(20), "the topics are not made", [this] { return MakeTopic(kTopic, kQueues); })) {
      return false;
    }
    pace_.RunFor(seconds(7));  // A look of the slave.
    producer_->Start();
    for (auto& consumer : consumers_) consumer->Start();
    sending_ = true;
    SendSome();
    pace_.RunFor(seconds(2));
    return Fine();
  }

  void Crash(BrokerNode& node) {
    if (random_.Chance(1, 5)) {
      node.Stop();
    } else {
      node.Kill(random_.Chance(1, 2) ? SimEnv::Loss::kPower : SimEnv::Loss::kProcess);
    }
    // Long enough, sometimes, for consumers to move.
    pace_.After(random_.Chance(1, 3) ? pace_.Between(3000, 6000) : pace_.Between(100, 1500),
                [this, &node] { Return(node); });
  }
  void Return(Node& node) {
    if (away_ == &node) return;
    if (node.state() == Node::State::kStopping) {
      return pace_.After(milliseconds(500), [this, &node] { Return(node); });
    }
    node.Start();
  }

  // On every fourth seed the NameServer is killed now and then. When it returns it knows nothing, and hears
  // first of whichever broker registers first.
  bool MayLoseNamesrv(uint64_t out_of) { return options_.seed % 4 == 2 && random_.Chance(1, out_of); }
  void CrashNamesrv() {
    if (!namesrv_->up()) return;
    ++namesrv_kills_;
    namesrv_->Kill(SimEnv::Loss::kPower);
    pace_.After(pace_.Between(300, 5000), [this] { namesrv_->Start(); });
  }

  void Fault() {
    ++fault_count_;
    if (MayLoseNamesrv(5)) return CrashNamesrv();
    SimNetwork& network = world_.network;
    BrokerNode& node = random_.Chance(2, 3) ? *master_ : *slave_;
    BrokerNode& other = &node == master_.get() ? *slave_ : *master_;
    switch (random_.Below(10)) {
      case 0:
      case 1:
      case 2:
        return Crash(node);
      case 3: {
        ConsumerNode& consumer = *consumers_[1 + random_.Below(2)];
        consumer.Kill(SimEnv::Loss::kProcess);
        return pace_.After(pace_.Between(200, 3000), [this, &consumer] { Return(consumer); });
      }
      case 4:
        network.Block(node.host().ip, other.host().ip);
        if (random_.Chance(1, 2)) network.Block(other.host().ip, node.host().ip);
        return pace_.After(pace_.Between(300, 4000), [&network] { network.HealAll(); });
      case 5:
        network.Block(consumers_[0]->host().ip, node.host().ip);
        return pace_.After(pace_.Between(300, 3000), [&network] { network.HealAll(); });
      case 6:
        (void)network.ResetRandomConnection();
        return;
      case 7: {
        NetworkFaults slow;
        slow.clog_one_in = 10;
        slow.clog_max = milliseconds(200);
        network.SetFaults(slow);
        return pace_.After(pace_.Between(500, 2000), [&network] { network.SetFaults({}); });
      }
      case 8:
        (void)RenewBrief();
        return;
      default:
        node.host().disk.Slow(pace_.Between(20, 300));
        return pace_.After(pace_.Between(500, 2500), [&node] { node.host().disk.Slow(Duration(0)); });
    }
  }

  bool Faults() {
    const MonoTime end = world_.scheduler.now() + kFaultSpan;
    while (world_.scheduler.now() < end && Fine()) {
      pace_.RunFor(pace_.Between(200, 1500));
      Fault();
    }
    world_.network.SetFaults({});
    world_.network.HealAll();
    for (BrokerNode* node : {master_.get(), slave_.get()}) node->host().disk.Slow(Duration(0));
    return Fine() &&
           Await(kPeaceMax, "not all come back",
                 [this] {
                   bool all = true;
                   for (Node* node : Nodes()) {
                     node->Start();
                     all = all && node->up();
                   }
                   return all;
                 }) &&
           replicas_.AwaitInStep(*master_, kPeaceMax);
  }

  // Consumers go on at the slave with all that was answered OK.
  bool MasterAway() {
    pace_.RunFor(pace_.Between(300, 2500));
    master_->host().disk.SlowSyncs(milliseconds(15));  // Much is under way.
    pace_.RunFor(pace_.Between(100, 400));
    away_ = master_.get();
    master_->Kill(SimEnv::Loss::kPower);
    master_->host().disk.SlowSyncs(Duration(0));
    sending_ = false;
    if (MayLoseNamesrv(2)) pace_.After(pace_.Between(0, 2000), [this] { CrashNamesrv(); });
    const bool consumed = Await(kPeaceMax, "", [this] { return pending_ == 0 && delivery_.Owed() == 0; });
    if (!consumed && Fine()) {
      world_.facts.findings.Add("liveness", StrCat("with the master away ", delivery_.DescribeOwed()));
    }
    pace_.RunFor(seconds(4));  // Offsets are committed.
    return Fine();
  }

  using Offsets = std::map<std::string, int64_t>;  // By "topic@group:queue".
  Offsets OffsetsAt(BrokerNode& node) {
    Offsets offsets;
    proto::Command request;
    request.code = RequestCode::kGetAllConsumerOffset;
    const auto table = proto::DecodeBody<proto::ConsumerOffsetSerializeWrapper>(
        Ask(node, std::move(request)).JoinedBody().view());
    if (!table.ok()) return offsets;
    for (const auto& [key, queues] : table->offset_table) {
      for (const auto& [id, offset] : queues) offsets[StrCat(key, ":", id)] = offset;
    }
    return offsets;
  }
  int64_t EndAt(BrokerNode& node, int32_t queue) {
    proto::GetMaxOffsetRequestHeader header;
    header.topic = kTopic;
    header.queue_id = queue;
    const auto end = proto::DecodeHeader<proto::GetMaxOffsetResponseHeader>(
        Ask(node, proto::MakeRequest(RequestCode::kGetMaxOffset, header)));
    return end.ok() ? end->offset : -1;
  }

  bool MasterBack() {
    const Offsets at_slave = OffsetsAt(*slave_);
    const bool anew = options_.seed % 2 == 1;
    if (anew) {
      for (auto& consumer : consumers_) consumer->Kill(SimEnv::Loss::kProcess);
    }
    away_ = nullptr;
    master_->Start();
    if (!replicas_.AwaitInStep(*master_, kPeaceMax)) return false;
    pace_.RunFor(kBroughtBackMax);
    const Offsets at_master = OffsetsAt(*master_);
    for (const auto& [key, committed] : at_slave) {
      if (!key.starts_with(StrCat(kTopic, "@"))) continue;
      const int32_t queue = key.back() - '0';
      // Beyond the end of the master's queue nothing can be committed.
      const int64_t owed = std::min(committed, EndAt(*master_, queue));
      const auto found = at_master.find(key);
      if (found != at_master.end() && found->second >= owed) continue;
      world_.facts.findings.Add("brought-back",
                                StrCat(key, ": ", committed, " was committed to the slave, the master has ",
                                       found == at_master.end() ? -1 : found->second));
    }
    for (auto& consumer : consumers_) consumer->Start();
    return Fine();
  }

  // The two change places under load, by orders of an administrator, who asks again until it is done; now and
  // then one of them loses its power amid that.
  bool HandOvers() {
    sending_ = true;
    SendSome();
    for (uint64_t i = 1 + random_.Below(3); i > 0; --i) {
      pace_.RunFor(pace_.Between(300, 2500));
      // The next one could lack what was kept without an OK.
      if (!replicas_.AwaitInStep(*master_, kPeaceMax)) return false;
      if (MayLoseNamesrv(3)) CrashNamesrv();
      if (!BecomeRole(*master_, BrokerRole::kSlave)) return false;
      if (MayLoseNamesrv(3)) CrashNamesrv();
      if (random_.Chance(1, 4)) pace_.RunFor(pace_.Between(100, 3000));  // Producers try for a while.
      if (random_.Chance(1, 4)) LosePower(*master_);
      if (random_.Chance(1, 4)) LosePower(*slave_);
      if (!BecomeRole(*slave_, BrokerRole::kSyncMaster)) return false;
      std::swap(master_, slave_);
      ++switches_;
    }
    pace_.RunFor(pace_.Between(100, 3000));
    sending_ = false;
    const bool consumed = Await(kPeaceMax, "", [this] { return pending_ == 0 && delivery_.Owed() == 0; });
    if (!consumed && Fine()) {
      world_.facts.findings.Add("liveness", StrCat("after a change of roles ", delivery_.DescribeOwed()));
    }
    return Fine();
  }
  void LosePower(BrokerNode& node) {
    node.Kill(SimEnv::Loss::kPower);
    pace_.RunFor(pace_.Between(10, 500));
    node.Start();
  }
  bool BecomeRole(BrokerNode& node, BrokerRole role) {
    const bool slave = role == BrokerRole::kSlave;
    const bool became = Await(kPeaceMax, StrCat(node.name(), " does not change its role"), [&] {
      proto::Command request;
      request.code = RequestCode::kUpdateBrokerConfig;
      request.body.emplace_back(std::string(slave ? "brokerRole=SLAVE\nbrokerId=1\n"
                                            : role == BrokerRole::kAsyncMaster ? "brokerRole=ASYNC_MASTER\n"
                                                                               : "brokerRole=SYNC_MASTER\n"));
      return Ask(node, std::move(request)).code == ResponseCode::kSuccess;
    });
    node.RememberRole(role, slave ? 1 : 0);
    return became;
  }

  // The master is cut off from everybody but an administrator, who makes the slave the master, and the old
  // one goes on storing what it is sent. When the servers reach each other again, one of them stands down.
  bool Split() {
    if (!Await(kPeaceMax, "the topic is not made", [this] { return MakeTopic(kBrief, 1); })) return false;
    pace_.RunFor(seconds(7));  // A look of the slave.
    if (!replicas_.AwaitInStep(*master_, kPeaceMax)) return false;
    BrokerNode& old = *master_;
    for (Node* other : Nodes()) Link(old, *other, &SimNetwork::Block);
    split_ = true;
    // Alone it answers OK, which the old one, a SYNC_MASTER, cannot.
    if (!BecomeRole(*slave_, BrokerRole::kAsyncMaster)) return false;
    std::swap(master_, slave_);
    sending_ = true;
    SendSome();
    if (random_.Chance(1, 3)) LosePower(old);
    for (uint64_t i = 1 + random_.Below(20); i > 0; --i) lost_ += SendBrief(old) ? 1 : 0;
    pace_.RunFor(pace_.Between(300, 5000));
    if (random_.Chance(1, 3)) LosePower(*master_);
    FindEachOther(old);
    // A network that flaps: who gave way must not come back with a newer claim.
    if (options_.seed % 4 == 1) {
      Link(old, *master_, &SimNetwork::Block);
      if (options_.seed % 8 == 1) Link(old, *namesrv_, &SimNetwork::Block);
      pace_.RunFor(seconds(40));
      FindEachOther(old);
    }
    if (!Await(kPeaceMax, "the new master does not serve", [this] { return SendBrief(*master_); }))
      return false;
    world_.network.HealAll();
    if (random_.Chance(1, 3)) LosePower(*master_);  // Nobody takes its place for that long.
    if (!BecomeRole(old, BrokerRole::kSlave) || !BecomeRole(*master_, BrokerRole::kSyncMaster)) return false;
    split_ = false;
    if (!replicas_.AwaitInStep(*master_, kPeaceMax)) return false;
    pace_.RunFor(pace_.Between(100, 3000));
    sending_ = false;
    const bool consumed = Await(kPeaceMax, "", [this] { return pending_ == 0 && delivery_.Owed() == 0; });
    if (!consumed && Fine()) {
      world_.facts.findings.Add("liveness", StrCat("after two masters ", delivery_.DescribeOwed()));
    }
    return Fine();
  }
  void FindEachOther(BrokerNode& old) {
    for (Node* server : {static_cast<Node*>(namesrv_.get()), static_cast<Node*>(master_.get())}) {
      Link(old, *server, &SimNetwork::Unblock);
    }
    pace_.RunFor(2 * old.options().register_name_server_period);
    if (SendBrief(old)) {
      world_.facts.findings.Add("rivals",
                                "two masters of a name serve two register intervals after they "
                                "could find each other");
    }
  }
  // In both directions.
  void Link(Node& node, Node& other, void (SimNetwork::*change)(const std::string&, const std::string&)) {
    if (&node == &other) return;
    (world_.network.*change)(node.host().ip, other.host().ip);
    (world_.network.*change)(other.host().ip, node.host().ip);
  }

  void Peace() {
    for (const uint32_t number : kept_) world_.facts.messages[number].fate = Fate::kAcked;
    sending_ = true;
    SendSome();
    pace_.RunFor(seconds(3));
    sending_ = false;
    if (!Await(kPeaceMax, "the topic is not made anew", [this] { return RenewBrief(); })) return;
    if (options_.seed % 3 == 0 &&
        !Await(kPeaceMax, "the topic is not deleted", [this] { return DeleteBrief(); })) {
      return;
    }
    const bool consumed = Await(kPeaceMax, "", [this] { return pending_ == 0 && delivery_.Owed() == 0; });
    if (!consumed && Fine()) {
      world_.facts.findings.Add("liveness", StrCat("in peace ", delivery_.DescribeOwed()));
    }
    if (!Fine() || !replicas_.AwaitInStep(*master_, kPeaceMax)) return;
    pace_.RunFor(seconds(12));  // Two looks of the slave.
    for (auto& consumer : consumers_) consumer->Kill(SimEnv::Loss::kProcess);
    producer_->Kill(SimEnv::Loss::kProcess);
    replicas_.EndInPeace(*master_, {slave_.get()}, acked_, kept_);
  }

  const SimulationOptions options_;
  World world_;
  Random random_;
  Pace pace_;
  Probe probe_;
  ReplicaChecker replicas_;
  DeliveryChecker delivery_;
  QueueOrderChecker queue_order_;
  std::string list_;
  std::unique_ptr<NamesrvNode> namesrv_;
  std::unique_ptr<BrokerNode> master_;
  std::unique_ptr<BrokerNode> slave_;
  std::unique_ptr<ProducerNode> producer_;
  std::vector<std::unique_ptr<ConsumerNode>> consumers_;
  const Node* away_ = nullptr;  // Is not to return by itself.
  bool sending_ = false;
  bool split_ = false;  // Two masters: what was not answered OK may be lost.
  uint64_t lost_ = 0;
  size_t pending_ = 0;
  uint64_t fault_count_ = 0;
  uint64_t made_ = 0;
  uint64_t switches_ = 0;
  uint64_t namesrv_kills_ = 0;
  uint64_t at_slave_ = 0;  // Messages consumed while there was no master.
  std::set<uint32_t> acked_;
  std::set<uint32_t> kept_;
  std::map<int32_t, int64_t> steady_next_;
};

}  // namespace

SimulationReport RunStandbySimulation(const SimulationOptions& options) { return StandbyRun(options).Run(); }

}  // namespace orbitmq::sim
