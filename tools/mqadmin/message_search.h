// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "tools/mqadmin/message_view.h"

namespace orbitmq::tools {

// What to look for in the index of every broker of a topic.
struct KeyQuery {
  std::string topic;
  std::string cluster;  // Whose route to take, or empty.
  std::string key;
  std::string type = "K";  // "T": the key is a tag; brokers before 5.x have no such entries.
  bool unique = false;
  int32_t count = 64;
  int64_t begin = 0;  // Stored from then to `end`, milliseconds since 1970.
  int64_t end = std::numeric_limits<int64_t>::max();
};

// The messages that really have the key, broker by broker. Brokers that fail are told (Session::Unanswered).
// Without any message: the first such failure, else NO_MESSAGE (208).
Result<std::vector<ShownMessage>> FindByKey(Session& session, const KeyQuery& query);

}  // namespace orbitmq::tools
