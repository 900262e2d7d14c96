// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "remoting/protocol/running_info.h"
#include "remoting/protocol/subscription_group.h"

namespace orbitmq::tools {

// What a consumer tells of itself, as Java's ConsumerRunningInfo.formatString prints it.
std::string RunningInfoText(const proto::ConsumerRunningInfo& info);

// Whether all members of a group subscribe to the same. As Java: only judged of push consumers that run for
// more than two minutes, since a change needs time to reach all of them.
bool SameSubscriptions(const std::map<std::string, proto::ConsumerRunningInfo>& members, int64_t now_ms);

// A line per queue of the member that seems to be stuck, with Java's words.
std::vector<std::string> QueueWarnings(const std::string& client, const proto::ConsumerRunningInfo& info,
                                       int64_t now_ms);

// What Java's toString prints of a group's configuration.
std::string GroupText(const proto::SubscriptionGroupConfig& group);
std::string RetryPolicyText(const proto::GroupRetryPolicy& policy);

}  // namespace orbitmq::tools
