// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "broker/escape_route.h"
#include "broker/ha_service.h"
#include "broker/master_duties.h"
#include "broker/parked_pulls.h"
#include "broker/replica_group.h"
#include "broker/standby_sync.h"

namespace orbitmq::broker {

// The part that this broker plays among the brokers of its name, and what follows from it:
// a master takes back at its start what its slaves hold for it (offsets that consumers committed to them,
// delay levels that one of them delivered), then does the duties of a master; a slave follows its master's
// tables, sends waiting consumers back when it returns, and with enableSlaveActingMaster does its duties
// while it is away and this is the smallest id alive.
//
// Threads: everything on the loop of the RpcClient, but the constructor and destructor.
// Invariant: a slave begins a duty only after its master was asked and did not answer: a NameServer that was
// restarted knows nobody for a while.
class GroupRole final {
 public:
  struct Parts {
    Env& env;
    Executor& loop;
    Executor& worker;  // May block.
    const LiveOptions& options;
    const BrokerIdentity& identity;
    net::RpcClient& rpc;
    std::vector<Endpoint> nameservers;
    TopicTable& topics;
    GroupTable& groups;
    ConsumerOffsets& offsets;
    DelayQueues& delay;
    store::MessageStore& store;
    const HaService& ha;
    ParkedPulls& parked;
  };
  explicit GroupRole(Parts parts);

  ReplicaGroup& replicas() { return replicas_; }
  MasterDuties& duties() { return duties_; }

  // `ready` is called when this broker may be found by clients: a master's offsets are complete then, or
  // nobody could be asked for kAdoptTimeout each.
  void Open(Completion<Done> ready);
  // A slave looks at its master's tables now. Threads: any.
  void FollowNow();
  // Ends duties and following.
  void Stop();

 private:
  void AskForSlaves(Completion<Done> ready);
  void AdoptFrom(std::vector<Endpoint> slaves, Completion<Done> ready);
  void Adopt(const proto::Command& offsets, const proto::Command& delay, const Endpoint& slave);
  void GroupChanged(const ReplicaView& before, const ReplicaView& now);
  void MakeSureMasterIsGone();

  static constexpr Duration kAdoptTimeout = std::chrono::seconds(2);
  static constexpr Duration kProbeEvery = std::chrono::seconds(1);
  Parts parts_;
  const bool slave_;
  ReplicaGroup replicas_;
  EscapeRoute escape_;
  StandbySync sync_;
  MasterDuties duties_;
  Endpoint last_master_;  // Of a slave; port 0 = none was known yet.
  bool probing_ = false;
  bool stopped_ = false;
  Timer probe_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace orbitmq::broker
