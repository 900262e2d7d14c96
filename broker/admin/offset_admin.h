// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <set>
#include <string>

#include "broker/broker_identity.h"
#include "broker/broker_options.h"
#include "broker/state/broker_stats.h"
#include "broker/state/client_table.h"
#include "broker/state/consumer_offsets.h"
#include "broker/state/delay_queues.h"
#include "broker/state/group_table.h"
#include "broker/state/topic_table.h"
#include "remoting/protocol/headers.h"
#include "remoting/rpc_server.h"
#include "store/message_store.h"

namespace orbitmq::broker {

// What administrators ask about offsets and progress (43, 45, 208, 222, 303, 308, 314, 317;
// remoting.md 2.4, 2.9, 2.10). Threads: the admin executor (it reads queues).
class OffsetAdmin final {
 public:
  struct Parts {
    Env& env;
    const LiveOptions& options;
    const BrokerIdentity& identity;
    const TopicTable& topics;
    const GroupTable& groups;
    const ClientTable& clients;
    ConsumerOffsets& offsets;
    const DelayQueues& delay;
    store::MessageStore& store;
    BrokerStats& stats;
  };
  explicit OffsetAdmin(Parts parts) : parts_(parts) {}

  void AllConsumerOffsets(net::ServerRequest request);
  void AllDelayOffsets(net::ServerRequest request);
  void ConsumeStats(net::ServerRequest request);
  void AllConsumeStats(net::ServerRequest request);
  void ConsumeTimeSpan(net::ServerRequest request);
  void CorrectionOffsets(net::ServerRequest request);
  void CloneGroup(net::ServerRequest request);
  void Reset(net::ServerRequest request);

 private:
  MessageQueue QueueOf(const std::string& topic, QueueId id) const {
    return {topic, parts_.identity.name, id};
  }
  int64_t StoreTime(const QueueKey& queue, int64_t offset) const;
  proto::ConsumeStats StatsOf(const std::string& group, const proto::TopicConfig& topic) const;
  Result<proto::ResetOffsetBody> ResetTargets(const proto::ResetOffsetRequestHeader& header,
                                              const proto::TopicConfig& topic) const;
  void PushReset(net::ServerRequest request, const proto::ResetOffsetRequestHeader& header,
                 proto::ResetOffsetBody body);

  Parts parts_;
};

}  // namespace orbitmq::broker
