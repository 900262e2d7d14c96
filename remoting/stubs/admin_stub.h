// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/completion.h"
#include "remoting/protocol/admin_bodies.h"
#include "remoting/protocol/client_bodies.h"
#include "remoting/protocol/headers_admin.h"
#include "remoting/protocol/headers_client.h"
#include "remoting/protocol/headers_offset.h"
#include "remoting/protocol/offset_bodies.h"
#include "remoting/protocol/running_info.h"
#include "remoting/protocol/stats_bodies.h"
#include "remoting/protocol/subscription_group.h"
#include "remoting/protocol/topic_config.h"
#include "remoting/rpc_client.h"

namespace orbitmq::net {

// What administrators ask of a broker (client.md 5.4). Every call ends as RpcClient::Call does; an error code
// of the broker arrives as a Status with that wire_code. Threads: any; completions on the RpcClient's loop.
// The client must outlive the stub.
class AdminStub final {
 public:
  explicit AdminStub(RpcClient& rpc) : rpc_(rpc) {}

  // ---- topics
  void UpdateTopic(const Endpoint& to, const proto::CreateTopicRequestHeader& header, Duration timeout,
                   Completion<Done> done);
  void UpdateTopics(const Endpoint& to, const proto::CreateTopicListRequestBody& body, Duration timeout,
                    Completion<Done> done);
  void DeleteTopic(const Endpoint& to, const std::string& topic, Duration timeout, Completion<Done> done);
  void GetTopic(const Endpoint& to, const std::string& topic, Duration timeout,
                Completion<proto::TopicConfigAndQueueMapping> done);
  void GetAllTopics(const Endpoint& to, Duration timeout,
                    Completion<proto::TopicConfigAndMappingSerializeWrapper> done);
  void GetTopicStats(const Endpoint& to, const std::string& topic, Duration timeout,
                     Completion<proto::TopicStatsTable> done);
  // Those that the broker has made for itself.
  void GetSystemTopics(const Endpoint& to, Duration timeout, Completion<proto::TopicList> done);
  // The groups with offsets in the topic.
  void GetGroupsOfTopic(const Endpoint& to, const std::string& topic, Duration timeout,
                        Completion<proto::GroupList> done);
  void QueryConsumeQueue(const Endpoint& to, const proto::QueryConsumeQueueRequestHeader& header,
                         Duration timeout, Completion<proto::QueryConsumeQueueResponseBody> done);

  // ---- groups
  void UpdateGroup(const Endpoint& to, const proto::SubscriptionGroupConfig& body, Duration timeout,
                   Completion<Done> done);
  void UpdateGroups(const Endpoint& to, const proto::SubscriptionGroupList& body, Duration timeout,
                    Completion<Done> done);
  void DeleteGroup(const Endpoint& to, const proto::DeleteSubscriptionGroupRequestHeader& header,
                   Duration timeout, Completion<Done> done);
  void GetGroup(const Endpoint& to, const std::string& group, Duration timeout,
                Completion<proto::SubscriptionGroupConfig> done);
  void GetAllGroups(const Endpoint& to, Duration timeout, Completion<proto::SubscriptionGroupWrapper> done);
  // kFailedPrecondition or the like with CONSUMER_NOT_ONLINE when the group has no member there.
  void GetConsumers(const Endpoint& to, const std::string& group, Duration timeout,
                    Completion<proto::ConsumerConnection> done);
  void GetProducers(const Endpoint& to, const std::string& group, Duration timeout,
                    Completion<proto::ProducerConnection> done);
  void GetAllProducers(const Endpoint& to, Duration timeout, Completion<proto::ProducerTableInfo> done);
  // Asks a member of the group, by way of the broker.
  void GetRunningInfo(const Endpoint& to, const proto::GetConsumerRunningInfoRequestHeader& header,
                      Duration timeout, Completion<proto::ConsumerRunningInfo> done);
  void ConsumeDirectly(const Endpoint& to, const proto::ConsumeMessageDirectlyResultRequestHeader& header,
                       Duration timeout, Completion<proto::ConsumeMessageDirectlyResult> done);
  void SetRequestMode(const Endpoint& to, const proto::SetMessageRequestModeRequestBody& body,
                      Duration timeout, Completion<Done> done);

  // ---- offsets
  void GetConsumeStats(const Endpoint& to, const proto::GetConsumeStatsRequestHeader& header,
                       Duration timeout, Completion<proto::ConsumeStats> done);
  // The offsets of every group of the broker, by "topic@group".
  void GetAllConsumerOffsets(const Endpoint& to, Duration timeout,
                             Completion<proto::ConsumerOffsetSerializeWrapper> done);
  // Of every group of the broker.
  void GetAllConsumeStats(const Endpoint& to, const proto::GetConsumeStatsInBrokerHeader& header,
                          Duration timeout, Completion<proto::ConsumeStatsList> done);
  void ResetOffset(const Endpoint& to, const proto::ResetOffsetRequestHeader& header, Duration timeout,
                   Completion<proto::ResetOffsetBody> done);
  void CloneOffsets(const Endpoint& to, const proto::CloneGroupOffsetRequestHeader& header, Duration timeout,
                    Completion<Done> done);

  // ---- messages
  // Records back to back (common/message_codec.h); kNotFound when there is none.
  void QueryMessages(const Endpoint& to, const proto::QueryMessageRequestHeader& header, Duration timeout,
                     Completion<Bytes> done);
  void ViewMessage(const Endpoint& to, const proto::ViewMessageRequestHeader& header, Duration timeout,
                   Completion<Bytes> done);

  // ---- the broker itself
  void GetRuntimeStats(const Endpoint& to, Duration timeout, Completion<proto::KVTable> done);
  void ViewStats(const Endpoint& to, const proto::ViewBrokerStatsDataRequestHeader& header, Duration timeout,
                 Completion<proto::BrokerStatsData> done);
  // A properties file.
  void GetConfig(const Endpoint& to, Duration timeout, Completion<std::string> done);
  // `done` gets what the broker remarks, such as that it could not write its file; mostly nothing.
  void UpdateConfig(const Endpoint& to, const std::string& properties, Duration timeout,
                    Completion<std::string> done);
  void CleanExpiredQueues(const Endpoint& to, Duration timeout, Completion<Done> done);
  void CleanUnusedTopics(const Endpoint& to, Duration timeout, Completion<Done> done);
  void DeleteExpiredLogs(const Endpoint& to, Duration timeout, Completion<Done> done);
  void GetHaStatus(const Endpoint& to, Duration timeout, Completion<proto::HARuntimeInfo> done);
  void ResetMasterFlushOffset(const Endpoint& to, int64_t offset, Duration timeout, Completion<Done> done);

 private:
  RpcClient& rpc_;
};

}  // namespace orbitmq::net
