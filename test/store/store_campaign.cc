// SPDX-License-Identifier: Apache-2.0
// The long tests of the store, by hand (test/campaign.sh) and in slices (ctest):
//
//   store_campaign power-cut [--images N] [--seed S] [--flush sync|async] [--operation N [--trace yes]]
//
// Each prints one line per seed and ends with `N passed, N failed`; a failure says how to repeat it.
#include <cstdio>
#include <map>
#include <string>
#include <string_view>
#include <vector>

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

int Usage() {
  std::fprintf(
      stderr,
      "usage: store_campaign power-cut [--images N] [--seed S] [--flush sync|async] [--operation N]\n");
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
  return Usage();
}

}  // namespace
}  // namespace orbitmq::store

int main(int argc, char** argv) { return orbitmq::store::Main(argc, argv); }
