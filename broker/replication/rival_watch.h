// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "broker/broker_identity.h"
#include "broker/replication/leader_claim.h"
#include "broker/replication/replica_group.h"
#include "broker/replication/role_gate.h"
#include "common/env.h"
#include "common/snapshot_cell.h"
#include "remoting/protocol/admin_bodies.h"
#include "remoting/rpc_client.h"

namespace orbitmq::broker {

// Another broker that answered as the master of this one's name. A value.
struct Rival {
  std::string address;
  // Nothing: it does not tell, as Apache's.
  std::optional<int64_t> leads_since_ms{};
  int64_t log_end = 0;
  bool gives_way = false;         // To the one that tells of it.
  std::string SinceText() const;  // For logs.
  friend bool operator==(const Rival&, const Rival&) = default;
};

// How a rival is described by its answer; nothing when it is no master, or the asker itself under another
// address.
std::optional<Rival> RivalIn(const std::string& address, const proto::HARuntimeInfo& answer,
                             const BrokerIdentity& own);
// Whether this broker, which leads since `since_ms` (0 = it has no claim), has to give way. The later claim
// goes on, of equal ones the greater address; who does not tell goes on, because it never gives way.
bool GivesWayTo(const Rival& rival, int64_t since_ms, const BrokerIdentity& own);

// Finds other masters of this broker's name while it leads. A NameServer knows one address for the master of
// a name, whichever registered last: so before each registration it is asked which one that is, and that one
// who it is, as is whoever answered as master before: a rival, or the master that this broker followed. The
// question says who asks and since when that leads, so that a rival which no NameServer leads to looks, too.
//
// Threads: `noted` and Introduced from any; the rest on the loop of the RpcClient, completions included.
class RivalWatch final {
 public:
  struct Parts {
    Env& env;
    Executor& loop;
    const BrokerIdentity& identity;
    net::RpcClient& rpc;
    ReplicaGroup& replicas;
    const RoleGate& gate;
    LeaderClaim& claim;
  };
  explicit RivalWatch(Parts parts) : parts_(parts) {}

  // Called with a rival that this broker, which leads, has to give way to; before the first Look.
  void OnOutranked(UniqueFunction<void(const Rival&)> outranked) { outranked_ = std::move(outranked); }

  // Before this broker registers at a NameServer: OK when it may, kFailedPrecondition when it gives way to a
  // rival (what the NameServer still knows of it is taken back); else the NameServer did not answer. It waits
  // for a rival's answer, unless that was silent the last time. A slave may always; it only asks its master
  // since when that leads.
  void Look(const Endpoint& nameserver, Completion<Done> done);
  // One question to the broker at an address.
  void Ask(const std::string& address, Completion<proto::HARuntimeInfo> done);
  // A master of this name was found, or one that gives way; told in the log once.
  void Note(const Rival& rival);
  // This broker leads alone from now on, or is a slave.
  void Forget();

  // Another broker says that it leads: it is asked whether that is so.
  void Introduced(const std::string& address, int64_t since_ms);
  // The rival that was found last: it serves, gave way, or this one gives way to it. Null: none.
  std::shared_ptr<const std::optional<Rival>> noted() const { return noted_.Load(); }

 private:
  void Looked(const Endpoint& nameserver, const proto::BrokerMemberGroup& group, Completion<Done> done);
  void TakeBack(const Endpoint& nameserver);
  // Asks without anybody waiting for it, unless it is being asked.
  void Check(const std::string& address);
  void Judge(const std::string& address, const Result<proto::HARuntimeInfo>& answer);
  // A NameServer answered that nobody else leads. One that does not answer may know of somebody.
  void LedAlone();
  bool leads() const { return parts_.gate.state() == RoleGate::State::kMaster; }

  static constexpr Duration kAskTimeout = std::chrono::seconds(2);
  // A claim that a restart kept is renewed then: who was made the master later has not come. It would take
  // away all that this broker takes, however much that is, whenever it came.
  static constexpr Duration kAloneMin = std::chrono::seconds(30);
  static constexpr size_t kAskedMax = 8;  // Whoever introduces itself under more addresses is not asked.
  Parts parts_;
  UniqueFunction<void(const Rival&)> outranked_;
  std::set<std::string> asked_;  // By Check, answers to come.
  std::string silent_;           // The last address that did not answer.
  std::string suspect_;          // The last that answered as a master, and not yet that it is a slave.
  std::optional<MonoTime> alone_since_;  // Said by every NameServer that was to be registered at.
  SnapshotCell<std::optional<Rival>> noted_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace orbitmq::broker
