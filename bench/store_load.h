// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "common/latency_histogram.h"
#include "bench/thread_times.h"
#include "common/env.h"
#include "common/pulse.h"
#include "store/message_store.h"

namespace orbitmq::bench {

inline constexpr int kLoadQueues = 8;

struct LoadResult {
  int64_t records = 0;
  int64_t failed = 0;
  std::string first_failure;
  double seconds = 0;
  ThreadTimes cpu;  // All threads of the process, from the first append until everything was dispatched.
  LatencyHistogram latency;
  void Merge(const LoadResult& other);
  double per_second() const { return seconds > 0 ? static_cast<double>(records) / seconds : 0; }
  double cpu_us_each() const {
    return records > 0 ? static_cast<double>(Total(cpu)) / 1e3 / static_cast<double>(records) : 0;
  }
};

struct AppendPlan {
  std::string topic = "bench";
  int64_t records = 0;
  int64_t in_flight = 1;
  double rate = 0;  // Records a second; 0 = as fast as answers come.
  size_t body_bytes = 1024;
};

// One appender that behaves like a broker's I/O thread: it encodes records (with their CRC), appends them and
// is told on its own executor. With a rate latency counts from the moment at which the record was due, so
// that a stall shows in full.
// Threads: Run on any thread but the store's and `loop`; blocks.
class AppendLoad final {
 public:
  AppendLoad(Env& env, Executor& loop, store::MessageStore& store) : env_(env), loop_(loop), store_(store) {}
  LoadResult Run(const AppendPlan& plan);

 private:
  Progress Feed();
  void AppendOne(MonoTime due);
  void FillRecord(int64_t number, RecordDraft& draft);
  void Ended(int64_t number, const Status& status);

  Env& env_;
  Executor& loop_;
  store::MessageStore& store_;
  AppendPlan plan_;
  std::string body_;
  std::string properties_;
  MonoTime began_{};
  int64_t issued_ = 0;
  std::atomic<int64_t> ended_{0};
  std::atomic<int64_t> failed_{0};
  std::string first_failure_;
  std::vector<int64_t> due_;      // Nanoseconds since began_.
  std::vector<int64_t> latency_;  // By record number; each is written once.
  Pulse* pulse_ = nullptr;
  Timer timer_;
  std::atomic<bool> over_{false};
};

// Reads every queue of a topic from `from` on, in turns, with pulls of `batch` messages.
struct ReadPlan {
  std::string topic = "bench";
  int32_t batch = 32;
  int64_t records_max = INT64_MAX;
  const std::atomic<bool>* stop = nullptr;
};
LoadResult ReadBacklog(Env& env, store::MessageStore& store, const ReadPlan& plan);

}  // namespace orbitmq::bench
