// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "orbitmq/message_queue.h"
#include "orbitmq/push_consumer.h"

namespace orbitmq::client {

// Which queues of a topic belong to one member of a group. Pure: every member computes it from the same two
// lists and must come to the same division as the Java client (client.md 1.9; test allocation_test.cc pins
// its vectors). Both lists are sorted here first; a duplicate client id counts at its first place.
// Empty when the client id is not in the list: the broker does not know this member (yet).
std::vector<MessageQueue> Allocate(AllocationStrategy strategy, std::vector<MessageQueue> queues,
                                   std::vector<std::string> client_ids, std::string_view client_id);

// What Java calls the strategy, for admin tools: "AVG", "AVG_BY_CIRCLE", "CONSISTENT_HASH".
std::string_view AllocationName(AllocationStrategy strategy);

}  // namespace orbitmq::client
