// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/ids.h"
#include "remoting/protocol/body_codec.h"
#include "remoting/protocol/field_table.h"
#include "remoting/protocol/topic_config.h"

namespace orbitmq::proto {

struct QueueData {
  std::string broker_name{};
  int32_t perm = 0;
  int32_t read_queue_nums = 0;
  int32_t topic_sys_flag = 0;
  int32_t write_queue_nums = 0;
  ORBITMQ_FIELDS(QueueData, ORBITMQ_OPTIONAL(broker_name), ORBITMQ_OPTIONAL(perm),
                 ORBITMQ_OPTIONAL(read_queue_nums), ORBITMQ_OPTIONAL(topic_sys_flag),
                 ORBITMQ_OPTIONAL(write_queue_nums))
};

struct BrokerData {
  std::map<BrokerId, std::string> broker_addrs{};  // "ip:port" by broker id; always written, peers need it.
  std::string broker_name{};
  std::string cluster{};
  bool enable_acting_master = false;
  std::optional<std::string> zone_name{};
  ORBITMQ_FIELDS(BrokerData, ORBITMQ_OPTIONAL(broker_addrs), ORBITMQ_OPTIONAL(broker_name),
                 ORBITMQ_OPTIONAL(cluster), ORBITMQ_OPTIONAL(enable_acting_master),
                 ORBITMQ_OPTIONAL(zone_name))
};

// The reply of GET_ROUTEINFO_BY_TOPIC (105). Style: JsonStyle::kStandard for requests of version >= 401 or
// with acceptStandardJsonOnly, else kFastjson.
struct TopicRouteData {
  std::vector<BrokerData> broker_datas{};
  std::map<std::string, std::vector<std::string>> filter_server_table{};
  std::optional<std::string> order_topic_conf{};  // "b0:4;b1:4".
  std::vector<QueueData> queue_datas{};
  std::optional<std::map<std::string, TopicQueueMappingInfo>> topic_queue_mapping_by_broker{};
  ORBITMQ_FIELDS(TopicRouteData, ORBITMQ_OPTIONAL(broker_datas), ORBITMQ_OPTIONAL(filter_server_table),
                 ORBITMQ_OPTIONAL(order_topic_conf), ORBITMQ_OPTIONAL(queue_datas),
                 ORBITMQ_OPTIONAL(topic_queue_mapping_by_broker))
};

// The reply of GET_BROKER_CLUSTER_INFO (106).
struct ClusterInfo {
  std::map<std::string, BrokerData> broker_addr_table{};
  std::map<std::string, std::set<std::string>> cluster_addr_table{};
  // Ours, for people: names whose last broker was lost, not stopped in order, with where that was.
  std::optional<std::map<std::string, BrokerData>> lost_broker_table{};
  ORBITMQ_FIELDS(ClusterInfo, ORBITMQ_OPTIONAL(broker_addr_table), ORBITMQ_OPTIONAL(cluster_addr_table),
                 ORBITMQ_OPTIONAL(lost_broker_table))
};

struct BrokerMemberGroup {
  std::map<BrokerId, std::string> broker_addrs{};
  std::string broker_name{};
  std::string cluster{};
  ORBITMQ_FIELDS(BrokerMemberGroup, ORBITMQ_OPTIONAL(broker_addrs), ORBITMQ_OPTIONAL(broker_name),
                 ORBITMQ_OPTIONAL(cluster))
};

// The reply of GET_BROKER_MEMBER_GROUP (901).
struct GetBrokerMemberGroupResponseBody {
  std::optional<BrokerMemberGroup> broker_member_group{};
  ORBITMQ_FIELDS(GetBrokerMemberGroupResponseBody, ORBITMQ_OPTIONAL(broker_member_group))
};

}  // namespace orbitmq::proto
