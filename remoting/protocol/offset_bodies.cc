// SPDX-License-Identifier: Apache-2.0
#include "remoting/protocol/offset_bodies.h"

#include "remoting/protocol/body_binding.h"

namespace orbitmq::proto {

ORBITMQ_BODY_CODEC(ConsumerOffsetSerializeWrapper)
ORBITMQ_BODY_CODEC(DelayOffsetSerializeWrapper)
ORBITMQ_BODY_CODEC(ResetOffsetBody)
ORBITMQ_BODY_CODEC(ResetOffsetBodyForC)
ORBITMQ_BODY_CODEC(GetConsumerStatusBody)
ORBITMQ_BODY_CODEC(QueryCorrectionOffsetBody)

}  // namespace orbitmq::proto
