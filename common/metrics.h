// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace orbitmq {

// A count that only grows. Threads: any, lock-free.
class Counter final {
 public:
  void Add(uint64_t n = 1) noexcept { value_.fetch_add(n, std::memory_order_relaxed); }
  uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
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

}  // namespace orbitmq
