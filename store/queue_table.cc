// SPDX-License-Identifier: Apache-2.0
#include "store/queue_table.h"

#include <algorithm>

#include "common/strings.h"

namespace orbitmq::store {
namespace {

constexpr size_t kOpenQueueFilesMax = 256;
constexpr size_t kFileNameBytesMax = 255;

constexpr auto BelowId = [](const std::shared_ptr<ConsumeQueue>& queue, QueueId id) {
  return queue->id() < id;
};

// Topics come from peers and from files of unknown origin; only what stays inside its directory may be one.
bool IsDirectoryName(std::string_view topic) {
  return !topic.empty() && topic.size() <= kFileNameBytesMax && topic != "." && topic != ".." &&
         topic.find('/') == std::string_view::npos && topic.find('\0') == std::string_view::npos;
}

}  // namespace

QueueTable::QueueTable(FileSystem& files, Logger& log, const StoreOptions& options)
    : cache_(files, kOpenQueueFilesMax),
      shared_{cache_, log, options.root + "/consumequeue", options.queue_file_units} {}

std::shared_ptr<ConsumeQueue> QueueTable::Find(std::string_view topic, QueueId id) const {
  const Shard& shard = ShardOf(topic);
  const MutexLock lock(shard.mutex);
  const auto it = shard.topics.find(topic);
  if (it == shard.topics.end()) return nullptr;
  const auto& queues = it->second.queues;
  // Nearly always queue n is the n-th.
  if (id >= 0 && static_cast<size_t>(id) < queues.size()) {
    const auto& likely = queues[static_cast<size_t>(id)];
    if (likely->id() == id) return likely;
  }
  const auto at = std::lower_bound(queues.begin(), queues.end(), id, BelowId);
  return at == queues.end() || (*at)->id() != id ? nullptr : *at;
}

std::vector<std::shared_ptr<ConsumeQueue>> QueueTable::All() const {
  std::vector<Topic> topics;
  for (const Shard& shard : shards_) {
    const MutexLock lock(shard.mutex);
    for (const auto& [name, topic] : shard.topics) topics.push_back(topic);
  }
  std::sort(topics.begin(), topics.end(), [](const Topic& a, const Topic& b) { return *a.name < *b.name; });
  std::vector<std::shared_ptr<ConsumeQueue>> all;
  for (Topic& topic : topics) {
    for (auto& queue : topic.queues) all.push_back(std::move(queue));
  }
  return all;
}

std::vector<std::shared_ptr<const std::string>> QueueTable::Topics() const {
  std::vector<std::shared_ptr<const std::string>> names;
  for (const Shard& shard : shards_) {
    const MutexLock lock(shard.mutex);
    for (const auto& [name, topic] : shard.topics) names.push_back(topic.name);
  }
  return names;
}

std::shared_ptr<ConsumeQueue> QueueTable::Make(std::string_view topic, QueueId id) {
  Shard& shard = ShardOf(topic);
  const MutexLock lock(shard.mutex);
  auto it = shard.topics.find(topic);
  if (it == shard.topics.end()) {
    auto name = std::make_shared<const std::string>(topic);
    const std::string_view key = *name;
    it = shard.topics.emplace(key, Topic{std::move(name), {}}).first;
  }
  auto& queues = it->second.queues;
  const auto at = std::lower_bound(queues.begin(), queues.end(), id, BelowId);
  if (at != queues.end() && (*at)->id() == id) return *at;
  const uint32_t number = next_number_.fetch_add(1, std::memory_order_relaxed);
  return *queues.insert(at, std::make_shared<ConsumeQueue>(shared_, it->second.name, id, number));
}

ConsumeQueue::PutOutcome QueueTable::Put(std::string_view topic, QueueId id, const QueueUnit& unit,
                                         QueueOffset at) {
  auto queue = Find(topic, id);
  if (queue == nullptr) {
    if (!IsDirectoryName(topic) || id < 0) {
      shared_.log.Error(
          "a record's topic or queue id cannot name a queue",
          {{"topic", Printable(topic)}, {"queue_id", id}, {"log_offset", unit.log_offset.value}});
      return ConsumeQueue::PutOutcome::kRefused;
    }
    queue = Make(topic, id);
  }
  const ConsumeQueue::PutResult result = queue->Put(unit, at);
  if (result.outcome == ConsumeQueue::PutOutcome::kRefused) {
    shared_.log.Error("a record's queue offset contradicts its queue; consumers will not see it",
                      {{"topic", Printable(topic)},
                       {"queue_id", id},
                       {"queue_offset", at.value},
                       {"queue_max", queue->range().max.value},
                       {"log_offset", unit.log_offset.value}});
  }
  if (result.became_large) ++large_tails_;
  if (result.became_changed) NoteChanged(queue);
  if (result.became_dirty) dirty_.push_back(std::move(queue));
  return result.outcome;
}

void QueueTable::NoteChanged(const std::shared_ptr<ConsumeQueue>& queue) {
  const MutexLock lock(changes_mutex_);
  changed_.push_back(queue);
}

Status QueueTable::Cut(const std::shared_ptr<ConsumeQueue>& queue, LogOffset log_end,
                       ConsumeQueue::Touched& touched) {
  if (queue->ends().end_log_offset <= log_end) return {};
  queue->TruncateAbove(log_end);
  NoteChanged(queue);
  return queue->ClearAbove(touched);
}

void QueueTable::AdvanceMin(const std::shared_ptr<ConsumeQueue>& queue, LogOffset log_min) {
  if (queue->AdvanceMin(log_min)) NoteChanged(queue);
}

QueueTable::Changes QueueTable::TakeChanges() {
  std::vector<std::shared_ptr<ConsumeQueue>> changed;
  Changes changes;
  {
    const MutexLock lock(changes_mutex_);
    changed.swap(changed_);
    changes.removed_topics.swap(removed_topics_);
  }
  changes.queues.reserve(changed.size());
  for (const auto& queue : changed) {
    if (auto ends = queue->TakeEnds()) changes.queues.push_back(*std::move(ends));
  }
  return changes;
}

Result<bool> QueueTable::WriteOutSome(size_t count, ConsumeQueue::Touched& touched) {
  for (; count > 0 && !dirty_.empty(); --count) {
    if (Status s = dirty_.front()->WriteOut(touched); !s.ok()) return s.Annotate("write a consume queue");
    dirty_.pop_front();
  }
  if (dirty_.empty()) large_tails_ = 0;
  return dirty_.empty();
}

bool QueueTable::Has(std::string_view topic) const {
  const Shard& shard = ShardOf(topic);
  const MutexLock lock(shard.mutex);
  return shard.topics.contains(topic);
}

QueueTable::Parted QueueTable::TakeOut(const std::string& topic, LogOffset below) {
  Parted parted;
  Shard& shard = ShardOf(topic);
  const MutexLock lock(shard.mutex);
  const auto it = shard.topics.find(topic);
  if (it == shard.topics.end()) return parted;
  auto& queues = it->second.queues;
  const auto kept = std::stable_partition(queues.begin(), queues.end(), [below](const auto& queue) {
    return queue->ends().end_log_offset > below;
  });
  parted.gone.assign(std::make_move_iterator(kept), std::make_move_iterator(queues.end()));
  queues.erase(kept, queues.end());
  parted.left = queues;
  if (queues.empty()) {
    // The key points into the topic: that must outlive it.
    const Topic last = std::move(it->second);
    shard.topics.erase(it);
  }
  return parted;
}

Status QueueTable::Remove(const std::string& topic, LogOffset below) {
  FileSystem& files = cache_.files();
  auto [removed, left] = TakeOut(topic, below);
  if (!removed.empty()) {
    const MutexLock lock(changes_mutex_);
    removed_topics_.push_back(topic);
    // A checkpoint forgets the whole topic first.
    changed_.insert(changed_.end(), left.begin(), left.end());
  }
  const std::string directory = StrCat(shared_.root, "/", topic);
  if (!IsDirectoryName(topic) || !files.Exists(directory)) {
    for (const auto& queue : removed) queue->MarkRemoved();
    return {};
  }
  auto listed = files.List(directory);
  if (!listed.ok()) return listed.status();
  for (const DirEntry& entry : *listed) {
    const auto id = ParseInt<QueueId>(entry.name);
    if (!entry.is_directory || !id || *id < 0 || Find(topic, *id) != nullptr) continue;
    const auto known = std::any_of(removed.begin(), removed.end(),
                                   [&id](const auto& queue) { return queue->id() == *id; });
    if (known) continue;
    // Left over by a deletion that was cut short, or made by another program.
    removed.push_back(std::make_shared<ConsumeQueue>(shared_, std::make_shared<const std::string>(topic), *id,
                                                     next_number_.fetch_add(1, std::memory_order_relaxed)));
  }
  for (const auto& queue : removed) {
    if (Status s = queue->RemoveFiles(); !s.ok()) return s;
  }
  (void)files.Remove(directory);
  return {};
}

void QueueTable::SweepLater() {
  unswept_ = All();
  for (const auto& queue : unswept_) queue->ClearLater();
  swept_.store(unswept_.empty(), std::memory_order_release);
}

Status QueueTable::SweepSome(size_t count, ConsumeQueue::Touched& touched) {
  for (; count > 0 && !unswept_.empty(); --count) {
    if (Status s = unswept_.back()->Sweep(touched); !s.ok()) return s.Annotate("clear a consume queue");
    unswept_.pop_back();
  }
  if (unswept_.empty()) {
    std::vector<std::shared_ptr<ConsumeQueue>>().swap(unswept_);
    swept_.store(true, std::memory_order_release);
  }
  return {};
}

Status QueueTable::LoadFromFiles(LogOffset synced_below) {
  FileSystem& files = cache_.files();
  if (!files.Exists(shared_.root)) return {};
  auto topics = files.List(shared_.root);
  if (!topics.ok()) return topics.status();
  for (const DirEntry& topic : *topics) {
    if (!topic.is_directory) continue;
    auto ids = files.List(StrCat(shared_.root, "/", topic.name));
    if (!ids.ok()) return ids.status();
    for (const DirEntry& id : *ids) {
      const auto number = ParseInt<QueueId>(id.name);
      if (!id.is_directory || !number || *number < 0) continue;
      if (Status s = Make(topic.name, *number)->Load(synced_below); !s.ok()) return s;
    }
  }
  return {};
}

}  // namespace orbitmq::store
