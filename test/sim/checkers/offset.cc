// SPDX-License-Identifier: Apache-2.0
#include "test/sim/checkers/offset.h"

#include "common/names.h"
#include "common/strings.h"

namespace orbitmq::sim {
namespace {

constexpr char kName[] = "offset";

}  // namespace

void OffsetChecker::OnFinished(size_t group, const Place& place, int64_t queue_offset) {
  if (queue_offset < 0) return;
  auto& finished = finished_[{group, place}];
  const auto at = static_cast<size_t>(queue_offset);
  if (finished.size() <= at) finished.resize(at + 1);
  finished[at] = true;
}

void OffsetChecker::OnImage(const StoreImage& image) {
  std::map<QueueKey, std::vector<const ImageRecord*>> queues;
  for (const ImageRecord& record : image.records) queues[record.queue].push_back(&record);
  for (size_t group = 0; group < facts_.groups.size(); ++group) {
    const auto committed = image.committed.find(facts_.groups[group].name);
    if (committed == image.committed.end()) continue;
    for (const auto& [queue, offset] : committed->second) {
      CheckQueue(group, {image.broker, queue}, offset, queues[queue]);
    }
  }
}

void OffsetChecker::CheckQueue(size_t group, const Place& place, int64_t committed,
                               const std::vector<const ImageRecord*>& records) {
  const GroupSpec& spec = facts_.groups[group];
  if (committed > static_cast<int64_t>(records.size())) {
    facts_.findings.Add(kName, StrCat(spec.name, " committed ", committed, " in ", place.ToString(),
                                      ", which ends at ", records.size()));
  }
  const std::vector<bool>& finished = finished_[{group, place}];
  for (const ImageRecord* record : records) {
    if (record->queue_offset >= committed) break;
    const auto at = static_cast<size_t>(record->queue_offset);
    if (at < finished.size() && finished[at]) continue;
    const bool known = record->number && *record->number < facts_.messages.size();
    const bool wanted =
        IsRetryTopic(place.queue.topic) || !known || spec.Wants(facts_.messages[*record->number]);
    if (!wanted) continue;
    facts_.findings.Add(kName, StrCat(spec.name, " committed ", committed, " in ", place.ToString(),
                                      ", but offset ", record->queue_offset, " (message ",
                                      record->number.value_or(0), ") was never finished"));
    return;
  }
}

}  // namespace orbitmq::sim
