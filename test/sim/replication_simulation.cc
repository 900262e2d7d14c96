// SPDX-License-Identifier: Apache-2.0
#include "test/sim/replication_simulation.h"

#include <map>
#include <memory>
#include <set>

#include "common/strings.h"
#include "remoting/protocol/codes.h"
#include "remoting/protocol/header_codec.h"
#include "remoting/protocol/headers.h"
#include "test/sim/checkers/replica.h"
#include "test/sim/pace.h"

namespace orbitmq::sim {
namespace {

using proto::RequestCode;
using proto::ResponseCode;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr size_t kLanes = 6;
constexpr Duration kFaultSpan = seconds(15);
constexpr Duration kPeaceMax = seconds(90);
constexpr char kTopic[] = "T";
constexpr uint64_t kMessagesMax = 3000;

class ReplicationRun final {
 public:
  explicit ReplicationRun(const SimulationOptions& options)
      : options_(options),
        forgetful_(options.seed % 6 == 0),
        world_(options.seed),
        random_(options.seed * 7919 + 17),
        pace_(world_.scheduler, random_),
        probe_(world_),
        replicas_(world_, probe_) {
    world_.log.EchoToStderr(options.trace);
    world_.facts.seed = options.seed;
    namesrv_ = std::make_unique<NamesrvNode>(world_, NodeSpec{"ns", "10.0.0.1", {}});
    const std::string list = namesrv_->address().ToString();
    master_ = Make(broker::BrokerRole::kSyncMaster, "master", "10.0.1.1", list);
    slave_ = Make(broker::BrokerRole::kSlave, "slave", "10.0.1.2", list);
  }
  ~ReplicationRun() {
    for (Node* node : {static_cast<Node*>(master_.get()), static_cast<Node*>(slave_.get()),
                       static_cast<Node*>(namesrv_.get())}) {
      node->Kill(SimEnv::Loss::kProcess);
    }
  }

  SimulationReport Run() {
    for (Node* node : {static_cast<Node*>(namesrv_.get()), static_cast<Node*>(master_.get()),
                       static_cast<Node*>(slave_.get())}) {
      node->Start();
    }
    pace_.RunFor(seconds(3));
    sending_ = true;
    for (size_t lane = 0; lane < kLanes; ++lane) SendNext();
    Look();
    Faults();
    End();
    return Report();
  }

 private:
  std::unique_ptr<BrokerNode> Make(broker::BrokerRole role, const char* name, const char* ip,
                                   const std::string& namesrv) {
    broker::BrokerOptions options = PairedBrokerOptions(role, ip, namesrv);
    if (forgetful_ && role != broker::BrokerRole::kSlave) options.flush_disk_type = store::FlushMode::kAsync;
    return std::make_unique<BrokerNode>(world_, NodeSpec{name, ip, {}}, options, [](BrokerNode&, bool) {});
  }

  // --- load

  void SendNext() {
    if (!sending_ || world_.facts.messages.size() >= kMessagesMax) return;
    const auto number = static_cast<uint32_t>(world_.facts.messages.size());
    SentMessage& sent = world_.facts.messages.emplace_back();
    sent.number = number;
    sent.body_bytes = kBodyBytesMin + random_.Below(random_.Chance(1, 20) ? 20'000 : 1500);
    proto::Command request = NumberedSend(options_.seed, kTopic, sent);
    probe_.Call(master_->address(), std::move(request), [this, number](Result<proto::Command> reply) {
      const int32_t code = reply.ok() ? reply->code : -1;
      if (code == ResponseCode::kSuccess) acked_.insert(number);
      if (code == ResponseCode::kSlaveNotAvailable) unreplicated_.insert(number);
      if (code == ResponseCode::kFlushSlaveTimeout) unreplicated_.insert(number);
      // A refusal comes at once: not as fast as the loop can turn.
      pace_.After(reply.ok() ? pace_.Between(2, 25) : pace_.Between(100, 300), [this] { SendNext(); });
    });
  }

  // --- what a consumer of the master sees

  void Look() {
    if (!sending_) return;
    for (int32_t queue = 0; queue < 2; ++queue) {
      proto::GetMaxOffsetRequestHeader header;
      header.topic = kTopic;
      header.queue_id = queue;
      probe_.Call(master_->address(), proto::MakeRequest(RequestCode::kGetMaxOffset, header),
                  [this, queue](Result<proto::Command> reply) {
                    if (!reply.ok() || reply->code != ResponseCode::kSuccess) return;
                    const auto body = proto::DecodeHeader<proto::GetMaxOffsetResponseHeader>(*reply);
                    if (!body.ok()) return;
                    int64_t& seen = seen_[queue];
                    if (body->offset < seen && !forgetful_) {
                      world_.facts.findings.Add(
                          "backwards", StrCat("queue ", queue, " of the master ended at ", seen,
                                              " and now at ", body->offset));
                    }
                    seen = body->offset;
                  });
    }
    pace_.After(milliseconds(150), [this] { Look(); });
  }

  // --- faults

  void Crash(BrokerNode& node) {
    node.Kill(random_.Chance(1, 2) ? SimEnv::Loss::kPower : SimEnv::Loss::kProcess);
    pace_.After(pace_.Between(200, 1500), [this, &node] {
      if (!ended_) node.Start();
    });
  }

  void Fault() {
    ++fault_count_;
    SimNetwork& network = world_.network;
    BrokerNode& node = random_.Chance(1, 2) ? *master_ : *slave_;
    BrokerNode& other = &node == master_.get() ? *slave_ : *master_;
    switch (random_.Below(8)) {
      case 0:
      case 1:
      case 2:
        return Crash(node);
      case 3:
        network.Block(node.host().ip, other.host().ip);
        if (random_.Chance(1, 2)) network.Block(other.host().ip, node.host().ip);
        return pace_.After(pace_.Between(200, 3000), [&network] { network.HealAll(); });
      case 4:
        (void)network.ResetRandomConnection();
        return;
      case 5: {
        NetworkFaults slow;
        slow.clog_one_in = 10;
        slow.clog_max = milliseconds(200);
        network.SetFaults(slow);
        return pace_.After(pace_.Between(500, 2000), [&network] { network.SetFaults({}); });
      }
      default:
        node.host().disk.Slow(pace_.Between(20, 300));
        return pace_.After(pace_.Between(500, 2000), [&node] { node.host().disk.Slow(Duration(0)); });
    }
  }

  void Faults() {
    const MonoTime end = world_.scheduler.now() + kFaultSpan;
    while (world_.scheduler.now() < end && world_.facts.findings.empty()) {
      pace_.RunFor(pace_.Between(200, 1800));
      Fault();
    }
  }

  void Heal() {
    world_.network.SetFaults({});
    world_.network.HealAll();
    for (BrokerNode* node : {master_.get(), slave_.get()}) node->host().disk.Slow(Duration(0));
    master_->Start();
    slave_->Start();
  }

  // --- the end, and what must hold then

  void End() {
    if (!world_.facts.findings.empty()) return;
    Heal();
    if (!replicas_.AwaitInStep(*master_, kPeaceMax)) return;
    if (options_.seed % 3 == 0) return EndInPeace();
    // Disks that are slow to sync, so that much is under way when it ends.
    for (BrokerNode* node : {master_.get(), slave_.get()}) node->host().disk.SlowSyncs(milliseconds(20));
    pace_.RunFor(pace_.Between(300, 900));
    ended_ = true;
    master_->Kill(SimEnv::Loss::kPower);
    slave_->Kill(SimEnv::Loss::kPower);
    sending_ = false;
    pace_.RunFor(seconds(3));
    const bool master_lost = options_.seed % 3 == 1;
    const StoreImage left = ImageOf(master_lost ? *slave_ : *master_);
    replicas_.Contains(left, acked_, "acknowledged");
    if (!master_lost) replicas_.Contains(left, unreplicated_, "kept");
    replicas_.SameLog(ImageOf(*master_), ImageOf(*slave_));
  }

  void EndInPeace() {
    sending_ = false;
    pace_.RunFor(seconds(3));
    if (!replicas_.AwaitInStep(*master_, kPeaceMax)) return;
    ended_ = true;
    if (forgetful_) return replicas_.EndInPeace(*master_, {slave_.get()}, {}, {});
    replicas_.EndInPeace(*master_, {slave_.get()}, acked_, unreplicated_);
  }

  StoreImage ImageOf(BrokerNode& node) { return replicas_.ImageOf(node, true); }

  SimulationReport Report() {
    SimulationReport report = ReportOf(world_);
    report.summary =
        StrCat("replication sent ", world_.facts.messages.size(), " acked ", acked_.size(), " kept ",
               unreplicated_.size(), " faults ", fault_count_, " steps ", world_.scheduler.steps());
    return report;
  }

  const SimulationOptions options_;
  // The master's flush is asynchronous: the power takes what its slave has already.
  const bool forgetful_;
  World world_;
  Random random_;
  Pace pace_;
  Probe probe_;
  ReplicaChecker replicas_;
  std::unique_ptr<NamesrvNode> namesrv_;
  std::unique_ptr<BrokerNode> master_;
  std::unique_ptr<BrokerNode> slave_;
  bool sending_ = false;
  bool ended_ = false;
  uint64_t fault_count_ = 0;
  std::set<uint32_t> acked_;
  std::set<uint32_t> unreplicated_;
  std::map<int32_t, int64_t> seen_;
};

}  // namespace

SimulationReport RunReplicationSimulation(const SimulationOptions& options) {
  return ReplicationRun(options).Run();
}

}  // namespace orbitmq::sim
