// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "broker/state/topic_table.h"
#include "common/clock.h"
#include "common/tag_filter.h"
#include "remoting/protocol/heartbeat.h"
#include "remoting/rpc_server.h"

namespace orbitmq::broker {

// What one client told about itself with its last heartbeat.
struct ClientEntry {
  std::shared_ptr<net::Peer> peer;
  std::string client_id;
  proto::Language language = proto::Language::kUnknown;
  int32_t version = 0;
  MonoTime seen;
  WallTime seen_wall;
};

// A subscription with its filter made ready; immutable.
struct SubscriptionEntry {
  SubscriptionData data;
  std::shared_ptr<const TagFilter> filter;
};
using SubscriptionRef = std::shared_ptr<const SubscriptionEntry>;

// What a pull needs to know of its group.
struct GroupView {
  bool online = false;  // Some member is connected.
  proto::MessageModel message_model = proto::MessageModel::kClustering;
  SubscriptionRef subscription;  // Null: the group does not subscribe to the topic.
};

struct ConsumerGroupDetails {
  proto::ConsumeFromWhere from_where = proto::ConsumeFromWhere::kConsumeFromLastOffset;
  proto::ConsumeType consume_type = proto::ConsumeType::kConsumePassively;
  proto::MessageModel message_model = proto::MessageModel::kClustering;
  std::vector<ClientEntry> members;
  std::map<std::string, SubscriptionData> subscriptions;
};

// Who is connected: producers and consumers by group, as their heartbeats say.
//
// Threads: any. Sharded by group, leaf locks: heartbeats and pulls touch it all the time, the stated
// exception to ownership by executor. Notices to members are sent after the lock was given back.
class ClientTable final {
 public:
  explicit ClientTable(const Clock& clock) : clock_(clock) {}

  enum class Membership : uint8_t { kSame, kChanged, kFull, kUnknown };
  // `groups` below are of one kind: the producer and the consumer tables are apart.
  Membership SeenProducer(const std::string& group, ClientEntry client);
  // `fingerprint` is the heartbeat's; 0 = of version 1, without one.
  Membership SeenConsumer(const proto::ConsumerData& data, ClientEntry client, int32_t fingerprint);
  // Of a heartbeat v2 that leaves its subscriptions out. kUnknown when the group's are not those of this
  // fingerprint: the client has to send them; a member stays one meanwhile.
  Membership SeenWithoutSubscriptions(const proto::ConsumerData& data, ClientEntry client,
      int32_t fingerprint);

  // Whether the group had the client.
  bool RemoveProducer(std::string_view group, uint64_t peer_id);
  bool RemoveConsumer(std::string_view group, uint64_t peer_id);
  // A connection has ended; returns the consumer groups that lost a member.
  std::vector<std::string> RemovePeer(uint64_t peer_id);
  // Drops who was silent for longer than `silence`; returns the consumer groups that lost a member.
  std::vector<std::string> RemoveSilent(Duration silence);

  GroupView View(std::string_view group, std::string_view topic) const;
  std::vector<std::string> ClientIds(std::string_view group) const;
  std::vector<std::shared_ptr<net::Peer>> Members(std::string_view group) const;
  std::optional<ClientEntry> FindMember(std::string_view group, std::string_view client_id) const;
  std::optional<ConsumerGroupDetails> Details(std::string_view group) const;  // nullopt: nobody is online.
  std::vector<ClientEntry> Producers(std::string_view group) const;
  std::map<std::string, std::vector<ClientEntry>> AllProducers() const;
  std::map<std::string, ConsumerGroupDetails> AllConsumers() const;
  std::set<std::string> GroupsOfTopic(std::string_view topic) const;
  std::set<std::string> TopicsOfGroup(std::string_view group) const;

 private:
  struct ConsumerGroup {
    proto::ConsumeFromWhere from_where = proto::ConsumeFromWhere::kConsumeFromLastOffset;
    proto::ConsumeType consume_type = proto::ConsumeType::kConsumePassively;
    proto::MessageModel message_model = proto::MessageModel::kClustering;
    std::map<uint64_t, ClientEntry> members;  // By peer.
    NameMap<SubscriptionRef> subscriptions;
    int32_t fingerprint = 0;  // Of the heartbeat that brought the subscriptions.
  };
  using ProducerGroup = std::map<uint64_t, ClientEntry>;
  struct Shard {
    mutable Mutex mutex;
    NameMap<ConsumerGroup> consumers ORBITMQ_GUARDED_BY(mutex);
    NameMap<ProducerGroup> producers ORBITMQ_GUARDED_BY(mutex);
  };
  Shard& ShardOf(std::string_view group) const { return shards_[NameHash()(group) % kShards]; }
  template <class Gone>
  std::vector<std::string> RemoveWhere(Gone gone);
  static ConsumerGroupDetails DetailsOf(const ConsumerGroup& group);
  static Membership Join(const proto::ConsumerData& data, ClientEntry client, ConsumerGroup& group);
  static bool ReplaceSubscriptions(const proto::ConsumerData& data, ConsumerGroup& group);

  static constexpr size_t kShards = 16;
  const Clock& clock_;
  mutable std::array<Shard, kShards> shards_;
};

}  // namespace orbitmq::broker
