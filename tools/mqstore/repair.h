// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "common/env.h"
#include "tools/mqstore/verify.h"

namespace orbitmq::tools {

// Mends what can be mended without dropping a readable record, and keeps a copy of all it changes in
// <root>/orbitmq/repair-<UTC time>/:
//
//  - the torn tail of the log is cut;
//  - damaged bytes with records behind them are covered by records that stand in no queue (rolled back
//    transactions), so that every scan, Apache's too, steps over them;
//  - queues and index that disagree with the log are moved away and derived from it again. Queues of which
//    the log holds no message any more stay: only their files know their next offset.
//
// Threads: one.
class StoreRepair final {
 public:
  StoreRepair(Env& env, const StorePlace& place, const VerifyResult& found)
      : env_(env), place_(place), found_(found) {}

  enum class Rebuild : uint8_t { kIfNeeded, kAlways };
  // What Run would do, one sentence each; empty when there is nothing to do.
  Result<std::vector<std::string>> Plan(StoreDirectory& store, Rebuild rebuild);
  // Does it. `store` lets its lock go, because the store is opened to derive what is missing.
  Status Run(StoreDirectory& store);
  const std::string& kept_in() const { return folder_; }

 private:
  Status KeepBytes(StoreDirectory& store, const LogWalk::Damage& damage);
  Status Seal(StoreDirectory& store, const LogWalk::Damage& damage);
  Status SealPiece(const store::SegmentFile& segment, LogOffset begin, LogOffset end, WallTime store_time);
  Status WriteAt(const store::SegmentFile& segment, LogOffset at, std::string_view bytes);
  Status CutTail(StoreDirectory& store, const LogWalk::Damage& damage);
  Status MoveAway(const std::string& path);
  Status MoveDerived(StoreDirectory& store);
  bool KeepsQueue(const QueueKey& queue, const std::string& directory) const;

  Env& env_;
  const StorePlace& place_;
  const VerifyResult& found_;
  bool rebuild_ = false;
  std::string folder_;
};

// The least bytes that can be covered by a record.
inline constexpr int64_t kSealedBytesMin = 92;

}  // namespace orbitmq::tools
