// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "remoting/protocol/field_table.h"
#include "remoting/protocol/headers_common.h"

namespace orbitmq::proto {

// What the NameServer is asked and answers (codes 100..106, 205..224, 304..322, 327, 901..905).

struct GetRouteInfoRequestHeader {
  std::string topic{};
  std::optional<bool> accept_standard_json_only{};
  TopicRequestHeader rpc{};
  ORBITMQ_FIELDS(GetRouteInfoRequestHeader, ORBITMQ_REQUIRED(topic),
                 ORBITMQ_OPTIONAL(accept_standard_json_only), ORBITMQ_INHERITED(rpc))
};

// bodyCrc32 0 = not checked. zoneName is no Java field but an extField that goes along.
struct RegisterBrokerRequestHeader {
  std::string broker_name{};
  std::string broker_addr{};
  std::string cluster_name{};
  std::string ha_server_addr{};
  int64_t broker_id = 0;
  std::optional<int64_t> heartbeat_timeout_millis{};
  std::optional<bool> enable_acting_master{};
  bool compressed = false;
  int32_t body_crc32 = 0;
  std::string zone_name{};
  ORBITMQ_FIELDS(RegisterBrokerRequestHeader, ORBITMQ_REQUIRED(broker_name), ORBITMQ_REQUIRED(broker_addr),
                 ORBITMQ_REQUIRED(cluster_name), ORBITMQ_REQUIRED(ha_server_addr),
                 ORBITMQ_REQUIRED(broker_id), ORBITMQ_OPTIONAL(heartbeat_timeout_millis),
                 ORBITMQ_OPTIONAL(enable_acting_master), ORBITMQ_OPTIONAL(compressed),
                 ORBITMQ_OPTIONAL(body_crc32), ORBITMQ_OPTIONAL_AS(zone_name, "__ZONE_NAME"))
};

struct RegisterBrokerResponseHeader {
  std::string ha_server_addr{};
  std::string master_addr{};
  ORBITMQ_FIELDS(RegisterBrokerResponseHeader, ORBITMQ_OPTIONAL(ha_server_addr),
                 ORBITMQ_OPTIONAL(master_addr))
};

struct UnRegisterBrokerRequestHeader {
  std::string broker_name{};
  std::string broker_addr{};
  std::string cluster_name{};
  int64_t broker_id = 0;
  ORBITMQ_FIELDS(UnRegisterBrokerRequestHeader, ORBITMQ_REQUIRED(broker_name), ORBITMQ_REQUIRED(broker_addr),
                 ORBITMQ_REQUIRED(cluster_name), ORBITMQ_REQUIRED(broker_id))
};

struct BrokerHeartbeatRequestHeader {
  std::string cluster_name{};
  std::string broker_addr{};
  std::string broker_name{};
  std::optional<int64_t> broker_id{};
  std::optional<int32_t> epoch{};
  std::optional<int64_t> max_offset{};
  std::optional<int64_t> confirm_offset{};
  std::optional<int64_t> heartbeat_timeout_mills{};
  std::optional<int32_t> election_priority{};
  ORBITMQ_FIELDS(BrokerHeartbeatRequestHeader, ORBITMQ_REQUIRED(cluster_name), ORBITMQ_REQUIRED(broker_addr),
                 ORBITMQ_REQUIRED(broker_name), ORBITMQ_OPTIONAL(broker_id), ORBITMQ_OPTIONAL(epoch),
                 ORBITMQ_OPTIONAL(max_offset), ORBITMQ_OPTIONAL(confirm_offset),
                 ORBITMQ_OPTIONAL(heartbeat_timeout_mills), ORBITMQ_OPTIONAL(election_priority))
};

struct QueryDataVersionRequestHeader {
  std::string broker_name{};
  std::string broker_addr{};
  std::string cluster_name{};
  int64_t broker_id = 0;
  ORBITMQ_FIELDS(QueryDataVersionRequestHeader, ORBITMQ_REQUIRED(broker_name), ORBITMQ_REQUIRED(broker_addr),
                 ORBITMQ_REQUIRED(cluster_name), ORBITMQ_REQUIRED(broker_id))
};

struct QueryDataVersionResponseHeader {
  bool changed = false;
  ORBITMQ_FIELDS(QueryDataVersionResponseHeader, ORBITMQ_REQUIRED(changed))
};

struct GetBrokerMemberGroupRequestHeader {
  std::string cluster_name{};
  std::string broker_name{};
  ORBITMQ_FIELDS(GetBrokerMemberGroupRequestHeader, ORBITMQ_REQUIRED(cluster_name),
                 ORBITMQ_REQUIRED(broker_name))
};

struct PutKVConfigRequestHeader {
  std::string ns{};
  std::string key{};
  std::string value{};
  ORBITMQ_FIELDS(PutKVConfigRequestHeader, ORBITMQ_REQUIRED_AS(ns, "namespace"), ORBITMQ_REQUIRED(key),
                 ORBITMQ_REQUIRED(value))
};

struct GetKVConfigRequestHeader {
  std::string ns{};
  std::string key{};
  ORBITMQ_FIELDS(GetKVConfigRequestHeader, ORBITMQ_REQUIRED_AS(ns, "namespace"), ORBITMQ_REQUIRED(key))
};

struct GetKVConfigResponseHeader {
  std::string value{};
  ORBITMQ_FIELDS(GetKVConfigResponseHeader, ORBITMQ_OPTIONAL(value))
};

struct DeleteKVConfigRequestHeader {
  std::string ns{};
  std::string key{};
  ORBITMQ_FIELDS(DeleteKVConfigRequestHeader, ORBITMQ_REQUIRED_AS(ns, "namespace"), ORBITMQ_REQUIRED(key))
};

struct GetKVListByNamespaceRequestHeader {
  std::string ns{};
  ORBITMQ_FIELDS(GetKVListByNamespaceRequestHeader, ORBITMQ_REQUIRED_AS(ns, "namespace"))
};

struct WipeWritePermOfBrokerRequestHeader {
  std::string broker_name{};
  ORBITMQ_FIELDS(WipeWritePermOfBrokerRequestHeader, ORBITMQ_REQUIRED(broker_name))
};

struct WipeWritePermOfBrokerResponseHeader {
  int32_t wipe_topic_count = 0;
  ORBITMQ_FIELDS(WipeWritePermOfBrokerResponseHeader, ORBITMQ_REQUIRED(wipe_topic_count))
};

struct AddWritePermOfBrokerRequestHeader {
  std::string broker_name{};
  ORBITMQ_FIELDS(AddWritePermOfBrokerRequestHeader, ORBITMQ_REQUIRED(broker_name))
};

struct AddWritePermOfBrokerResponseHeader {
  int32_t add_topic_count = 0;
  ORBITMQ_FIELDS(AddWritePermOfBrokerResponseHeader, ORBITMQ_REQUIRED(add_topic_count))
};

struct GetTopicsByClusterRequestHeader {
  std::string cluster{};
  ORBITMQ_FIELDS(GetTopicsByClusterRequestHeader, ORBITMQ_REQUIRED(cluster))
};

struct DeleteTopicFromNamesrvRequestHeader {
  std::string topic{};
  std::string cluster_name{};
  TopicRequestHeader rpc{};
  ORBITMQ_FIELDS(DeleteTopicFromNamesrvRequestHeader, ORBITMQ_REQUIRED(topic), ORBITMQ_OPTIONAL(cluster_name),
                 ORBITMQ_INHERITED(rpc))
};

struct RegisterTopicRequestHeader {
  std::string topic{};
  TopicRequestHeader rpc{};
  ORBITMQ_FIELDS(RegisterTopicRequestHeader, ORBITMQ_REQUIRED(topic), ORBITMQ_INHERITED(rpc))
};

struct NotifyMinBrokerIdChangeRequestHeader {
  std::optional<int64_t> min_broker_id{};
  std::string broker_name{};
  std::string min_broker_addr{};
  std::string offline_broker_addr{};
  std::string ha_broker_addr{};
  ORBITMQ_FIELDS(NotifyMinBrokerIdChangeRequestHeader, ORBITMQ_OPTIONAL(min_broker_id),
                 ORBITMQ_OPTIONAL(broker_name), ORBITMQ_OPTIONAL(min_broker_addr),
                 ORBITMQ_OPTIONAL(offline_broker_addr), ORBITMQ_OPTIONAL(ha_broker_addr))
};

}  // namespace orbitmq::proto
