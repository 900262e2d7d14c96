// SPDX-License-Identifier: Apache-2.0
#include "remoting/protocol/admin_bodies.h"

#include "remoting/protocol/body_binding.h"

namespace orbitmq::proto {

ORBITMQ_BODY_CODEC(KVTable)
ORBITMQ_BODY_CODEC(TopicList)
ORBITMQ_BODY_CODEC(GroupList)
ORBITMQ_BODY_CODEC(GroupForbidden)
ORBITMQ_BODY_CODEC(QuerySubscriptionResponseBody)
ORBITMQ_BODY_CODEC(QueryConsumeQueueResponseBody)
ORBITMQ_BODY_CODEC(HARuntimeInfo)

}  // namespace orbitmq::proto
