// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "tools/mqadmin/session.h"

namespace orbitmq::tools {

struct ShownMessage;

// What became of a message in one consumer group.
struct MessageTrack {
  std::string group;
  std::string type;  // CONSUMED, CONSUMED_BUT_FILTERED, PULL, NOT_CONSUME_YET, NOT_ONLINE, .. (client.md 5.3)
  std::string failure = "null";
};

// One per group that has offsets in the message's topic.
Result<std::vector<MessageTrack>> TracksOf(Session& session, const ShownMessage& message);

// Prints them as Java does, or that there are none.
Status ShowTracks(Session& session, const ShownMessage& message);

}  // namespace orbitmq::tools
