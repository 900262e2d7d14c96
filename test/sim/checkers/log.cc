// SPDX-License-Identifier: Apache-2.0
#include "test/sim/checkers/log.h"

#include "common/java_hash.h"
#include "common/names.h"
#include "common/strings.h"

namespace orbitmq::sim {
namespace {

constexpr char kName[] = "log";

std::string QueueText(const StoreImage& image, const QueueKey& queue) {
  return Place{image.broker, queue}.ToString();
}

}  // namespace

void LogChecker::OnImage(const StoreImage& image, Excuse excuse) {
  CheckAcknowledged(image, excuse);
  if (!image.opened.ok()) {
    facts_.findings.Add(
        kName, StrCat("the store of ", image.broker, " cannot be opened: ", image.opened.ToString()));
    return;
  }
  CheckQueues(image);
  CheckStore(image);
}

void LogChecker::CheckAcknowledged(const StoreImage& image, Excuse excuse) {
  std::map<int64_t, const ImageRecord*> records;
  for (const ImageRecord& record : image.records) records[record.log_offset] = &record;
  for (SentMessage& sent : facts_.messages) {
    if (sent.fate != Fate::kAcked || sent.excused || sent.place.broker != image.broker) continue;
    const auto found = records.find(sent.log_offset);
    if (found == records.end() && excuse == Excuse::kLost && sent.log_offset >= image.log_end) {
      sent.excused = true;
      continue;
    }
    const ImageRecord* record = found == records.end() ? nullptr : found->second;
    const bool delayed = sent.delay_level > 0;
    const bool same =
        record != nullptr && record->number == sent.number &&
        (delayed || (record->queue == sent.place.queue && record->queue_offset == sent.queue_offset));
    if (same) continue;
    facts_.findings.Add(
        kName, StrCat("message ", sent.number, " was acknowledged at ", sent.place.ToString(), " offset ",
                      sent.queue_offset, ", log ", sent.log_offset, "; the log ends at ", image.log_end,
                      record == nullptr ? " and has no record there" : " and has another record there"));
  }
}

void LogChecker::CheckQueues(const StoreImage& image) {
  std::map<QueueKey, std::vector<const ImageRecord*>> expected;
  for (const ImageRecord& record : image.records) {
    auto& queue = expected[record.queue];
    if (record.queue_offset != static_cast<int64_t>(queue.size())) {
      facts_.findings.Add(
          kName, StrCat("in the log of ", QueueText(image, record.queue), " offset ", record.queue_offset,
                        " follows ", static_cast<int64_t>(queue.size()) - 1));
      return;
    }
    queue.push_back(&record);
  }
  for (const auto& [key, queue] : image.queues) {
    if (!expected.contains(key) && queue.max > 0) {
      facts_.findings.Add(
          kName, StrCat(QueueText(image, key), " ends at ", queue.max, ", but the log has nothing for it"));
    }
  }
  for (const auto& [key, records] : expected) {
    const auto found = image.queues.find(key);
    const auto count = static_cast<int64_t>(records.size());
    if (found == image.queues.end() || found->second.max != count || found->second.min != 0 ||
        found->second.units.size() != records.size()) {
      const ImageQueue none;
      const ImageQueue& queue = found == image.queues.end() ? none : found->second;
      facts_.findings.Add(kName, StrCat(QueueText(image, key), " has ", queue.units.size(), " units, from ",
                                        queue.min, " to ", queue.max, "; the log has ", count, " records"));
      continue;
    }
    for (size_t i = 0; i < records.size(); ++i) {
      const store::QueueUnit& unit = found->second.units[i];
      const bool schedule = key.topic == names::kScheduleTopic;
      const int64_t tags_code = records[i]->tag.empty() ? 0 : JavaStringHash(records[i]->tag);
      if (unit.log_offset.value == records[i]->log_offset && unit.record_bytes == records[i]->bytes &&
          (schedule || unit.tags_code == tags_code)) {
        continue;
      }
      facts_.findings.Add(
          kName, StrCat(QueueText(image, key), " offset ", static_cast<int64_t>(i), " points to log ",
                        unit.log_offset.value, ", ", unit.record_bytes, " bytes, tags code ", unit.tags_code,
                        "; the record is at ", records[i]->log_offset, ", ", records[i]->bytes,
                        " bytes, tags code ", tags_code));
      break;
    }
  }
}

void LogChecker::CheckStore(const StoreImage& image) {
  const store::Watermarks& marks = image.watermarks;
  if (marks.appended.value != image.log_end || marks.dispatched != marks.appended ||
      marks.visible != marks.appended) {
    facts_.findings.Add(
        kName, StrCat("the store of ", image.broker, " says appended ", marks.appended.value, ", visible ",
                      marks.visible.value, ", dispatched ", marks.dispatched.value,
                      "; the last whole record on disk ends at ", image.log_end));
  }
  if (image.bytes_behind_end >= 0) {
    facts_.findings.Add(kName, StrCat("recovery of ", image.broker, " ended at ", marks.appended.value,
                                      " and left bytes at ", image.bytes_behind_end));
  }
  if (!image.unreadable.empty()) {
    facts_.findings.Add(kName, StrCat(image.unreadable.size(), " records of ", image.broker,
                                      " cannot be read by their offset, the first is at log ",
                                      image.records[image.unreadable.front()].log_offset));
  }
  if (!image.missing_in_index.empty()) {
    const ImageRecord& record = image.records[image.missing_in_index.front()];
    facts_.findings.Add(
        kName, StrCat(image.missing_in_index.size(), " records of ", image.broker,
                      " are not found by key, the first is at log ", record.log_offset, " in ",
                      record.queue.topic, ", id ", record.unique_key, ", stored at ", record.store_ms,
                      ", the last at log ", image.records[image.missing_in_index.back()].log_offset));
  }
}

}  // namespace orbitmq::sim
