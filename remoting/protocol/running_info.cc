// SPDX-License-Identifier: Apache-2.0
#include "remoting/protocol/running_info.h"

#include "remoting/protocol/body_binding.h"

namespace orbitmq::proto {

ORBITMQ_BODY_CODEC(ConsumerRunningInfo)
ORBITMQ_BODY_CODEC(ConsumeMessageDirectlyResult)

}  // namespace orbitmq::proto
