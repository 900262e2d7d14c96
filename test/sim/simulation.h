// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace orbitmq::sim {

struct World;

// How one seed ended; the numbers are the exit codes of orbitmq_sim.
enum class Verdict : int { kOk = 0, kCrashed = 125, kNotLive = 126, kIncorrect = 127 };

struct SimulationOptions {
  uint64_t seed = 1;
  bool trace = false;  // Every log line to stderr.
  uint64_t messages_min = 2000;
};

struct SimulationReport {
  Verdict verdict = Verdict::kOk;
  // "sent 2310 acked 2200 delivered 5100 groups 3 faults 8 (reset 2 ...) ...".
  std::string summary;
  std::string first_checker;          // That found something; empty if none did.
  std::vector<std::string> findings;  // Texts of the first ones.
  std::vector<std::string> log_tail;  // Last lines that the processes logged.
  uint64_t trace_hash = 0;            // Equal for equal runs.
};

// What every simulation reports of its world; the summary is the caller's.
SimulationReport ReportOf(const World& world);

// Runs the whole system once, under a seed, in the calling thread: start, faults under load, healing, orderly
// stop; the checkers look all the while and at the end.
SimulationReport RunSimulation(const SimulationOptions& options);

}  // namespace orbitmq::sim
