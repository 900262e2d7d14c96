// SPDX-License-Identifier: Apache-2.0
#include "test/store/store_journal.h"

#include <algorithm>

#include "common/random.h"

namespace orbitmq::store {

TestMessage MessageOf(int64_t number, const QueueKey& queue) {
  Random random(static_cast<uint64_t>(number) * 0x9E3779B97F4A7C15u + 11);
  TestMessage message{.topic = queue.topic, .queue_id = queue.queue_id};
  const int64_t filling = random.Chance(1, 15) ? random.Between(900, 5000) : random.Between(0, 220);
  message.body = StrCat(number, ":",
                        std::string(static_cast<size_t>(filling), static_cast<char>('a' + random.Below(26))));
  if (random.Chance(1, 2)) message.tags = StrCat("tag", random.Below(3));
  if (random.Chance(1, 2)) message.keys = StrCat("key", random.Below(9));
  if (!message.keys.empty() && random.Chance(1, 4)) message.keys += StrCat(" other", random.Below(9));
  AppendProperty(message.extra_properties, property::kUniqueKey, StrCat("U", number));
  if (random.Chance(1, 12)) {
    AppendProperty(message.extra_properties, "long",
                   std::string(static_cast<size_t>(random.Between(500, 3000)), 'p'));
  }
  return message;
}

int64_t NumberOf(std::string_view body) {
  return ParseInt<int64_t>(body.substr(0, body.find(':'))).value_or(-1);
}

void Journal::Send(StoreHarness& harness, const Ask& ask) {
  Sent sent{.first = next_number_, .count = 0, .queue = ask.queue, .in_queue = !ask.prepared};
  sent.promises_disk =
      ask.durability == Durability::kFlushed ||
      (ask.durability == Durability::kStoreDefault && harness.options.flush_mode == FlushMode::kSync);
  RecordDraft draft;
  for (int32_t i = 0; i < ask.count; ++i) {
    TestMessage message = MessageOf(next_number_, ask.queue);
    // A batch must fit a segment.
    if (i > 0 &&
        draft.bytes.size() + message.body.size() + 4000 > static_cast<size_t>(harness.options.segment_bytes))
      break;
    if (ask.prepared) message.sys_flag = static_cast<int32_t>(TransactionType::kPrepared);
    AddToDraft(message, draft);
    ++sent.count;
    ++next_number_;
  }
  sent.kept = sent.count;
  sent_.push_back(std::move(sent));
  const QueueKey queue = ask.queue;
  open_[sent_.size() - 1] = harness.Send(std::move(draft), queue, ask.durability);
}

void Journal::Collect() {
  for (Deletion& deletion : deletions_) {
    const Ending& ending = deletion.ending;
    if (ending != nullptr && ending->has_value()) deletion.settled = (*ending)->ok();
  }
  for (auto it = open_.begin(); it != open_.end();) {
    if (!it->second->has_value()) {
      ++it;
      continue;
    }
    const Result<AppendReceipt>& answer = **it->second;
    Sent& sent = sent_[it->first];
    if (answer.ok()) {
      sent.outcome = Outcome::kAcked;
      sent.receipt = *answer;
    } else {
      const bool maybe =
          answer.status().code() == StatusCode::kUnknown || answer.status().persisted() == Persisted::kMaybe;
      sent.outcome = maybe ? Outcome::kMaybe : Outcome::kRefused;
      sent.why = answer.status();
    }
    it = open_.erase(it);
  }
}

bool Journal::AwaitAll(StoreHarness& harness, Duration limit) {
  Collect();
  sim::Scheduler& scheduler = harness.scheduler();
  scheduler.RunUntil(scheduler.now() + limit, [this] {
    Collect();
    return open_.empty();
  });
  NoteFlushed(harness);
  return open_.empty();
}

Status Journal::DeleteTopic(StoreHarness& harness, const std::string& topic) {
  const Ending ending = harness.StartDeletion(topic);
  // A refusal comes at once.
  if (ending->has_value() && !(*ending)->ok()) return **ending;
  deletions_.push_back({.topic = topic, .before = next_number_, .ending = ending});
  return {};
}

void Journal::ProcessDied() {
  Collect();
  open_.clear();
  for (Deletion& deletion : deletions_) deletion.ending = nullptr;
}

void Journal::NoteFlushed(const StoreHarness& harness) {
  if (harness.is_open()) flushed_ = std::max(flushed_, harness.store().watermarks().flushed);
}

const Sent* Journal::Find(int64_t number) const {
  const auto after = std::upper_bound(sent_.begin(), sent_.end(), number,
                                      [](int64_t n, const Sent& sent) { return n < sent.first; });
  if (number < 0 || after == sent_.begin()) return nullptr;
  const Sent& sent = *std::prev(after);
  return number < sent.first + sent.count ? &sent : nullptr;
}

size_t Journal::acked_records() const {
  size_t count = 0;
  for (const Sent& sent : sent_) {
    if (sent.outcome == Outcome::kAcked) count += static_cast<size_t>(sent.count);
  }
  return count;
}

}  // namespace orbitmq::store
