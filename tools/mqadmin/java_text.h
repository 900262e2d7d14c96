// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "orbitmq/message_queue.h"
#include "remoting/protocol/topic_config.h"

namespace orbitmq::tools {

// What Java's toString prints of the things that mqadmin shows; scripts cut values out of it.

std::string JavaMapText(const std::map<std::string, std::string>& map);  // {a=1, b=2}
std::string PermText(int32_t perm);                                      // RW-
std::string QueueText(const MessageQueue& queue);  // MessageQueue [topic=T, brokerName=b, queueId=0]
std::string TopicConfigText(const proto::TopicConfig& topic);

// The name of a client's version number: "V5_5_0" (the ordinals of MQVersion.Version).
std::string JavaVersion(int32_t version);

// UTF-8 as Java's decoder makes it of any bytes: what is none becomes U+FFFD.
std::string JavaString(std::string_view bytes);

// "+a=b,+c=d,-e" to {"+a":"b","+c":"d","-e":""}; kInvalidArgument names the piece that is wrong.
Result<std::map<std::string, std::string>> ParseAttributes(std::string_view text);

}  // namespace orbitmq::tools
