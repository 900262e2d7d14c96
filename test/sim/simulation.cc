// SPDX-License-Identifier: Apache-2.0
#include "test/sim/simulation.h"

#include <algorithm>

#include "common/strings.h"
#include "test/sim/faults.h"
#include "test/sim/workload.h"

namespace orbitmq::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kFaultsMin = 8;
constexpr uint64_t kFaultsMore = 8;
constexpr Duration kFaultSpan = seconds(24);
// In which everything that is owed must have arrived once the faults are over.
constexpr Duration kHealingMax = seconds(240);
constexpr size_t kLogTail = 200;
constexpr int kBursts = 10;
constexpr int kBurstMessages = 40;
constexpr int kPromptWaits = 30;
constexpr Duration kPromptWait = milliseconds(100);

class Simulation final {
 public:
  explicit Simulation(const SimulationOptions& options)
      : options_(options),
        world_(options.seed),
        cluster_(world_, options.seed),
        workload_(world_, cluster_),
        faults_(world_, cluster_, options.seed) {
    world_.log.EchoToStderr(options.trace);
  }

  SimulationReport Run() {
    const bool live = RunPhases();
    return Report(live);
  }

 private:
  bool RunPhases() {
    if (!cluster_.Begin()) return true;  // A finding tells why.
    RunFor(seconds(2));
    workload_.Begin(options_.messages_min);
    RunFor(seconds(1));
    faults_.Begin(kFaultsMin + static_cast<int>(world_.scheduler.random().Below(kFaultsMore)), kFaultSpan);
    RunFor(kFaultSpan + seconds(1));
    faults_.Heal();
    for (Node* node : cluster_.nodes()) node->Start();
    workload_.Finish();
    if (!AwaitDelivery()) return false;
    if (!world_.facts.findings.empty()) return true;  // What follows would only repeat it.
    cluster_.CheckRoutes();
    CheckPromptness();
    // Offsets are committed and written.
    RunFor(seconds(5));
    cluster_.StopAll();
    cluster_.delivery().AtEnd(cluster_.LastImages());
    return true;
  }

  // In peace a message arrives at once: consumers wait at the broker, which wakes them.
  void CheckPromptness() {
    RunFor(seconds(4));
    for (int burst = 0; burst < kBursts && world_.facts.findings.empty(); ++burst) {
      workload_.SendBurst(kBurstMessages);
      RunFor(milliseconds(120));
      const auto arrived = [this] {
        return workload_.done() && cluster_.delivery().DescribeUnseen().empty();
      };
      for (int waits = 0; waits < kPromptWaits && !arrived(); ++waits) RunFor(kPromptWait);
      if (arrived()) continue;
      world_.facts.findings.Add("promptness", StrCat("not there after 3 s without any fault: ",
                                                     cluster_.delivery().DescribeUnseen()));
    }
  }

  bool AwaitDelivery() {
    const MonoTime bound = world_.scheduler.now() + kHealingMax;
    while (world_.scheduler.now() < bound && world_.facts.findings.empty()) {
      RunFor(milliseconds(200));
      // A node that was still stopping when the faults ended.
      for (Node* node : cluster_.nodes()) node->Start();
      if (workload_.done() && cluster_.delivery().Owed() == 0) return true;
    }
    if (!world_.facts.findings.empty()) return true;
    const Workload::Counters& counters = workload_.counters();
    world_.facts.findings.Add(
        "liveness", StrCat("after ", seconds(240).count(), " s without faults ", counters.acked, " of ",
                           options_.messages_min, " messages are acknowledged, ", counters.pending,
                           " sends have not ended; ", cluster_.delivery().DescribeOwed()));
    return false;
  }

  void RunFor(Duration time) { world_.scheduler.RunUntil(world_.scheduler.now() + time); }

  SimulationReport Report(bool live) {
    SimulationReport report = ReportOf(world_);
    if (!live && world_.facts.findings.count() == 1) report.verdict = Verdict::kNotLive;
    const Workload::Counters& counters = workload_.counters();
    std::string kinds;
    for (const auto& [kind, count] : faults_.by_kind()) {
      kinds += StrCat(kinds.empty() ? "" : " ", FaultName(kind), " ", count);
    }
    uint64_t torn = 0;
    uint64_t lost = 0;
    for (const auto& broker : cluster_.brokers()) {
      torn += broker->host().disk.counters().torn_pages;
      lost += broker->host().disk.counters().lost_pages;
    }
    report.summary =
        StrCat("sent ", counters.sent, " acked ", counters.acked, " delivered ",
               cluster_.delivery().delivered_count(), " groups ", world_.facts.groups.size(), " faults ",
               faults_.count(), " (", kinds, ") torn pages ", torn, " lost pages ", lost, " virtual s ",
               std::chrono::duration_cast<seconds>(world_.scheduler.now().time_since_epoch()).count(),
               " steps ", world_.scheduler.steps());
    return report;
  }

  const SimulationOptions options_;
  World world_;
  Cluster cluster_;
  Workload workload_;
  FaultInjector faults_;
};

}  // namespace

SimulationReport ReportOf(const World& world) {
  SimulationReport report;
  const Findings& findings = world.facts.findings;
  report.verdict = findings.empty()                         ? Verdict::kOk
                   : findings.first_checker() == "liveness" ? Verdict::kNotLive
                                                            : Verdict::kIncorrect;
  report.first_checker = findings.first_checker();
  report.findings = findings.texts();
  const auto& lines = world.log.lines();
  report.log_tail.assign(lines.end() - static_cast<long>(std::min(lines.size(), kLogTail)), lines.end());
  report.trace_hash = world.scheduler.trace_hash();
  return report;
}

SimulationReport RunSimulation(const SimulationOptions& options) { return Simulation(options).Run(); }

}  // namespace orbitmq::sim
