// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "broker/consumer_offsets.h"
#include "broker/delay_queues.h"
#include "broker/group_table.h"
#include "broker/ha_service.h"
#include "broker/topic_table.h"
#include "common/env.h"
#include "remoting/rpc_client.h"

namespace orbitmq::broker {

// Keeps a slave's tables in step with its master's: topics (21), consumer offsets (43), delay offsets (45)
// and consumer groups (201), at once when a master becomes known and every kSyncEvery from then on. What
// consumers committed here while the master was away is committed at the master (15) before its smaller
// offset is believed. The codes are those of Apache's SlaveSynchronize, so either side may be Apache's.
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
  explicit StandbySync(Parts parts) : parts_(parts) {}

  // "ip:port" for clients; empty = there is none now.
  void SetMaster(const std::string& address);
  // Somebody says that there is something new at the master.
  void LookNow();
  void Stop();

 private:
  using Step = void (StandbySync::*)(std::string_view body);
  struct Part {
    int32_t code;
    std::string_view name;
    Step take;
  };
  // Which part of the log was the master's before it was asked.
  struct Basis {
    bool following = false;  // Nothing is known otherwise.
    LogOffset end;
    uint64_t generation = 0;
  };
  void Round();
  void Ask(size_t part, uint64_t epoch);
  void Answered(size_t part, uint64_t epoch, Result<proto::Command> reply);
  void EndRound(uint64_t epoch);
  void Failed(const Part& part, const Status& why);

  // On the worker.
  // The table that a master sent; nothing, and why in bad_, when it does not decode.
  template <class Table>
  std::optional<Table> Read(std::string_view body);
  void TakeTopics(std::string_view body);
  void DropDeleted(const proto::TopicConfigAndMappingSerializeWrapper& table);
  void TakeOffsets(std::string_view body);
  void TakeDelayOffsets(std::string_view body);
  void TakeGroups(std::string_view body);
  void CommitAtMaster(const Endpoint& master, ConsumerOffsets::Ahead ahead);
  void Report(std::string_view table, FollowOutcome outcome);

  static const Part kParts[4];
  static constexpr Duration kSyncEvery = std::chrono::seconds(5);
  static constexpr Duration kTimeout = std::chrono::seconds(10);
  Parts parts_;
  // Owned by the loop.
  Endpoint master_;
  bool has_master_ = false;
  uint64_t epoch_ = 0;  // Of the master; answers of an earlier one are thrown away.
  Timer timer_;
  bool under_way_ = false;  // A round.
  bool look_again_ = false;
  bool failing_ = false;
  bool stopped_ = false;
  Basis basis_;
  // Owned by the worker.
  Endpoint taking_from_;
  Basis taking_basis_;
  std::optional<int32_t> taking_total_;  // How many topics the master has, where it says so.
  bool merged_logged_ = false;
  Status bad_;  // Why the body of the step that runs could not be taken.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace orbitmq::broker
