// SPDX-License-Identifier: Apache-2.0
#include "test/sim/checkers/queue_order.h"

#include "common/strings.h"

namespace orbitmq::sim {
namespace {

constexpr char kName[] = "queue_order";

}  // namespace

void QueueOrderChecker::OnSeen(const Place& place, int64_t queue_offset, Seen seen, std::string_view source) {
  const auto [known, inserted] = content_.try_emplace({place, queue_offset}, seen);
  if (inserted) return;
  Seen& before = known->second;
  const bool moved = before.log_offset >= 0 && seen.log_offset >= 0 && before.log_offset != seen.log_offset;
  if (before.number != seen.number || moved) {
    facts_.findings.Add(kName, StrCat(place.ToString(), " offset ", queue_offset, " held message ",
                                      before.number, " (log ", before.log_offset, "), now ", source,
                                      " says message ", seen.number, " (log ", seen.log_offset, ")"));
  }
  if (before.log_offset < 0) before.log_offset = seen.log_offset;
}

void QueueOrderChecker::OnImage(const StoreImage& image) {
  std::map<QueueKey, std::map<int64_t, const ImageRecord*>> queues;
  for (const ImageRecord& record : image.records) queues[record.queue][record.queue_offset] = &record;
  for (const auto& [key, seen] : content_) {
    const auto& [place, queue_offset] = key;
    if (place.broker != image.broker) continue;
    const auto queue = queues.find(place.queue);
    const ImageRecord* record = nullptr;
    if (queue != queues.end()) {
      const auto found = queue->second.find(queue_offset);
      if (found != queue->second.end()) record = found->second;
    }
    const bool same = record != nullptr && record->number == seen.number &&
                      (seen.log_offset < 0 || seen.log_offset == record->log_offset);
    if (same) continue;
    facts_.findings.Add(kName, StrCat(place.ToString(), " offset ", queue_offset, " held message ",
                                      seen.number, " (log ", seen.log_offset, "), on disk there is ",
                                      record == nullptr ? std::string("nothing")
                                                        : StrCat("message ", record->number.value_or(0),
                                                                 " (log ", record->log_offset, ")")));
  }
}

void QueueOrderChecker::ForgetLost(const StoreImage& image) {
  std::map<QueueKey, int64_t> ends;
  for (const ImageRecord& record : image.records) ends[record.queue] = record.queue_offset + 1;
  std::erase_if(content_, [&](const auto& item) {
    const Place& place = item.first.first;
    if (place.broker != image.broker) return false;
    const auto end = ends.find(place.queue);
    return end == ends.end() || item.first.second >= end->second;
  });
}

}  // namespace orbitmq::sim
