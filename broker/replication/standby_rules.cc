// SPDX-License-Identifier: Apache-2.0
#include "broker/replication/standby_rules.h"

#include "common/strings.h"
#include "remoting/protocol/codes.h"

namespace orbitmq::broker {

using proto::ResponseCode;

namespace {

RequestRefusal Rejected() { return {ResponseCode::kSystemBusy, std::string(kRejectedBySlave)}; }

}  // namespace

std::optional<RequestRefusal> RefusalOfSlave(RoleRule rule, const BrokerOptions& options,
                                             const ReplicaView& group, bool hands_over) {
  switch (rule) {
    case RoleRule::kSend:
      if (!options.enable_slave_acting_master) return Rejected();
      return RequestRefusal{
          ResponseCode::kServiceNotAvailable,
          "service not available now. It may be caused by one of the following reasons: the broker's disk is "
          "full [], messages are put to the slave, message store has been shut down, etc."};
    case RoleRule::kSendBack:
      if (!options.enable_slave_acting_master) return Rejected();
      return RequestRefusal{ResponseCode::kSystemError,
                            StrCat("no master available along with ", options.broker_ip1)};
    case RoleRule::kPull:
      if (!options.slave_read_enable && group.master_alive() && !hands_over) return Rejected();
      return std::nullopt;
    case RoleRule::kTables:
      return RequestRefusal{
          ResponseCode::kSystemError,
          "Can't modify topic or subscription group from slave broker, please execute it from "
          "master broker."};
    case RoleRule::kTopicDeletion:
      if (group.master_alive()) return std::nullopt;
      return RequestRefusal{
          ResponseCode::kSystemError,
          "a slave deletes what its master deletes, and no master is alive: delete the topic "
          "again when it is back"};
    case RoleRule::kOffsets:
      return RequestRefusal{ResponseCode::kSystemError, "Can not reset offset in slave broker"};
    case RoleRule::kEachRole:
      break;
  }
  return std::nullopt;
}

std::optional<RequestRefusal> RefusalOfRival(RoleRule rule) {
  if (!Stores(rule) && rule != RoleRule::kPull) return std::nullopt;
  return RequestRefusal{ResponseCode::kServiceNotAvailable,
                        "another broker of this name is alive as master: this one serves no messages"};
}

PullAdvice AdvisePull(const BrokerOptions& options, const ReplicaView& group, const PullStanding& pull) {
  const bool slow = pull.found && pull.bytes_behind > pull.bytes_behind_max;
  PullAdvice advice;
  if (options.slave_read_enable) advice.broker = slow ? pull.when_slow : pull.of_group;
  const bool slave = options.broker_id != kMasterId;
  if (slave && !slow && group.master_alive()) advice = {kMasterId, !pull.found};
  return advice;
}

}  // namespace orbitmq::broker
