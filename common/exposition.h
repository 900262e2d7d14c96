// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace orbitmq {

class Histogram;

// Names and values, in the order in which they are written.
using MetricLabels = std::vector<std::pair<std::string, std::string>>;

// Writes figures as Prometheus reads them.
// Format: text 0.0.4: `# HELP`, `# TYPE`, then one line per series; backslash, quote and line feed are
// escaped.
class Exposition final {
 public:
  // Families have at most `series_max` series each; what goes beyond is counted in left_out().
  explicit Exposition(size_t series_max = SIZE_MAX) : series_max_(series_max) {}
  enum class Type : uint8_t { kCounter, kGauge, kSummary };
  // The samples that follow belong to it. Each name once.
  void Family(std::string_view name, Type type, std::string_view help);
  void Sample(const MetricLabels& labels, int64_t value);
  void Sample(const MetricLabels& labels, double value);
  // Quantiles 0.5, 0.9, 0.99 and 0.999, sum and count.
  void Sample(const MetricLabels& labels, const Histogram& histogram);
  size_t left_out() const { return left_out_; }
  std::string Take() { return std::move(text_); }

 private:
  bool Fits();
  const size_t series_max_;
  std::string text_;
  std::string name_;
  size_t series_ = 0;  // Of the family.
  size_t left_out_ = 0;
};

}  // namespace orbitmq
