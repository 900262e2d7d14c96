// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <vector>

#include "tools/mqstore/findings.h"
#include "tools/mqstore/log_walk.h"
#include "tools/mqstore/store_directory.h"

namespace orbitmq::tools {

// What was looked at, and what repair needs to know.
struct VerifyResult {
  int64_t records = 0;
  int64_t queues = 0;
  int64_t queue_entries = 0;
  int64_t index_entries = 0;
  LogOffset log_begin;
  LogOffset log_end;
  std::vector<QueueKey> queues_in_log;      // Those of which the log holds messages.
  std::vector<LogWalk::Damage> log_damage;  // In the order of the log; a torn tail is the last.
  bool crashed = false;
  Findings findings;
};

// Looks at everything in a store: each record of the log, queues and index against the log, checkpoints and
// JSON files. Changes nothing. An error means that it could not look (the disk); damage is a finding.
Result<VerifyResult> VerifyStore(StoreDirectory& store);

// The last parts of it: checkpoints, and the files in config/.
struct LogFacts {
  LogOffset begin;
  LogOffset end;
  int64_t newest_store_time_ms = 0;
  const std::map<QueueKey, QueueOffset>& queue_ends;
};
void CheckCheckpoints(StoreDirectory& store, const LogFacts& facts, Findings& findings);
void CheckConfig(StoreDirectory& store, const LogFacts& facts, Findings& findings);

}  // namespace orbitmq::tools
