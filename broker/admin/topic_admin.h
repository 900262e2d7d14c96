// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "broker/broker_identity.h"
#include "broker/broker_options.h"
#include "broker/state/broker_stats.h"
#include "broker/state/client_table.h"
#include "broker/state/consumer_offsets.h"
#include "broker/state/topic_table.h"
#include "remoting/rpc_server.h"
#include "store/message_store.h"

namespace orbitmq::broker {

// What administrators ask about topics (17, 18, 21, 202, 215, 300, 305, 316, 351; remoting.md 2.7, 2.9).
// Threads: the admin executor. A change is answered once it is on disk.
class TopicAdmin final {
 public:
  struct Parts {
    Env& env;
    const BrokerIdentity& identity;
    TopicTable& topics;
    ConsumerOffsets& offsets;
    const ClientTable& clients;
    store::MessageStore& store;
    BrokerStats& stats;
    // A slave's tables and queues follow its master's, at once if there is something new; false on a master.
    UniqueFunction<bool()> follow_master;
  };
  explicit TopicAdmin(Parts parts) : parts_(std::move(parts)) {}

  void Update(net::ServerRequest request);
  void UpdateList(net::ServerRequest request);
  void Delete(net::ServerRequest request);
  // Deletes the queues of topics that have no configuration.
  void CleanUnused(net::ServerRequest request);
  void GetAll(net::ServerRequest request);
  void Get(net::ServerRequest request);
  void Stats(net::ServerRequest request);
  void ConsumedByWho(net::ServerRequest request);
  void SystemTopics(net::ServerRequest request);

 private:
  bool IsSystem(std::string_view topic) const;
  Status Check(const proto::TopicConfig& config) const;
  void ReplyWhenDurable(net::ServerRequest request);
  // Any thread: the queues of the topic are gone, its configuration and offsets go.
  void Forget(const std::string& topic, net::ServerRequest request);
  void CleanNext(std::vector<std::string> unused, net::ServerRequest request);

  Parts parts_;
};

}  // namespace orbitmq::broker
