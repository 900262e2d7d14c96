// SPDX-License-Identifier: Apache-2.0
#include "broker/state/consumer_offsets.h"

#include <algorithm>
#include <utility>

#include "common/planted_bug.h"
#include "common/strings.h"

namespace orbitmq::broker {
namespace {

// Apache raises the table's version once every so many commits (consumerOffsetUpdateVersionStep).
constexpr uint64_t kCommitsPerVersion = 500;

// A group that only pulled has no offset anywhere yet; Apache does not count it as a consumer of the topic.
template <class Queues>
bool HasCommitted(const Queues& queues) {
  return std::any_of(queues.begin(), queues.end(), [](const auto& queue) { return queue.second.offset; });
}

}  // namespace

KeyParts SplitKey(std::string_view key) {
  const size_t at = key.find('@');
  if (at == key.npos) return {key, {}};
  return {key.substr(0, at), key.substr(at + 1)};
}

ConsumerOffsets::ConsumerOffsets(Parts parts)
    : parts_(std::move(parts)), file_(parts_.env, parts_.disk, parts_.path, [this] {
        return proto::EncodeBody(All(), proto::JsonStyle::kPretty);
      }) {}

Result<std::unique_ptr<ConsumerOffsets>> ConsumerOffsets::Load(Parts parts) {
  auto offsets = std::make_unique<ConsumerOffsets>(std::move(parts));
  const Status read = PersistedFile::Load(offsets->parts_.env, offsets->parts_.path,
                                          [&offsets](std::string_view text) { return offsets->Read(text); });
  if (!read.ok()) return read;
  return offsets;
}

Status ConsumerOffsets::Read(std::string_view text) {
  auto wrapper = proto::DecodeBody<proto::ConsumerOffsetSerializeWrapper>(text);
  if (!wrapper.ok()) return wrapper.status();
  if (wrapper->data_version) {
    version_counter_ = wrapper->data_version->counter;
    version_time_ = wrapper->data_version->timestamp;
    state_version_ = wrapper->data_version->state_version;
  }
  for (const auto& [key, queues] : wrapper->offset_table) {
    Shard& shard = ShardOf(key);
    MutexLock lock(shard.mutex);
    for (const auto& [queue_id, offset] : queues) shard.table[key][queue_id].offset = offset;
  }
  return {};
}

std::string ConsumerOffsets::KeyText(std::string_view group, std::string_view topic) {
  return StrCat(topic, '@', group);
}

ConsumerOffsets::Shard& ConsumerOffsets::ShardOf(std::string_view key_text) const {
  return shards_[NameHash()(key_text) % kShards];
}

template <class Fn>
auto ConsumerOffsets::WithQueue(const OffsetKey& key, Fn fn) {
  std::string text = KeyText(key.group, key.topic);
  Shard& shard = ShardOf(text);
  MutexLock lock(shard.mutex);
  return fn(shard.table[std::move(text)][key.queue_id]);
}

// `fn` gets null when nothing is known.
template <class Fn>
auto ConsumerOffsets::PeekQueue(const OffsetKey& key, Fn fn) const {
  const std::string text = KeyText(key.group, key.topic);
  const Shard& shard = ShardOf(text);
  MutexLock lock(shard.mutex);
  const auto queues = shard.table.find(text);
  if (queues == shard.table.end()) return fn(static_cast<const Queue*>(nullptr));
  const auto queue = queues->second.find(key.queue_id);
  return fn(queue == queues->second.end() ? nullptr : &queue->second);
}

void ConsumerOffsets::Commit(const OffsetKey& key, int64_t offset) {
  const bool follower = follower_.load(std::memory_order_relaxed);
  const auto previous = WithQueue(key, [offset, follower](Queue& queue) {
    const auto before = queue.offset;
    queue.own = queue.own || (follower && before != offset);
    queue.offset = Planted(Bug::kOffsetsRunAhead) ? offset + 1 : offset;
    return before;
  });
  if (previous == offset) return;
  const uint64_t change = changes_.fetch_add(1, std::memory_order_relaxed) + 1;
  // A returning master tells by the time whether a slave has newer commits.
  if (follower) version_time_.store(parts_.env.clock().WallMillis(), std::memory_order_relaxed);
  if (change % kCommitsPerVersion == 1) TouchVersion();
  if (previous && *previous > offset) {
    parts_.env.log().Debug("consumer offset moved back", {{"group", key.group},
                                                          {"topic", key.topic},
                                                          {"queue", key.queue_id},
                                                          {"from", *previous},
                                                          {"to", offset}});
  }
}

void ConsumerOffsets::SetFollower(bool follower) {
  follower_.store(follower, std::memory_order_relaxed);
  for (Shard& shard : shards_) {
    MutexLock lock(shard.mutex);
    for (auto& [key, of_key] : shard.table) {
      for (auto& [queue_id, queue] : of_key) queue.own = false;
    }
  }
}

void ConsumerOffsets::TouchVersion() {
  version_counter_.fetch_add(1, std::memory_order_relaxed);
  version_time_.store(parts_.env.clock().WallMillis(), std::memory_order_relaxed);
}

std::optional<int64_t> ConsumerOffsets::Query(const OffsetKey& key) const {
  return PeekQueue(key, [](const Queue* queue) -> std::optional<int64_t> {
    if (queue == nullptr) return std::nullopt;
    // A pending reset is what the group will continue from.
    return queue->reset ? queue->reset : queue->offset;
  });
}

proto::QueueOffsetMap ConsumerOffsets::QueryTopic(std::string_view group, std::string_view topic) const {
  const std::string text = KeyText(group, topic);
  const Shard& shard = ShardOf(text);
  proto::QueueOffsetMap out;
  MutexLock lock(shard.mutex);
  const auto queues = shard.table.find(text);
  if (queues == shard.table.end()) return out;
  for (const auto& [queue_id, queue] : queues->second) {
    if (queue.offset) out.emplace(queue_id, *queue.offset);
  }
  return out;
}

void ConsumerOffsets::NotePull(const OffsetKey& key, int64_t offset) {
  WithQueue(key, [offset](Queue& queue) { queue.pulled = offset; });
}

std::optional<int64_t> ConsumerOffsets::PulledTo(const OffsetKey& key) const {
  return PeekQueue(key, [](const Queue* queue) -> std::optional<int64_t> {
    return queue == nullptr ? std::nullopt : queue->pulled;
  });
}

void ConsumerOffsets::Reset(const OffsetKey& key, int64_t offset) {
  WithQueue(key, [offset](Queue& queue) {
    queue.offset = offset;
    queue.pulled = offset;
    queue.reset = offset;
  });
  changes_.fetch_add(1, std::memory_order_relaxed);
  // What a slave copied before is older than this from now on.
  TouchVersion();
}

std::optional<int64_t> ConsumerOffsets::TakeReset(const OffsetKey& key) {
  if (!ResetPending(key)) return std::nullopt;
  return WithQueue(key, [](Queue& queue) { return std::exchange(queue.reset, std::nullopt); });
}

bool ConsumerOffsets::ResetPending(const OffsetKey& key) const {
  return PeekQueue(key, [](const Queue* queue) { return queue != nullptr && queue->reset.has_value(); });
}

Result<size_t> ConsumerOffsets::ClampTo(store::QueueReader& queues) {
  if (Planted(Bug::kNoOffsetClamp)) return size_t{0};
  size_t clamped = 0;
  for (Shard& shard : shards_) {
    MutexLock lock(shard.mutex);
    for (auto& [key, of_key] : shard.table) {
      const auto [topic, group] = SplitKey(key);
      for (auto& [queue_id, queue] : of_key) {
        const auto range = queues.Range(QueueKey{std::string(topic), queue_id});
        const int64_t end = range ? range->max.value : 0;
        if (!queue.offset || *queue.offset <= end) continue;
        parts_.env.log().Warn(
            "consumer offset lay beyond the recovered end of its queue; lowered",
            {{"group", group}, {"topic", topic}, {"queue", queue_id}, {"from", *queue.offset}, {"to", end}});
        queue.offset = end;
        ++clamped;
      }
    }
  }
  if (clamped == 0) return clamped;
  changes_.fetch_add(1, std::memory_order_relaxed);
  if (Status saved = file_.SaveNow(); !saved.ok())
    return saved.Annotate("write the lowered consumer offsets");
  return clamped;
}

void ConsumerOffsets::RemoveGroup(std::string_view group) {
  for (Shard& shard : shards_) {
    MutexLock lock(shard.mutex);
    std::erase_if(shard.table, [&](const auto& entry) { return SplitKey(entry.first).group == group; });
  }
  changes_.fetch_add(1, std::memory_order_relaxed);
  TouchVersion();
}

void ConsumerOffsets::RemoveTopic(std::string_view topic) {
  for (Shard& shard : shards_) {
    MutexLock lock(shard.mutex);
    std::erase_if(shard.table, [&](const auto& entry) { return SplitKey(entry.first).topic == topic; });
  }
  changes_.fetch_add(1, std::memory_order_relaxed);
  // What a slave copied before is older than this: its offsets must not come back.
  TouchVersion();
}

void ConsumerOffsets::Clone(std::string_view from_group, std::string_view to_group, std::string_view topic) {
  for (const std::string& name : TopicsOf(from_group)) {
    if (!topic.empty() && name != topic) continue;
    for (const auto& [queue_id, offset] : QueryTopic(from_group, name)) {
      Commit({to_group, name, queue_id}, offset);
    }
  }
}

std::set<std::string> ConsumerOffsets::TopicsOf(std::string_view group) const {
  std::set<std::string> topics;
  for (const Shard& shard : shards_) {
    MutexLock lock(shard.mutex);
    for (const auto& [key, queues] : shard.table) {
      const KeyParts parts = SplitKey(key);
      if (parts.group == group && HasCommitted(queues)) topics.emplace(parts.topic);
    }
  }
  return topics;
}

std::set<std::string> ConsumerOffsets::GroupsOf(std::string_view topic) const {
  std::set<std::string> groups;
  for (const Shard& shard : shards_) {
    MutexLock lock(shard.mutex);
    for (const auto& [key, queues] : shard.table) {
      const KeyParts parts = SplitKey(key);
      if (parts.topic == topic && HasCommitted(queues)) groups.emplace(parts.group);
    }
  }
  return groups;
}

proto::ConsumerOffsetSerializeWrapper ConsumerOffsets::All() const {
  proto::ConsumerOffsetSerializeWrapper all;
  all.data_version = proto::DataVersion{
      .counter = version_counter_.load(),
                              .state_version = state_version_.load(),
                              .timestamp = version_time_.load()};
  all.group_topic_map.emplace();
  all.pull_offset_table.emplace();
  for (const Shard& shard : shards_) {
    MutexLock lock(shard.mutex);
    for (const auto& [key, queues] : shard.table) {
      const auto [topic, group] = SplitKey(key);
      for (const auto& [queue_id, queue] : queues) {
        if (queue.offset) all.offset_table[key][queue_id] = *queue.offset;
        if (queue.pulled) (*all.pull_offset_table)[key][queue_id] = *queue.pulled;
      }
      if (all.offset_table.contains(key)) (*all.group_topic_map)[std::string(group)].emplace(topic);
    }
  }
  return all;
}

std::vector<ConsumerOffsets::Ahead> ConsumerOffsets::Follow(
    const proto::ConsumerOffsetSerializeWrapper& master) {
  const proto::DataVersion theirs = master.data_version.value_or(proto::DataVersion{});
  const proto::DataVersion mine{version_counter_.load(), state_version_.load(), version_time_.load()};
  const bool older = CompareVersions(theirs, mine) < 0;
  std::vector<Ahead> ahead;
  bool changed = false;
  bool full = false;
  for (Shard& shard : shards_) {
    MutexLock lock(shard.mutex);
    for (auto& [key, of_key] : shard.table) {
      const auto [topic, group] = SplitKey(key);
      const auto of_master = master.offset_table.find(key);
      for (auto& [queue_id, queue] : of_key) {
        if (!queue.offset) continue;
        std::optional<int64_t> has;
        if (of_master != master.offset_table.end()) {
          const auto found = of_master->second.find(queue_id);
          if (found != of_master->second.end()) has = found->second;
        }
        if (!queue.own && !older) {
          // Copied below; or the master removed it with its group or topic, and a topic made anew must not
          // begin at it.
          if (has) continue;
          queue.offset.reset();
          changed = true;
          continue;
        }
        if (!queue.own && !has) continue;  // An older table, which had it once: it stays.
        if (has && *has >= *queue.offset) {
          queue.own = false;
          continue;
        }
        full = full || ahead.size() >= kAheadMax;
        if (!full) ahead.push_back({std::string(group), std::string(topic), queue_id, *queue.offset});
        queue.own = true;
      }
    }
  }
  for (const auto& [key, queues] : master.offset_table) {
    Shard& shard = ShardOf(key);
    MutexLock lock(shard.mutex);
    Queues& of_key = shard.table[key];
    for (const auto& [queue_id, offset] : queues) {
      Queue& queue = of_key[queue_id];
      if (queue.own || queue.offset == offset) continue;
      queue.offset = offset;
      changed = true;
    }
  }
  if (ahead.empty()) {
    version_counter_ = theirs.counter;
    state_version_ = theirs.state_version;
    version_time_ = theirs.timestamp;
    changed = changed || CompareVersions(theirs, mine) != 0;
  }
  if (changed) changes_.fetch_add(1, std::memory_order_relaxed);
  return ahead;
}

void ConsumerOffsets::Settle(const OffsetKey& key, std::optional<int64_t> end) {
  WithQueue(key, [end](Queue& queue) {
    queue.own = false;
    if (end && queue.offset) queue.offset = std::min(*queue.offset, *end);
  });
  changes_.fetch_add(1, std::memory_order_relaxed);
}

size_t ConsumerOffsets::Adopt(const proto::ConsumerOffsetSerializeWrapper& slave,
                              store::QueueReader& queues) {
  const proto::DataVersion theirs = slave.data_version.value_or(proto::DataVersion{});
  if (theirs.timestamp < version_time_.load() || Planted(Bug::kForgetStandbyOffsets)) return 0;
  size_t taken = 0;
  for (const auto& [key, of_key] : slave.offset_table) {
    const auto [topic, group] = SplitKey(key);
    for (const auto& [queue_id, offset] : of_key) {
      const auto range = queues.Range(QueueKey{std::string(topic), queue_id});
      const int64_t bounded = std::min(offset, range ? range->max.value : 0);
      const bool larger = WithQueue({group, topic, queue_id}, [bounded](Queue& queue) {
        if (queue.reset || bounded <= queue.offset.value_or(-1)) return false;
        queue.offset = bounded;
        return true;
      });
      taken += larger ? 1 : 0;
    }
  }
  version_time_ = theirs.timestamp;
  version_counter_ = std::max(version_counter_.load(), theirs.counter) + 1;
  changes_.fetch_add(1, std::memory_order_relaxed);
  return taken;
}

void ConsumerOffsets::Save(Completion<Done> done) {
  const uint64_t changes = changes_.load(std::memory_order_relaxed);
  if (changes == saved_.load(std::memory_order_relaxed)) {
    if (!done) return;
    // Through the disk executor all the same, so that `done` never runs inside Save.
    parts_.disk.Post([done = std::move(done)]() mutable { done(Done{}); });
    return;
  }
  file_.Save([this, changes, done = std::move(done)](Result<Done> result) mutable {
    if (result.ok()) saved_.store(changes, std::memory_order_relaxed);
    if (done) done(std::move(result));
  });
}

}  // namespace orbitmq::broker
