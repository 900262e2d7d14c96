// SPDX-License-Identifier: Apache-2.0
#include "remoting/protocol/route.h"

#include "remoting/protocol/body_binding.h"

namespace orbitmq::proto {

ORBITMQ_BODY_CODEC(TopicRouteData)
ORBITMQ_BODY_CODEC(ClusterInfo)
ORBITMQ_BODY_CODEC(GetBrokerMemberGroupResponseBody)

}  // namespace orbitmq::proto
