// SPDX-License-Identifier: Apache-2.0
#include "common/metrics.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace orbitmq {
namespace {

// Values below 2^kSubBits have a bucket each; above, each power of two has 2^kSubBits buckets.
constexpr unsigned kSubBits = 2;

}  // namespace

size_t Histogram::BucketOf(uint64_t value) noexcept {
  if (value < (1u << kSubBits)) return static_cast<size_t>(value);
  const unsigned exponent = static_cast<unsigned>(std::bit_width(value)) - 1;
  const uint64_t sub = (value >> (exponent - kSubBits)) & ((1u << kSubBits) - 1);
  return ((exponent - kSubBits + 1) << kSubBits) + static_cast<size_t>(sub);
}

uint64_t Histogram::UpperEnd(size_t bucket) noexcept {
  if (bucket < (1u << kSubBits)) return bucket;
  const unsigned shift = static_cast<unsigned>(bucket >> kSubBits) - 1;
  const uint64_t sub = (bucket & ((1u << kSubBits) - 1)) + (1u << kSubBits);
  return ((sub + 1) << shift) - 1;
}

void Histogram::Record(int64_t value) noexcept {
  value = std::max<int64_t>(value, 0);
  buckets_[BucketOf(static_cast<uint64_t>(value))].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
  int64_t seen = max_.load(std::memory_order_relaxed);
  while (value > seen && !max_.compare_exchange_weak(seen, value, std::memory_order_relaxed)) {
  }
}

uint64_t Histogram::count() const noexcept {
  uint64_t total = 0;
  for (const auto& bucket : buckets_) total += bucket.load(std::memory_order_relaxed);
  return total;
}

int64_t Histogram::Quantile(double q) const noexcept {
  const uint64_t total = count();
  if (total == 0) return 0;
  const double wanted = std::ceil(std::clamp(q, 0.0, 1.0) * static_cast<double>(total));
  const auto rank = std::max<uint64_t>(1, static_cast<uint64_t>(wanted));
  uint64_t seen = 0;
  for (size_t i = 0; i < kBuckets; ++i) {
    seen += buckets_[i].load(std::memory_order_relaxed);
    if (seen >= rank) return static_cast<int64_t>(std::min(UpperEnd(i), static_cast<uint64_t>(max())));
  }
  return max();
}

}  // namespace orbitmq
