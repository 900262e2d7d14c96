// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "broker/broker_stats.h"
#include "broker/client_table.h"
#include "broker/consumer_offsets.h"
#include "broker/group_table.h"
#include "remoting/rpc_server.h"

namespace orbitmq::broker {

// What administrators ask about groups and who is connected (200, 201, 203, 204, 207, 225, 328, 343, 345,
// 352, 353; remoting.md 2.8, 2.9). Threads: the admin executor. A change is answered once it is on disk.
class GroupAdmin final {
 public:
  struct Parts {
    Env& env;
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
  // Which groups pop instead of pulling: none, which is what slaves of Apache's are told.
  void RequestModes(net::ServerRequest request);

 private:
  void ReplyWhenDurable(net::ServerRequest request);

  Parts parts_;
};

}  // namespace orbitmq::broker
