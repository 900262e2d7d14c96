// SPDX-License-Identifier: Apache-2.0
#include "remoting/protocol/topic_config.h"

#include "remoting/protocol/body_binding.h"

namespace orbitmq::proto {

ORBITMQ_BODY_CODEC(TopicConfig)
ORBITMQ_BODY_CODEC(TopicConfigAndQueueMapping)
ORBITMQ_BODY_CODEC(TopicConfigSerializeWrapper)
ORBITMQ_BODY_CODEC(TopicConfigAndMappingSerializeWrapper)
ORBITMQ_BODY_CODEC(CreateTopicListRequestBody)
ORBITMQ_BODY_CODEC(TopicQueueMappingDetail)
ORBITMQ_BODY_CODEC(TopicQueueMappingInfo)

}  // namespace orbitmq::proto
