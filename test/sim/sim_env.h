// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/env.h"
#include "test/sim/sim_disk.h"
#include "test/sim/sim_network.h"
#include "test/sim/sim_scheduler.h"

namespace orbitmq::sim {

// A machine: address, disk and clock skew; outlives the processes that run on it.
class SimHost final {
 public:
  SimHost(std::string host_name, std::string host_ip, uint64_t seed, Duration clock_skew)
      : name(std::move(host_name)), ip(std::move(host_ip)), skew(clock_skew), disk(seed) {}
  const std::string name;
  const std::string ip;
  Duration skew;  // Of the wall clock; may jump while processes run.
  SimDisk disk;
  int64_t incarnations = 0;
};

// The last lines every process logged, for the report of a failed seed.
class SimLog final {
 public:
  void Add(std::string line);
  const std::deque<std::string>& lines() const { return lines_; }
  void EchoToStderr(bool on) { echo_ = on; }

 private:
  std::deque<std::string> lines_;
  bool echo_ = false;
};

// Env of one incarnation of one process on a SimHost.
//
// Killing a process: MarkKilled() (from then on files fail, posts are refused, nothing is sent), then destroy
// the process's root object, then FinishKill(): in that order, because destructors still call into their Env.
// Threads: one (the simulator's).
class SimEnv final : public Env {
 public:
  SimEnv(Scheduler& scheduler, SimNetwork& network, SimHost& host, SimLog& log);
  ~SimEnv() override;

  Clock& clock() override { return clock_; }
  Random NewRandom(std::string_view use) override;
  FileSystem& files() override { return SimDisk::FilesOf(*disk_view_); }
  Network& network() override { return *network_view_; }
  std::unique_ptr<Executor> NewExecutor(ExecutorOptions options) override;
  Logger& log() override { return logger_; }
  const ProcessIdentity& identity() const override { return identity_; }

  enum class Loss : uint8_t { kProcess /* kill -9 */, kPower /* and the page cache */ };
  void MarkKilled();
  void FinishKill(Loss loss);
  bool killed() const { return killed_; }
  SimHost& host() { return host_; }

 private:
  class SimClock final : public Clock {
   public:
    SimClock(Scheduler& scheduler, const Duration& skew) : scheduler_(scheduler), skew_(skew) {}
    MonoTime Monotonic() const override { return scheduler_.now(); }
    WallTime Wall() const override;

   private:
    Scheduler& scheduler_;
    const Duration& skew_;
  };
  class SimLogger final : public Logger {
   public:
    SimLogger(Scheduler& scheduler, SimLog& log, std::string process)
        : scheduler_(scheduler), log_(log), process_(std::move(process)) {}
    bool Enabled(LogLevel level) const override { return level >= LogLevel::kInfo; }
    void Write(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) override;

   private:
    Scheduler& scheduler_;
    SimLog& log_;
    std::string process_;
  };

  Scheduler& scheduler_;
  SimNetwork& network_;
  SimHost& host_;
  SimClock clock_;
  SimLogger logger_;
  ProcessIdentity identity_;
  std::shared_ptr<SimDisk::View> disk_view_;
  std::unique_ptr<Network> network_view_;
  std::vector<std::shared_ptr<RunQueue>> queues_;
  bool killed_ = false;
};

}  // namespace orbitmq::sim
