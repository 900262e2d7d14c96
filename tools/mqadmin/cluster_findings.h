// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/ids.h"
#include "orbitmq/status.h"
#include "remoting/protocol/admin_bodies.h"
#include "remoting/protocol/topic_config.h"

namespace orbitmq::tools {

// What `doctor` has asked, and what it makes of the answers. No I/O here.

enum class Severity : uint8_t {
  kWarning,  // Works, but not as it should, or not for long.
  kError,    // Something that clients need does not work.
};

struct Finding {
  Severity severity = Severity::kWarning;
  std::string where;  // A server, a broker's name or a topic.
  std::string what;
  std::string remedy;  // What to do, in the imperative.
};

struct NameServerFacts {
  std::string address;
  Status reached{};
  // Broker name and id to the address that it advertises.
  std::map<std::pair<std::string, BrokerId>, std::string> brokers{};
  std::map<std::string, std::string> config{};
};

struct BrokerFacts {
  std::string cluster;
  std::string name;
  BrokerId id = 0;
  std::string address;
  Status reached{};  // Of the address that is advertised to clients.
  std::map<std::string, std::string> runtime{};
  std::map<std::string, std::string> config{};
  std::map<std::string, proto::TopicConfig> topics{};
  std::optional<proto::HARuntimeInfo> replication{};  // Nothing: the broker does not tell.
  std::optional<int64_t> clock_ahead_ms{};            // Of the clock here, at least.
};

struct RouteFacts {
  std::string topic;
  std::set<std::string> broker_names{};
};

struct ClusterFacts {
  std::vector<NameServerFacts> name_servers{};
  std::vector<BrokerFacts> brokers{};
  std::vector<RouteFacts> routes{};
  // Names of which no broker is registered any more, and where the last one was; see ClusterInfo.
  std::map<std::string, std::string> lost{};
};

// Errors first, then by place.
std::vector<Finding> Examine(const ClusterFacts& facts);

// The broker's clock, from its boot time and "[ 0 days, 1 hours, 2 minutes, 3 seconds ]": milliseconds since
// 1970. Nothing when a figure is missing or no number.
std::optional<int64_t> BrokerClock(const std::map<std::string, std::string>& runtime);
// By how much such a clock, which shows whole seconds since the boot, is ahead of the one here at least;
// below 0 when it is behind. It was read some time between the question and the answer.
int64_t ClockAhead(int64_t clock_ms, int64_t asked_ms, int64_t answered_ms);

}  // namespace orbitmq::tools
