// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "bench/perf_plan.h"
#include "common/env.h"
#include "remoting/rpc_client.h"

namespace orbitmq::bench {

// One connection that pulls some of the queues.
// Threads: owned by its loop.
class PullLoad final {
 public:
  // kLoop: from the first message, and again from there whenever the end is reached: a backlog that lasts.
  enum class From : uint8_t { kFirst, kLast, kLoop };
  PullLoad(Env& env, Executor& loop, const PerfPlan& plan, std::vector<PerfQueue> queues, From from);
  // Ends when the offsets to begin at are known.
  void Start(Completion<Done> ready);
  void Reset() { tally_ = {}; }
  // Completes pulls under way as failures that are not counted.
  void Close();
  const PerfTally& tally() const { return tally_; }
  // Messages of this run since the start, warm-up included.
  uint64_t received_own() const { return received_own_; }

 private:
  struct Queue {
    PerfQueue where;
    int64_t first = 0;
    int64_t next = 0;
  };
  void Locate(size_t index);
  void Pull(size_t index);
  void OnReply(size_t index, const Result<proto::Command>& reply);
  void CountRecords(std::string_view records);

  Env& env_;
  Executor& loop_;
  const PerfPlan& plan_;
  const From from_;
  std::unique_ptr<net::RpcClient> rpc_;
  std::vector<Queue> queues_;
  size_t unlocated_;
  bool closed_ = false;
  std::vector<Timer> again_;
  Completion<Done> ready_;
  PerfTally tally_;
  uint64_t received_own_ = 0;
};

}  // namespace orbitmq::bench
