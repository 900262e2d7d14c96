// SPDX-License-Identifier: Apache-2.0
#include "remoting/stubs/broker_stub.h"

#include <utility>

#include "remoting/protocol/headers.h"
#include "remoting/stubs/stub_call.h"

namespace orbitmq::net {
namespace {

using proto::MakeRequest;
using proto::RequestCode;
using proto::ResponseCode;

proto::Command SendRequest(const proto::SendMessageRequestHeader& header, SendKind kind, BytesChain body) {
  const int32_t code =
      kind == SendKind::kBatch ? RequestCode::kSendBatchMessage : RequestCode::kSendMessageV2;
  proto::Command request = MakeRequest(code, header, proto::SendNameForm(code));
  request.body = std::move(body);
  return request;
}

bool Stored(int32_t code) {
  return code == ResponseCode::kSuccess || code == ResponseCode::kFlushDiskTimeout ||
         code == ResponseCode::kFlushSlaveTimeout || code == ResponseCode::kSlaveNotAvailable;
}

Result<SendReply> ParseSendReply(const Result<proto::Command>& reply) {
  if (!reply.ok()) {
    const bool maybe = reply.status().code() == StatusCode::kUnknown;
    return reply.status().WithPersisted(maybe ? Persisted::kMaybe : Persisted::kNo);
  }
  if (!Stored(reply->code)) return proto::StatusFromResponse(reply->code, reply->remark);
  auto header = proto::DecodeHeader<proto::SendMessageResponseHeader>(*reply);
  if (!header.ok()) {
    return Status(StatusCode::kCorrupt, header.status().text())
        .Annotate("send response")
        .WithPersisted(Persisted::kYes);
  }
  return SendReply{reply->code, *std::move(header)};
}

std::optional<PullStatus> PullStatusOf(int32_t code) {
  switch (code) {
    case ResponseCode::kSuccess:
      return PullStatus::kFound;
    case ResponseCode::kPullNotFound:
      return PullStatus::kNoNewMessage;
    case ResponseCode::kPullRetryImmediately:
      return PullStatus::kNoMatchedMessage;
    case ResponseCode::kPullOffsetMoved:
      return PullStatus::kOffsetIllegal;
    default:
      return std::nullopt;
  }
}

Result<PullReply> ParsePullReply(const Result<proto::Command>& reply) {
  if (!reply.ok()) return reply.status();
  const auto status = PullStatusOf(reply->code);
  if (!status) return proto::StatusFromResponse(reply->code, reply->remark);
  auto header = proto::DecodeHeader<proto::PullMessageResponseHeader>(*reply);
  if (!header.ok()) return Status(StatusCode::kCorrupt, header.status().text()).Annotate("pull response");
  return PullReply{*status, *std::move(header), reply->JoinedBody()};
}

// The offset that a header of this type carries.
template <class Header>
Completion<proto::Command> ExpectOffset(Completion<int64_t> done) {
  return ExpectReply<int64_t>(std::move(done), [](const proto::Command& reply) -> Result<int64_t> {
    auto header = proto::DecodeHeader<Header>(reply);
    if (!header.ok()) return Status(StatusCode::kCorrupt, header.status().text()).Annotate("response");
    return header->offset;
  });
}

}  // namespace

void BrokerStub::Send(const Endpoint& to, const proto::SendMessageRequestHeader& header, SendKind kind,
                      BytesChain body, Duration timeout, Completion<SendReply> done) {
  rpc_.Call(to, SendRequest(header, kind, std::move(body)), timeout,
            [done = std::move(done)](Result<proto::Command> reply) mutable { done(ParseSendReply(reply)); });
}

Status BrokerStub::SendOneway(const Endpoint& to, const proto::SendMessageRequestHeader& header,
                              SendKind kind, BytesChain body) {
  return rpc_.Oneway(to, SendRequest(header, kind, std::move(body)));
}

void BrokerStub::Pull(const Endpoint& to, const proto::PullMessageRequestHeader& header, Duration timeout,
                      Completion<PullReply> done) {
  rpc_.Call(to, MakeRequest(RequestCode::kPullMessage, header), timeout,
            [done = std::move(done)](Result<proto::Command> reply) mutable { done(ParsePullReply(reply)); });
}

void BrokerStub::SendBack(const Endpoint& to, const proto::ConsumerSendMsgBackRequestHeader& header,
                          Duration timeout, Completion<Done> done) {
  rpc_.Call(to, MakeRequest(RequestCode::kConsumerSendMsgBack, header), timeout,
            ExpectSuccess(std::move(done)));
}

void BrokerStub::Heartbeat(const Endpoint& to, Bytes encoded_body, Duration timeout, Completion<Done> done) {
  proto::Command request = BareRequest(RequestCode::kHeartBeat);
  request.body.push_back(std::move(encoded_body));
  rpc_.Call(to, std::move(request), timeout, ExpectSuccess(std::move(done)));
}

void BrokerStub::UnregisterClient(const Endpoint& to, const proto::UnregisterClientRequestHeader& header,
                                  Duration timeout, Completion<Done> done) {
  rpc_.Call(to, MakeRequest(RequestCode::kUnregisterClient, header), timeout, ExpectSuccess(std::move(done)));
}

void BrokerStub::GetConsumerList(const Endpoint& to, const std::string& group, Duration timeout,
                                 Completion<std::vector<std::string>> done) {
  proto::GetConsumerListByGroupRequestHeader header;
  header.consumer_group = group;
  rpc_.Call(to, MakeRequest(RequestCode::kGetConsumerListByGroup, header), timeout,
            ExpectReply<std::vector<std::string>>(
                std::move(done), [](const proto::Command& reply) -> Result<std::vector<std::string>> {
                  auto body =
                      proto::DecodeBody<proto::GetConsumerListByGroupResponseBody>(reply.JoinedBody().view());
                  if (!body.ok()) return body.status().Annotate("consumer list");
                  return std::move(body->consumer_id_list);
                }));
}

void BrokerStub::QueryConsumerOffset(const Endpoint& to,
                                     const proto::QueryConsumerOffsetRequestHeader& header, Duration timeout,
                                     Completion<std::optional<int64_t>> done) {
  rpc_.Call(to, MakeRequest(RequestCode::kQueryConsumerOffset, header), timeout,
            [done = std::move(done)](Result<proto::Command> reply) mutable {
              if (!reply.ok()) return done(reply.status());
              if (reply->code == ResponseCode::kQueryNotFound) return done(std::optional<int64_t>());
              const Status status = proto::StatusFromResponse(reply->code, reply->remark);
              if (!status.ok()) return done(status);
              auto decoded = proto::DecodeHeader<proto::QueryConsumerOffsetResponseHeader>(*reply);
              if (!decoded.ok()) return done(Status(StatusCode::kCorrupt, decoded.status().text()));
              done(std::optional<int64_t>(decoded->offset));
            });
}

void BrokerStub::UpdateConsumerOffset(const Endpoint& to,
                                      const proto::UpdateConsumerOffsetRequestHeader& header,
                                      Duration timeout, Completion<Done> done) {
  rpc_.Call(to, MakeRequest(RequestCode::kUpdateConsumerOffset, header), timeout,
            ExpectSuccess(std::move(done)));
}

void BrokerStub::GetMaxOffset(const Endpoint& to, const std::string& topic, int32_t queue_id,
                              Duration timeout, Completion<int64_t> done) {
  proto::GetMaxOffsetRequestHeader header;
  header.topic = topic;
  header.queue_id = queue_id;
  rpc_.Call(to, MakeRequest(RequestCode::kGetMaxOffset, header), timeout,
            ExpectOffset<proto::GetMaxOffsetResponseHeader>(std::move(done)));
}

void BrokerStub::GetMinOffset(const Endpoint& to, const std::string& topic, int32_t queue_id,
                              Duration timeout, Completion<int64_t> done) {
  proto::GetMinOffsetRequestHeader header;
  header.topic = topic;
  header.queue_id = queue_id;
  rpc_.Call(to, MakeRequest(RequestCode::kGetMinOffset, header), timeout,
            ExpectOffset<proto::GetMinOffsetResponseHeader>(std::move(done)));
}

void BrokerStub::SearchOffset(const Endpoint& to, const proto::SearchOffsetRequestHeader& header,
                              Duration timeout, Completion<int64_t> done) {
  rpc_.Call(to, MakeRequest(RequestCode::kSearchOffsetByTimestamp, header), timeout,
            ExpectOffset<proto::SearchOffsetResponseHeader>(std::move(done)));
}

void BrokerStub::LockBatch(const Endpoint& to, const proto::LockBatchRequestBody& body, Duration timeout,
                           Completion<proto::LockBatchResponseBody> done) {
  rpc_.Call(to, BareRequest(RequestCode::kLockBatchMq, proto::EncodeBody(body)), timeout,
            ExpectBody<proto::LockBatchResponseBody>(std::move(done)));
}

void BrokerStub::UnlockBatch(const Endpoint& to, const proto::UnlockBatchRequestBody& body, Duration timeout,
                             Completion<Done> done) {
  rpc_.Call(to, BareRequest(RequestCode::kUnlockBatchMq, proto::EncodeBody(body)), timeout,
            ExpectSuccess(std::move(done)));
}

}  // namespace orbitmq::net
