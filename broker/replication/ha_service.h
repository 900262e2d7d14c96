// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "broker/broker_options.h"
#include "broker/replication/ha_status.h"
#include "common/env.h"
#include "common/executor.h"
#include "store/message_store.h"

namespace orbitmq::broker {

class HaMaster;
class HaSlave;

// Replication of one broker: as a master it serves the log to slaves, as a slave it follows its master's,
// and changes from one to the other while it runs. Who decides that is not its business: an administrator
// today (role_change.h), an elected leader's term later, with other frames on the wire; the store
// (store/replicated_log.h) only sees watermarks, appends, cuts and its role.
//
// Threads: Start once; the rest from any. It has two executors of its own: `bk-ha` with the connections, and
// `bk-ha-read`, which waits for the disk.
class HaService final {
 public:
  struct Parts {
    Env& env;
    const LiveOptions& options;
    store::MessageStore& store;
    // A slave's: its log was cut (on bk-ha).
    UniqueFunction<void()> on_cut{};
  };
  explicit HaService(Parts parts);
  ~HaService();
  HaService(const HaService&) = delete;
  HaService& operator=(const HaService&) = delete;

  // Listens at once, a slave too, which sends away whoever comes until it leads: its address stays the same.
  // `port` 0 = any free one. A port that is taken is an error only where slaves are asked for: by
  // haListenPort, or SYNC_MASTER; otherwise it is logged, and the broker never has slaves.
  Status Start(const std::string& bind_address, uint16_t port);
  // 0 when nobody can connect.
  uint16_t port() const;
  // Where a NameServer says that the master's log is ("host:port"; empty = nowhere now). A leader ignores it.
  void SetMaster(std::string address);
  // Called, on bk-ha, whenever the master ends the connection of this slave: it may be gone.
  void OnMasterLost(UniqueFunction<void()> lost);
  // A slave: whether its master lives, see HaSlave::AskMaster. `done` on bk-ha.
  void AskMaster(Duration patience, UniqueFunction<void(MasterAnswer)> done);
  // To follow: nothing must be appended any more; waits, for `patience` at most, until every slave in sync
  // has the whole log, then follows whoever SetMaster names. To lead: takes none of its master's log any
  // more. `done` on bk-ha. A store that cannot change its role leaves everything as it was.
  void ChangeRole(store::LogRole role, Duration patience, Completion<Done> done);
  // Before the store closes: a slave takes none of its master's log; a master calls `done` once every slave
  // in sync has the whole log, or after `patience`.
  void BeginStop(Duration patience, Completion<Done> done);
  HaStatus status() const;
  // Nothing runs afterwards. Before the store goes; this object goes after it.
  void Stop();

 private:
  bool leads() const { return role_.load() == store::LogRole::kLeader; }
  void ChangeStore(store::LogRole role, Completion<Done> done);
  void Begin();

  Parts parts_;
  std::unique_ptr<Executor> loop_;
  std::unique_ptr<Executor> reader_;
  // Of the two one works.
  std::unique_ptr<HaMaster> master_;
  std::unique_ptr<HaSlave> slave_;
  std::atomic<store::LogRole> role_;
};

}  // namespace orbitmq::broker
