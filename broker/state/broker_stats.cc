// SPDX-License-Identifier: Apache-2.0
#include "broker/state/broker_stats.h"

#include <algorithm>
#include <utility>

#include "common/names.h"
#include "common/strings.h"
#include "remoting/protocol/json.h"

namespace orbitmq::broker {
namespace {

constexpr Duration kHistory = std::chrono::seconds(601);
constexpr Duration kMarkEvery = std::chrono::seconds(10);
constexpr Duration kHour = std::chrono::hours(1);
constexpr Duration kDay = std::chrono::hours(24);

double Seconds(Duration span) { return std::chrono::duration<double>(span).count(); }

}  // namespace

BrokerStats::BrokerStats(const Clock& clock, std::string cluster)
    : clock_(clock), cluster_(std::move(cluster)) {}

void BrokerStats::Put(const TopicEntry& topic, int64_t messages, int64_t bytes, Duration took) {
  put_.Add(static_cast<uint64_t>(messages));
  put_bytes_.Add(static_cast<uint64_t>(bytes));
  put_us_.Record(std::chrono::duration_cast<std::chrono::microseconds>(took).count());
  TopicTraffic& traffic = topic.traffic;
  std::call_once(traffic.once, [&] {
    traffic.messages = FindOrMake("TOPIC_PUT_NUMS", topic.config.topic_name);
    traffic.bytes = FindOrMake("TOPIC_PUT_SIZE", topic.config.topic_name);
  });
  std::call_once(cluster_once_, [&] { cluster_put_ = FindOrMake("BROKER_PUT_NUMS", cluster_); });
  if (traffic.messages != nullptr) traffic.messages->Count(messages);
  if (traffic.bytes != nullptr) traffic.bytes->Count(bytes);
  if (cluster_put_ != nullptr) cluster_put_->Count(messages);
}

void BrokerStats::Got(std::string_view topic, std::string_view group, int64_t messages, int64_t bytes) {
  got_.Add(static_cast<uint64_t>(messages));
  get_found_.Add();
  transferred_.Add(static_cast<uint64_t>(messages));
  const GroupTraffic traffic = TrafficOf(topic, group);
  if (traffic.messages != nullptr) traffic.messages->Count(messages);
  if (traffic.bytes != nullptr) traffic.bytes->Count(bytes);
  std::call_once(cluster_got_once_, [&] { cluster_got_ = FindOrMake("BROKER_GET_NUMS", cluster_); });
  if (cluster_got_ != nullptr) cluster_got_->Count(messages);
}

BrokerStats::GroupTraffic BrokerStats::TrafficOf(std::string_view topic, std::string_view group) {
  const std::string key = StrCat(topic, '@', group);
  {
    MutexLock lock(mutex_);
    if (const auto found = groups_.find(key); found != groups_.end()) return found->second;
  }
  GroupTraffic traffic{FindOrMake("GROUP_GET_NUMS", key), FindOrMake("GROUP_GET_SIZE", key)};
  // As many as there are items at most.
  if (traffic.messages != nullptr && traffic.bytes != nullptr) {
    MutexLock lock(mutex_);
    groups_.emplace(key, traffic);
  }
  return traffic;
}

void BrokerStats::SentBack(std::string_view topic, std::string_view group) {
  Count("SNDBCK_PUT_NUMS", StrCat(topic, '@', group), 1);
}

void BrokerStats::Count(std::string_view name, std::string_view key, int64_t value) {
  if (const auto item = FindOrMake(name, key)) item->Count(value);
}

std::shared_ptr<StatsItem> BrokerStats::FindOrMake(std::string_view name, std::string_view key) {
  std::string full = StrCat(name, '/', key);
  MutexLock lock(mutex_);
  const auto found = items_.find(full);
  if (found != items_.end()) return found->second;
  if (items_.size() >= kItemsMax) return nullptr;
  auto item = std::make_shared<StatsItem>();
  item->marks.push_back({clock_.Monotonic(), 0, 0});
  item->hour_marks.push_back(item->marks.front());
  items_.emplace(std::move(full), item);
  return item;
}

BrokerStats::Point BrokerStats::Now() const {
  Point point;
  point.at = clock_.Monotonic();
  point.put = static_cast<int64_t>(put_.value());
  point.found = static_cast<int64_t>(get_found_.value());
  point.miss = static_cast<int64_t>(get_miss_.value());
  point.transferred = static_cast<int64_t>(transferred_.value());
  return point;
}

void BrokerStats::Sample() {
  const Point point = Now();
  // The day changes at midnight of the wall clock's zone-free count, as the totals need one moment a day
  // only.
  const int64_t day = clock_.WallMillis() / (24 * 3600 * 1000LL);
  MutexLock lock(mutex_);
  points_.push_back(point);
  while (point.at - points_.front().at > kHistory) points_.pop_front();
  if (day != day_) {
    if (day_ >= 0) {
      mornings_.put_yesterday_morning = mornings_.put_today_morning;
      mornings_.got_yesterday_morning = mornings_.got_today_morning;
      mornings_.put_today_morning = static_cast<int64_t>(put_.value());
      mornings_.got_today_morning = static_cast<int64_t>(got_.value());
    }
    day_ = day;
  }
  for (auto& [name, item] : items_) {
    if (point.at - item->marks.back().at < kMarkEvery) continue;
    const StatsItem::Mark mark{point.at, item->sum.load(std::memory_order_relaxed),
                               item->calls.load(std::memory_order_relaxed)};
    item->marks.push_back(mark);
    while (point.at - item->marks.front().at > kHour + kMarkEvery) item->marks.pop_front();
    if (point.at - item->hour_marks.back().at < kHour) continue;
    item->hour_marks.push_back(mark);
    while (point.at - item->hour_marks.front().at > kDay + kHour) item->hour_marks.pop_front();
  }
}

BrokerStats::Totals BrokerStats::totals() const {
  Totals totals;
  {
    MutexLock lock(mutex_);
    totals = mornings_;
  }
  totals.put = static_cast<int64_t>(put_.value());
  totals.put_bytes = static_cast<int64_t>(put_bytes_.value());
  totals.put_failed = static_cast<int64_t>(put_failed_.value());
  totals.put_ms_max = put_us_.max() / 1000;
  totals.got = static_cast<int64_t>(got_.value());
  return totals;
}

int64_t BrokerStats::ValueOf(const Point& point, Rate rate) {
  switch (rate) {
    case Rate::kPut:
      return point.put;
    case Rate::kGetFound:
      return point.found;
    case Rate::kGetMiss:
      return point.miss;
    case Rate::kGetTotal:
      return point.found + point.miss;
    case Rate::kTransferred:
      return point.transferred;
  }
  return 0;
}

std::optional<double> BrokerStats::Over(Rate rate, Duration window) const {
  if (points_.empty()) return std::nullopt;
  const Point& last = points_.back();
  // The youngest point that lies a whole window back.
  const auto from = std::find_if(points_.rbegin(), points_.rend(),
                                 [&](const Point& point) { return last.at - point.at >= window; });
  if (from == points_.rend()) return std::nullopt;
  return static_cast<double>(ValueOf(last, rate) - ValueOf(*from, rate)) / Seconds(last.at - from->at);
}

std::string BrokerStats::RateText(Rate rate) const {
  std::string text;
  MutexLock lock(mutex_);
  for (const int seconds : {10, 60, 600}) {
    if (const auto value = Over(rate, std::chrono::seconds(seconds))) {
      StrAppend(text, proto::FormatJavaDouble(*value));
    }
    // clusterList splits at blanks and wants numbers, so a young broker tells 0.0 where Apache tells nothing.
    if (text.empty()) text = "0.0";
    if (seconds != 600) text.push_back(' ');
  }
  return text;
}

double BrokerStats::PerSecond(Rate rate) const {
  MutexLock lock(mutex_);
  if (const auto value = Over(rate, std::chrono::seconds(10))) return *value;
  return 0;
}

std::map<std::string, int64_t> BrokerStats::Sums(std::string_view name) const {
  const std::string front = StrCat(name, '/');
  std::map<std::string, int64_t> sums;
  MutexLock lock(mutex_);
  for (const auto& [full, item] : items_) {
    if (full.starts_with(front)) sums[full.substr(front.size())] = item->sum.load(std::memory_order_relaxed);
  }
  return sums;
}

std::shared_ptr<StatsItem> BrokerStats::Find(std::string_view name, std::string_view key) const {
  const std::string full = StrCat(name, '/', key);
  MutexLock lock(mutex_);
  const auto found = items_.find(full);
  return found == items_.end() ? nullptr : found->second;
}

proto::BrokerStatsItem BrokerStats::Window(const StatsItem& item, const std::deque<StatsItem::Mark>& marks,
                                           MonoTime now, Duration window) {
  proto::BrokerStatsItem out;
  const auto from = std::find_if(marks.begin(), marks.end(),
                                 [&](const StatsItem::Mark& mark) { return now - mark.at <= window; });
  if (from == marks.end()) return out;
  out.sum = item.sum.load(std::memory_order_relaxed) - from->sum;
  const int64_t calls = item.calls.load(std::memory_order_relaxed) - from->calls;
  // Ten messages within the first 3 ms are no rate of thousands a second.
  out.tps = static_cast<double>(out.sum) / Seconds(std::max<Duration>(now - from->at, kMarkEvery));
  out.avgpt = calls > 0 ? static_cast<double>(out.sum) / static_cast<double>(calls) : 0;
  return out;
}

std::optional<proto::BrokerStatsData> BrokerStats::Named(std::string_view name, std::string_view key) const {
  const auto item = Find(name, key);
  if (item == nullptr) return std::nullopt;
  const MonoTime now = clock_.Monotonic();
  proto::BrokerStatsData data;
  MutexLock lock(mutex_);
  data.stats_minute = Window(*item, item->marks, now, std::chrono::minutes(1));
  data.stats_hour = Window(*item, item->marks, now, kHour);
  data.stats_day = Window(*item, item->hour_marks, now, kDay);
  return data;
}

double BrokerStats::TopicPutPerSecond(std::string_view topic) const {
  const auto data = Named("TOPIC_PUT_NUMS", topic);
  return data ? data->stats_minute.tps : 0;
}

double BrokerStats::GroupGetPerSecond(std::string_view topic, std::string_view group) const {
  const auto data = Named("GROUP_GET_NUMS", StrCat(topic, '@', group));
  return data ? data->stats_minute.tps : 0;
}

void BrokerStats::ForgetTopic(std::string_view topic) {
  const std::string exact = StrCat('/', topic);
  const std::string with_group = StrCat('/', topic, '@');
  MutexLock lock(mutex_);
  std::erase_if(items_, [&](const auto& entry) {
    return entry.first.ends_with(exact) || entry.first.find(with_group) != std::string::npos;
  });
  const std::string_view front = std::string_view(with_group).substr(1);
  std::erase_if(groups_, [&](const auto& entry) { return entry.first.starts_with(front); });
}

void BrokerStats::ForgetGroup(std::string_view group) {
  const std::string ending = StrCat('@', group);
  MutexLock lock(mutex_);
  std::erase_if(items_, [&](const auto& entry) { return entry.first.ends_with(ending); });
  std::erase_if(groups_, [&](const auto& entry) { return entry.first.ends_with(ending); });
}

}  // namespace orbitmq::broker
