// SPDX-License-Identifier: Apache-2.0
#include "remoting/protocol/stats_bodies.h"

#include "remoting/protocol/body_binding.h"

namespace orbitmq::proto {

ORBITMQ_BODY_CODEC(TopicStatsTable)
ORBITMQ_BODY_CODEC(ConsumeStats)
ORBITMQ_BODY_CODEC(ConsumeStatsList)
ORBITMQ_BODY_CODEC(QueryConsumeTimeSpanBody)
ORBITMQ_BODY_CODEC(BrokerStatsData)

}  // namespace orbitmq::proto
