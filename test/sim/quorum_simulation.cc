// SPDX-License-Identifier: Apache-2.0
#include "test/sim/quorum_simulation.h"

#include <array>
#include <memory>
#include <set>
#include <vector>

#include "common/strings.h"
#include "remoting/protocol/codes.h"
#include "test/sim/checkers/replica.h"
#include "test/sim/pace.h"

namespace orbitmq::sim {
namespace {

using proto::ResponseCode;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr size_t kLanes = 6;
constexpr size_t kSlaves = 2;
constexpr size_t kMachines = 1 + kSlaves;
constexpr Duration kFaultSpan = seconds(15);
constexpr Duration kPeaceMax = seconds(90);
constexpr char kTopic[] = "T";
constexpr uint64_t kMessagesMax = 6000;
constexpr uint64_t kNoQuota = uint64_t{1} << 40;

// What an OK asks for.
struct Promise {
  const char* name;
  int32_t in_sync;
  int32_t in_sync_min;
  bool adapt;
  bool all_ack;
  size_t machines;       // Always.
  size_t machines_late;  // While both slaves are in step.
};
constexpr Promise kPromises[] = {
    {"all", 3, 1, false, false, 3, 3},
    {"refuse", 2, 2, false, false, 2, 2},
    {"caught-up", 2, 1, false, true, 2, 3},
    {"adapt", 3, 2, true, false, 2, 3},
};

class QuorumRun final {
 public:
  explicit QuorumRun(const SimulationOptions& options)
      : options_(options),
        promise_(kPromises[options.seed % std::size(kPromises)]),
        world_(options.seed),
        random_(options.seed * 104'729 + 5),
        pace_(world_.scheduler, random_),
        probe_(world_),
        replicas_(world_, probe_) {
    world_.log.EchoToStderr(options.trace);
    world_.facts.seed = options.seed;
    namesrv_ = std::make_unique<NamesrvNode>(world_, NodeSpec{"ns", "10.0.0.1", {}});
    for (size_t i = 0; i < kMachines; ++i) machines_[i] = Make(i);
  }
  ~QuorumRun() {
    for (Node* node : Nodes()) node->Kill(SimEnv::Loss::kProcess);
  }

  SimulationReport Run() {
    for (Node* node : Nodes()) node->Start();
    pace_.RunFor(seconds(3));
    sending_ = true;
    for (size_t lane = 0; lane < kLanes; ++lane) SendNext();
    Faults();
    End();
    return Report();
  }

 private:
  BrokerNode& master() { return *machines_[0]; }
  BrokerNode& AnySlave() { return *machines_[1 + random_.Below(kSlaves)]; }
  BrokerNode& AnyMachine() { return *machines_[random_.Below(kMachines)]; }
  std::vector<BrokerNode*> Slaves() { return {machines_[1].get(), machines_[2].get()}; }
  std::vector<Node*> Nodes() {
    return {namesrv_.get(), machines_[0].get(), machines_[1].get(), machines_[2].get()};
  }

  std::unique_ptr<BrokerNode> Make(size_t number) {
    const auto role = number == 0 ? broker::BrokerRole::kSyncMaster : broker::BrokerRole::kSlave;
    const std::string ip = StrCat("10.0.1.", number + 1);
    broker::BrokerOptions options = PairedBrokerOptions(role, ip, namesrv_->address().ToString());
    options.broker_id = static_cast<int64_t>(number);
    options.in_sync_replicas = promise_.in_sync;
    options.min_in_sync_replicas = promise_.in_sync_min;
    options.enable_auto_in_sync_replicas = promise_.adapt;
    options.all_ack_in_sync_state_set = promise_.all_ack;
    const std::string name = number == 0 ? "master" : StrCat("slave", number);
    return std::make_unique<BrokerNode>(world_, NodeSpec{name, ip, {}}, options, [](BrokerNode&, bool) {});
  }

  // A cure that peace brings anyway.
  template <class F>
  void Later(Duration time, F fn) {
    pace_.After(time, [this, fn = std::move(fn)]() mutable {
      if (!healed_) fn();
    });
  }

  // --- load

  void SendNext() {
    if (!sending_ || world_.facts.messages.size() >= kMessagesMax) return;
    const auto number = static_cast<uint32_t>(world_.facts.messages.size());
    SentMessage& sent = world_.facts.messages.emplace_back();
    sent.number = number;
    sent.body_bytes = kBodyBytesMin + random_.Below(random_.Chance(1, 20) ? 20'000 : 1500);
    proto::Command request = NumberedSend(options_.seed, kTopic, sent);
    probe_.Call(master().address(), std::move(request), [this, number](Result<proto::Command> reply) {
      if (reply.ok()) Answered(number, *reply);
      // A refusal comes at once: not as fast as the loop can turn.
      const bool ok = reply.ok() && reply->code == ResponseCode::kSuccess;
      pace_.After(in_step_ ? pace_.Between(1, 8)
                  : ok     ? pace_.Between(5, 60)
                           : pace_.Between(50, 200),
                  [this] { SendNext(); });
    });
  }

  void Answered(uint32_t number, const proto::Command& reply) {
    switch (reply.code) {
      case ResponseCode::kSuccess:
        acked_.insert(number);
        if (in_step_) acked_late_.insert(number);
        return;
      case ResponseCode::kSlaveNotAvailable:
      case ResponseCode::kFlushSlaveTimeout:
        kept_.insert(number);
        return;
      default:
        if (reply.remark.find("in-sync replicas not enough") != std::string::npos) refused_.insert(number);
    }
  }

  // --- faults

  void StartLater(Node& node, Duration after) {
    pace_.After(after, [this, &node] {
      if (ended_) return;
      node.Start();
      // Its disk is full.
      if (!node.up()) StartLater(node, seconds(1));
    });
  }

  void Crash(Node& node, SimEnv::Loss loss) {
    node.Kill(loss);
    StartLater(node, pace_.Between(200, 1500));
  }

  void CrashMachine(BrokerNode& node) {
    if (poisoned_.contains(&node)) return Cure(node);
    Crash(node, random_.Chance(1, 2) ? SimEnv::Loss::kPower : SimEnv::Loss::kProcess);
  }

  // What a failed sync may have lost is gone for certain with the power: as it is, nobody can say.
  void Cure(BrokerNode& node) {
    if (poisoned_.erase(&node) == 0) return;
    node.host().disk.FailSyncs(0);
    Crash(node, SimEnv::Loss::kPower);
  }

  void Partition() {
    SimNetwork& network = world_.network;
    const std::string one = AnyMachine().host().ip;
    const std::string other = random_.Chance(1, 4) ? namesrv_->host().ip : AnyMachine().host().ip;
    if (one == other) return;
    network.Block(one, other);
    if (random_.Chance(1, 2)) network.Block(other, one);
    Later(pace_.Between(200, 3000), [&network, one, other] {
      network.Unblock(one, other);
      network.Unblock(other, one);
    });
  }

  void BadDisk(SimDisk& disk, BrokerNode& slave) {
    switch (random_.Below(3)) {
      case 0:
        disk.SlowSyncs(pace_.Between(20, 300));
        return Later(pace_.Between(500, 2000), [&disk] { disk.SlowSyncs(Duration(0)); });
      case 1:
        disk.SetQuota(disk.UsedBytes() + random_.Below(64 * 1024));
        return Later(pace_.Between(500, 3000), [&disk] { disk.SetQuota(kNoQuota); });
      default:
        // One that is down would find the error while it recovers, and rightly not start.
        if (!slave.up()) return;
        disk.FailSyncs(1);
        poisoned_.insert(&slave);
        return Later(pace_.Between(200, 1500), [this, &slave] { Cure(slave); });
    }
  }

  void Fault() {
    ++fault_count_;
    switch (random_.Below(10)) {
      case 0:
        return CrashMachine(master());
      case 1:
      case 2:
        return CrashMachine(AnySlave());
      case 3:
        namesrv_->Kill(SimEnv::Loss::kPower);
        return StartLater(*namesrv_, pace_.Between(300, 5000));
      case 4:
      case 5:
        return Partition();
      case 6:
        (void)world_.network.ResetRandomConnection();
        return;
      case 7: {
        NetworkFaults slow;
        slow.clog_one_in = 10;
        slow.clog_max = milliseconds(200);
        world_.network.SetFaults(slow);
        return Later(pace_.Between(500, 2000), [this] { world_.network.SetFaults({}); });
      }
      default: {
        BrokerNode& slave = AnySlave();
        return BadDisk(slave.host().disk, slave);
      }
    }
  }

  void Faults() {
    const MonoTime end = world_.scheduler.now() + kFaultSpan;
    while (world_.scheduler.now() < end && world_.facts.findings.empty()) {
      pace_.RunFor(pace_.Between(200, 1500));
      Fault();
    }
  }

  void Heal() {
    healed_ = true;
    world_.network.SetFaults({});
    world_.network.HealAll();
    for (auto& machine : machines_) {
      SimDisk& disk = machine->host().disk;
      disk.SlowSyncs(Duration(0));
      disk.SetQuota(kNoQuota);
      Cure(*machine);
    }
    for (Node* node : Nodes()) node->Start();
    // Long enough for the master to notice that a connection has ended.
    pace_.RunFor(seconds(1));
  }

  // --- the end, and what must hold then

  void End() {
    if (!world_.facts.findings.empty()) return;
    Heal();
    if (!replicas_.AwaitInStep(master(), kPeaceMax, kSlaves)) return;
    if (options_.seed / std::size(kPromises) % 4 == 0) return EndInPeace();
    in_step_ = true;
    // Disks that are slow to sync, each in its own way, so that much is under way when it ends.
    for (auto& machine : machines_) machine->host().disk.SlowSyncs(pace_.Between(5, 60));
    pace_.RunFor(pace_.Between(300, 900));
    ended_ = true;
    for (auto& machine : machines_) machine->Kill(SimEnv::Loss::kPower);
    sending_ = false;
    pace_.RunFor(seconds(3));
    std::vector<StoreImage> images;
    for (auto& machine : machines_) images.push_back(replicas_.ImageOf(*machine, true));
    replicas_.OnMachines(images, acked_, promise_.machines);
    replicas_.OnMachines(images, acked_late_, promise_.machines_late);
    replicas_.Contains(images[0], kept_, "kept");
    for (const StoreImage& image : images) replicas_.Lacks(image, refused_);
    replicas_.SameLog(images[0], images[1]);
    replicas_.SameLog(images[0], images[2]);
  }

  void EndInPeace() {
    sending_ = false;
    pace_.RunFor(seconds(3));
    if (!replicas_.AwaitInStep(master(), kPeaceMax, kSlaves)) return;
    ended_ = true;
    replicas_.EndInPeace(master(), Slaves(), acked_, kept_);
  }

  SimulationReport Report() {
    SimulationReport report = ReportOf(world_);
    report.summary = StrCat("quorum ", promise_.name, " sent ", world_.facts.messages.size(), " acked ",
                            acked_.size(), " late ", acked_late_.size(), " kept ", kept_.size(), " refused ",
                            refused_.size(), " faults ", fault_count_, " steps ", world_.scheduler.steps());
    return report;
  }

  const SimulationOptions options_;
  const Promise& promise_;
  World world_;
  Random random_;
  Pace pace_;
  Probe probe_;
  ReplicaChecker replicas_;
  std::unique_ptr<NamesrvNode> namesrv_;
  std::array<std::unique_ptr<BrokerNode>, kMachines> machines_;  // The master first.
  std::set<const BrokerNode*> poisoned_;  // A sync failed, and the power is still on.
  bool sending_ = false;
  bool healed_ = false;
  bool in_step_ = false;  // All three, and nothing happens to them.
  bool ended_ = false;
  uint64_t fault_count_ = 0;
  std::set<uint32_t> acked_;
  std::set<uint32_t> acked_late_;  // While in_step_.
  std::set<uint32_t> kept_;
  std::set<uint32_t> refused_;
};

}  // namespace

SimulationReport RunQuorumSimulation(const SimulationOptions& options) { return QuorumRun(options).Run(); }

}  // namespace orbitmq::sim
