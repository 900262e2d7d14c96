// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "broker/broker_options.h"
#include "broker/replication/replica_group.h"

namespace orbitmq::broker {

// Apache's words for a send that a slave gets.
inline constexpr std::string_view kRejectedBySlave =
    "[REJECTREQUEST]system busy, start flow control for a while";

// Why a request is not served; code and text go to whoever sent it.
struct RequestRefusal {
  int32_t code = 0;
  std::string remark;
};

// What decides, with the part that a broker plays among those of its name, whether it serves a request.
enum class RoleRule : uint8_t {
  kEachRole,       // Nothing: each broker does.
  kSend,           // It stores messages,
  kSendBack,       // or a message that a consumer gives back.
  kPull,           // It reads messages.
  kTables,         // It changes topics or groups.
  kTopicDeletion,  // It deletes one.
  kOffsets,        // It moves the offsets of a group.
};
constexpr bool Stores(RoleRule rule) { return rule == RoleRule::kSend || rule == RoleRule::kSendBack; }

// What a slave refuses before a handler sees it, with Apache's codes and texts; nullopt = served. Pure.
//
// Sends and send-backs: its log is its master's, so producers are sent to another broker by a code that they
// retry on. Pulls: only while the master is alive and slaveReadEnable is false; Apache refuses them without a
// master too, and leaves consumers with nobody to read from. Changes of topics, groups and offsets by
// administrators: the next look at the master would undo them. While a broker `hands_over`, having led until
// a moment ago, consumers that do not know that yet go on reading. The deletion of a topic, which mqadmin
// sends to masters and slaves alike, is answered OK while a master is alive, whose deletion counts
// (StandbySync).
std::optional<RequestRefusal> RefusalOfSlave(RoleRule rule, const BrokerOptions& options,
                                             const ReplicaView& group, bool hands_over);
// Likewise, of a master that found another one of its name: no messages in, none out.
std::optional<RequestRefusal> RefusalOfRival(RoleRule rule);

// Which broker a consumer is to pull from next.
struct PullAdvice {
  BrokerId broker = kMasterId;
  // The consumer is to ask there at once instead of waiting here, although nothing was found.
  bool go_now = false;
};

struct PullStanding {
  bool found = false;             // The pull got messages.
  int64_t bytes_behind = 0;       // From the last of them to the end of the log.
  int64_t bytes_behind_max = 0;   // Up to there they are in memory (accessMessageInMemoryMaxRatio).
  BrokerId of_group = kMasterId;  // The group's brokerId
  BrokerId when_slow = 1;         // and whichBrokerWhenConsumeSlowly.
};

// Apache's rules (store.md 8.1): far behind and slaves may be read: the slave that the group names; else the
// group's own broker. A slave sends everybody who is not far behind to the master while there is one.
PullAdvice AdvisePull(const BrokerOptions& options, const ReplicaView& group, const PullStanding& pull);

}  // namespace orbitmq::broker
