// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "broker/broker_identity.h"
#include "broker/state/client_table.h"
#include "broker/state/group_table.h"
#include "broker/state/topic_table.h"
#include "remoting/rpc_server.h"
#include "store/message_store.h"

namespace orbitmq::broker {

// What an administrator asks of a consumer by way of the broker: GET_CONSUMER_RUNNING_INFO (307),
// CONSUME_MESSAGE_DIRECTLY (309) and INVOKE_BROKER_TO_GET_CONSUMER_STATUS (223); remoting.md 6.6, 6.7.
// Threads: the admin executor; replies come on the consumers' io executors.
class ClientRelay final {
 public:
  struct Parts {
    Env& env;
    const BrokerIdentity& identity;
    const TopicTable& topics;
    const GroupTable& groups;
    const ClientTable& clients;
    store::MessageStore& store;
  };
  explicit ClientRelay(Parts parts) : parts_(parts) {}

  void RunningInfo(net::ServerRequest request);
  void ConsumeDirectly(net::ServerRequest request);
  void ConsumerStatus(net::ServerRequest request);

 private:
  void Relay(net::ServerRequest request, const std::string& group, const std::string& client_id,
             proto::Command command);

  Parts parts_;
};

}  // namespace orbitmq::broker
