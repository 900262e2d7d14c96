// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "broker/state/topic_table.h"
#include "common/clock.h"
#include "common/metrics.h"
#include "remoting/protocol/stats_bodies.h"

namespace orbitmq::broker {

// A named statistic and its history at 10 s for the last hour; the day is counted by hours.
// Threads: counting from any; the marks under BrokerStats's lock.
struct StatsItem {
  void Count(int64_t value) {
    sum.fetch_add(value, std::memory_order_relaxed);
    calls.fetch_add(1, std::memory_order_relaxed);
  }
  std::atomic<int64_t> sum{0};
  std::atomic<int64_t> calls{0};
  struct Mark {
    MonoTime at;
    int64_t sum = 0;
    int64_t calls = 0;
  };
  std::deque<Mark> marks;       // Every 10 s, at most an hour.
  std::deque<Mark> hour_marks;  // Every hour, at most a day.
};

// What the broker counts: totals and rates of runtime info (store.md 11.8), and the named statistics that
// VIEW_BROKER_STATS_DATA asks for.
// Threads: counting from any thread; Sample on the housekeeping executor.
class BrokerStats final {
 public:
  BrokerStats(const Clock& clock, std::string cluster);

  void Put(const TopicEntry& topic, int64_t messages, int64_t bytes, Duration took);
  void PutFailed() { put_failed_.Add(); }
  void Got(std::string_view topic, std::string_view group, int64_t messages, int64_t bytes);
  void GotNothing() { get_miss_.Add(); }
  void SentBack(std::string_view topic, std::string_view group);

  // Called once a second.
  void Sample();

  struct Totals {
    int64_t put = 0;
    int64_t put_bytes = 0;
    int64_t put_failed = 0;
    int64_t put_ms_max = 0;
    int64_t got = 0;
    int64_t put_today_morning = 0;
    int64_t put_yesterday_morning = 0;
    int64_t got_today_morning = 0;
    int64_t got_yesterday_morning = 0;
  };
  Totals totals() const;
  double put_ms_quantile(double q) const { return static_cast<double>(put_us_.Quantile(q)) / 1000.0; }

  // Rates over the last 10 s, 1 min and 10 min, as Apache writes them: Java doubles with a space behind each,
  // a window without history is missing (errata 10).
  enum class Rate : uint8_t { kPut, kGetFound, kGetMiss, kGetTotal, kTransferred };
  std::string RateText(Rate rate) const;
  double PerSecond(Rate rate) const;  // Over the last 10 s or what there is of them.

  // What was counted under a name since the start, by key, sorted.
  std::map<std::string, int64_t> Sums(std::string_view name) const;
  const Histogram& put_us() const { return put_us_; }

  // nullopt for a name and key that nothing was counted for.
  std::optional<proto::BrokerStatsData> Named(std::string_view name, std::string_view key) const;
  double TopicPutPerSecond(std::string_view topic) const;
  double GroupGetPerSecond(std::string_view topic, std::string_view group) const;
  void ForgetTopic(std::string_view topic);
  void ForgetGroup(std::string_view group);

 private:
  struct Point {
    MonoTime at;
    int64_t put = 0;
    int64_t found = 0;
    int64_t miss = 0;
    int64_t transferred = 0;
  };
  static int64_t ValueOf(const Point& point, Rate rate);
  Point Now() const;
  std::optional<double> Over(Rate rate, Duration window) const ORBITMQ_REQUIRES(mutex_);

  // Null when there are too many. Makes it where there is none.
  std::shared_ptr<StatsItem> FindOrMake(std::string_view name, std::string_view key);
  // What a group got of a topic; looked up once per pull.
  struct GroupTraffic {
    std::shared_ptr<StatsItem> messages;
    std::shared_ptr<StatsItem> bytes;
  };
  GroupTraffic TrafficOf(std::string_view topic, std::string_view group);
  void Count(std::string_view name, std::string_view key, int64_t value);
  std::shared_ptr<StatsItem> Find(std::string_view name, std::string_view key) const;
  static proto::BrokerStatsItem Window(const StatsItem& item, const std::deque<StatsItem::Mark>& marks,
                                       MonoTime now, Duration window);

  static constexpr size_t kItemsMax = 100'000;
  const Clock& clock_;
  const std::string cluster_;
  Counter put_;
  Counter put_bytes_;
  Counter put_failed_;
  Counter got_;
  Counter get_found_;
  Counter get_miss_;
  Counter transferred_;
  Histogram put_us_;
  std::once_flag cluster_once_;
  std::shared_ptr<StatsItem> cluster_put_;
  std::once_flag cluster_got_once_;
  std::shared_ptr<StatsItem> cluster_got_;
  mutable Mutex mutex_;
  std::deque<Point> points_ ORBITMQ_GUARDED_BY(mutex_);
  NameMap<std::shared_ptr<StatsItem>> items_ ORBITMQ_GUARDED_BY(mutex_);
  NameMap<GroupTraffic> groups_ ORBITMQ_GUARDED_BY(mutex_);  // By topic@group; of items in items_.
  int64_t day_ ORBITMQ_GUARDED_BY(mutex_) = -1;
  Totals mornings_ ORBITMQ_GUARDED_BY(mutex_);
};

}  // namespace orbitmq::broker
