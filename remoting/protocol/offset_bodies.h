// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "orbitmq/message_queue.h"
#include "orbitmq/result.h"
#include "remoting/protocol/body_codec.h"
#include "remoting/protocol/data_version.h"
#include "remoting/protocol/field_table.h"
#include "remoting/protocol/shared_tables.h"

namespace orbitmq::proto {

// Offset tables: of consumer groups, of delay levels, and those that are reset.

// Queue id to offset.
using QueueOffsetMap = std::map<int32_t, int64_t>;

// consumerOffset.json and the reply of GET_ALL_CONSUMER_OFFSET (43). 5.5.0 writes all four (errata 11), older
// brokers dataVersion and offsetTable only.
struct ConsumerOffsetSerializeWrapper {
  std::optional<DataVersion> data_version{};
  std::optional<std::map<std::string, std::set<std::string>>> group_topic_map{};
  std::map<std::string, QueueOffsetMap> offset_table{};  // By "topic@group".
  std::optional<std::map<std::string, QueueOffsetMap>> pull_offset_table{};
  ORBITMQ_FIELDS(ConsumerOffsetSerializeWrapper, ORBITMQ_OPTIONAL(data_version),
                 ORBITMQ_OPTIONAL(group_topic_map), ORBITMQ_OPTIONAL(offset_table),
                 ORBITMQ_OPTIONAL(pull_offset_table))
};

// delayOffset.json and the reply of GET_ALL_DELAY_OFFSET (45).
struct DelayOffsetSerializeWrapper {
  std::optional<DataVersion> data_version{};
  std::map<int32_t, int64_t> offset_table{};  // By delay level.
  ORBITMQ_FIELDS(DelayOffsetSerializeWrapper, ORBITMQ_OPTIONAL(data_version), ORBITMQ_OPTIONAL(offset_table))
};

// The body of 220 for every client but C++ ones, and the reply of 222. Decodes every form there is: object
// keys, the C++ client's list (ResetOffsetBodyForC), the Go client's list of pairs.
struct ResetOffsetBody {
  std::map<MessageQueue, int64_t> offset_table{};
  ORBITMQ_FIELDS(ResetOffsetBody, ORBITMQ_OPTIONAL(offset_table))
};

struct MessageQueueForC {
  std::string broker_name{};
  int64_t offset = 0;
  int32_t queue_id = 0;
  std::string topic{};
  ORBITMQ_FIELDS(MessageQueueForC, ORBITMQ_OPTIONAL(broker_name), ORBITMQ_OPTIONAL(offset),
                 ORBITMQ_OPTIONAL(queue_id), ORBITMQ_OPTIONAL(topic))
};

// The body of 220 for a consumer whose language is CPP.
struct ResetOffsetBodyForC {
  std::vector<MessageQueueForC> offset_table{};
  ORBITMQ_FIELDS(ResetOffsetBodyForC, ORBITMQ_OPTIONAL(offset_table))
};

// The replies of 221 and 223.
struct GetConsumerStatusBody {
  std::map<std::string, std::map<MessageQueue, int64_t>> consumer_table{};  // By client id.
  std::map<MessageQueue, int64_t> message_queue_table{};
  ORBITMQ_FIELDS(GetConsumerStatusBody, ORBITMQ_OPTIONAL(consumer_table),
                 ORBITMQ_OPTIONAL(message_queue_table))
};

// The reply of 308.
struct QueryCorrectionOffsetBody {
  QueueOffsetMap correction_offsets{};
  ORBITMQ_FIELDS(QueryCorrectionOffsetBody, ORBITMQ_OPTIONAL(correction_offsets))
};

}  // namespace orbitmq::proto
