// SPDX-License-Identifier: Apache-2.0
// orbitmq_sim: runs the whole system in one thread under seeds, with faults, and says what it found.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/planted_bug.h"
#include "common/strings.h"
#include "test/sim/bug_names.h"
#include "test/sim/quorum_simulation.h"
#include "test/sim/replication_simulation.h"
#include "test/sim/simulation.h"
#include "test/sim/standby_simulation.h"

namespace orbitmq::sim {
namespace {

// A run takes seconds; one that takes longer than this hangs in a step.
constexpr unsigned kRealSecondsMax = 240;

constexpr char kUsage[] =
    "Usage: orbitmq_sim [--seeds 1..50] [--more-seeds 7,99] [--seed N [--trace]] [--repeat] [--bug NAME]\n"
    "                   [--prove-bugs [--share I/N]] [--list-bugs] [--replication|--standby|--quorum]\n"
    "  --replication   a master and its slave instead of the whole system\n"
    "  --standby       consumers between a master and its slave\n"
    "  --quorum        a master and two slaves\n"
    "  --seeds A..B    one line per seed, each in a process of its own (default 1..50)\n"
    "  --more-seeds L  these seeds as well\n"
    "  --seed N        this seed alone, in this process; with --trace every log line goes to stderr\n"
    "  --repeat        run the seed (of --seed) twice and compare: the simulation must be deterministic\n"
    "  --bug NAME      plant this defect first (needs a build with -DORBITMQ_PLANTED_BUGS=ON)\n"
    "  --prove-bugs    for every defect, run the seeds until one catches it; fails if none does\n"
    "  --share I/N     only every Nth defect, beginning with the Ith (0-based)\n"
    "Exit: 0 all well, 125 crash or failed check, 126 not live, 127 incorrect, 1 usage.\n";

struct Arguments {
  std::vector<uint64_t> seeds;
  std::optional<uint64_t> one_seed;
  bool trace = false;
  bool repeat = false;
  bool prove_bugs = false;
  bool list_bugs = false;
  Scene scene = Scene::kWhole;
  uint64_t share_index = 0;
  uint64_t share_count = 1;
  Bug bug = Bug::kNone;
};

uint64_t running_seed = 0;

void OnFatalSignal(int signal) {
  char line[160];
  const int length = std::snprintf(line, sizeof(line), "seed %llu CRASHED (signal %d) commit %s\n",
                                   static_cast<unsigned long long>(running_seed), signal, ORBITMQ_COMMIT);
  if (length > 0 && write(STDOUT_FILENO, line, static_cast<size_t>(length)) < 0) _exit(1);
  _exit(signal == SIGALRM ? static_cast<int>(Verdict::kNotLive) : static_cast<int>(Verdict::kCrashed));
}

void CatchFatalSignals() {
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGALRM})
    std::signal(signal, OnFatalSignal);
}

const char* VerdictName(Verdict verdict) {
  switch (verdict) {
    case Verdict::kOk:
      return "ok";
    case Verdict::kCrashed:
      return "CRASHED";
    case Verdict::kNotLive:
      return "NOT LIVE";
    case Verdict::kIncorrect:
      return "INCORRECT";
  }
  return "?";
}

// What this process has cost so far.
double CpuSeconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

SimulationReport RunScene(Scene scene, const SimulationOptions& options) {
  switch (scene) {
    case Scene::kReplication:
      return RunReplicationSimulation(options);
    case Scene::kStandby:
      return RunStandbySimulation(options);
    case Scene::kQuorum:
      return RunQuorumSimulation(options);
    case Scene::kWhole:
      break;
  }
  return RunSimulation(options);
}

SimulationReport RunSeed(uint64_t seed, bool trace, Scene scene) {
  running_seed = seed;
  const double begin = CpuSeconds();
  const SimulationReport report = RunScene(scene, {.seed = seed, .trace = trace});
  std::printf("seed %llu %s %s cpu s %.1f hash %016llx\n", static_cast<unsigned long long>(seed),
              VerdictName(report.verdict), report.summary.c_str(), CpuSeconds() - begin,
              static_cast<unsigned long long>(report.trace_hash));
  for (const std::string& finding : report.findings) std::printf("  FAIL %s\n", finding.c_str());
  std::fflush(stdout);
  return report;
}

struct Child {
  Verdict verdict = Verdict::kOk;
  std::string output;
};

// Runs the seed in a process of its own, so that a crash is one seed's verdict.
Child RunInChild(uint64_t seed, Scene scene) {
  Child child;
  int ends[2];
  if (pipe(ends) != 0) std::abort();
  std::fflush(stdout);
  const pid_t pid = fork();
  if (pid == 0) {
    dup2(ends[1], STDOUT_FILENO);
    dup2(ends[1], STDERR_FILENO);
    alarm(kRealSecondsMax);
    const SimulationReport report = RunSeed(seed, false, scene);
    _exit(static_cast<int>(report.verdict));
  }
  close(ends[1]);
  char buffer[4096];
  for (ssize_t got; (got = read(ends[0], buffer, sizeof(buffer))) > 0;) {
    child.output.append(buffer, static_cast<size_t>(got));
  }
  close(ends[0]);
  int status = 0;
  waitpid(pid, &status, 0);
  // Sanitizers end a process with codes of their own.
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : static_cast<int>(Verdict::kCrashed);
  const bool known = code == 0 || code == static_cast<int>(Verdict::kNotLive) ||
                     code == static_cast<int>(Verdict::kIncorrect);
  child.verdict = known ? static_cast<Verdict>(code) : Verdict::kCrashed;
  return child;
}

int RunSeeds(const std::vector<uint64_t>& seeds, Scene scene) {
  int passed = 0;
  int failed = 0;
  Verdict worst = Verdict::kOk;
  uint64_t worst_seed = 0;
  for (const uint64_t seed : seeds) {
    const Child child = RunInChild(seed, scene);
    std::fputs(child.output.c_str(), stdout);
    std::fflush(stdout);
    ++(child.verdict == Verdict::kOk ? passed : failed);
    if (child.verdict == Verdict::kOk) continue;
    worst = child.verdict;
    worst_seed = seed;
    std::printf("again with: orbitmq_sim --seed %llu --trace (commit %s)\n",
                static_cast<unsigned long long>(seed), ORBITMQ_COMMIT);
  }
  if (worst != Verdict::kOk) {
    std::printf("last failure: seed %llu commit %s\n", static_cast<unsigned long long>(worst_seed),
                ORBITMQ_COMMIT);
  }
  std::printf("%d passed, %d failed\n", passed, failed);
  return static_cast<int>(worst);
}

int RunOneSeed(uint64_t seed, const Arguments& arguments) {
  const SimulationReport report = RunSeed(seed, arguments.trace, arguments.scene);
  if (report.verdict != Verdict::kOk && !arguments.trace) {
    for (const std::string& line : report.log_tail) std::fprintf(stderr, "%s\n", line.c_str());
  }
  Verdict verdict = report.verdict;
  if (arguments.repeat && RunSeed(seed, false, arguments.scene).trace_hash != report.trace_hash) {
    std::printf("  FAIL determinism: the second run of seed %llu went another way\n",
                static_cast<unsigned long long>(seed));
    verdict = Verdict::kIncorrect;
  }
  std::printf("seed %llu commit %s\n", static_cast<unsigned long long>(seed), ORBITMQ_COMMIT);
  if (arguments.repeat)
    std::printf("%s\n", verdict == Verdict::kOk ? "1 passed, 0 failed" : "0 passed, 1 failed");
  return static_cast<int>(verdict);
}

#ifdef ORBITMQ_PLANTED_BUGS
// The lines of a child that tell who caught it.
std::string FirstFinding(const std::string& output) {
  for (const std::string_view line : Split(output, '\n')) {
    if (line.find("FAIL ") != std::string_view::npos || line.find("check failed") != std::string_view::npos ||
        line.find("CRASHED") != std::string_view::npos) {
      return std::string(Trim(line));
    }
  }
  return "no text";
}

int ProveBugs(const Arguments& arguments) {
  int passed = 0;
  int failed = 0;
  uint64_t number = 0;
  for (const BugName& bug : kBugNames) {
    if (number++ % arguments.share_count != arguments.share_index) continue;
    Plant(bug.bug);
    bool caught = false;
    std::vector<uint64_t> seeds = arguments.seeds;
    const auto first = std::find(seeds.begin(), seeds.end(), bug.first_try);
    if (first != seeds.end()) std::rotate(seeds.begin(), first, seeds.end());
    for (const uint64_t seed : seeds) {
      const Child child = RunInChild(seed, bug.scene);
      if (child.verdict == Verdict::kOk) continue;
      caught = true;
      std::printf("%-24s caught by seed %llu: %s\n", bug.name, static_cast<unsigned long long>(seed),
                  FirstFinding(child.output).substr(0, 200).c_str());
      break;
    }
    if (!caught) std::printf("FAIL %s: caught by none of %zu seeds\n", bug.name, arguments.seeds.size());
    std::fflush(stdout);
    ++(caught ? passed : failed);
  }
  Plant(Bug::kNone);
  std::printf("commit %s\n%d passed, %d failed\n", ORBITMQ_COMMIT, passed, failed);
  return failed == 0 ? 0 : static_cast<int>(Verdict::kIncorrect);
}
#endif

bool ParseRange(std::string_view text, std::vector<uint64_t>& seeds) {
  const size_t dots = text.find("..");
  if (dots == std::string_view::npos) return false;
  const auto first = ParseInt<uint64_t>(text.substr(0, dots));
  const auto last = ParseInt<uint64_t>(text.substr(dots + 2));
  if (!first || !last || *first > *last || *last - *first > 1'000'000) return false;
  for (uint64_t seed = *first; seed <= *last; ++seed) seeds.push_back(seed);
  return true;
}

bool ParseList(std::string_view text, std::vector<uint64_t>& seeds) {
  for (const std::string_view piece : Split(text, ',')) {
    const auto seed = ParseInt<uint64_t>(piece);
    if (!seed) return false;
    seeds.push_back(*seed);
  }
  return true;
}

bool ParseShare(std::string_view text, Arguments& arguments) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return false;
  const auto index = ParseInt<uint64_t>(text.substr(0, slash));
  const auto count = ParseInt<uint64_t>(text.substr(slash + 1));
  if (!index || !count || *index >= *count) return false;
  arguments.share_index = *index;
  arguments.share_count = *count;
  return true;
}

bool ParseOption(std::string_view name, const char* value, Arguments& arguments) {
  if (name == "--seeds") return ParseRange(value, arguments.seeds);
  if (name == "--more-seeds") return ParseList(value, arguments.seeds);
  if (name == "--share") return ParseShare(value, arguments);
  if (name == "--seed") {
    arguments.one_seed = ParseInt<uint64_t>(value);
    return arguments.one_seed.has_value();
  }
  if (name == "--bug") {
    for (const BugName& bug : kBugNames) {
      if (value == std::string_view(bug.name)) arguments.bug = bug.bug;
    }
    return arguments.bug != Bug::kNone;
  }
  return false;
}

bool Parse(int argc, char** argv, Arguments& arguments) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--trace") {
      arguments.trace = true;
    } else if (name == "--repeat") {
      arguments.repeat = true;
    } else if (name == "--prove-bugs") {
      arguments.prove_bugs = true;
    } else if (name == "--list-bugs") {
      arguments.list_bugs = true;
    } else if (name == "--replication") {
      arguments.scene = Scene::kReplication;
    } else if (name == "--standby") {
      arguments.scene = Scene::kStandby;
    } else if (name == "--quorum") {
      arguments.scene = Scene::kQuorum;
    } else if (i + 1 >= argc || !ParseOption(name, argv[i + 1], arguments)) {
      std::fprintf(stderr, "error: bad option or value: %s %s\n%s", argv[i], i + 1 < argc ? argv[i + 1] : "",
                   kUsage);
      return false;
    } else {
      ++i;
    }
  }
  if (arguments.seeds.empty()) return ParseRange("1..50", arguments.seeds);
  return true;
}

int Main(int argc, char** argv) {
  Arguments arguments;
  if (!Parse(argc, argv, arguments)) return 1;
  CatchFatalSignals();
  if (arguments.list_bugs) {
    for (const BugName& bug : kBugNames) std::printf("%s\n", bug.name);
    return 0;
  }
#ifdef ORBITMQ_PLANTED_BUGS
  Plant(arguments.bug);
  if (arguments.prove_bugs) return ProveBugs(arguments);
#else
  if (arguments.bug != Bug::kNone || arguments.prove_bugs) {
    std::fprintf(stderr, "error: this build has no planted bugs; configure with -DORBITMQ_PLANTED_BUGS=ON\n");
    return 1;
  }
#endif
  return arguments.one_seed ? RunOneSeed(*arguments.one_seed, arguments)
                            : RunSeeds(arguments.seeds, arguments.scene);
}

}  // namespace
}  // namespace orbitmq::sim

int main(int argc, char** argv) {
  const int code = orbitmq::sim::Main(argc, argv);
  std::fflush(nullptr);
  // Without a search for leaks: a process that is killed between any two steps leaves what it held.
  _exit(code);
}
