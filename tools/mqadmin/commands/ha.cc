// SPDX-License-Identifier: Apache-2.0
// The state of replication.
#include "common/strings.h"
#include "remoting/protocol/body_codec.h"
#include "tools/mqadmin/java_format.h"
#include "tools/mqadmin/master_switch.h"
#include "tools/mqadmin/session.h"

namespace orbitmq::tools {
namespace {

constexpr char kSlaveFormat[] = "%-32s  %-16s %16s %16s %16s %16s%n";
constexpr TableShape kSlaves = {
    "slaves", kSlaveFormat, kSlaveFormat,
    "#SlaveAddr|#SlaveAckOffset|#Diff|#TransferSpeed(KB/s)=transferKbPerSecond|#Status|#TransferFromWhere"};

void PrintMaster(Session& session, const Endpoint& broker, const proto::HARuntimeInfo& status) {
  session.out().Text(StrCat("\n#MasterAddr\t", broker.ToString(), "\n#MasterCommitLogMaxOffset\t",
                            status.master_commit_log_max_offset, "\n#SlaveNum\t",
                            status.ha_connection_info.size(), "\n#InSyncSlaveNum\t",
                            status.in_sync_slave_nums, "\n"));
  session.out().Head(kSlaves);
  for (const proto::HAConnectionRuntimeInfo& slave : status.ha_connection_info) {
    session.out().Row(kSlaves,
                      {slave.addr, slave.slave_ack_offset, slave.diff,
                       Cell::Fixed(static_cast<double>(slave.transferred_byte_in_second) / 1024.0, 2),
                       slave.in_sync ? "OK" : "Fall Behind", slave.transfer_from_where});
  }
  // #Status and #InSyncSlaveNum only look at haMaxGapNotInSync, which is far from the end of the log.
  for (const proto::HAConnectionRuntimeInfo& slave : status.ha_connection_info) {
    if (proto::InStep(slave)) continue;
    session.Warn(StrCat("the slave ", slave.addr, " is not in step: ", LagText(slave), " behind"));
  }
}

void PrintSlave(Session& session, const proto::HAClientRuntimeInfo& status) {
  session.out().Text(StrCat("\n#MasterAddr\t", status.master_addr.value_or("null"), "\n#CommitLogMaxOffset\t",
                            status.max_offset, "\n#TransferSpeed(KB/s)\t",
                            JavaFixed(static_cast<double>(status.transferred_byte_in_second) / 1024.0, 2),
                            "\n#LastReadTime\t", HumanMillis(status.last_read_timestamp),
                            "\n#LastWriteTime\t", HumanMillis(status.last_write_timestamp),
                            "\n#MasterFlushOffset\t", status.master_flush_offset, "\n"));
}

Status ShowOnce(Session& session) {
  const auto brokers = session.Targets("brokerAddr", "clusterName");
  if (!brokers.ok()) return brokers.status();
  const auto all = session.admin().CallAll(&net::AdminStub::GetHaStatus, *brokers);
  Status failure;
  for (size_t i = 0; i < brokers->size(); ++i) {
    if (!all[i].ok()) {
      if (!failure.ok()) session.Warn(all[i].status());
      if (failure.ok()) failure = all[i].status();
      continue;
    }
    if (session.out().json()) {
      session.out().Member((*brokers)[i].ToString(), proto::EncodeBody(*all[i], proto::JsonStyle::kStandard));
    } else if (all[i]->master) {
      PrintMaster(session, (*brokers)[i], *all[i]);
    } else {
      PrintSlave(session, all[i]->ha_client_runtime_info);
    }
  }
  return failure;
}

Status RunHaStatus(Session& session) { return session.Repeat(ShowOnce); }

Status RunResetMasterFlushOffset(Session& session) {
  const auto broker = session.Address("brokerAddr");
  if (!broker.ok()) return broker.status();
  const int64_t offset = session.args().Number("offset", 0);
  const std::string what = StrCat("set the master flush offset to ", offset);
  if (Status agreed = session.Confirm(what); !agreed.ok()) return agreed;
  const auto reset = session.Change(what, &net::AdminStub::ResetMasterFlushOffset, *broker, offset);
  if (!reset.ok()) return reset.status();
  session.Did(StrCat("reset master flush offset to ", offset, " success"));
  return {};
}

constexpr OptionSpec kHaStatus[] = {
    {"c", "clusterName", ValueKind::kCluster, Need::kAnyOf, "all masters of this cluster"},
    {"b", "brokerAddr", ValueKind::kAddress, Need::kAnyOf, "only this broker, a master or a slave"},
    {"i", "interval", ValueKind::kInt, Need::kOptional, "print again every so many seconds"}};
constexpr OptionSpec kResetMasterFlushOffset[] = {
    {"b", "brokerAddr", ValueKind::kAddress, Need::kRequired, "the slave"},
    {"o", "offset", ValueKind::kLong, Need::kRequired, "the offset in the log"}};

constexpr CommandSpec kCommands[] = {
    {"haStatus", "replication", "Shows how far slaves have followed their master", kHaStatus,
     "mqadmin haStatus -c DefaultCluster", Effect::kReads, Needs::kNothing, RunHaStatus},
    {"resetMasterFlushOffset", "replication", "Sets the master's flushed offset that a slave knows",
     kResetMasterFlushOffset, "mqadmin resetMasterFlushOffset -b 10.0.0.2:10911 -o 0", Effect::kDestroys,
     Needs::kNothing, RunResetMasterFlushOffset},
};

}  // namespace

std::span<const CommandSpec> ReplicationCommands() { return kCommands; }

}  // namespace orbitmq::tools
