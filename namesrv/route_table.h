// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "namesrv/route_snapshot.h"
#include "remoting/protocol/topic_config.h"

namespace orbitmq::namesrv {

// One registration of one broker.
struct BrokerReport {
  std::string cluster;
  std::string broker_name;
  std::string broker_addr;
  BrokerId broker_id = kMasterId;
  std::string ha_addr;
  Duration timeout = std::chrono::seconds(120);  // Silent for longer = dead.
  std::optional<bool> enable_acting_master;
  std::optional<std::string> zone;
  proto::TopicConfigAndMappingSerializeWrapper topics;
  uint64_t peer = 0;  // The connection it came over; its end removes the broker.
};

enum class RegisterOutcome : uint8_t {
  kAccepted,
  kIgnored,  // Another broker holds this id with a newer state version: answered with success, nothing
             // stored.
  kRefused,  // A single-topic increment of a broker that never registered in full, or too many brokers.
};

// "The smallest id of this group is another one now", for the members named in `tell`
// (NOTIFY_MIN_BROKER_ID_CHANGE).
struct MinIdNotice {
  std::string broker_name;
  BrokerId min_id = 0;
  std::string min_addr;
  std::string offline_addr;    // Empty when a member came instead of going.
  std::string ha_addr;         // Of the broker with the smallest id.
  std::vector<uint64_t> tell;  // Connections of the members.
};

struct RegisterResult {
  RegisterOutcome outcome = RegisterOutcome::kAccepted;
  std::string master_addr;  // For a slave whose master is live.
  std::string master_ha_addr;
  std::vector<MinIdNotice> notices;
};

// The identity with which a broker unregisters or asks.
struct BrokerKey {
  std::string cluster;
  std::string broker_name;
  std::string broker_addr;
  BrokerId broker_id = kMasterId;
};

// The NameServer's whole state, as a pure data structure: time comes in as an argument, nothing goes out but
// results. Semantics are Apache's RouteInfoManager (spec client.md 4.2 to 4.4).
//
// Threads: one executor mutates it; Snapshot() results may be read anywhere.
// Invariants: (1) every address in a group has a live entry; (2) a group has at least one address; (3) a
// topic has at least one queue and only of existing groups, but for queues put there by RegisterTopic.
class RouteTable final {
 public:
  static constexpr Duration kLostKept = std::chrono::hours(7 * 24);
  struct Options {
    bool delete_topics_absent_from_registration = false;  // deleteTopicWithBrokerRegistration
  };
  RouteTable() : RouteTable(Options()) {}
  explicit RouteTable(Options options);

  RegisterResult Register(const BrokerReport& report, MonoTime now);
  std::vector<MinIdNotice> Unregister(const BrokerKey& broker);
  // Every broker that registered over this connection goes.
  std::vector<MinIdNotice> ConnectionClosed(uint64_t peer);
  // Refreshes the liveness of a known broker (904).
  void Heartbeat(const std::string& cluster, const std::string& broker_addr, MonoTime now);

  struct VersionAnswer {
    bool changed = true;
    std::optional<proto::DataVersion> known;
  };
  // Compares and refreshes (322).
  VersionAnswer QueryVersion(const BrokerKey& broker, const proto::DataVersion& theirs, MonoTime now);

  struct Expired {
    std::vector<BrokerKey> brokers;
    std::vector<uint64_t> peers;  // Their connections, to be closed.
    std::vector<MinIdNotice> notices;
  };
  // Removes brokers that have been silent for longer than their own timeout, and forgets names that were lost
  // kLostKept ago.
  Expired Expire(MonoTime now);

  // Both return how many topics of the broker they changed.
  int32_t WipeWritePermission(const std::string& broker_name);
  int32_t AddWritePermission(const std::string& broker_name);
  // Of one cluster's brokers, or of all when `cluster` is empty.
  void DeleteTopic(const std::string& topic, const std::string& cluster);
  // Queues of unknown brokers are ignored.
  void RegisterTopic(const std::string& topic, const std::vector<proto::QueueData>& queues);

  // Everything changed so far, frozen; unchanged parts are shared with the snapshot before.
  std::shared_ptr<const RouteSnapshot> Snapshot();

 private:
  // How a broker goes.
  enum class Leaving : uint8_t { kInOrder, kLost };
  // A group that was lost as a whole. `since` is set by the next Expire.
  struct LostGroup {
    BrokerGroup group;  // As it was at last.
    std::optional<MonoTime> since;
  };
  struct LiveBroker {
    std::string broker_name;
    BrokerId broker_id = kMasterId;
    MonoTime last_seen{};
    Duration timeout{};
    proto::DataVersion version;
    uint64_t peer = 0;
    std::string ha_addr;
  };
  using LiveKey = std::pair<std::string, std::string>;  // Cluster, address.

  bool HoldsNewerState(const BrokerGroup& group, const BrokerReport& report) const;
  void ImportTopics(const BrokerReport& report, bool first, bool version_changed);
  void DropTopicsNotIn(const BrokerReport& report);
  std::vector<MinIdNotice> Remove(const BrokerKey& broker, Leaving leaving);
  void ForgetLongLost(MonoTime now);
  // From every topic, but not from those named in `except` (null = none).
  void RemoveQueuesOf(const std::string& broker_name,
                      const std::map<std::string, proto::TopicConfig>* except);
  std::optional<MinIdNotice> NoticeFor(const std::string& broker_name, const std::string& offline_addr,
                                       const std::string& except_addr) const;
  TopicShard& MutableShard(std::string_view topic);
  GroupTable& MutableGroups();

  const Options options_;
  GroupTable groups_;
  std::array<TopicShard, kTopicShards> shards_;
  std::map<LiveKey, LiveBroker> live_;
  // For administrators only: clients are told nothing of them. Bound: limits::kNamesrvBrokersMax.
  std::map<std::string, LostGroup> lost_;
  bool lost_dirty_ = false;
  bool groups_dirty_ = false;
  std::array<bool, kTopicShards> shard_dirty_{};
  std::shared_ptr<const RouteSnapshot> published_ = std::make_shared<RouteSnapshot>();
};

}  // namespace orbitmq::namesrv
