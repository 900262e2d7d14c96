// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/mqadmin/session.h"

namespace orbitmq::tools {

// A figure of all masters together.
struct Traffic {
  double tps = 0;  // Of the last minute.
  int64_t day = 0;
};
struct GroupTraffic {
  std::string name;
  Traffic out;
  int64_t lag = 0;  // Messages; never below 0.
};
struct TopicTraffic {
  Traffic in;
  std::vector<GroupTraffic> groups;  // Those with offsets in the topic, by name.
};

// The sum of a day, or what there is of one.
int64_t DaySum(const proto::BrokerStatsData& stats);

// Brokers that never counted something answer with an error, which counts as nothing. Those that do not
// answer are told (Session::Unanswered), and are not in the figures.
Result<TopicTraffic> TrafficOfTopic(Session& session, const std::string& topic);

}  // namespace orbitmq::tools
