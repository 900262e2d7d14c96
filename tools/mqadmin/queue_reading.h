// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "orbitmq/message_queue.h"
#include "tools/mqadmin/session.h"

namespace orbitmq::tools {

// A queue, the broker to read it from, and the part of it to read.
struct QueueSpan {
  MessageQueue queue;
  Endpoint broker;
  int64_t begin = 0;
  int64_t end = 0;  // The first offset behind the part.
};

// The queues of `topic` that the route of `route_topic` (the same one as a rule) lets clients read, sorted.
// Begin and end are not set.
Result<std::vector<QueueSpan>> ReadableQueues(Session& session, const std::string& topic,
                                              const std::string& route_topic);

enum class QueueEdge : uint8_t {
  kFirst,  // The oldest message that is still there.
  kEnd,    // Behind the newest one.
};
// An edge of a queue, or the first message stored at or after a time in milliseconds since 1970.
using QueuePlace = std::variant<QueueEdge, int64_t>;
Result<int64_t> OffsetAt(Session& session, const QueueSpan& span, const QueuePlace& place);

}  // namespace orbitmq::tools
