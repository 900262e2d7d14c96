// SPDX-License-Identifier: Apache-2.0
// The long tests of the store, by hand (test/campaign.sh) and in slices (ctest):
//
//   store_campaign power-cut [--images N] [--seed S] [--flush sync|async] [--operation N [--trace yes]]
//   store_campaign errors [--every K] [--flush sync|async] [--call N]
//   store_campaign rot [--count N] [--first N] [--seed S]
//
// Each prints one line per seed and ends with `N passed, N failed`; a failure says how to repeat it.
#include <cstdio>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "test/store/bit_rot.h"
#include "test/store/error_sites.h"
#include "test/store/power_cut.h"

namespace orbitmq::store {
namespace {

using Words = std::map<std::string, std::string, std::less<>>;

uint64_t NumberIn(const Words& words, std::string_view name, uint64_t fallback) {
  const auto found = words.find(name);
  if (found == words.end()) return fallback;
  const auto number = ParseInt<uint64_t>(found->second);
  if (!number) std::fprintf(stderr, "--%s: '%s' is no number\n", found->first.c_str(), found->second.c_str());
  return number.value_or(fallback);
}

void PrintComplaints(const std::vector<std::string>& complaints) {
  for (const std::string& complaint : complaints) std::printf("  %s\n", complaint.c_str());
}

int PowerCuts(const Words& words) {
  const uint64_t wanted = NumberIn(words, "images", 1000);
  const auto flush = words.find("flush");
  uint64_t images = 0;
  int passed = 0;
  int failed = 0;
  std::map<std::string, uint64_t> tally;
  for (uint64_t seed = NumberIn(words, "seed", 1); images < wanted; ++seed) {
    const bool sync = flush == words.end() ? seed % 2 == 1 : flush->second == "sync";
    const char* mode = sync ? "sync" : "async";
    PowerCut run({.seed = seed,
                  .mode = sync ? FlushMode::kSync : FlushMode::kAsync,
                  .only_operation = NumberIn(words, "operation", 0),
                  .images_max = wanted - images,
                  .trace = words.contains("trace")});
    const auto complaints = run.Run();
    images += run.images();
    for (const auto& [way, count] : run.tally()) tally[way] += count;
    std::printf("%s seed %llu, %s flush: %llu images of %llu disk operations, %zu records acknowledged\n",
                complaints.empty() ? "ok    " : "FAILED", static_cast<unsigned long long>(seed), mode,
                static_cast<unsigned long long>(run.images()),
                static_cast<unsigned long long>(run.operations()), run.acked_records());
    std::fflush(stdout);
    PrintComplaints(complaints);
    ++(complaints.empty() ? passed : failed);
    if (!complaints.empty()) {
      std::printf("  to repeat: store_campaign power-cut --flush %s --seed %llu [--operation N]\n", mode,
                  static_cast<unsigned long long>(seed));
    }
    if (run.images() == 0 || words.contains("operation")) break;
  }
  for (const auto& [way, count] : tally) {
    std::printf("%8llu images: %s\n", static_cast<unsigned long long>(count), way.c_str());
  }
  std::printf("%llu images\n", static_cast<unsigned long long>(images));
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}

// One kind of fault at every call of a store's life, one life per call.
struct FaultKind {
  const char* name;
  Fault::Error error;
  Fault::Lasts lasts;
};
constexpr FaultKind kFaultKinds[] = {
    {"EIO once", Fault::Error::kIo, Fault::Lasts::kOnce},
    {"EIO from then on", Fault::Error::kIo, Fault::Lasts::kForGood},
    {"ENOSPC once", Fault::Error::kSpace, Fault::Lasts::kOnce},
    {"ENOSPC from then on", Fault::Error::kSpace, Fault::Lasts::kForGood},
};

struct FaultTally {
  uint64_t calls = 0;
  uint64_t hit = 0;
  uint64_t refused_open = 0;
  uint64_t refused_write = 0;
  std::map<std::string, uint64_t> by_operation;

  void Print(const char* kind, const char* mode, bool ok) const {
    std::printf(
        "%s %s, %s flush: %llu of %llu calls failed; the start failed in %llu lives, a write in %llu\n",
        ok ? "ok    " : "FAILED", kind, mode, static_cast<unsigned long long>(hit),
        static_cast<unsigned long long>(calls), static_cast<unsigned long long>(refused_open),
        static_cast<unsigned long long>(refused_write));
    std::printf("      ");
    for (const auto& [operation, count] : by_operation) {
      std::printf(" %s %llu", operation.c_str(), static_cast<unsigned long long>(count));
    }
    std::printf("\n");
  }
};

bool RunFaultKind(const FaultKind& kind, FlushMode mode, uint64_t every, uint64_t only) {
  ErrorSite peace({.mode = mode, .fault = {}});
  auto complaints = peace.Run();
  if (!peace.opened_always() || !peace.wrote_always()) complaints.push_back("it fails without a fault");
  FaultTally tally;
  tally.calls = peace.plan().calls;
  for (uint64_t at = only != 0 ? only : 1; at <= tally.calls && complaints.empty(); at += every) {
    ErrorSite site({.mode = mode, .fault = {.at = at, .error = kind.error, .lasts = kind.lasts}});
    complaints = site.Run();
    for (std::string& complaint : complaints) {
      complaint = StrCat("call ", at, " (", site.plan().hit, "): ", complaint);
    }
    if (!site.plan().hit.empty()) {
      ++tally.hit;
      ++tally.by_operation[site.plan().hit.substr(0, site.plan().hit.find(' '))];
      if (!site.opened_always()) ++tally.refused_open;
      if (!site.wrote_always()) ++tally.refused_write;
    }
    if (only != 0) break;
  }
  tally.Print(kind.name, mode == FlushMode::kSync ? "sync" : "async", complaints.empty());
  PrintComplaints(complaints);
  std::fflush(stdout);
  return complaints.empty();
}

int Errors(const Words& words) {
  int passed = 0;
  int failed = 0;
  const auto flush = words.find("flush");
  for (const FlushMode mode : {FlushMode::kSync, FlushMode::kAsync}) {
    if (flush != words.end() && (flush->second == "sync") != (mode == FlushMode::kSync)) continue;
    for (const FaultKind& kind : kFaultKinds) {
      const bool ok = RunFaultKind(kind, mode, NumberIn(words, "every", 1), NumberIn(words, "call", 0));
      ++(ok ? passed : failed);
    }
  }
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}

int Rot(const Words& words) {
  const uint64_t first = NumberIn(words, "first", 1);
  const uint64_t count = NumberIn(words, "count", 2000);
  BitRot rot(NumberIn(words, "seed", 1));
  int failed = 0;
  for (uint64_t i = first; i < first + count && failed < 10; ++i) {
    const auto complaints = rot.Try(i);
    if (complaints.empty()) continue;
    ++failed;
    std::printf("FAILED damage %llu; to repeat: store_campaign rot --first %llu --count 1\n",
                static_cast<unsigned long long>(i), static_cast<unsigned long long>(i));
    PrintComplaints(complaints);
  }
  int passed = 0;
  for (const auto& [kind, tally] : rot.tally()) {
    ++passed;
    std::printf("%-22s damaged %6llu times: refused %llu, log cut %llu; records not delivered %llu\n",
                kind.c_str(), static_cast<unsigned long long>(tally.tried),
                static_cast<unsigned long long>(tally.refused), static_cast<unsigned long long>(tally.cut),
                static_cast<unsigned long long>(tally.undelivered));
  }
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}

int Usage() {
  std::fprintf(stderr,
               "usage: store_campaign power-cut [--images N] [--seed S] [--flush sync|async]"
               " [--operation N [--trace yes]]\n"
               "       store_campaign errors [--every K] [--flush sync|async] [--call N]\n"
               "       store_campaign rot [--count N] [--first N] [--seed S]\n");
  return 2;
}

int Main(int argc, char** argv) {
  Words words;
  for (int i = 2; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    if (!name.starts_with("--")) return Usage();
    words[std::string(name.substr(2))] = argv[i + 1];
  }
  const std::string_view command = argc > 1 ? argv[1] : "";
  if (command == "power-cut") return PowerCuts(words);
  if (command == "errors") return Errors(words);
  if (command == "rot") return Rot(words);
  return Usage();
}

}  // namespace
}  // namespace orbitmq::store

int main(int argc, char** argv) { return orbitmq::store::Main(argc, argv); }
