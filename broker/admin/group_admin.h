// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "broker/state/broker_stats.h"
#include "broker/state/client_table.h"
#include "broker/state/consumer_offsets.h"
#include "broker/state/group_table.h"
#include "broker/state/topic_table.h"
#include "remoting/rpc_server.h"

namespace orbitmq::broker {

// What administrators ask about groups and who is connected (200, 201, 203, 204, 207, 225, 328, 343, 345,
// 352, 353; remoting.md 2.8, 2.9). Threads: the admin executor. A change is answered once it is on disk.
class GroupAdmin final {
 public:
  struct Parts {
    Env& env;
    const TopicTable& topics;
    GroupTable& groups;
    ConsumerOffsets& offsets;
    const ClientTable& clients;
    BrokerStats& stats;
  };
  explicit GroupAdmin(Parts parts) : parts_(parts) {}

  void Update(net::ServerRequest request);
  void UpdateList(net::ServerRequest request);
  void Delete(net::ServerRequest request);
  void GetAll(net::ServerRequest request);
  void Get(net::ServerRequest request);
  void Forbidden(net::ServerRequest request);
  void ConsumerConnections(net::ServerRequest request);
  void ProducerConnections(net::ServerRequest request);
  void AllProducers(net::ServerRequest request);
  void TopicsOfGroup(net::ServerRequest request);
  void SubscriptionOfGroup(net::ServerRequest request);
  // Accepts that a group pulls, which is what all do; refuses pop.
  void SetRequestMode(net::ServerRequest request);
  // Which groups pop instead of pulling: none, which is what slaves of Apache's are told.
  void RequestModes(net::ServerRequest request);

 private:
  void ReplyWhenDurable(net::ServerRequest request);

  Parts parts_;
};

}  // namespace orbitmq::broker
