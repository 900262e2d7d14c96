// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "broker/state/persisted_file.h"
#include "common/env.h"
#include "common/mutex.h"

namespace orbitmq::broker {

// Since when a broker leads its name, by which two masters of one name that find each other agree who goes
// on: the one that was made the master last. It begins when a slave becomes the master, or a master starts
// that has none; a restart keeps it, until its broker has led alone for a while; becoming a slave ends it.
//
// Threads: any; one leaf lock. Invariant: a claim that begins is later than every other that this broker
// heard of, whatever the clocks say. Format: <root>/orbitmq/leader_claim (docs/STORE_FORMAT.md): one line of
// text, replaced like the files in config/. Without it a master counts as the first to give way.
class LeaderClaim final {
 public:
  struct Parts {
    Env& env;
    Executor& disk;
    std::string path;
  };
  // A file that is damaged counts as none, with an error in the log. Blocks.
  static Result<std::unique_ptr<LeaderClaim>> Load(Parts parts);
  explicit LeaderClaim(Parts parts);

  // Epoch milliseconds by the clock of this machine; 0 = none.
  int64_t since_ms() const;
  // Keeps the claim that is there.
  void Begin();
  // Begins anew the claim that this start found on the disk. Once; one of this run stays.
  void RenewKept();
  void End();
  // What another broker of the name claims.
  void Heard(int64_t since_ms);

 private:
  Status Read(std::string_view text);
  std::string Render() const;

  Parts parts_;
  mutable Mutex mutex_;
  int64_t since_ms_ ORBITMQ_GUARDED_BY(mutex_) = 0;
  int64_t heard_ms_ ORBITMQ_GUARDED_BY(mutex_) = 0;  // The latest of others.
  bool kept_ ORBITMQ_GUARDED_BY(mutex_) = false;     // The claim is of a run before this one.
  PersistedFile file_;
};

}  // namespace orbitmq::broker
