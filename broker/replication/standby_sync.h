// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "broker/replication/ha_service.h"
#include "broker/replication/table_fetch.h"
#include "broker/state/consumer_offsets.h"
#include "broker/state/delay_queues.h"
#include "broker/state/group_table.h"
#include "broker/state/topic_table.h"
#include "common/env.h"
#include "remoting/protocol/headers.h"
#include "remoting/rpc_client.h"

namespace orbitmq::broker {

// Keeps a slave's tables in step with its master's: topics (21), consumer offsets (43), delay offsets (45)
// and consumer groups (201), at once when a master becomes known and every kSyncEvery from then on. What
// consumers committed here while the master was away is committed at the master (15) before its smaller
// offset is believed, unless the master has as much by then (14). The codes are those of Apache's
// SlaveSynchronize, so either side may be Apache's.
//
// A table is ahead of this slave's log while that catches up. Of the delay offsets that counts: a message
// that they are past may have its copy in the master's log only (DelayQueues::Follow).
//
// Topics that the master does not have lose their queues here too, up to where this slave's log, while it was
// the master's, ended when the master was asked: what lies below was stored before the master answered that
// the topic is gone, so none of it is of a topic that was made anew since. What comes later of the old topic,
// as to a slave that is behind, goes with a later look.
//
// Threads: SetMaster and Stop on the loop of the RpcClient; tables are read and written on `worker`, because
// a large table takes long to decode.
// Invariants: (1) one round at a time; (2) what a round has not got stays as it was; (3) nothing of a master
// that is not ours any more is taken.
class StandbySync final {
 public:
  struct Parts {
    Env& env;
    Executor& loop;
    Executor& worker;  // May block.
    net::RpcClient& rpc;
    TopicTable& topics;
    GroupTable& groups;
    ConsumerOffsets& offsets;
    DelayQueues& delay;
    store::MessageStore& store;
    const HaService& ha;
  };
  explicit StandbySync(Parts parts)
      : parts_(parts), fetch_({parts_.loop, parts_.worker, parts_.rpc, kTimeout}) {}

  // "ip:port" for clients; empty = there is none now.
  void SetMaster(const std::string& address);
  // Somebody says that there is something new at the master: at once, but not more often than every
  // kLookAgainAfter, whatever comes from the log.
  void LookNow();
  void Stop();

 private:
  // Which part of the log was the master's before it was asked.
  struct Basis {
    bool following = false;  // Nothing is known otherwise.
    LogOffset end;
    uint64_t generation = 0;
  };
  using Step = Status (StandbySync::*)(const proto::Command& reply);
  void Round();
  void RoundAt(MonoTime when);
  TableFetch::Table TakenBy(Step step, int32_t code, std::string_view name, const Basis& basis);
  void EndRound(const Status& status, std::string_view table);

  // On the worker. An error: the table cannot be taken.
  Status Take(Step step, const Endpoint& from, const Basis& basis, const proto::Command& reply);
  Status TakeTopics(const proto::Command& reply);
  // `table` has all topics of the master.
  void DropDeleted(const proto::TopicConfigAndMappingSerializeWrapper& table);
  Status TakeOffsets(const proto::Command& reply);
  Status TakeDelayOffsets(const proto::Command& reply);
  Status TakeGroups(const proto::Command& reply);
  // On its way to the master.
  struct ReturningCommit {
    Endpoint master;
    proto::UpdateConsumerOffsetRequestHeader header;
    std::optional<int64_t>
        cut;  // Where the master's queue ends, when that is before what was committed here.
  };
  void CommitAtMaster(const Endpoint& master, const ConsumerOffsets::Ahead& ahead);
  void CommitUnlessPassed(const std::shared_ptr<const ReturningCommit>& commit);
  void Commit(const std::shared_ptr<const ReturningCommit>& commit);
  void EndCommit(const ReturningCommit& commit, const Status& status);
  static bool Refused(const Status& status);
  bool Follows(const Endpoint& master) const { return has_master_ && master == master_; }
  void Report(std::string_view table, FollowOutcome outcome);

  static constexpr Duration kSyncEvery = std::chrono::seconds(5);
  static constexpr Duration kLookAgainAfter = std::chrono::milliseconds(200);
  static constexpr Duration kTimeout = std::chrono::seconds(10);
  Parts parts_;
  // Owned by the loop.
  Endpoint master_;
  bool has_master_ = false;
  TableFetch fetch_;
  Timer timer_;
  MonoTime begun_{};        // The last round.
  bool under_way_ = false;  // A round.
  bool look_again_ = false;
  bool failing_ = false;
  bool stopped_ = false;
  // Owned by the worker.
  Endpoint taking_from_;
  Basis taking_basis_;
  bool merged_logged_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace orbitmq::broker
