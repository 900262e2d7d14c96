// SPDX-License-Identifier: Apache-2.0
#include "remoting/protocol/subscription_group.h"

#include "remoting/protocol/body_binding.h"

namespace orbitmq::proto {

ORBITMQ_BODY_CODEC(GroupRetryPolicy)
ORBITMQ_BODY_CODEC(SubscriptionGroupConfig)
ORBITMQ_BODY_CODEC(SubscriptionGroupWrapper)
ORBITMQ_BODY_CODEC(SubscriptionGroupList)

}  // namespace orbitmq::proto
