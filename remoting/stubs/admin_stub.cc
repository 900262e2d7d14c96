// SPDX-License-Identifier: Apache-2.0
#include "remoting/stubs/admin_stub.h"

#include <utility>

#include "remoting/stubs/stub_call.h"

namespace orbitmq::net {
namespace {

using proto::EncodeBody;
using proto::MakeRequest;
using proto::RequestCode;

Completion<proto::Command> ExpectBytes(Completion<Bytes> done) {
  return ExpectReply<Bytes>(std::move(done),
                            [](const proto::Command& reply) { return Result<Bytes>(reply.JoinedBody()); });
}

}  // namespace

void AdminStub::UpdateTopic(const Endpoint& to, const proto::CreateTopicRequestHeader& header,
                            Duration timeout, Completion<Done> done) {
  rpc_.Call(to, MakeRequest(RequestCode::kUpdateAndCreateTopic, header), timeout,
            ExpectSuccess(std::move(done)));
}

void AdminStub::UpdateTopics(const Endpoint& to, const proto::CreateTopicListRequestBody& body,
                             Duration timeout, Completion<Done> done) {
  rpc_.Call(to, BareRequest(RequestCode::kUpdateAndCreateTopicList, EncodeBody(body)), timeout,
            ExpectSuccess(std::move(done)));
}

void AdminStub::DeleteTopic(const Endpoint& to, const std::string& topic, Duration timeout,
                            Completion<Done> done) {
  rpc_.Call(to,
            NameRequest(RequestCode::kDeleteTopicInBroker, &proto::DeleteTopicRequestHeader::topic, topic),
            timeout, ExpectSuccess(std::move(done)));
}

void AdminStub::GetTopic(const Endpoint& to, const std::string& topic, Duration timeout,
                         Completion<proto::TopicConfigAndQueueMapping> done) {
  rpc_.Call(to, NameRequest(RequestCode::kGetTopicConfig, &proto::GetTopicConfigRequestHeader::topic, topic),
            timeout, ExpectBody<proto::TopicConfigAndQueueMapping>(std::move(done)));
}

void AdminStub::GetAllTopics(const Endpoint& to, Duration timeout,
                             Completion<proto::TopicConfigAndMappingSerializeWrapper> done) {
  rpc_.Call(to, BareRequest(RequestCode::kGetAllTopicConfig), timeout,
            ExpectBody<proto::TopicConfigAndMappingSerializeWrapper>(std::move(done)));
}

void AdminStub::GetSystemTopics(const Endpoint& to, Duration timeout, Completion<proto::TopicList> done) {
  rpc_.Call(to, BareRequest(RequestCode::kGetSystemTopicListFromBroker), timeout,
            ExpectBody<proto::TopicList>(std::move(done)));
}

void AdminStub::GetTopicStats(const Endpoint& to, const std::string& topic, Duration timeout,
                              Completion<proto::TopicStatsTable> done) {
  rpc_.Call(
      to, NameRequest(RequestCode::kGetTopicStatsInfo, &proto::GetTopicStatsInfoRequestHeader::topic, topic),
      timeout, ExpectBody<proto::TopicStatsTable>(std::move(done)));
}

void AdminStub::GetGroupsOfTopic(const Endpoint& to, const std::string& topic, Duration timeout,
                                 Completion<proto::GroupList> done) {
  rpc_.Call(to,
            NameRequest(RequestCode::kQueryTopicConsumeByWho,
                        &proto::QueryTopicConsumeByWhoRequestHeader::topic, topic),
            timeout, ExpectBody<proto::GroupList>(std::move(done)));
}

void AdminStub::QueryConsumeQueue(const Endpoint& to, const proto::QueryConsumeQueueRequestHeader& header,
                                  Duration timeout, Completion<proto::QueryConsumeQueueResponseBody> done) {
  rpc_.Call(to, MakeRequest(RequestCode::kQueryConsumeQueue, header), timeout,
            ExpectBody<proto::QueryConsumeQueueResponseBody>(std::move(done)));
}

void AdminStub::UpdateGroup(const Endpoint& to, const proto::SubscriptionGroupConfig& body, Duration timeout,
                            Completion<Done> done) {
  rpc_.Call(to, BareRequest(RequestCode::kUpdateAndCreateSubscriptiongroup, EncodeBody(body)), timeout,
            ExpectSuccess(std::move(done)));
}

void AdminStub::UpdateGroups(const Endpoint& to, const proto::SubscriptionGroupList& body, Duration timeout,
                             Completion<Done> done) {
  rpc_.Call(to, BareRequest(RequestCode::kUpdateAndCreateSubscriptiongroupList, EncodeBody(body)), timeout,
            ExpectSuccess(std::move(done)));
}

void AdminStub::DeleteGroup(const Endpoint& to, const proto::DeleteSubscriptionGroupRequestHeader& header,
                            Duration timeout, Completion<Done> done) {
  rpc_.Call(to, MakeRequest(RequestCode::kDeleteSubscriptiongroup, header), timeout,
            ExpectSuccess(std::move(done)));
}

void AdminStub::GetGroup(const Endpoint& to, const std::string& group, Duration timeout,
                         Completion<proto::SubscriptionGroupConfig> done) {
  rpc_.Call(to,
            NameRequest(RequestCode::kGetSubscriptiongroupConfig,
                        &proto::GetSubscriptionGroupConfigRequestHeader::group, group),
            timeout, ExpectBody<proto::SubscriptionGroupConfig>(std::move(done)));
}

void AdminStub::GetAllGroups(const Endpoint& to, Duration timeout,
                             Completion<proto::SubscriptionGroupWrapper> done) {
  rpc_.Call(to, BareRequest(RequestCode::kGetAllSubscriptiongroupConfig), timeout,
            ExpectBody<proto::SubscriptionGroupWrapper>(std::move(done)));
}

void AdminStub::GetConsumers(const Endpoint& to, const std::string& group, Duration timeout,
                             Completion<proto::ConsumerConnection> done) {
  rpc_.Call(to,
            NameRequest(RequestCode::kGetConsumerConnectionList,
                        &proto::GetConsumerConnectionListRequestHeader::consumer_group, group),
            timeout, ExpectBody<proto::ConsumerConnection>(std::move(done)));
}

void AdminStub::GetProducers(const Endpoint& to, const std::string& group, Duration timeout,
                             Completion<proto::ProducerConnection> done) {
  rpc_.Call(to,
            NameRequest(RequestCode::kGetProducerConnectionList,
                        &proto::GetProducerConnectionListRequestHeader::producer_group, group),
            timeout, ExpectBody<proto::ProducerConnection>(std::move(done)));
}

void AdminStub::GetAllProducers(const Endpoint& to, Duration timeout,
                                Completion<proto::ProducerTableInfo> done) {
  rpc_.Call(to, BareRequest(RequestCode::kGetAllProducerInfo), timeout,
            ExpectBody<proto::ProducerTableInfo>(std::move(done)));
}

void AdminStub::GetRunningInfo(const Endpoint& to, const proto::GetConsumerRunningInfoRequestHeader& header,
                               Duration timeout, Completion<proto::ConsumerRunningInfo> done) {
  rpc_.Call(to, MakeRequest(RequestCode::kGetConsumerRunningInfo, header), timeout,
            ExpectBody<proto::ConsumerRunningInfo>(std::move(done)));
}

void AdminStub::ConsumeDirectly(const Endpoint& to,
                                const proto::ConsumeMessageDirectlyResultRequestHeader& header,
                                Duration timeout, Completion<proto::ConsumeMessageDirectlyResult> done) {
  rpc_.Call(to, MakeRequest(RequestCode::kConsumeMessageDirectly, header), timeout,
            ExpectBody<proto::ConsumeMessageDirectlyResult>(std::move(done)));
}

void AdminStub::SetRequestMode(const Endpoint& to, const proto::SetMessageRequestModeRequestBody& body,
                               Duration timeout, Completion<Done> done) {
  rpc_.Call(to, BareRequest(RequestCode::kSetMessageRequestMode, EncodeBody(body)), timeout,
            ExpectSuccess(std::move(done)));
}

void AdminStub::GetConsumeStats(const Endpoint& to, const proto::GetConsumeStatsRequestHeader& header,
                                Duration timeout, Completion<proto::ConsumeStats> done) {
  rpc_.Call(to, MakeRequest(RequestCode::kGetConsumeStats, header), timeout,
            ExpectBody<proto::ConsumeStats>(std::move(done)));
}

void AdminStub::GetAllConsumerOffsets(const Endpoint& to, Duration timeout,
                                      Completion<proto::ConsumerOffsetSerializeWrapper> done) {
  rpc_.Call(to, BareRequest(RequestCode::kGetAllConsumerOffset), timeout,
            ExpectBody<proto::ConsumerOffsetSerializeWrapper>(std::move(done)));
}

void AdminStub::GetAllConsumeStats(const Endpoint& to, const proto::GetConsumeStatsInBrokerHeader& header,
                                   Duration timeout, Completion<proto::ConsumeStatsList> done) {
  rpc_.Call(to, MakeRequest(RequestCode::kGetBrokerConsumeStats, header), timeout,
            ExpectBody<proto::ConsumeStatsList>(std::move(done)));
}

void AdminStub::ResetOffset(const Endpoint& to, const proto::ResetOffsetRequestHeader& header,
                            Duration timeout, Completion<proto::ResetOffsetBody> done) {
  rpc_.Call(to, MakeRequest(RequestCode::kInvokeBrokerToResetOffset, header), timeout,
            ExpectBody<proto::ResetOffsetBody>(std::move(done)));
}

void AdminStub::CloneOffsets(const Endpoint& to, const proto::CloneGroupOffsetRequestHeader& header,
                             Duration timeout, Completion<Done> done) {
  rpc_.Call(to, MakeRequest(RequestCode::kCloneGroupOffset, header), timeout, ExpectSuccess(std::move(done)));
}

void AdminStub::QueryMessages(const Endpoint& to, const proto::QueryMessageRequestHeader& header,
                              Duration timeout, Completion<Bytes> done) {
  rpc_.Call(to, MakeRequest(RequestCode::kQueryMessage, header), timeout, ExpectBytes(std::move(done)));
}

void AdminStub::ViewMessage(const Endpoint& to, const proto::ViewMessageRequestHeader& header,
                            Duration timeout, Completion<Bytes> done) {
  rpc_.Call(to, MakeRequest(RequestCode::kViewMessageById, header), timeout, ExpectBytes(std::move(done)));
}

void AdminStub::GetRuntimeStats(const Endpoint& to, Duration timeout, Completion<proto::KVTable> done) {
  rpc_.Call(to, BareRequest(RequestCode::kGetBrokerRuntimeInfo), timeout,
            ExpectBody<proto::KVTable>(std::move(done)));
}

void AdminStub::ViewStats(const Endpoint& to, const proto::ViewBrokerStatsDataRequestHeader& header,
                          Duration timeout, Completion<proto::BrokerStatsData> done) {
  rpc_.Call(to, MakeRequest(RequestCode::kViewBrokerStatsData, header), timeout,
            ExpectBody<proto::BrokerStatsData>(std::move(done)));
}

void AdminStub::GetConfig(const Endpoint& to, Duration timeout, Completion<std::string> done) {
  rpc_.Call(to, BareRequest(RequestCode::kGetBrokerConfig), timeout, ExpectText(std::move(done)));
}

void AdminStub::UpdateConfig(const Endpoint& to, const std::string& properties, Duration timeout,
                             Completion<std::string> done) {
  rpc_.Call(to, BareRequest(RequestCode::kUpdateBrokerConfig, properties), timeout,
            ExpectRemark(std::move(done)));
}

void AdminStub::CleanExpiredQueues(const Endpoint& to, Duration timeout, Completion<Done> done) {
  rpc_.Call(to, BareRequest(RequestCode::kCleanExpiredConsumequeue), timeout, ExpectSuccess(std::move(done)));
}

void AdminStub::CleanUnusedTopics(const Endpoint& to, Duration timeout, Completion<Done> done) {
  rpc_.Call(to, BareRequest(RequestCode::kCleanUnusedTopic), timeout, ExpectSuccess(std::move(done)));
}

void AdminStub::DeleteExpiredLogs(const Endpoint& to, Duration timeout, Completion<Done> done) {
  rpc_.Call(to, BareRequest(RequestCode::kDeleteExpiredCommitlog), timeout, ExpectSuccess(std::move(done)));
}

void AdminStub::GetHaStatus(const Endpoint& to, Duration timeout, Completion<proto::HARuntimeInfo> done) {
  rpc_.Call(to, BareRequest(RequestCode::kGetBrokerHaStatus), timeout,
            ExpectBody<proto::HARuntimeInfo>(std::move(done)));
}

void AdminStub::ResetMasterFlushOffset(const Endpoint& to, int64_t offset, Duration timeout,
                                       Completion<Done> done) {
  rpc_.Call(to,
            MakeRequest(RequestCode::kResetMasterFlushOffset, proto::ResetMasterFlushOffsetHeader{offset}),
            timeout, ExpectSuccess(std::move(done)));
}

}  // namespace orbitmq::net
