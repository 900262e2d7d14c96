// SPDX-License-Identifier: Apache-2.0
#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "common/exposition.h"
#include "common/latency_histogram.h"
#include "common/metrics.h"

namespace orbitmq {
namespace {

TEST(LatencyHistogram, Quantiles_AreAtMostTheMaximum) {
  LatencyHistogram latency;
  for (const int64_t nanos : {1000, 449'430'001}) latency.Add(nanos);
  EXPECT_EQ(latency.MaxMicros(), 449'430.001);
  EXPECT_EQ(latency.QuantileMicros(0.99), latency.MaxMicros());
  EXPECT_LT(latency.QuantileMicros(0.4), 1.1);
}

TEST(Histogram, Quantiles_AreAtMostAQuarterTooHigh) {
  Histogram histogram;
  for (int64_t i = 1; i <= 1000; ++i) histogram.Record(i);
  EXPECT_EQ(histogram.count(), 1000u);
  EXPECT_EQ(histogram.sum(), 500500);
  EXPECT_EQ(histogram.max(), 1000);
  for (const double q : {0.01, 0.5, 0.9, 0.99, 1.0}) {
    const double exact = q * 1000;
    EXPECT_GE(static_cast<double>(histogram.Quantile(q)), exact);
    EXPECT_LE(static_cast<double>(histogram.Quantile(q)), exact * 1.25);
  }
  EXPECT_EQ(histogram.Quantile(1.0), 1000);
}

TEST(Histogram, SmallAndExtremeValues_AreExactOrCapped) {
  Histogram histogram;
  EXPECT_EQ(histogram.Quantile(0.5), 0);
  histogram.Record(-5);
  EXPECT_EQ(histogram.Quantile(0.5), 0);
  EXPECT_EQ(histogram.max(), 0);
  Histogram one;
  for (int64_t i = 0; i < 4; ++i) one.Record(i);
  EXPECT_EQ(one.Quantile(0.5), 1);
  EXPECT_EQ(one.Quantile(2.0), 3);
  Histogram huge;
  huge.Record(std::numeric_limits<int64_t>::max());
  EXPECT_EQ(huge.Quantile(0.5), std::numeric_limits<int64_t>::max());
}

TEST(Exposition, IsPrometheusText) {
  Exposition out;
  out.Family("rocketmq_a_total", Exposition::Type::kCounter, "Things.");
  out.Sample({{"kind", "a\"b\\c\n"}}, int64_t{2});
  out.Family("rocketmq_b_bytes", Exposition::Type::kGauge, "Bytes.");
  out.Sample({}, int64_t{-3});
  Histogram histogram;
  histogram.Record(3);
  out.Family("rocketmq_d_micros", Exposition::Type::kSummary, "Time.");
  out.Sample({{"q", "x"}}, histogram);
  EXPECT_EQ(
      out.Take(),
      "# HELP rocketmq_a_total Things.\n# TYPE rocketmq_a_total counter\n"
      "rocketmq_a_total{kind=\"a\\\"b\\\\c\\n\"} 2\n"
      "# HELP rocketmq_b_bytes Bytes.\n# TYPE rocketmq_b_bytes gauge\nrocketmq_b_bytes -3\n"
      "# HELP rocketmq_d_micros Time.\n# TYPE rocketmq_d_micros summary\n"
      "rocketmq_d_micros{q=\"x\",quantile=\"0.5\"} 3\nrocketmq_d_micros{q=\"x\",quantile=\"0.9\"} 3\n"
      "rocketmq_d_micros{q=\"x\",quantile=\"0.99\"} 3\nrocketmq_d_micros{q=\"x\",quantile=\"0.999\"} 3\n"
      "rocketmq_d_micros_sum{q=\"x\"} 3\nrocketmq_d_micros_count{q=\"x\"} 1\n");
}

TEST(Exposition, MoreSeriesThanAllowed_AreCounted) {
  Exposition out(1);
  out.Family("rocketmq_a", Exposition::Type::kGauge, "A.");
  out.Sample({{"x", "1"}}, int64_t{1});
  out.Sample({{"x", "2"}}, int64_t{2});
  out.Family("rocketmq_b", Exposition::Type::kGauge, "B.");
  out.Sample({{"x", "1"}}, int64_t{3});
  EXPECT_EQ(out.left_out(), 1u);
  const std::string text = out.Take();
  EXPECT_EQ(text.find("rocketmq_a{x=\"2\"}"), std::string::npos) << text;
  EXPECT_NE(text.find("rocketmq_b{x=\"1\"} 3"), std::string::npos) << text;
}

}  // namespace
}  // namespace orbitmq
