// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "test/store/store_oracle.h"

namespace orbitmq::store {

// A life of a store, drawn from a seed: appends of single records and batches with every kind of promise,
// transactions' prepared records, rolls, pauses in which checkpoints are written and old files expire,
// topics deleted and made anew, clean restarts, kill -9, loss of power. The journal is told everything.
class StoreStory final {
 public:
  struct Events {
    bool crashes = true;
    bool power_cuts = true;
    bool deletions = true;
  };
  StoreStory(StoreHarness& harness, Journal& journal, uint64_t seed, Events events)
      : harness_(harness), journal_(journal), random_(seed), events_(events) {}
  // Small files, short intervals and a short retention, so that everything happens often.
  static void SetOptions(StoreOptions& options, FlushMode mode);

  // One event. What it finds wrong is added to complaints().
  void Step();
  // Compares everything with the journal, at rest.
  void Check();
  const std::vector<std::string>& complaints() const { return complaints_; }
  // What took the store down that it has not been compared since.
  Loss down_by() const { return down_by_; }
  int crashes() const { return crashes_; }
  int deletions() const { return deletions_; }

 private:
  void Append();
  void DeleteTopic();
  void Restart();
  void Crash();
  void Judge(Loss loss);
  void Complain(std::string text) { complaints_.push_back(std::move(text)); }
  bool OpenAgain();

  StoreHarness& harness_;
  Journal& journal_;
  Random random_;
  Events events_;
  Loss down_by_ = Loss::kNone;
  int crashes_ = 0;
  int deletions_ = 0;
  std::vector<std::string> complaints_;
};

}  // namespace orbitmq::store
