// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/replication/escape_route.h"
#include "broker/replication/ha_service.h"
#include "broker/replication/replica_group.h"
#include "broker/replication/rival_watch.h"
#include "broker/replication/role_gate.h"
#include "broker/replication/standby_sync.h"
#include "broker/replication/table_fetch.h"
#include "broker/state/master_duties.h"
#include "broker/state/parked_pulls.h"

namespace orbitmq::broker {

// The part that this broker plays among the brokers of its name, and what follows from it:
// a master takes back at its start what its slaves hold for it (offsets that consumers committed to them,
// delay levels that one of them delivered), then does the duties of a master; a slave follows its master's
// tables, sends waiting consumers back when it returns, and with enableSlaveActingMaster does its duties
// while it is away and this is the smallest id alive. The part may change (role_change.h).
//
// Threads: everything on the loop of the RpcClient, but the constructor and destructor.
// Invariants: (1) a slave begins a duty only after its master was asked and did not answer: a NameServer that
// was restarted knows nobody for a while; (2) a master does not begin while another one of its name answers
// as master, as when a slave was made the master while this one was down, unless it was made the master
// later itself; and it ends when it finds such a one (rival_watch.h): two of them would give the same
// places to different messages.
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
    HaService& ha;
    ParkedPulls& parked;
    RoleGate& gate;
    LeaderClaim& claim;
  };
  explicit GroupRole(Parts parts);

  ReplicaGroup& replicas() { return replicas_; }
  RivalWatch& rivals() { return rivals_; }
  MasterDuties& duties() { return duties_; }
  // Called when a master gave way to another one while it ran, and when it leads again: NameServers are to
  // hear of it. Before Open.
  void OnLeadChanged(UniqueFunction<void()> changed) { lead_changed_ = std::move(changed); }

  // Takes the part that brokerRole names. `ready` is called when this broker may be found by clients: a
  // master's offsets are complete then, or nobody could be asked for kAdoptTimeout each. While another master
  // is alive, one that starts waits; one that was a slave until now gets kFailedPrecondition and has no part.
  void Open(Completion<Done> ready);
  bool open() const { return open_; }  // Ready.
  // Gives up the part that it has; `done` once nothing of it changes a table any more. Open may follow.
  void Leave(Completion<Done> done);
  // A slave looks at its master's tables now. Threads: any.
  void FollowNow();
  // Ends duties and following.
  void Stop();

 private:
  // Where the copies of delayed messages go: into this log, or from a slave by way of another broker.
  class CopyRoute final : public store::LogAppender {
   public:
    void To(store::LogAppender& target) { target_.store(&target); }
    void Append(store::AppendRequest request) override { target_.load()->Append(std::move(request)); }

   private:
    std::atomic<store::LogAppender*> target_{nullptr};
  };
  void AskForSlaves(Completion<Done> ready);
  // `unregistered`: a NameServer answered, and knows no other master of this name.
  void YieldTo(const std::string& rival, bool unregistered, std::vector<Endpoint> slaves,
               Completion<Done> ready);
  void StandDown(const Rival& rival);
  // The one that this broker gives way to, which is silent, may lead all the same.
  bool RivalMayLead(bool unregistered) const;
  void ProbeAgain(Completion<Done> ready);
  // One slave after the other, the last first.
  void AdoptFrom(std::vector<Endpoint> slaves, Completion<Done> ready);
  void Lead(Completion<Done> ready);
  // On the worker. Each returns how many entries of the slave's table count here now.
  size_t AdoptTopics(const proto::Command& reply);
  size_t AdoptGroups(const proto::Command& reply);
  size_t AdoptOffsets(const proto::Command& reply);
  size_t AdoptDelay(const proto::Command& reply);
  using Step = size_t (GroupRole::*)(const proto::Command& reply);
  TableFetch::Table TakenBy(Step step, int32_t code, const Endpoint& slave);
  void GroupChanged(const ReplicaView& before, const ReplicaView& now);
  void MakeSureMasterIsGone();

  static constexpr Duration kAdoptTimeout = std::chrono::seconds(2);
  static constexpr Duration kProbeEvery = std::chrono::seconds(1);
  // For which a rival is waited for that does not answer any more, nor is registered: it may only be starting
  // anew.
  static constexpr Duration kRivalGone = std::chrono::seconds(30);
  Parts parts_;
  bool slave_;
  bool was_slave_ = false;  // Before it became a master.
  bool open_ = false;
  uint64_t turn_ = 0;  // Counts Leave; answers to questions of an earlier turn are not listened to.
  ReplicaGroup replicas_;
  RivalWatch rivals_;
  EscapeRoute escape_;
  CopyRoute copies_;
  StandbySync sync_;
  TableFetch adoption_;
  MasterDuties duties_;
  Endpoint last_master_;  // That it followed; port 0 = none was known yet.
  bool probing_ = false;
  bool rival_told_ = false;
  std::string gives_way_to_;  // A rival's address; empty: none was found.
  MonoTime rival_answered_;   // When that last answered as a master.
  UniqueFunction<void()> lead_changed_;
  bool stopped_ = false;
  Timer probe_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace orbitmq::broker
