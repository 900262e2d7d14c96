// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "broker/broker_identity.h"
#include "broker/broker_options.h"
#include "broker/replication/replica_group.h"
#include "broker/state/broker_stats.h"
#include "broker/state/client_table.h"
#include "broker/state/consumer_offsets.h"
#include "broker/state/group_table.h"
#include "broker/state/parked_pulls.h"
#include "broker/state/topic_table.h"
#include "remoting/protocol/headers.h"
#include "store/message_store.h"

namespace orbitmq::broker {

// PULL_MESSAGE (11) and LITE_PULL_MESSAGE (361).
//
// Threads: Handle and Wake on any executor, normally an io one, where only what is in memory is read. The
// others go to the read executors, which may block; more than limits::kColdPullsMax of them are refused.
// Checks, their order, codes and texts follow Apache's PullMessageProcessor (store.md 8.1).
class PullHandler final {
 public:
  struct Parts {
    Env& env;
    const LiveOptions& options;
    TopicTable& topics;
    GroupTable& groups;
    const ClientTable& clients;
    ConsumerOffsets& offsets;
    ParkedPulls& parked;
    store::MessageStore& queues;
    BrokerStats& stats;
    const ReplicaGroup& replicas;
    std::vector<Executor*> read;  // At least one.
  };
  explicit PullHandler(Parts parts) : parts_(std::move(parts)) {}

  void Handle(net::ServerRequest request);
  // A parked pull goes on.
  void Wake(PullJob job, ParkedPulls::Reason reason);

 private:
  using Header = proto::PullMessageRequestHeaderView;
  // Why a pull is refused; forbidden_type goes with NO_PERMISSION.
  struct Refusal {
    int32_t code = 0;
    std::string remark;
    std::optional<int32_t> forbidden_type;
  };
  static std::optional<Refusal> CheckBroker(const BrokerOptions& options);
  std::optional<Refusal> CheckPull(const Header& header, const net::ServerRequest& request, GroupRef& group,
                                   TopicRef& topic) const;
  std::optional<Refusal> FindFilter(const Header& header, const proto::SubscriptionGroupConfig& group,
                                    std::shared_ptr<const TagFilter>& filter) const;
  void Refuse(net::ServerRequest& request, Refusal refusal) const;
  void ReadSomewhere(PullJob job);
  // Answers with what was read, or lets the pull wait.
  void Conclude(PullJob job, store::QueueSlice slice, const BrokerOptions& options);
  // What is answered, if it is answered now.
  struct Verdict {
    int32_t code = 0;
    BrokerId suggested = kMasterId;
    bool wait = false;
    std::optional<Duration> wait_max{};
  };
  Verdict Judge(const PullJob& job, const BrokerOptions& options, store::QueueSlice& slice) const;
  void Answer(PullJob job, store::QueueSlice slice, const Verdict& verdict);
  static int64_t MemoryBytesMax(const BrokerOptions& options);
  int64_t BytesBehind(const QueueKey& queue, const store::QueueSlice& slice) const;
  void AnswerReset(PullJob job, int64_t offset);
  MonoTime WaitUntil(const Header& header) const;

  // Whom a slave sends to the master it answers after so long.
  static constexpr Duration kSentOnHold = std::chrono::seconds(1);
  Parts parts_;
  std::atomic<int32_t> cold_pending_{0};
};

}  // namespace orbitmq::broker
