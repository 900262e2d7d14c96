// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/exposition.h"
#include "common/mutex.h"
#include "common/task.h"

namespace orbitmq {

// A count that only grows. Threads: any, lock-free.
class Counter final {
 public:
  void Add(uint64_t n = 1) noexcept { value_.fetch_add(n, std::memory_order_relaxed); }
  uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

// A level that goes up and down. Threads: any, lock-free.
class Gauge final {
 public:
  void Set(int64_t value) noexcept { value_.store(value, std::memory_order_relaxed); }
  void Add(int64_t n) noexcept { value_.fetch_add(n, std::memory_order_relaxed); }
  int64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_{0};
};

// How often values of which size came. Buckets are powers of two with four steps each, so a quantile is at
// most 1/4 too high over the whole range of int64; no set-up, no allocation. Threads: any, lock-free; a
// reader sees each value in at most one bucket, counts of concurrent writers may be missing.
class Histogram final {
 public:
  void Record(int64_t value) noexcept;  // Negative counts as 0.
  uint64_t count() const noexcept;
  int64_t sum() const noexcept { return sum_.load(std::memory_order_relaxed); }
  int64_t max() const noexcept { return max_.load(std::memory_order_relaxed); }
  // The upper end of the bucket that holds the q-quantile (0 <= q <= 1), at most max(); 0 without values.
  int64_t Quantile(double q) const noexcept;

 private:
  static constexpr size_t kBuckets = 252;
  static size_t BucketOf(uint64_t value) noexcept;
  static uint64_t UpperEnd(size_t bucket) noexcept;
  std::array<std::atomic<uint64_t>, kBuckets> buckets_{};
  std::atomic<int64_t> sum_{0};
  std::atomic<int64_t> max_{0};
};

// Owns the metrics of a process. Names: rocketmq_<module>_<noun>_<unit>; labels must be bounded (no keys, no
// client ids). Asking twice for the same name and labels gives the same object; asking for it with another
// type is a programmer error. Objects live as long as the registry. Threads: any.
class MetricRegistry final {
 public:
  MetricRegistry();
  ~MetricRegistry();
  MetricRegistry(const MetricRegistry&) = delete;
  MetricRegistry& operator=(const MetricRegistry&) = delete;

  Counter& NewCounter(std::string_view name, std::string_view help, MetricLabels labels = {});
  Gauge& NewGauge(std::string_view name, std::string_view help, MetricLabels labels = {});
  Histogram& NewHistogram(std::string_view name, std::string_view help, MetricLabels labels = {});
  // Read at each exposition, on the exposing thread; must not use the registry.
  void AddGaugeFunction(std::string_view name, std::string_view help, MetricLabels labels,
                        UniqueFunction<int64_t()> read);

  // The text of Exposition, sorted by name; histograms are summaries.
  std::string Expose();

 private:
  struct Metric;
  Metric& Entry(std::string_view name, std::string_view help, MetricLabels labels, int type)
      ORBITMQ_REQUIRES(mutex_);
  Mutex mutex_;
  std::vector<std::unique_ptr<Metric>> metrics_ ORBITMQ_GUARDED_BY(mutex_);
};

}  // namespace orbitmq
