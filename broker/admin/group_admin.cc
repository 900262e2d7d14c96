// SPDX-License-Identifier: Apache-2.0
#include "broker/admin/group_admin.h"

#include <utility>

#include "common/names.h"
#include "common/strings.h"
#include "remoting/protocol/admin_bodies.h"
#include "remoting/protocol/client_bodies.h"
#include "remoting/replies.h"

namespace orbitmq::broker {

using proto::ResponseCode;

namespace {

proto::Connection ConnectionOf(const ClientEntry& client) {
  return {.client_addr = client.peer->remote().ToString(),
          .client_id = client.client_id,
          .language = client.language,
          .version = client.version};
}

}  // namespace

void GroupAdmin::ReplyWhenDurable(net::ServerRequest request) {
  parts_.groups.Save([request = std::move(request)](Result<Done> saved) mutable {
    if (saved.ok()) return ReplyOk(request);
    ReplyError(request, ResponseCode::kSystemError, saved.status().ToString());
  });
}

void GroupAdmin::Update(net::ServerRequest request) {
  auto config = BodyOrReply<proto::SubscriptionGroupConfig>(request);
  if (!config) return;
  const std::string name = config->group_name;
  if (Status updated = parts_.groups.Update(*std::move(config)); !updated.ok()) {
    return ReplyError(request, ResponseCode::kInvalidParameter, std::string(updated.text()));
  }
  parts_.env.log().Info("consumer group updated",
                        {{"group", name}, {"peer", request.peer()->remote().ToString()}});
  ReplyWhenDurable(std::move(request));
}

void GroupAdmin::UpdateList(net::ServerRequest request) {
  auto list = BodyOrReply<proto::SubscriptionGroupList>(request);
  if (!list) return;
  for (proto::SubscriptionGroupConfig& config : list->group_config_list) {
    if (Status updated = parts_.groups.Update(std::move(config)); !updated.ok()) {
      return ReplyError(request, ResponseCode::kInvalidParameter, std::string(updated.text()));
    }
  }
  ReplyWhenDurable(std::move(request));
}

void GroupAdmin::Delete(net::ServerRequest request) {
  const auto header = HeaderOrReply<proto::DeleteSubscriptionGroupRequestHeader>(request);
  if (!header) return;
  parts_.groups.Delete(header->group_name);
  if (header->clean_offset) parts_.offsets.RemoveGroup(header->group_name);
  parts_.stats.ForgetGroup(header->group_name);
  parts_.env.log().Info("consumer group deleted",
                        {{"group", header->group_name}, {"peer", request.peer()->remote().ToString()}});
  ReplyWhenDurable(std::move(request));
}

void GroupAdmin::GetAll(net::ServerRequest request) {
  const proto::SubscriptionGroupWrapper all = parts_.groups.All();
  const proto::GetAllSubscriptionGroupResponseHeader header{
      .total_group_num = static_cast<int32_t>(all.subscription_group_table.size())};
  ReplyHeader(request, header, proto::EncodeBody(all));
}

void GroupAdmin::Get(net::ServerRequest request) {
  const auto header = HeaderOrReply<proto::GetSubscriptionGroupConfigRequestHeader>(request);
  if (!header) return;
  const GroupRef group = parts_.groups.FindOrCreate(header->group);
  if (group == nullptr) {
    return ReplyError(request, ResponseCode::kSubscriptionGroupNotExist,
                      StrCat("No group in this broker. group: ", header->group));
  }
  ReplyBody(request, proto::EncodeBody(*group));
}

void GroupAdmin::Forbidden(net::ServerRequest request) {
  const auto header = HeaderOrReply<proto::UpdateGroupForbiddenRequestHeader>(request);
  if (!header) return;
  if (header->readable) parts_.groups.SetReadable(header->group, header->topic, *header->readable);
  proto::GroupForbidden body;
  body.group = header->group;
  body.topic = header->topic;
  body.readable = parts_.groups.Readable(header->group, header->topic);
  ReplyBody(request, proto::EncodeBody(body));
}

void GroupAdmin::ConsumerConnections(net::ServerRequest request) {
  const auto header = HeaderOrReply<proto::GetConsumerConnectionListRequestHeader>(request);
  if (!header) return;
  auto details = parts_.clients.Details(header->consumer_group);
  if (!details) {
    return ReplyError(request, ResponseCode::kConsumerNotOnline,
                      StrCat("the consumer group[", header->consumer_group, "] not online"));
  }
  proto::ConsumerConnection body;
  body.consume_from_where = details->from_where;
  body.consume_type = details->consume_type;
  body.message_model = details->message_model;
  body.subscription_table = std::move(details->subscriptions);
  for (const ClientEntry& client : details->members) body.connection_set.push_back(ConnectionOf(client));
  ReplyBody(request, proto::EncodeBody(body));
}

void GroupAdmin::ProducerConnections(net::ServerRequest request) {
  const auto header = HeaderOrReply<proto::GetProducerConnectionListRequestHeader>(request);
  if (!header) return;
  const auto producers = parts_.clients.Producers(header->producer_group);
  if (producers.empty()) {
    return ReplyError(request, ResponseCode::kSystemError,
                      StrCat("the producer group[", header->producer_group, "] not exist"));
  }
  proto::ProducerConnection body;
  for (const ClientEntry& client : producers) body.connection_set.push_back(ConnectionOf(client));
  ReplyBody(request, proto::EncodeBody(body));
}

void GroupAdmin::AllProducers(net::ServerRequest request) {
  proto::ProducerTableInfo body;
  for (const auto& [group, members] : parts_.clients.AllProducers()) {
    for (const ClientEntry& client : members) {
      body.data[group].push_back({.client_id = client.client_id,
                                  .language = client.language,
                                  .last_update_timestamp = ToEpochMillis(client.seen_wall),
                                  .remote_ip = client.peer->remote().ToString(),
                                  .version = client.version});
    }
  }
  ReplyBody(request, proto::EncodeBody(body));
}

void GroupAdmin::TopicsOfGroup(net::ServerRequest request) {
  const auto header = HeaderOrReply<proto::QueryTopicsByConsumerRequestHeader>(request);
  if (!header) return;
  const auto topics = parts_.offsets.TopicsOf(header->group);
  proto::TopicList body;
  body.topic_list.assign(topics.begin(), topics.end());
  ReplyBody(request, proto::EncodeBody(body));
}

void GroupAdmin::SubscriptionOfGroup(net::ServerRequest request) {
  const auto header = HeaderOrReply<proto::QuerySubscriptionByConsumerRequestHeader>(request);
  if (!header) return;
  proto::QuerySubscriptionResponseBody body;
  body.group = header->group;
  body.topic = header->topic;
  const GroupView view = parts_.clients.View(header->group, header->topic);
  if (view.subscription != nullptr) body.subscription_data = view.subscription->data;
  ReplyBody(request, proto::EncodeBody(body));
}

void GroupAdmin::SetRequestMode(net::ServerRequest request) {
  const auto wanted = BodyOrReply<proto::SetMessageRequestModeRequestBody>(request);
  if (!wanted) return;
  if (IsRetryTopic(wanted->topic)) {
    return ReplyError(request, ResponseCode::kNoPermission, "retry topic is not allowed to set mode");
  }
  if (parts_.topics.Find(wanted->topic) == nullptr) {
    return ReplyError(request, ResponseCode::kTopicNotExist, StrCat("topic[", wanted->topic, "] not exist"));
  }
  if (parts_.groups.Find(wanted->consumer_group) == nullptr) {
    return ReplyError(request, ResponseCode::kSubscriptionGroupNotExist, "subscription group does not exist");
  }
  if (wanted->mode != proto::MessageRequestMode::kPull) {
    return ReplyError(request, ResponseCode::kRequestCodeNotSupported,
                      "this broker serves no pop consumption: the mode stays PULL");
  }
  ReplyOk(request);
}

void GroupAdmin::RequestModes(net::ServerRequest request) {
  ReplyBody(request, proto::EncodeBody(proto::MessageRequestModeSerializeWrapper{}));
}

}  // namespace orbitmq::broker
