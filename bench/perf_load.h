// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "bench/latency_histogram.h"
#include "common/env.h"
#include "remoting/protocol/command.h"
#include "remoting/rpc_client.h"

namespace orbitmq::bench {

// A queue of the topic under load and where its broker listens.
struct PerfQueue {
  std::string broker_name;
  int32_t queue_id = 0;
  Endpoint address;
};

struct PerfPlan {
  std::string topic;
  std::string group;
  std::vector<PerfQueue> queues;
  size_t in_flight = 64;     // Sends under way on each connection.
  size_t body_bytes = 1024;  // At least 8: the first ones carry the send time.
  uint64_t send_count = 0;   // Of each connection; 0 = until Stop.
  double send_rate = 0;      // Of each connection, messages a second; 0 = as fast as answers come.
  Duration send_timeout = std::chrono::seconds(10);
  int32_t pull_batch = 32;
  int32_t topic_queue_count = 8;  // For a topic that the broker makes.
};

// What one connection did; merged for the report.
struct PerfTally {
  uint64_t sent = 0;
  uint64_t send_failed = 0;
  uint64_t received = 0;
  uint64_t received_bytes = 0;
  LatencyHistogram send_latency;
  LatencyHistogram end_to_end;  // From the send time in the body to the arrival of the pull reply.
  std::map<std::string, uint64_t> errors;

  void Merge(const PerfTally& other);
};

// One connection that sends with a bounded number of requests in flight.
// Threads: owned by its loop. With a rate, latency counts from the moment at which the message was due, so
// that a stall shows in full.
class SendLoad final {
 public:
  SendLoad(Env& env, Executor& loop, const PerfPlan& plan, size_t first_queue);
  void Start(Completion<Done> done);
  void Stop() { stopping_ = true; }
  // Forgets what was counted so far (the warm-up).
  void Reset() { tally_ = {}; }
  void Close() { rpc_->Shutdown(); }
  const PerfTally& tally() const { return tally_; }

 private:
  void Pump();
  void SendOne(MonoTime due);
  void OnReply(MonoTime due, const Result<proto::Command>& reply);
  void CheckDone();

  Env& env_;
  Executor& loop_;
  const PerfPlan& plan_;
  std::unique_ptr<net::RpcClient> rpc_;
  std::vector<proto::Command> requests_;  // One for each queue, but for time and body.
  Bytes filler_;
  size_t next_queue_;
  uint64_t started_ = 0;
  size_t in_flight_ = 0;
  bool stopping_ = false;
  MonoTime began_{};
  Timer timer_;
  Completion<Done> done_;
  PerfTally tally_;
};

// One connection that pulls some of the queues.
// Threads: owned by its loop.
class PullLoad final {
 public:
  enum class From : uint8_t { kFirst, kLast };
  PullLoad(Env& env, Executor& loop, const PerfPlan& plan, std::vector<PerfQueue> queues, From from);
  // Ends when the offsets to begin at are known.
  void Start(Completion<Done> ready);
  void Reset() { tally_ = {}; }
  // Completes pulls under way as failures that are not counted.
  void Close();
  const PerfTally& tally() const { return tally_; }

 private:
  struct Queue {
    PerfQueue where;
    int64_t next = 0;
  };
  void Locate(size_t index);
  void Pull(size_t index);
  void OnReply(size_t index, const Result<proto::Command>& reply);

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
};

}  // namespace orbitmq::bench
