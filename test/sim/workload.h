// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "test/sim/cluster.h"
#include "test/sim/pace.h"

namespace orbitmq::sim {

// The applications: sends a seeded mixture of single, keyed, tagged, delayed, one-way and batched messages
// through whatever producer is up, and writes down what it was told.
class Workload final {
 public:
  struct Counters {
    uint64_t sent = 0;
    uint64_t acked = 0;
    uint64_t maybe = 0;       // Failed, or one-way: may be stored.
    uint64_t not_stored = 0;  // Failed for certain.
    uint64_t batches = 0;
    uint64_t oneway = 0;
    uint64_t delayed = 0;
    uint64_t pending = 0;
  };

  Workload(World& world, Cluster& cluster);
  Workload(const Workload&) = delete;
  Workload& operator=(const Workload&) = delete;

  // Sends until `acked_min` messages are acknowledged, and until Finish.
  void Begin(uint64_t acked_min);
  // From now on only what is missing to the minimum.
  void Finish() { finishing_ = true; }
  // Plain messages to one topic, within about a tenth of a second.
  void SendBurst(int count);
  bool done() const { return finishing_ && counters_.acked >= acked_min_ && counters_.pending == 0; }
  const Counters& counters() const { return counters_; }

 private:
  void Tick();
  void SendSomething(client::ProducerCore& producer);
  void SendBatch(client::ProducerCore& producer);
  void SendOne(client::ProducerCore& producer);
  Message NewMessage(const char* topic);
  uint32_t NumberOfLast() const { return static_cast<uint32_t>(world_.facts.messages.size() - 1); }
  void OnResult(const std::vector<uint32_t>& numbers, const Result<SendResult>& result);
  void NoteAcked(const std::vector<uint32_t>& numbers, const SendResult& result);

  World& world_;
  Cluster& cluster_;
  Random random_;
  Pace pace_;
  uint64_t acked_min_ = 0;
  bool finishing_ = false;
  Counters counters_;
};

}  // namespace orbitmq::sim
