// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>

#include "broker/broker_options.h"
#include "broker/replication/group_role.h"
#include "broker/replication/ha_service.h"
#include "broker/replication/role_gate.h"
#include "broker/state/consumer_offsets.h"
#include "broker/state/group_table.h"
#include "broker/state/parked_pulls.h"
#include "broker/state/route_publisher.h"
#include "broker/state/topic_table.h"
#include "common/env.h"

namespace orbitmq::broker {

// Changes brokerRole and brokerId of a running broker: between ASYNC_MASTER and SYNC_MASTER, from master to
// slave, from slave to master. It decides nothing: an administrator does today (UPDATE_BROKER_CONFIG; mqadmin
// switchMaster asks two brokers in turn), an elected leader's term would by the same call.
//
//   to slave:  sends refused -> duties end -> slaves in sync get the whole log -> the store follows
//              -> options, tables, group -> registered
//   to master: following ends -> the store leads -> offsets within the queues -> options, tables
//              -> what the other brokers of the group hold is taken -> sends taken -> registered
//
// Invariants: (1) one change at a time; (2) in no moment does this broker take sends and a master's log; (3)
// a store that cannot change its role leaves the broker as it was.
//
// Threads: To and busy from any; the rest is on the loop of the RpcClient.
class RoleChange final {
 public:
  struct Parts {
    Env& env;
    Executor& loop;
    Executor& worker;  // May block.
    LiveOptions& options;
    store::MessageStore& store;
    HaService& ha;
    GroupRole& role;
    RoutePublisher& publisher;
    RoleGate& gate;
    TopicTable& topics;
    GroupTable& groups;
    ConsumerOffsets& offsets;
    DelayQueues& delay;
    ParkedPulls& parked;
  };
  explicit RoleChange(Parts parts) : parts_(parts) {}

  // `done` is called on the worker when every NameServer knows, or cannot be asked. kFailedPrecondition when
  // nothing was begun: another change or the start is under way, or this slave follows a master that is
  // alive, which has to become a slave first.
  void To(BrokerRole role, int64_t id, Completion<Done> done);
  bool busy() const { return busy_.load(); }
  // Nothing begins any more.
  void Stop() { stopped_.store(true); }

 private:
  struct Change {
    BrokerRole role = BrokerRole::kAsyncMaster;
    int64_t id = 0;
    Completion<Done> done;
    BrokerRole role_before = BrokerRole::kAsyncMaster;  // These are filled in when it begins.
    int64_t id_before = 0;
    bool gave_way = false;  // It was a master that takes nothing, since another one leads.
    Status failure{};       // Why it goes back to what it was.
  };
  using Ref = std::shared_ptr<Change>;
  Status Check(const Change& change) const;
  // A slave that has a connection to its master: only when that is silent.
  bool TakesMastersPlace(const Change& change) const;
  void AskMaster(const Ref& change);
  void Begin(const Ref& change);
  template <class F>
  void Leave(const Ref& change, F next);
  void Demote(const Ref& change);
  void Demoted(const Ref& change);
  void Promote(const Ref& change);
  void Promoted(const Ref& change);
  void GoBack(const Ref& change, const Status& why);
  void FollowAgain(const Ref& change, const Status& why);
  void Apply(const Change& change);
  void Publish(const Ref& change);
  void End(const Ref& change, Result<Done> result);
  void Answer(const Ref& change, Result<Done> result);
  bool is_slave() const { return parts_.options.Get()->broker_role == BrokerRole::kSlave; }
  // For a step that comes back from another executor: runs `step` on the loop if this object is still there.
  template <class F>
  Completion<Done> Then(F step);

  // For slaves to fetch the end of the log before this broker follows.
  static constexpr Duration kSlavesMax = std::chrono::seconds(3);
  // For a master to answer its slave's new connection.
  static constexpr Duration kAnswerMax = std::chrono::milliseconds(1500);
  Parts parts_;
  std::atomic<bool> busy_{false};
  std::atomic<bool> stopped_{false};
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace orbitmq::broker
