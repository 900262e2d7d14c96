// SPDX-License-Identifier: Apache-2.0
#include "broker/admin/client_relay.h"

#include <utility>

#include "common/message_id.h"
#include "common/mutex.h"
#include "common/strings.h"
#include "remoting/protocol/offset_bodies.h"
#include "remoting/replies.h"

namespace orbitmq::broker {
namespace {

using proto::ResponseCode;

constexpr Duration kRelayTimeout = std::chrono::seconds(10);
constexpr Duration kStatusTimeout = std::chrono::seconds(5);

// The administrator's own fields, as they came.
proto::Command CopyFields(const proto::CommandView& from) {
  proto::Command command;
  command.code = from.code;
  for (const auto& [key, value] : from.ext) command.ext.Set(key, std::string(value));
  return command;
}

}  // namespace

void ClientRelay::Relay(net::ServerRequest request, const std::string& group, const std::string& client_id,
                        proto::Command command) {
  const auto member = parts_.clients.FindMember(group, client_id);
  if (!member) {
    return ReplyError(request, ResponseCode::kSystemError,
                      StrCat("The Consumer <", group, "> <", client_id, "> not online"));
  }
  member->peer->Call(
      std::move(command), kRelayTimeout,
      [request = std::move(request), group, client_id](Result<proto::Command> reply) mutable {
        if (reply.ok()) {
          net::Response response;
          response.code = reply->code;
          response.remark = std::move(reply->remark);
          response.ext = std::move(reply->ext);
          response.body = std::move(reply->body);
          return request.Reply(std::move(response));
        }
        const bool late =
            reply.status().code() == StatusCode::kTimeout || reply.status().code() == StatusCode::kUnknown;
        ReplyError(request, late ? ResponseCode::kConsumeMsgTimeout : ResponseCode::kSystemError,
                   StrCat("consumer <", group, "> <", client_id, ">: ", reply.status().text()));
      });
}

void ClientRelay::RunningInfo(net::ServerRequest request) {
  const auto header = HeaderOrReply<proto::GetConsumerRunningInfoRequestHeader>(request);
  if (!header) return;
  proto::Command command = CopyFields(request.command());
  Relay(std::move(request), header->consumer_group, header->client_id, std::move(command));
}

void ClientRelay::ConsumeDirectly(net::ServerRequest request) {
  const auto header = HeaderOrReply<proto::ConsumeMessageDirectlyResultRequestHeader>(request);
  if (!header) return;
  const auto id = DecodeOffsetMessageId(header->msg_id);
  if (!id.ok()) return ReplyBadRequest(request, id.status());
  auto record = parts_.store.ReadAt(id->log_offset);
  if (!record.ok()) {
    return ReplyError(request, ResponseCode::kSystemError,
                      StrCat("no message ", header->msg_id, ": ", record.status().text()));
  }
  proto::Command command = CopyFields(request.command());
  command.ext.Set("brokerName", parts_.identity.name);
  if (const TopicRef topic = parts_.topics.Find(header->topic)) {
    command.ext.Set("topicSysFlag", StrCat(topic->config.topic_sys_flag));
  }
  if (const GroupRef group = parts_.groups.Find(header->consumer_group)) {
    command.ext.Set("groupSysFlag", StrCat(group->group_sys_flag));
  }
  command.body.push_back(*std::move(record));
  Relay(std::move(request), header->consumer_group, header->client_id, std::move(command));
}

namespace {

// Gathers the answers of several consumers; the last one replies.
class StatusGathering final {
 public:
  StatusGathering(net::ServerRequest request, size_t left) : request_(std::move(request)), left_(left) {}
  void Add(const std::string& client_id, const Result<proto::Command>& reply) {
    MutexLock lock(mutex_);
    if (reply.ok() && reply->code == ResponseCode::kSuccess) {
      auto status = proto::DecodeBody<proto::GetConsumerStatusBody>(reply->JoinedBody().view());
      if (status.ok()) body_.consumer_table[client_id] = std::move(status->message_queue_table);
    }
    if (--left_ == 0) ReplyBody(request_, proto::EncodeBody(body_));
  }

 private:
  Mutex mutex_;
  net::ServerRequest request_ ORBITMQ_GUARDED_BY(mutex_);
  size_t left_ ORBITMQ_GUARDED_BY(mutex_);
  proto::GetConsumerStatusBody body_ ORBITMQ_GUARDED_BY(mutex_);
};

}  // namespace

void ClientRelay::ConsumerStatus(net::ServerRequest request) {
  const auto header = HeaderOrReply<proto::GetConsumerStatusRequestHeader>(request);
  if (!header) return;
  std::vector<ClientEntry> asked;
  if (const auto details = parts_.clients.Details(header->group)) {
    for (const ClientEntry& client : details->members) {
      if (header->client_addr.empty() || header->client_addr == client.client_id) asked.push_back(client);
    }
  }
  if (asked.empty()) {
    return ReplyError(request, ResponseCode::kSystemError,
                      StrCat("No Any Consumer online in the consumer group: [", header->group, "]"));
  }
  proto::GetConsumerStatusRequestHeader question;
  question.topic = header->topic;
  question.group = header->group;
  auto gathering = std::make_shared<StatusGathering>(std::move(request), asked.size());
  for (const ClientEntry& client : asked) {
    client.peer->Call(
        proto::MakeRequest(proto::RequestCode::kGetConsumerStatusFromClient, question), kStatusTimeout,
        [gathering, id = client.client_id](Result<proto::Command> reply) { gathering->Add(id, reply); });
  }
}

}  // namespace orbitmq::broker
