// SPDX-License-Identifier: Apache-2.0
#include "broker/ha_admin.h"

#include <utility>

#include "remoting/protocol/admin_bodies.h"
#include "remoting/protocol/headers.h"
#include "remoting/replies.h"

namespace orbitmq::broker {

void HaAdmin::RuntimeInfo(net::ServerRequest request) {
  const HaStatus status = parts_.ha.status();
  proto::HARuntimeInfo body;
  body.master = status.master;
  if (status.master) {
    body.master_commit_log_max_offset = status.log_end.value;
    // Slaves only, as Apache counts them here.
    body.in_sync_slave_nums = status.in_sync_count - 1;
    for (const HaReplica& replica : status.replicas) {
      proto::HAConnectionRuntimeInfo& info = body.ha_connection_info.emplace_back();
      info.addr = replica.address;
      info.diff = replica.lag_bytes;
      info.in_sync = replica.in_sync;
      info.slave_ack_offset = replica.acked.value;
      info.transfer_from_where = replica.sent.value;
      info.transferred_byte_in_second = replica.bytes_per_second;
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
