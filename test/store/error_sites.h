// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "test/store/faulty_harness.h"
#include "test/store/store_story.h"

namespace orbitmq::store {

// One life of a store in which the n-th call to the file system fails: made, written to, rolled, flushed,
// checkpointed, a topic deleted, old files expired, closed, opened, killed, opened. Whatever fails: every
// request is answered in time, a store that does not open or take writes says why, and after a restart
// without faults everything acknowledged is there.
class ErrorSite final {
 public:
  struct Options {
    FlushMode mode = FlushMode::kSync;
    Fault fault;
  };
  explicit ErrorSite(Options options);
  ~ErrorSite();
  // Empty when all is well.
  std::vector<std::string> Run();
  // How many calls the life makes when nothing fails, and which one failed.
  const FaultyFiles::Plan& plan() const { return *plan_; }
  bool opened_always() const { return opened_always_; }
  bool wrote_always() const { return wrote_always_; }

 private:
  bool Open();
  void Send(int count);
  void Leave();
  void CheckSpaceComesBack();
  void CheckAfterwards();

  const Options options_;
  std::shared_ptr<FaultyFiles::Plan> plan_;
  std::unique_ptr<FaultyHarness> harness_;
  Journal journal_;
  Loss down_by_ = Loss::kNone;
  bool opened_always_ = true;
  bool wrote_always_ = true;
  std::vector<std::string> complaints_;
};

}  // namespace orbitmq::store
