// SPDX-License-Identifier: Apache-2.0
#include "store/queue_builder.h"

#include <algorithm>

#include "common/java_hash.h"
#include "common/message_properties.h"
#include "common/names.h"
#include "common/planted_bug.h"
#include "common/strings.h"
#include "common/sys_flag.h"

namespace orbitmq::store {
namespace {
// Apache's delay for a level that the table does not have.
constexpr int64_t kUnknownLevelDelayMs = 1000;
constexpr uint64_t kDoubleDispatchEvery = 97;
}  // namespace

int64_t TagsCodeOf(const MessageView& record, const std::vector<Duration>& delay_levels) {
  if (record.topic == names::kScheduleTopic) {
    const auto text = FindProperty(record.properties, property::kDelayTimeLevel);
    const auto level = text ? ParseInt<int32_t>(*text) : std::nullopt;
    if (level && *level > 0) {
      int64_t delay_ms = kUnknownLevelDelayMs;
      if (!delay_levels.empty()) {
        const size_t index = std::min(static_cast<size_t>(*level), delay_levels.size()) - 1;
        delay_ms = std::chrono::duration_cast<Millis>(delay_levels[index]).count();
      }
      return ToEpochMillis(record.store_time) + delay_ms;
    }
  }
  return TagsCode(FindProperty(record.properties, property::kTags).value_or(""));
}

QueueBuilder::Derived QueueBuilder::PutIntoQueue(const MessageView& record) {
  Derived derived;
  const TransactionType type = TransactionTypeOf(record.sys_flag);
  const bool queued = type == TransactionType::kNone || type == TransactionType::kCommit;
  if (queued && !deleted_.Covers(record)) {
    derived.tags_code = TagsCodeOf(record, options_.delay_levels);
    const QueueUnit unit{record.log_offset, record.total_bytes, derived.tags_code};
    const auto outcome = queues_.Put(record.topic, record.queue_id, unit, record.queue_offset);
    derived.entered_queue =
        outcome == ConsumeQueue::PutOutcome::kStored || outcome == ConsumeQueue::PutOutcome::kRestarted;
    if (Planted(Bug::kDoubleDispatch) &&
        static_cast<uint64_t>(record.queue_offset.value) % kDoubleDispatchEvery == kDoubleDispatchEvery - 1) {
      (void)queues_.Put(record.topic, record.queue_id, unit, record.queue_offset + 1);
    }
  }
  return derived;
}

Result<QueueBuilder::Derived> QueueBuilder::Derive(const MessageView& record) {
  const Derived derived = PutIntoQueue(record);
  if (Status s = index_.Put(record); !s.ok()) return s;
  return derived;
}

}  // namespace orbitmq::store
