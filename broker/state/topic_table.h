// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "broker/broker_options.h"
#include "broker/state/persisted_file.h"
#include "remoting/protocol/topic_config.h"

namespace orbitmq::broker {

// Hashing that looks std::string keys up by std::string_view.
struct NameHash {
  using is_transparent = void;
  size_t operator()(std::string_view name) const noexcept { return std::hash<std::string_view>()(name); }
};
template <class V>
using NameMap = std::unordered_map<std::string, V, NameHash, std::equal_to<>>;

struct StatsItem;

// What BrokerStats found for a topic: looked up once and not for each message. Threads: any, under `once`.
struct TopicTraffic {
  std::once_flag once;
  std::shared_ptr<StatsItem> messages;
  std::shared_ptr<StatsItem> bytes;
};

// A topic's configuration; immutable. `change` numbers the change that made it what it is.
struct TopicEntry {
  TopicEntry(proto::TopicConfig topic, uint64_t number) : config(std::move(topic)), change(number) {}
  const proto::TopicConfig config;
  const uint64_t change;
  mutable TopicTraffic traffic;  // No part of the entry's value.
};
using TopicRef = std::shared_ptr<const TopicEntry>;

// Below, at or above 0: `a` is older than, the same as or newer than `b`, in Apache's order.
int CompareVersions(const proto::DataVersion& a, const proto::DataVersion& b);

// What a slave did with a table of its master.
enum class FollowOutcome : uint8_t {
  kSame,    // Nothing: it has that version.
  kTaken,   // It is now the master's, entry by entry, with the master's version.
  kMerged,  // The master's is older than what was copied before: its entries are in, none of ours is out.
};

// The broker's topics: what sends and pulls are checked against, and what NameServers are told.
//
// Threads: any. One leaf lock guards the map; entries are immutable, so nobody waits while it is used.
// (Apache's rules of creation need check and insert in one step from every send, which is why this is no
// snapshot.) Format: config/topics.json, Apache's.
class TopicTable final {
 public:
  struct Parts {
    Env& env;
    Executor& disk;
    const LiveOptions& options;
    std::string path;
  };
  // Reads the file and adds Apache's system topics. kCorrupt names the file. Blocks.
  static Result<std::unique_ptr<TopicTable>> Load(Parts parts);
  explicit TopicTable(Parts parts);

  // Null when there is none.
  TopicRef Find(std::string_view topic) const;

  struct Creation {
    std::string topic;
    std::string default_topic;
    int32_t queue_nums = 0;
    int32_t sys_flag = 0;
  };
  // A send to an unknown topic: copies the template topic if it may be inherited (store.md 11.1). Null when
  // it may not, or when the table is full.
  TopicRef CreateForSend(const Creation& creation);
  // Retry, DLQ and other topics that need no template.
  TopicRef CreatePlain(std::string_view topic, int32_t queue_nums, int32_t perm, int32_t sys_flag);

  // Creates or replaces a topic by an administrator's word. `changes` is "+key=value,-key"; kInvalidArgument
  // names what is wrong with it.
  Status Update(proto::TopicConfig config, std::string_view changes);
  // False when there was none.
  bool Delete(std::string_view topic);

  // Whether topics.json on disk has this entry. A message is acknowledged only then: a topic that a crash
  // takes away would hide it.
  bool Durable(const TopicEntry& entry) const {
    return entry.change <= persisted_.load(std::memory_order_acquire);
  }
  // `done` is called on the disk executor once everything changed so far is on disk.
  void WhenDurable(Completion<Done> done) { Save(std::move(done)); }

  // A slave's table is its master's: what it adds itself meanwhile (retry topics of its consumers) does not
  // raise the version, which would otherwise never be the master's again. Follows the role; any time.
  void SetFollower(bool follower) { follower_.store(follower, std::memory_order_relaxed); }
  // A slave takes over its master's table. A master that lost its disk, or came back with an old one, must
  // not delete what the slave still knows: its table is merged in then, and the version stays.
  FollowOutcome Follow(const proto::TopicConfigAndMappingSerializeWrapper& master);

  proto::TopicConfigSerializeWrapper All() const;
  std::vector<TopicRef> List() const;  // Sorted by name.
  proto::DataVersion version() const;
  size_t size() const;

  // What NameServers are told of the topics changed, though no topic did: they read no table of a version
  // that they know (Apache's broker does so for brokerPermission).
  void RaiseVersion();

  // Called after every change, on the thread that made it; must not block. Set before use.
  void OnChange(UniqueFunction<void()> listener) { on_change_ = std::move(listener); }

 private:
  Status Read(std::string_view text);
  void AddSystemTopics();
  void AddSystem(std::string_view name, int32_t queues, int32_t perm);
  TopicRef Insert(proto::TopicConfig config) ORBITMQ_REQUIRES(mutex_);
  void Touch() ORBITMQ_REQUIRES(mutex_);
  void Save(Completion<Done> done);
  void Changed();

  Parts parts_;
  mutable Mutex mutex_;
  NameMap<TopicRef> topics_ ORBITMQ_GUARDED_BY(mutex_);
  proto::DataVersion version_ ORBITMQ_GUARDED_BY(mutex_);
  uint64_t change_ ORBITMQ_GUARDED_BY(mutex_) = 0;
  std::atomic<uint64_t> persisted_{0};
  UniqueFunction<void()> on_change_;
  std::atomic<bool> follower_{false};
  PersistedFile file_;
};

// "+key=value,-key" applied to the attributes a topic has (store.md 11.2). kInvalidArgument names the piece.
Status ApplyAttributeChanges(std::string_view changes, bool creating,
                             std::map<std::string, std::string>& attributes);

}  // namespace orbitmq::broker
