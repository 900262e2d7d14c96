// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "test/store/store_story.h"

namespace orbitmq::store {

// Lives a StoreStory on a simulated disk and, after every k-th operation that changes the disk, tries out
// what the store would make of a cut right there: of the page cache's loss in several ways, or of a kill -9.
// Every such image is opened, compared with what had been acknowledged by then, written to, closed, and
// opened again; one in four is cut once more while it recovers.
class PowerCut final {
 public:
  struct Options {
    uint64_t seed = 1;
    FlushMode mode = FlushMode::kSync;
    int steps = 60;
    uint64_t every = 5;           // k; which of the k operations is drawn from the seed.
    uint64_t only_operation = 0;  // Not 0: look at this one alone, and show the image's log.
    uint64_t images_max = 1'000'000;
    bool trace = false;  // Print every operation of the story.
  };
  explicit PowerCut(Options options);
  // Empty when all is well; the first image that is wrong ends the run.
  std::vector<std::string> Run();

  uint64_t operations() const { return operations_; }
  uint64_t images() const { return images_; }
  // How many images were made in which way.
  const std::map<std::string, uint64_t>& tally() const { return tally_; }
  size_t acked_records() const { return journal_.acked_records(); }

 private:
  struct Image;
  void OnOperation(const sim::SimDisk::Operation& operation);
  void TryImage(const sim::SimDisk& disk, const Journal& journal, Loss before, Random random, int depth);
  void Judge(StoreHarness& harness, Journal& journal, Loss loss, Random random, const std::string& where);
  void Complain(const StoreHarness& harness, const std::string& where, const std::string& text);

  const Options options_;
  StoreHarness live_;
  Journal journal_;
  StoreStory story_;
  uint64_t operations_ = 0;
  uint64_t images_ = 0;
  std::string at_;  // The operation, for complaints.
  std::map<std::string, uint64_t> tally_;
  std::vector<std::string> complaints_;
};

}  // namespace orbitmq::store
