// SPDX-License-Identifier: Apache-2.0
#include "remoting/stubs/namesrv_stub.h"

#include "remoting/stubs/stub_call.h"

namespace orbitmq::net {

using proto::MakeRequest;
using proto::RequestCode;

void NamesrvStub::GetRoute(const Endpoint& to, const std::string& topic, Duration timeout,
                           Completion<proto::TopicRouteData> done) {
  proto::GetRouteInfoRequestHeader header;
  header.topic = topic;
  header.accept_standard_json_only = true;
  rpc_.Call(to, MakeRequest(RequestCode::kGetRouteinfoByTopic, header), timeout,
            ExpectBody<proto::TopicRouteData>(std::move(done)));
}

void NamesrvStub::GetClusterInfo(const Endpoint& to, Duration timeout, Completion<proto::ClusterInfo> done) {
  rpc_.Call(to, BareRequest(RequestCode::kGetBrokerClusterInfo), timeout,
            ExpectBody<proto::ClusterInfo>(std::move(done)));
}

void NamesrvStub::RegisterBroker(const Endpoint& to, const proto::RegisterBrokerRequestHeader& header,
                                 Bytes body, Duration timeout, Completion<RegisterBrokerReply> done) {
  proto::Command request = MakeRequest(RequestCode::kRegisterBroker, header);
  if (!body.empty()) request.body.push_back(std::move(body));
  rpc_.Call(to, std::move(request), timeout,
            ExpectReply<RegisterBrokerReply>(
                std::move(done), [](const proto::Command& reply) -> Result<RegisterBrokerReply> {
                  auto decoded = proto::DecodeHeader<proto::RegisterBrokerResponseHeader>(reply);
                  if (!decoded.ok()) return Status(StatusCode::kCorrupt, decoded.status().text());
                  return RegisterBrokerReply{*std::move(decoded), std::string(reply.JoinedBody().view())};
                }));
}

void NamesrvStub::UnregisterBroker(const Endpoint& to, const proto::UnRegisterBrokerRequestHeader& header,
                                   Duration timeout, Completion<Done> done) {
  rpc_.Call(to, MakeRequest(RequestCode::kUnregisterBroker, header), timeout, ExpectSuccess(std::move(done)));
}

void NamesrvStub::BrokerHeartbeat(const Endpoint& to, const proto::BrokerHeartbeatRequestHeader& header,
                                  Duration timeout, Completion<Done> done) {
  rpc_.Call(to, MakeRequest(RequestCode::kBrokerHeartbeat, header), timeout, ExpectSuccess(std::move(done)));
}

void NamesrvStub::GetKv(const Endpoint& to, const proto::GetKVConfigRequestHeader& header, Duration timeout,
                        Completion<proto::GetKVConfigResponseHeader> done) {
  rpc_.Call(to, MakeRequest(RequestCode::kGetKvConfig, header), timeout,
            ExpectHeader<proto::GetKVConfigResponseHeader>(std::move(done)));
}

void NamesrvStub::PutKv(const Endpoint& to, const proto::PutKVConfigRequestHeader& header, Duration timeout,
                        Completion<Done> done) {
  rpc_.Call(to, MakeRequest(RequestCode::kPutKvConfig, header), timeout, ExpectSuccess(std::move(done)));
}

void NamesrvStub::DeleteKv(const Endpoint& to, const proto::DeleteKVConfigRequestHeader& header,
                           Duration timeout, Completion<Done> done) {
  rpc_.Call(to, MakeRequest(RequestCode::kDeleteKvConfig, header), timeout, ExpectSuccess(std::move(done)));
}

void NamesrvStub::DeleteTopic(const Endpoint& to, const proto::DeleteTopicFromNamesrvRequestHeader& header,
                              Duration timeout, Completion<Done> done) {
  rpc_.Call(to, MakeRequest(RequestCode::kDeleteTopicInNamesrv, header), timeout,
            ExpectSuccess(std::move(done)));
}

void NamesrvStub::GetAllTopics(const Endpoint& to, Duration timeout, Completion<proto::TopicList> done) {
  rpc_.Call(to, BareRequest(RequestCode::kGetAllTopicListFromNameserver), timeout,
            ExpectBody<proto::TopicList>(std::move(done)));
}

void NamesrvStub::GetTopicsOfCluster(const Endpoint& to, const std::string& cluster, Duration timeout,
                                     Completion<proto::TopicList> done) {
  rpc_.Call(to,
            NameRequest(RequestCode::kGetTopicsByCluster, &proto::GetTopicsByClusterRequestHeader::cluster,
                        cluster),
            timeout, ExpectBody<proto::TopicList>(std::move(done)));
}

void NamesrvStub::WipeWritePerm(const Endpoint& to, const std::string& broker, Duration timeout,
                                Completion<int32_t> done) {
  rpc_.Call(to,
            NameRequest(RequestCode::kWipeWritePermOfBroker,
                        &proto::WipeWritePermOfBrokerRequestHeader::broker_name, broker),
            timeout,
            ExpectHeader<proto::WipeWritePermOfBrokerResponseHeader>(
                [done = std::move(done)](Result<proto::WipeWritePermOfBrokerResponseHeader> header) mutable {
                  if (!header.ok()) return done(header.status());
                  done(header->wipe_topic_count);
                }));
}

void NamesrvStub::AddWritePerm(const Endpoint& to, const std::string& broker, Duration timeout,
                               Completion<int32_t> done) {
  rpc_.Call(to,
            NameRequest(RequestCode::kAddWritePermOfBroker,
                        &proto::AddWritePermOfBrokerRequestHeader::broker_name, broker),
            timeout,
            ExpectHeader<proto::AddWritePermOfBrokerResponseHeader>(
                [done = std::move(done)](Result<proto::AddWritePermOfBrokerResponseHeader> header) mutable {
                  if (!header.ok()) return done(header.status());
                  done(header->add_topic_count);
                }));
}

void NamesrvStub::GetConfig(const Endpoint& to, Duration timeout, Completion<std::string> done) {
  rpc_.Call(to, BareRequest(RequestCode::kGetNamesrvConfig), timeout, ExpectText(std::move(done)));
}

void NamesrvStub::UpdateConfig(const Endpoint& to, const std::string& properties, Duration timeout,
                               Completion<std::string> done) {
  rpc_.Call(to, BareRequest(RequestCode::kUpdateNamesrvConfig, properties), timeout,
            ExpectRemark(std::move(done)));
}

}  // namespace orbitmq::net
