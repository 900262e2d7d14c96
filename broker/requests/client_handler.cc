// SPDX-License-Identifier: Apache-2.0
#include "broker/requests/client_handler.h"

#include <utility>

#include "common/limits.h"
#include "common/names.h"
#include "common/strings.h"
#include "remoting/protocol/client_bodies.h"
#include "remoting/replies.h"

namespace orbitmq::broker {

using proto::ResponseCode;

namespace {

ClientEntry EntryOf(const net::ServerRequest& request, std::string client_id, const Clock& clock) {
  const proto::CommandView& command = request.command();
  return ClientEntry{.peer = request.peer(),
                     .client_id = std::move(client_id),
                     .language = command.language,
                     .version = command.version,
                     .seen = clock.Monotonic(),
                     .seen_wall = clock.Wall()};
}

}  // namespace

void ClientHandler::Heartbeat(net::ServerRequest request) {
  const auto data = BodyOrReply<proto::HeartbeatData>(request);
  if (!data) return;
  if (data->client_id.empty() || data->client_id.size() > limits::kClientIdBytesMax) {
    return ReplyError(request, ResponseCode::kSystemError,
                      StrCat("clientID must have 1 to ", limits::kClientIdBytesMax, " bytes"));
  }
  const ClientEntry client = EntryOf(request, data->client_id, parts_.env.clock());
  bool asks_for_subscriptions = !data->without_sub;
  for (const proto::ConsumerData& consumer : data->consumer_data_set) {
    if (Status seen = SeenConsumer(*data, consumer, client); seen.code() == StatusCode::kNotFound) {
      asks_for_subscriptions = true;
    } else if (!seen.ok()) {
      return ReplyError(request, ResponseCode::kSystemError, std::string(seen.text()));
    }
  }
  for (const proto::ProducerData& producer : data->producer_data_set) {
    if (!CheckGroupName(producer.group_name).ok()) continue;
    if (parts_.clients.SeenProducer(producer.group_name, client) == ClientTable::Membership::kFull) {
      return ReplyError(request, ResponseCode::kSystemError,
                        StrCat("group ", producer.group_name, " has too many producers"));
    }
  }
  ReplyHeader(request, proto::HeartbeatResponseHeader{.is_support_heart_beat_v2 = true,
                                                      .is_sub_change = asks_for_subscriptions});
}

Status ClientHandler::SeenConsumer(const proto::HeartbeatData& heartbeat, const proto::ConsumerData& data,
                                   const ClientEntry& client) {
  // An unknown group that may not be created is kept among the clients all the same, as in Apache: its pulls
  // get SUBSCRIPTION_GROUP_NOT_EXIST.
  bool notify = true;
  if (Status named = CheckGroupName(data.group_name); !named.ok()) return named;
  if (const GroupRef group = parts_.groups.FindOrCreate(data.group_name)) {
    notify = group->notify_consumer_ids_changed_enable;
    if (group->retry_queue_nums > 0) {
      parts_.topics.CreatePlain(RetryTopic(data.group_name), group->retry_queue_nums, perm::kReadWrite,
                                data.unit_mode ? topic_flag::kUnitSubscribed : 0);
    }
  }
  const int32_t fingerprint = heartbeat.heartbeat_fingerprint;
  switch (heartbeat.without_sub ? parts_.clients.SeenWithoutSubscriptions(data, client, fingerprint)
                                : parts_.clients.SeenConsumer(data, client, fingerprint)) {
    case ClientTable::Membership::kFull:
      return Status(StatusCode::kResourceExhausted,
                    StrCat("group ", data.group_name, " has ", limits::kClientsPerGroupMax,
                           " members, which is the most it may have"));
    case ClientTable::Membership::kChanged:
      parts_.env.log().Info("consumer group changed", {{"group", data.group_name},
                                                       {"client", client.client_id},
                                                       {"peer", client.peer->remote().ToString()}});
      if (notify) NotifyMembers(data.group_name);
      return {};
    case ClientTable::Membership::kSame:
      return {};
    case ClientTable::Membership::kUnknown:
      return {StatusCode::kNotFound, "the group's subscriptions are not those of this heartbeat"};
  }
  return {};
}

void ClientHandler::NotifyMembers(std::string_view group) const {
  if (!parts_.options.Get()->notify_consumer_ids_changed_enable) return;
  for (const auto& peer : parts_.clients.Members(group)) {
    proto::Command notice = proto::MakeRequest(
        proto::RequestCode::kNotifyConsumerIdsChanged,
        proto::NotifyConsumerIdsChangedRequestHeader{.consumer_group = std::string(group), .rpc = {}});
    peer->Oneway(std::move(notice));
  }
}

void ClientHandler::Unregister(net::ServerRequest request) {
  const auto header = HeaderOrReply<proto::UnregisterClientRequestHeader>(request);
  if (!header) return;
  const uint64_t peer = request.peer()->id();
  if (!header->producer_group.empty()) parts_.clients.RemoveProducer(header->producer_group, peer);
  if (!header->consumer_group.empty() && parts_.clients.RemoveConsumer(header->consumer_group, peer)) {
    const GroupRef group = parts_.groups.Find(header->consumer_group);
    if (group == nullptr || group->notify_consumer_ids_changed_enable) NotifyMembers(header->consumer_group);
  }
  ReplyOk(request);
}

void ClientHandler::PeerClosed(const net::Peer& peer) {
  for (const std::string& group : parts_.clients.RemovePeer(peer.id())) NotifyMembers(group);
}

void ClientHandler::Sweep() {
  const Millis silence = parts_.options.Get()->channel_expired_timeout;
  for (const std::string& group : parts_.clients.RemoveSilent(silence)) {
    parts_.env.log().Info("a silent client was dropped", {{"group", group}});
    NotifyMembers(group);
  }
  parts_.locks.Sweep();
}

void ClientHandler::ListMembers(net::ServerRequest request) {
  const auto header = HeaderOrReply<proto::GetConsumerListByGroupRequestHeader>(request);
  if (!header) return;
  proto::GetConsumerListByGroupResponseBody body;
  body.consumer_id_list = parts_.clients.ClientIds(header->consumer_group);
  if (body.consumer_id_list.empty()) {
    return ReplyError(request, ResponseCode::kSystemError,
                      StrCat("no consumer for this group, ", header->consumer_group));
  }
  ReplyBody(request, proto::EncodeBody(body));
}

void ClientHandler::LockQueues(net::ServerRequest request) {
  const auto body = BodyOrReply<proto::LockBatchRequestBody>(request);
  if (!body) return;
  proto::LockBatchResponseBody reply;
  reply.lock_ok_mq_set = parts_.locks.Lock(body->consumer_group, body->client_id, body->mq_set);
  ReplyBody(request, proto::EncodeBody(reply));
}

void ClientHandler::UnlockQueues(net::ServerRequest request) {
  const auto body = BodyOrReply<proto::UnlockBatchRequestBody>(request);
  if (!body) return;
  parts_.locks.Unlock(body->consumer_group, body->client_id, body->mq_set);
  ReplyOk(request);
}

void ClientHandler::CheckClientConfig(net::ServerRequest request) {
  const auto body = BodyOrReply<proto::CheckClientRequestBody>(request);
  if (!body) return;
  const SubscriptionData& subscription = body->subscription_data;
  if (IsTagExpression(subscription.expression_type)) return ReplyOk(request);
  ReplyError(
      request, ResponseCode::kSystemError,
      StrCat("The broker does not support consumer to filter message by ", subscription.expression_type));
}

}  // namespace orbitmq::broker
