// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace orbitmq {

// Counts durations in buckets that are at most 1.6 % wide, from 1 ns to an hour, in a fixed 16 KiB.
// Threads: one; merge the histograms of several.
class LatencyHistogram final {
 public:
  void Add(int64_t nanos) {
    const uint64_t value = nanos < 0 ? 0 : static_cast<uint64_t>(nanos);
    ++buckets_[IndexOf(value)];
    ++count_;
    if (value > max_) max_ = value;
  }
  void Merge(const LatencyHistogram& other) {
    for (size_t i = 0; i < buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
    count_ += other.count_;
    if (other.max_ > max_) max_ = other.max_;
  }
  uint64_t count() const { return count_; }
  double MaxMicros() const { return static_cast<double>(max_) / 1000.0; }
  // The upper edge of the bucket in which the quantile (0..1) lies, at most the maximum.
  double QuantileMicros(double quantile) const {
    const auto wanted = static_cast<uint64_t>(quantile * static_cast<double>(count_));
    uint64_t seen = 0;
    for (size_t i = 0; i < buckets_.size(); ++i) {
      seen += buckets_[i];
      if (seen > wanted) return static_cast<double>(std::min(UpperEdge(i), max_)) / 1000.0;
    }
    return MaxMicros();
  }

 private:
  static constexpr unsigned kSubBits = 6;  // 64 buckets for each power of two.
  static constexpr uint64_t kSub = uint64_t{1} << kSubBits;
  static constexpr size_t kBuckets = 2048;

  static size_t IndexOf(uint64_t value) {
    if (value < kSub) return static_cast<size_t>(value);
    const auto shift = static_cast<unsigned>(std::bit_width(value)) - 1 - kSubBits;
    const size_t index = (size_t{shift} + 1) * kSub + static_cast<size_t>((value >> shift) - kSub);
    return index < kBuckets ? index : kBuckets - 1;
  }
  static uint64_t UpperEdge(size_t index) {
    if (index < kSub) return index;
    const auto shift = static_cast<unsigned>(index / kSub - 1);
    return ((index % kSub + kSub + 1) << shift) - 1;
  }

  std::array<uint64_t, kBuckets> buckets_{};
  uint64_t count_ = 0;
  uint64_t max_ = 0;
};

}  // namespace orbitmq
