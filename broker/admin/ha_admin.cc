// SPDX-License-Identifier: Apache-2.0
#include "broker/admin/ha_admin.h"

#include <utility>

#include "remoting/protocol/headers.h"
#include "remoting/replies.h"

namespace orbitmq::broker {

proto::HAConnectionRuntimeInfo ConnectionInfo(const HaReplica& replica) {
  proto::HAConnectionRuntimeInfo info;
  info.addr = replica.address;
  info.diff = replica.lag_bytes;
  info.in_sync = replica.in_sync;
  info.slave_ack_offset = replica.acked.value;
  info.transfer_from_where = replica.sent.value;
  info.transferred_byte_in_second = replica.bytes_per_second;
  info.lag_millis = replica.lag_ms;
  info.caught_up = replica.caught_up;
  info.in_step = InStep(info);
  return info;
}

void HaAdmin::RuntimeInfo(net::ServerRequest request) {
  const auto header = HeaderOrReply<proto::GetBrokerHaStatusRequestHeader>(request);
  if (!header) return;
  if (!header->asker_address.empty() && header->asker_leads_since) {
    parts_.rivals.Introduced(header->asker_address, *header->asker_leads_since);
  }
  const HaStatus status = parts_.ha.status();
  proto::HARuntimeInfo body;
  body.broker_address = parts_.identity.address;
  if (const auto rival = parts_.rivals.noted(); rival->has_value()) body.rival = (*rival)->address;
  // One that waits for another master to go is none: two that wait for each other would wait for ever.
  body.master = status.master && parts_.gate.state() != RoleGate::State::kRival;
  if (status.master) {
    body.leads_since = parts_.claim.since_ms();
    body.master_commit_log_max_offset = status.log_end.value;
    // Slaves only, as Apache counts them here.
    body.in_sync_slave_nums = status.in_sync_count - 1;
    body.in_sync_replicas_wanted = InSyncReplicas(*parts_.options.Get());
    body.replicated_offset = status.replicated.value;
    for (const HaReplica& replica : status.replicas) {
      body.ha_connection_info.push_back(ConnectionInfo(replica));
    }
  } else {
    proto::HAClientRuntimeInfo& info = body.ha_client_runtime_info;
    info.activated = status.slave.state == HaSlaveState::kFollowing;
    info.master_addr = status.slave.master;
    info.last_read_timestamp = ToEpochMillis(status.slave.last_read);
    info.last_write_timestamp = ToEpochMillis(status.slave.last_write);
    info.max_offset = status.log_end.value;
    info.master_flush_offset = status.slave.reported.value;
    info.transferred_byte_in_second = status.slave.bytes_per_second;
    info.state = std::string(NameOf(status.slave.state));
    const bool synced = parts_.options.Get()->flush_disk_type == store::FlushMode::kSync;
    info.reports = synced ? "flushed" : "appended";
    info.heal_count = status.slave.heal_count;
  }
  ReplyBody(request, proto::EncodeBody(body));
}

void HaAdmin::Exchange(net::ServerRequest request) {
  const auto header = HeaderOrReply<proto::ExchangeHAInfoRequestHeader>(request);
  if (!header) return;
  proto::ExchangeHAInfoResponseHeader reply;
  if (parts_.ha.status().master && header->master_ha_address.empty()) {
    reply.master_address = parts_.identity.address;
    reply.master_ha_address = parts_.identity.ha_address;
    reply.master_flush_offset = parts_.store.watermarks().flushed.value;
  }
  ReplyHeader(request, reply);
}

}  // namespace orbitmq::broker
