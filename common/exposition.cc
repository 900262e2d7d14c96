// SPDX-License-Identifier: Apache-2.0
#include "common/exposition.h"

#include <cmath>

#include "common/metrics.h"
#include "common/strings.h"

namespace orbitmq {
namespace {

constexpr double kQuantiles[] = {0.5, 0.9, 0.99, 0.999};

void AppendLabelValue(std::string& out, std::string_view value) {
  for (const char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
}

std::string LabelText(const MetricLabels& labels, std::string_view extra = {}) {
  if (labels.empty() && extra.empty()) return {};
  std::string out = "{";
  for (const auto& [name, value] : labels) {
    if (out.size() > 1) out += ',';
    out.append(name).append("=\"");
    AppendLabelValue(out, value);
    out += '"';
  }
  if (!extra.empty()) {
    if (out.size() > 1) out += ',';
    out.append(extra);
  }
  return out += '}';
}

void AppendSample(std::string& out, std::string_view name, std::string_view labels, const auto& value) {
  StrAppend(out, name, labels, ' ', value, '\n');
}

std::string_view TypeName(Exposition::Type type) {
  switch (type) {
    case Exposition::Type::kCounter:
      return "counter";
    case Exposition::Type::kSummary:
      return "summary";
    case Exposition::Type::kGauge:
      break;
  }
  return "gauge";
}

}  // namespace

void Exposition::Family(std::string_view name, Type type, std::string_view help) {
  name_ = name;
  series_ = 0;
  StrAppend(text_, "# HELP ", name, ' ', help, "\n# TYPE ", name, ' ', TypeName(type), '\n');
}

bool Exposition::Fits() {
  if (++series_ <= series_max_) return true;
  ++left_out_;
  return false;
}

void Exposition::Sample(const MetricLabels& labels, int64_t value) {
  if (Fits()) AppendSample(text_, name_, LabelText(labels), value);
}

void Exposition::Sample(const MetricLabels& labels, double value) {
  if (!Fits()) return;
  if (std::isnan(value)) return AppendSample(text_, name_, LabelText(labels), "NaN");
  AppendSample(text_, name_, LabelText(labels), value);
}

void Exposition::Sample(const MetricLabels& labels, const Histogram& histogram) {
  if (!Fits()) return;
  for (const double q : kQuantiles) {
    AppendSample(text_, name_, LabelText(labels, StrCat("quantile=\"", q, '"')), histogram.Quantile(q));
  }
  const std::string text = LabelText(labels);
  AppendSample(text_, StrCat(name_, "_sum"), text, histogram.sum());
  AppendSample(text_, StrCat(name_, "_count"), text, histogram.count());
}

}  // namespace orbitmq
