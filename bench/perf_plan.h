// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/latency_histogram.h"
#include "common/clock.h"
#include "common/endpoint.h"
#include "orbitmq/result.h"

namespace orbitmq::bench {

// A queue of the topic under load and where its broker listens.
struct PerfQueue {
  std::string broker_name;
  int32_t queue_id = 0;
  Endpoint address;
};

// The first bytes of a body: when the message was due to be sent (monotonic nanoseconds), and, where the body
// has room for it, the run that it belongs to, so that older messages of the topic are not taken for its own.
inline constexpr size_t kDueBytes = 8;
inline constexpr size_t kStampBytes = 16;

struct PerfPlan {
  std::string topic;
  std::string group;
  std::vector<PerfQueue> queues;
  size_t in_flight = 64;     // Sends under way on each connection.
  size_t body_bytes = 1024;  // At least kDueBytes.
  uint64_t send_count = 0;   // Of each connection; 0 = until Stop.
  double send_rate = 0;      // Of each connection, messages a second; 0 = as fast as answers come.
  Duration send_timeout = std::chrono::seconds(10);
  int32_t pull_batch = 32;
  int32_t topic_queue_count = 8;  // For a topic that the broker makes.
  uint64_t run_id = 0;            // Of this run's messages.
  int64_t backlog = 0;  // Pulling begins so many messages before the end of a queue; 0 = at its begin.
};

// What one connection did; merged for the report.
struct PerfTally {
  uint64_t sent = 0;
  uint64_t send_failed = 0;
  uint64_t received = 0;
  uint64_t received_own = 0;  // Of them, what this run has sent (all, where bodies are too short to tell).
  uint64_t received_body_bytes =
      0;  // Bodies only, as stored: what the application gets before decompression.
  LatencyHistogram send_latency;
  LatencyHistogram end_to_end;  // From the due time in the body to the arrival of the pull reply.
  std::map<std::string, uint64_t> errors;

  void Merge(const PerfTally& other);
  void CountError(const Status& status);
};

}  // namespace orbitmq::bench
