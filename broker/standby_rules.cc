// SPDX-License-Identifier: Apache-2.0
#include "broker/standby_rules.h"

#include "common/strings.h"
#include "remoting/protocol/codes.h"

namespace orbitmq::broker {

using Code = proto::RequestCode;
using proto::ResponseCode;

namespace {

PutRefusal Rejected() {
  return {ResponseCode::kSystemBusy, "[REJECTREQUEST]system busy, start flow control for a while"};
}

}  // namespace

std::optional<PutRefusal> RefusalOfSlave(int32_t code, const BrokerOptions& options,
                                         const ReplicaView& group) {
  if (options.broker_role != BrokerRole::kSlave) return std::nullopt;
  switch (code) {
    case Code::kSendMessage:
    case Code::kSendMessageV2:
    case Code::kSendBatchMessage:
      if (!options.enable_slave_acting_master) return Rejected();
      return PutRefusal{
          ResponseCode::kServiceNotAvailable,
          "service not available now. It may be caused by one of the following reasons: the broker's disk is "
          "full [], messages are put to the slave, message store has been shut down, etc."};
    case Code::kConsumerSendMsgBack:
      if (!options.enable_slave_acting_master) return Rejected();
      return PutRefusal{ResponseCode::kSystemError,
                        StrCat("no master available along with ", options.broker_ip1)};
    case Code::kPullMessage:
    case Code::kLitePullMessage:
      if (!options.slave_read_enable && group.master_alive()) return Rejected();
      return std::nullopt;
    case Code::kUpdateAndCreateTopic:
    case Code::kUpdateAndCreateTopicList:
    case Code::kUpdateAndCreateSubscriptiongroup:
    case Code::kUpdateAndCreateSubscriptiongroupList:
      return PutRefusal{ResponseCode::kSystemError,
                        "Can't modify topic or subscription group from slave broker, please execute it from "
                        "master broker."};
    case Code::kDeleteTopicInBroker:
      if (group.master_alive()) return std::nullopt;
      return PutRefusal{ResponseCode::kSystemError,
                        "a slave deletes what its master deletes, and no master is alive: delete the topic "
                        "again when it is back"};
    case Code::kInvokeBrokerToResetOffset:
    case Code::kCloneGroupOffset:
      return PutRefusal{ResponseCode::kSystemError, "Can not reset offset in slave broker"};
    default:
      return std::nullopt;
  }
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
