// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "broker/broker_options.h"
#include "broker/state/client_table.h"
#include "broker/state/group_table.h"
#include "broker/state/queue_locks.h"
#include "broker/state/topic_table.h"
#include "remoting/rpc_server.h"

namespace orbitmq::broker {

// Clients come, stay and go: heartbeats (34), leaving (35), members of a group (38), queue locks (41, 42),
// the check of a filter (46), and the notice (40) to the members of a group that changed. Threads: any.
class ClientHandler final {
 public:
  struct Parts {
    Env& env;
    const LiveOptions& options;
    TopicTable& topics;
    GroupTable& groups;
    ClientTable& clients;
    QueueLocks& locks;
  };
  explicit ClientHandler(Parts parts) : parts_(parts) {}

  void Heartbeat(net::ServerRequest request);
  void Unregister(net::ServerRequest request);
  void ListMembers(net::ServerRequest request);
  void LockQueues(net::ServerRequest request);
  void UnlockQueues(net::ServerRequest request);
  void CheckClientConfig(net::ServerRequest request);

  // A connection has ended.
  void PeerClosed(const net::Peer& peer);
  // Drops silent clients; called every few seconds.
  void Sweep();

 private:
  // kNotFound: its subscriptions were left out and are not known.
  Status SeenConsumer(const proto::HeartbeatData& heartbeat, const proto::ConsumerData& data,
                      const ClientEntry& client);
  void NotifyMembers(std::string_view group) const;

  Parts parts_;
};

}  // namespace orbitmq::broker
