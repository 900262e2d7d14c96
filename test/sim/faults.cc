// SPDX-License-Identifier: Apache-2.0
#include "test/sim/faults.h"

#include <iterator>

#include "common/strings.h"

namespace orbitmq::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* kNames[kFaultKindCount] = {
    "kill-broker",      "power-broker",  "restart-broker", "blackout", "kill-namesrv", "kill-consumer",
    "restart-consumer", "kill-producer", "partition",      "one-way",  "reset",        "clog",
    "clock-jump",       "slow-sync",     "fail-sync",      "full-disk"};

// How often each kind is drawn, in the order of FaultKind.
constexpr uint64_t kWeights[kFaultKindCount] = {5, 8, 4, 2, 3, 4, 4, 2, 4, 4, 6, 2, 2, 2, 2, 2};

// A plain disk. While it syncs the power can go.
constexpr Duration kSyncTime = milliseconds(4);

}  // namespace

const char* FaultName(FaultKind kind) { return kNames[static_cast<size_t>(kind)]; }

FaultInjector::FaultInjector(World& world, Cluster& cluster, uint64_t seed)
    : world_(world),
      cluster_(cluster),
      random_(Random(seed ^ 0xFA17ULL).Next()),
      pace_(world.scheduler, random_),
      async_broker_(!cluster.brokers().back()->sync_flush()) {}

template <class F>
void FaultInjector::After(Duration time, F fn) {
  pace_.After(time, [this, fn = std::move(fn)]() mutable {
    if (!healed_) fn();
  });
}

void FaultInjector::Begin(int count, Duration span) {
  for (const auto& broker : cluster_.brokers()) broker->host().disk.SlowSyncs(kSyncTime);
  const int64_t span_ms = std::chrono::duration_cast<milliseconds>(span).count();
  for (int i = 0; i < count; ++i) {
    const FaultKind kind = async_broker_ && i % 4 == 0 ? FaultKind::kBlackout : DrawKind();
    const int64_t slot = span_ms / count;
    After(milliseconds(slot * i) + pace_.Between(0, slot), [this, kind] { Inject(kind); });
  }
}

FaultKind FaultInjector::DrawKind() {
  uint64_t sum = 0;
  for (const uint64_t weight : kWeights) sum += weight;
  uint64_t drawn = random_.Below(sum);
  for (size_t i = 0; i < kFaultKindCount; ++i) {
    if (drawn < kWeights[i]) return static_cast<FaultKind>(i);
    drawn -= kWeights[i];
  }
  return FaultKind::kReset;
}

void FaultInjector::StartLater(Node& node, Duration after) {
  After(after, [this, &node] {
    if (dark_ > 0 && node.kind() == NodeKind::kConsumer) return StartLater(node, milliseconds(500));
    node.Start();
    // A broker whose disk is full says so and stays down.
    if (node.state() == Node::State::kDown) StartLater(node, seconds(1));
  });
}

void FaultInjector::Inject(FaultKind kind) {
  ++total_;
  ++by_kind_[kind];
  world_.log.Add(
      StrCat(world_.scheduler.now().time_since_epoch().count() / 1000, "us FAULT ", FaultName(kind)));
  switch (kind) {
    case FaultKind::kKillBroker:
      return CrashBroker(Any(cluster_.brokers()), SimEnv::Loss::kProcess);
    case FaultKind::kPowerBroker:
      return CrashBroker(Any(cluster_.brokers()), SimEnv::Loss::kPower);
    case FaultKind::kBlackout:
      return Blackout();
    case FaultKind::kRestartBroker: {
      BrokerNode& broker = Any(cluster_.brokers());
      if (poisoned_.contains(broker.name())) return CurePoisoned(broker);
      broker.Stop();
      return StartLater(broker, pace_.Between(2000, 6000));
    }
    case FaultKind::kKillNamesrv: {
      NamesrvNode& namesrv = Any(cluster_.namesrvs());
      cluster_.Kill(namesrv, SimEnv::Loss::kPower);
      return StartLater(namesrv, pace_.Between(300, 5000));
    }
    case FaultKind::kKillConsumer: {
      ConsumerNode& consumer = Any(cluster_.consumers());
      cluster_.Kill(consumer, SimEnv::Loss::kPower);
      return StartLater(consumer, pace_.Between(300, 6000));
    }
    case FaultKind::kRestartConsumer: {
      ConsumerNode& consumer = Any(cluster_.consumers());
      consumer.Stop();
      return StartLater(consumer, pace_.Between(6000, 9000));
    }
    case FaultKind::kKillProducer: {
      ProducerNode& producer = Any(cluster_.producers());
      cluster_.Kill(producer, SimEnv::Loss::kPower);
      return StartLater(producer, pace_.Between(300, 4000));
    }
    case FaultKind::kPartition:
    case FaultKind::kOneWay:
      return Partition(kind);
    case FaultKind::kReset: {
      const uint64_t count = 1 + random_.Below(4);
      for (uint64_t i = 0; i < count; ++i) world_.network.ResetRandomConnection();
      return;
    }
    case FaultKind::kClog: {
      NetworkFaults faults;
      faults.delay_max = milliseconds(20);
      faults.clog_one_in = 20;
      faults.clog_max = milliseconds(400);
      faults.chunks_max = 6;
      world_.network.SetFaults(faults);
      return After(pace_.Between(500, 3000), [this] { world_.network.SetFaults({}); });
    }
    case FaultKind::kClockJump: {
      Node* node = cluster_.nodes()[random_.Below(cluster_.nodes().size())];
      node->host().skew += pace_.Between(-3000, 3000);
      return;
    }
    case FaultKind::kSlowSync:
    case FaultKind::kFailSync:
    case FaultKind::kFullDisk:
      return BadDisk(kind);
  }
}

void FaultInjector::CrashBroker(BrokerNode& broker, SimEnv::Loss loss) {
  if (loss == SimEnv::Loss::kPower && !broker.sync_flush()) return Blackout();
  if (poisoned_.contains(broker.name())) return CurePoisoned(broker);
  cluster_.Kill(broker, loss);
  StartLater(broker, pace_.Between(300, 5000));
}

void FaultInjector::Blackout() {
  BrokerNode& broker = async_broker_ ? *cluster_.brokers().back() : Any(cluster_.brokers());
  for (const auto& consumer : cluster_.consumers()) cluster_.Kill(*consumer, SimEnv::Loss::kPower);
  ++dark_;
  // Long enough for the broker to have written the committed offsets, and for producers to fill the log.
  After(pace_.Between(1600, 2500), [this, &broker] {
    --dark_;
    poisoned_.erase(broker.name());
    broker.host().disk.FailSyncs(0);
    cluster_.Kill(broker, SimEnv::Loss::kPower);
    StartLater(broker, pace_.Between(300, 1500));
    for (const auto& consumer : cluster_.consumers()) StartLater(*consumer, pace_.Between(2500, 4500));
  });
}

void FaultInjector::Partition(FaultKind kind) {
  const std::vector<Node*> nodes = cluster_.nodes();
  // One end is a server, or there would be nothing to cut.
  Node& server = random_.Chance(2, 3) ? static_cast<Node&>(Any(cluster_.brokers()))
                                      : static_cast<Node&>(Any(cluster_.namesrvs()));
  Node* other = nodes[random_.Below(nodes.size())];
  if (other == &server) other = cluster_.producers().front().get();
  std::string from = server.host().ip;
  std::string to = other->host().ip;
  if (random_.Chance(1, 2)) std::swap(from, to);
  world_.network.Block(from, to);
  if (kind == FaultKind::kPartition) world_.network.Block(to, from);
  After(pace_.Between(500, 6000), [this, from, to] {
    world_.network.Unblock(from, to);
    world_.network.Unblock(to, from);
  });
}

void FaultInjector::BadDisk(FaultKind kind) {
  BrokerNode& broker = Any(cluster_.brokers());
  SimDisk& disk = broker.host().disk;
  if (kind == FaultKind::kSlowSync) {
    disk.SlowSyncs(pace_.Between(50, 600));
    return After(pace_.Between(500, 3000), [&disk] { disk.SlowSyncs(kSyncTime); });
  }
  if (kind == FaultKind::kFullDisk) {
    disk.SetQuota(disk.UsedBytes() + random_.Below(64 * 1024));
    return After(pace_.Between(500, 2500), [&disk] { disk.SetQuota(uint64_t{1} << 40); });
  }
  // A lost page of an asynchronous broker would be lost while consumers look: not what is tested there.
  // A broker that is down would find the error while it recovers, and rightly not start.
  if (!broker.sync_flush() || !broker.up()) return;
  disk.FailSyncs(1);
  poisoned_.insert(broker.name());
  After(pace_.Between(200, 1500), [this, &broker] { CurePoisoned(broker); });
}

void FaultInjector::CurePoisoned(BrokerNode& broker) {
  if (poisoned_.erase(broker.name()) == 0) return;
  broker.host().disk.FailSyncs(0);
  CrashBroker(broker, SimEnv::Loss::kPower);
}

void FaultInjector::Heal() {
  healed_ = true;
  world_.network.SetFaults({});
  world_.network.HealAll();
  for (const auto& broker : cluster_.brokers()) {
    broker->host().disk.SlowSyncs(Duration(0));
    broker->host().disk.SetQuota(uint64_t{1} << 40);
    CurePoisoned(*broker);
  }
}

}  // namespace orbitmq::sim
