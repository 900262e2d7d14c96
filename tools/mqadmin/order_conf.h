// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "tools/mqadmin/session.h"

namespace orbitmq::tools {

// How many ordered queues each broker has of a topic, "broker-a:4;broker-b:4": a value that the NameServers
// keep in the namespace ORDER_TOPIC_CONFIG under the topic's name and put into its route.

Result<std::string> GetOrderConf(Session& session, const std::string& topic);
// At every NameServer.
Status PutOrderConf(Session& session, const std::string& topic, const std::string& conf);
Status DeleteOrderConf(Session& session, const std::string& topic);
// Sets one broker's number and keeps the others'.
Status MergeOrderConf(Session& session, const std::string& topic, const std::string& broker, int32_t queues);

}  // namespace orbitmq::tools
