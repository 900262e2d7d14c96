// SPDX-License-Identifier: Apache-2.0
#include "common/metrics.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "common/check.h"
#include "common/strings.h"

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

enum class MetricType { kCounter, kGauge, kHistogram, kGaugeFunction };

struct MetricRegistry::Metric {
  std::string name;
  std::string help;
  MetricLabels labels;
  MetricType type = MetricType::kCounter;
  Counter counter;
  Gauge gauge;
  std::unique_ptr<Histogram> histogram;
  UniqueFunction<int64_t()> read;

  Exposition::Type ExposedType() const {
    switch (type) {
      case MetricType::kCounter:
        return Exposition::Type::kCounter;
      case MetricType::kHistogram:
        return Exposition::Type::kSummary;
      default:
        return Exposition::Type::kGauge;
    }
  }

  void Expose(Exposition& out) {
    switch (type) {
      case MetricType::kCounter:
        return out.Sample(labels, static_cast<int64_t>(counter.value()));
      case MetricType::kGauge:
        return out.Sample(labels, gauge.value());
      case MetricType::kGaugeFunction:
        return out.Sample(labels, read());
      case MetricType::kHistogram:
        return out.Sample(labels, *histogram);
    }
  }
};

MetricRegistry::MetricRegistry() = default;
MetricRegistry::~MetricRegistry() = default;

MetricRegistry::Metric& MetricRegistry::Entry(std::string_view name, std::string_view help,
                                              MetricLabels labels, int type) {
  const auto wanted = static_cast<MetricType>(type);
  for (const auto& metric : metrics_) {
    if (metric->name != name) continue;
    ORBITMQ_CHECK(metric->type == wanted ||
                      (metric->ExposedType() == Exposition::Type::kGauge && wanted != MetricType::kCounter &&
                       wanted != MetricType::kHistogram),
                  "one metric name with two types");
    if (metric->labels == labels) {
      ORBITMQ_CHECK(metric->type == wanted, "one metric with two types");
      return *metric;
    }
  }
  auto metric = std::make_unique<Metric>();
  metric->name = name;
  metric->help = help;
  metric->labels = std::move(labels);
  metric->type = wanted;
  if (wanted == MetricType::kHistogram) metric->histogram = std::make_unique<Histogram>();
  metrics_.push_back(std::move(metric));
  return *metrics_.back();
}

Counter& MetricRegistry::NewCounter(std::string_view name, std::string_view help, MetricLabels labels) {
  const MutexLock lock(mutex_);
  return Entry(name, help, std::move(labels), static_cast<int>(MetricType::kCounter)).counter;
}

Gauge& MetricRegistry::NewGauge(std::string_view name, std::string_view help, MetricLabels labels) {
  const MutexLock lock(mutex_);
  return Entry(name, help, std::move(labels), static_cast<int>(MetricType::kGauge)).gauge;
}

Histogram& MetricRegistry::NewHistogram(std::string_view name, std::string_view help, MetricLabels labels) {
  const MutexLock lock(mutex_);
  return *Entry(name, help, std::move(labels), static_cast<int>(MetricType::kHistogram)).histogram;
}

void MetricRegistry::AddGaugeFunction(std::string_view name, std::string_view help, MetricLabels labels,
                                      UniqueFunction<int64_t()> read) {
  const MutexLock lock(mutex_);
  Metric& metric = Entry(name, help, std::move(labels), static_cast<int>(MetricType::kGaugeFunction));
  ORBITMQ_CHECK(!metric.read, "one gauge function added twice");
  metric.read = std::move(read);
}

std::string MetricRegistry::Expose() {
  std::vector<Metric*> sorted;
  {
    // Gauge functions are foreign code: they run without the lock. Metrics are never removed.
    const MutexLock lock(mutex_);
    for (const auto& metric : metrics_) sorted.push_back(metric.get());
  }
  std::sort(sorted.begin(), sorted.end(), [](const Metric* a, const Metric* b) {
    return a->name != b->name ? a->name < b->name : a->labels < b->labels;
  });
  Exposition out;
  std::string_view last;
  for (Metric* metric : sorted) {
    if (metric->name != last) out.Family(metric->name, metric->ExposedType(), metric->help);
    last = metric->name;
    metric->Expose(out);
  }
  return out.Take();
}

}  // namespace orbitmq
