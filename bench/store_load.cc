// SPDX-License-Identifier: Apache-2.0
#include "bench/store_load.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <thread>

#include "bench/leader_log.h"
#include "common/message_properties.h"

namespace orbitmq::bench {
namespace {

// What a record of a plain send carries (store.md 2.7); the digits of the key are replaced per record.
constexpr std::string_view kKeyPrefix = "7F0000012A9F4D5A1C3A";
constexpr size_t kKeyDigits = 12;

}  // namespace

void LoadResult::Merge(const LoadResult& other) {
  records += other.records;
  failed += other.failed;
  if (first_failure.empty()) first_failure = other.first_failure;
  seconds += other.seconds;
  for (const auto& [name, nanos] : other.cpu) cpu[name] += nanos;
  latency.Merge(other.latency);
}

LoadResult AppendLoad::Run(const AppendPlan& plan) {
  plan_ = plan;
  body_.assign(plan.body_bytes, 'b');
  properties_.clear();
  AppendProperty(properties_, property::kUniqueKey, std::string(kKeyPrefix) + std::string(kKeyDigits, '0'));
  AppendProperty(properties_, "WAIT", "true");
  AppendProperty(properties_, property::kCluster, "DefaultCluster");
  AppendProperty(properties_, property::kMsgRegion, "DefaultRegion");
  AppendProperty(properties_, property::kTraceSwitch, "true");
  issued_ = 0;
  ended_ = 0;
  failed_ = 0;
  over_ = false;
  due_.assign(static_cast<size_t>(plan.records), 0);
  latency_.assign(static_cast<size_t>(plan.records), 0);
  Pulse pulse(loop_, [this] { return Feed(); });
  pulse_ = &pulse;
  const ThreadTimes before = ReadThreadTimes();
  began_ = env_.clock().Monotonic();
  pulse.Signal();
  over_.wait(false);
  const MonoTime answered = env_.clock().Monotonic();
  // Dispatch belongs to the cost of a record.
  const auto dispatched = [this] {
    const store::Watermarks marks = store_.watermarks();
    return marks.dispatched == marks.appended;
  };
  while (!dispatched()) std::this_thread::yield();
  LoadResult result;
  result.cpu = Spent(before, ReadThreadTimes());
  result.records = plan.records;
  result.failed = failed_;
  result.first_failure = first_failure_;
  result.seconds = std::chrono::duration<double>(answered - began_).count();
  for (const int64_t nanos : latency_) result.latency.Add(nanos);
  std::atomic<bool> left{false};
  loop_.Post([&] {
    timer_.Cancel();
    left = true;
    left.notify_one();
  });
  left.wait(false);
  return result;
}

Progress AppendLoad::Feed() {
  if (ended_.load(std::memory_order_acquire) == plan_.records) {
    if (!over_.exchange(true)) over_.notify_one();
    return Progress::kIdle;
  }
  const MonoTime now = env_.clock().Monotonic();
  int64_t may = plan_.records;
  if (plan_.rate > 0) {
    may = static_cast<int64_t>(std::chrono::duration<double>(now - began_).count() * plan_.rate);
    may = std::min(may, plan_.records);
  }
  const LeaderExecutor::Turn turn;
  while (issued_ < may && issued_ - ended_.load(std::memory_order_acquire) < plan_.in_flight) {
    AppendOne(plan_.rate > 0
                  ? began_ + Duration(static_cast<int64_t>(static_cast<double>(issued_) * 1e9 / plan_.rate))
                  : env_.clock().Monotonic());
  }
  if (plan_.rate > 0 && issued_ < plan_.records) {
    timer_ = loop_.PostAt(now + std::chrono::microseconds(500), [this] { pulse_->Signal(); });
  }
  return Progress::kIdle;
}

void AppendLoad::FillRecord(int64_t number, RecordDraft& draft) {
  const size_t key_at = property::kUniqueKey.size() + 1 + kKeyPrefix.size();
  char digits[kKeyDigits + 1];
  std::snprintf(digits, sizeof(digits), "%012lld", static_cast<long long>(number));
  properties_.replace(key_at, kKeyDigits, digits, kKeyDigits);
  RecordFields fields;
  fields.topic = plan_.topic;
  fields.queue_id = static_cast<QueueId>(number % kLoadQueues);
  fields.born_time = FromEpochMillis(1'700'000'000'000);
  fields.born_host.bytes = {127, 0, 0, 1};
  fields.store_host = fields.born_host;
  fields.body = body_;
  fields.properties = properties_;
  const Status added = AppendRecord(fields, draft);
  ORBITMQ_CHECK(added.ok(), "the load's record is refused");
}

void AppendLoad::AppendOne(MonoTime due) {
  const int64_t number = issued_++;
  due_[static_cast<size_t>(number)] = (due - began_).count();
  store::AppendRequest request;
  request.queue = {plan_.topic, static_cast<QueueId>(number % kLoadQueues)};
  FillRecord(number, request.draft);
  request.done = [this, number](Result<store::AppendReceipt> receipt) { Ended(number, receipt.status()); };
  store_.Append(std::move(request));
}

void AppendLoad::Ended(int64_t number, const Status& status) {
  const auto at = static_cast<size_t>(number);
  latency_[at] = (env_.clock().Monotonic() - began_).count() - due_[at];
  if (!status.ok() && failed_.fetch_add(1) == 0) first_failure_ = status.ToString();
  const int64_t ended = ended_.fetch_add(1, std::memory_order_acq_rel) + 1;
  // As a reply path would: many completions, one wake-up.
  if (plan_.rate == 0 || ended == plan_.records) pulse_->Signal();
}

LoadResult ReadBacklog(Env& env, store::MessageStore& store, const ReadPlan& plan) {
  LoadResult result;
  std::vector<QueueOffset> next(kLoadQueues);
  for (int id = 0; id < kLoadQueues; ++id) {
    if (const auto range = store.Range({plan.topic, id})) next[static_cast<size_t>(id)] = range->min;
  }
  const ThreadTimes before = ReadThreadTimes();
  const MonoTime began = env.clock().Monotonic();
  const store::ReadLimits limits{.messages_max = plan.batch};
  bool more = true;
  while (more && result.records < plan.records_max && (plan.stop == nullptr || !plan.stop->load())) {
    more = false;
    for (int id = 0; id < kLoadQueues; ++id) {
      const MonoTime start = env.clock().Monotonic();
      const store::QueueSlice slice =
          store.Read({plan.topic, id}, next[static_cast<size_t>(id)], limits, nullptr);
      if (slice.record_count == 0) continue;
      // Whoever sends the bytes touches them: so does the reader here, once a page.
      uint64_t sum = 0;
      for (const Bytes& piece : slice.records) {
        for (size_t at = 0; at < piece.size(); at += 1024)
          sum += static_cast<unsigned char>(piece.data()[at]);
      }
      if (sum == 0) ++result.failed;
      result.latency.Add((env.clock().Monotonic() - start).count());
      result.records += slice.record_count;
      next[static_cast<size_t>(id)] = slice.next_begin;
      more = true;
    }
  }
  result.seconds = std::chrono::duration<double>(env.clock().Monotonic() - began).count();
  result.cpu = Spent(before, ReadThreadTimes());
  return result;
}

}  // namespace orbitmq::bench
