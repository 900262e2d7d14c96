// SPDX-License-Identifier: Apache-2.0
#include "remoting/protocol/client_bodies.h"

#include "remoting/protocol/body_binding.h"

namespace orbitmq::proto {

ORBITMQ_BODY_CODEC(GetConsumerListByGroupResponseBody)
ORBITMQ_BODY_CODEC(LockBatchRequestBody)
ORBITMQ_BODY_CODEC(LockBatchResponseBody)
ORBITMQ_BODY_CODEC(UnlockBatchRequestBody)
ORBITMQ_BODY_CODEC(ConsumerConnection)
ORBITMQ_BODY_CODEC(ProducerConnection)
ORBITMQ_BODY_CODEC(ProducerTableInfo)
ORBITMQ_BODY_CODEC(QueryAssignmentRequestBody)
ORBITMQ_BODY_CODEC(QueryAssignmentResponseBody)
ORBITMQ_BODY_CODEC(SetMessageRequestModeRequestBody)
ORBITMQ_BODY_CODEC(MessageRequestModeSerializeWrapper)

}  // namespace orbitmq::proto
