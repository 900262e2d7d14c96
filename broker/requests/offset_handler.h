// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "broker/broker_options.h"
#include "broker/state/consumer_offsets.h"
#include "broker/state/group_table.h"
#include "broker/state/topic_table.h"
#include "remoting/rpc_server.h"
#include "store/message_store.h"

namespace orbitmq::broker {

// Offsets of groups (14, 15) and of queues (29..32), see remoting.md 2.4.
// Threads: any; what looks into files is registered on the read executors.
class OffsetHandler final {
 public:
  struct Parts {
    const LiveOptions& options;
    const TopicTable& topics;
    GroupTable& groups;
    ConsumerOffsets& offsets;
    store::MessageStore& store;
  };
  explicit OffsetHandler(Parts parts) : parts_(parts) {}

  void Query(net::ServerRequest request);
  void Update(net::ServerRequest request);
  void SearchByTime(net::ServerRequest request);
  void Max(net::ServerRequest request);
  void Min(net::ServerRequest request);
  void EarliestStoreTime(net::ServerRequest request);

 private:
  Parts parts_;
};

}  // namespace orbitmq::broker
