// SPDX-License-Identifier: Apache-2.0
#include "test/sim/sim_env.h"

#include <cstdio>

namespace orbitmq::sim {
namespace {

// Virtual time zero is this wall time, so that message ids and file names look like real ones.
constexpr int64_t kWallStartMillis = 1'760'000'000'000;
constexpr size_t kLogLinesMax = 4000;

}  // namespace

void SimLog::Add(std::string line) {
  if (echo_) std::fprintf(stderr, "%s\n", line.c_str());
  lines_.push_back(std::move(line));
  if (lines_.size() > kLogLinesMax) lines_.pop_front();
}

WallTime SimEnv::SimClock::Wall() const {
  const Duration since = scheduler_.now().time_since_epoch() + skew_;
  return FromEpochMillis(kWallStartMillis + std::chrono::duration_cast<Millis>(since).count());
}

void SimEnv::SimLogger::Write(LogLevel level, std::string_view message,
                              std::initializer_list<LogField> fields) {
  static constexpr const char* kNames[] = {"DEBUG", "INFO", "WARN", "ERROR", "OFF"};
  const auto us =
      std::chrono::duration_cast<std::chrono::microseconds>(scheduler_.now().time_since_epoch()).count();
  log_.Add(std::to_string(us) + "us " + process_ + " " + kNames[static_cast<size_t>(level)] + " " +
           FormatLogLine(message, fields));
}

SimEnv::SimEnv(Scheduler& scheduler, SimNetwork& network, SimHost& host, SimLog& log)
    : scheduler_(scheduler),
      network_(network),
      host_(host),
      clock_(scheduler, host.skew),
      logger_(scheduler, log, host.name + "#" + std::to_string(++host.incarnations)) {
  identity_.host_name = host.name;
  identity_.ip = host.ip;
  identity_.pid = host.incarnations;
  disk_view_ = host.disk.NewView([&scheduler](int64_t ns) { scheduler.Spend(std::chrono::nanoseconds(ns)); });
  network_view_ = network.NewView(host.ip, host.name);
}

SimEnv::~SimEnv() = default;

Random SimEnv::NewRandom(std::string_view use) {
  uint64_t seed = scheduler_.seed() * 0x9E3779B97F4A7C15ULL + static_cast<uint64_t>(host_.incarnations);
  for (const char c : host_.name) seed = seed * 131 + static_cast<unsigned char>(c);
  for (const char c : use) seed = seed * 131 + static_cast<unsigned char>(c);
  return Random(Random(seed).Next());
}

std::unique_ptr<Executor> SimEnv::NewExecutor(ExecutorOptions options) {
  std::shared_ptr<RunQueue> queue = scheduler_.NewQueue(host_.name + "/" + options.name, options.kind);
  if (killed_) queue->open = false;
  queues_.push_back(queue);
  return std::make_unique<SimExecutor>(scheduler_, std::move(queue));
}

void SimEnv::MarkKilled() {
  ORBITMQ_CHECK(scheduler_.current() == nullptr, "a process is killed from outside of its tasks");
  killed_ = true;
  SimDisk::Detach(*disk_view_);
  network_.KillHost(host_.ip);
  for (const auto& queue : queues_) queue->open = false;
  for (const auto& queue : queues_) scheduler_.DropAndClose(queue);
}

void SimEnv::FinishKill(Loss loss) {
  ORBITMQ_CHECK(killed_, "FinishKill follows MarkKilled");
  if (loss == Loss::kPower) {
    host_.disk.Crash();
  } else {
    host_.disk.ReleaseLocks();
  }
}

}  // namespace orbitmq::sim
