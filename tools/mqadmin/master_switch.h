// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/endpoint.h"
#include "common/ids.h"
#include "orbitmq/result.h"
#include "remoting/protocol/admin_bodies.h"

namespace orbitmq::tools {

// What `switchMaster` has asked the brokers of one name, and what it makes of the answers. No I/O here.

inline constexpr char kSlaveRole[] = "SLAVE";

struct GroupMember {
  BrokerId id = 0;  // As the NameServers know it.
  Endpoint address{};
  Status reached{};
  std::string name{};         // brokerName.
  std::string role{};         // brokerRole, as its configuration says.
  bool changes_role = false;  // Its runtime figures are ours: Apache's broker only stores a new role.
  proto::HARuntimeInfo replication{};
  std::string follows{};  // The replication address of a slave's master, even when that is gone.

  bool leads() const { return reached.ok() && replication.master; }
  // Of its log.
  int64_t log_end() const;
};

// "5 bytes and 12 ms"; Apache's master tells no time.
std::string LagText(const proto::HAConnectionRuntimeInfo& slave);

struct SwitchWish {
  std::string target{};  // An id or an address; empty: the one that fits best.
  std::string role{};    // What the new master shall be; empty: what the old one is.
  bool force = false;    // The master is dead.
};

struct SwitchPlan {
  std::optional<size_t> master{};  // Nothing: it is dead.
  size_t target = 0;
  std::string role{};  // Of the target, afterwards.
  std::string loss{};  // What may be lost, for people; empty: nothing.
};

// Who is to become the master of `broker`, or why nobody can. `members` as the NameServers know them.
Result<SwitchPlan> PlanSwitch(const std::string& broker, std::span<const GroupMember> members,
                              const SwitchWish& wish);

// The id with which `returning`, a master that was replaced while it was down, becomes a slave of the one
// that leads now; or why it cannot.
Result<BrokerId> PlanRejoin(const std::string& broker, std::span<const GroupMember> members,
                            const GroupMember& returning);

// What to do when the target of a switch without a master refuses to lead.
Status NotTakenOver(const std::string& broker, const Status& refusal);

// Whether a broker that refused a role for this reason may take it in a moment.
bool RefusesForNow(const Status& refusal);

}  // namespace orbitmq::tools
