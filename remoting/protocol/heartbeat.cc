// SPDX-License-Identifier: Apache-2.0
#include "remoting/protocol/heartbeat.h"

#include "remoting/protocol/body_binding.h"

namespace orbitmq::proto {

ORBITMQ_BODY_CODEC(HeartbeatData)
ORBITMQ_BODY_CODEC(CheckClientRequestBody)

}  // namespace orbitmq::proto
