// SPDX-License-Identifier: Apache-2.0
#include "store/queue_table.h"

#include <algorithm>

#include "common/strings.h"

namespace orbitmq::store {
namespace {

constexpr size_t kOpenQueueFilesMax = 256;
constexpr size_t kLargeTailBytes = 4096;
constexpr size_t kFileNameBytesMax = 255;

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
  const MutexLock lock(mutex_);
  const auto it = queues_.find(KeyView{topic, id});
  return it == queues_.end() ? nullptr : it->second;
}

std::vector<std::shared_ptr<ConsumeQueue>> QueueTable::All() const {
  std::vector<std::shared_ptr<ConsumeQueue>> all;
  {
    const MutexLock lock(mutex_);
    all.reserve(queues_.size());
    for (const auto& [key, queue] : queues_) all.push_back(queue);
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a->key() < b->key(); });
  return all;
}

std::shared_ptr<ConsumeQueue> QueueTable::Make(std::string_view topic, QueueId id) {
  const MutexLock lock(mutex_);
  if (const auto it = queues_.find(KeyView{topic, id}); it != queues_.end()) return it->second;
  QueueKey key{std::string(topic), id};
  auto queue = std::make_shared<ConsumeQueue>(shared_, key);
  queues_.emplace(std::move(key), queue);
  return queue;
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
  const size_t before = queue->tail_bytes();
  const ConsumeQueue::PutOutcome outcome = queue->Put(unit, at);
  if (outcome == ConsumeQueue::PutOutcome::kRefused) {
    shared_.log.Error("a record's queue offset contradicts its queue; consumers will not see it",
                      {{"topic", Printable(topic)},
                       {"queue_id", id},
                       {"queue_offset", at.value},
                       {"queue_max", queue->range().max.value},
                       {"log_offset", unit.log_offset.value}});
  }
  const size_t after = queue->tail_bytes();
  if (before == 0 && after > 0) dirty_.push_back(queue);
  if (before < kLargeTailBytes && after >= kLargeTailBytes) ++large_tails_;
  return outcome;
}

Result<bool> QueueTable::WriteOutSome(size_t count, ConsumeQueue::Touched& touched) {
  for (; count > 0 && !dirty_.empty(); --count) {
    if (Status s = dirty_.front()->WriteOut(touched); !s.ok()) return s.Annotate("write a consume queue");
    dirty_.pop_front();
  }
  if (dirty_.empty()) large_tails_ = 0;
  return dirty_.empty();
}

void QueueTable::Remove(const std::string& topic) {
  std::vector<std::shared_ptr<ConsumeQueue>> removed;
  {
    const MutexLock lock(mutex_);
    for (auto it = queues_.begin(); it != queues_.end();) {
      if (it->first.topic == topic) {
        removed.push_back(it->second);
        it = queues_.erase(it);
      } else {
        ++it;
      }
    }
  }
  for (const auto& queue : removed) queue->RemoveFiles();
  if (!removed.empty()) (void)cache_.files().Remove(StrCat(shared_.root, "/", topic));
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
