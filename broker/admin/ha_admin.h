// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "broker/broker_identity.h"
#include "broker/replication/ha_service.h"
#include "broker/replication/rival_watch.h"
#include "broker/replication/role_gate.h"
#include "remoting/protocol/admin_bodies.h"
#include "remoting/rpc_server.h"
#include "store/message_store.h"

namespace orbitmq::broker {

// A slave as its master tells of it.
proto::HAConnectionRuntimeInfo ConnectionInfo(const HaReplica& replica);

// What others ask about replication: GET_BROKER_HA_STATUS (907) and EXCHANGE_BROKER_HA_INFO (906), by which a
// slave asks its master for addresses. Threads: the admin executor.
class HaAdmin final {
 public:
  struct Parts {
    const LiveOptions& options;
    const BrokerIdentity& identity;
    const HaService& ha;
    const RoleGate& gate;
    store::MessageStore& store;
    const LeaderClaim& claim;
    RivalWatch& rivals;
  };
  explicit HaAdmin(Parts parts) : parts_(parts) {}

  void RuntimeInfo(net::ServerRequest request);
  void Exchange(net::ServerRequest request);

 private:
  Parts parts_;
};

}  // namespace orbitmq::broker
