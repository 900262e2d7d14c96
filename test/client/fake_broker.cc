// SPDX-License-Identifier: Apache-2.0
#include "test/client/fake_broker.h"

#include <utility>

#include <gtest/gtest.h>

#include "common/message_codec.h"
#include "common/message_id.h"
#include "common/message_properties.h"
#include "common/names.h"
#include "remoting/protocol/body_codec.h"
#include "remoting/protocol/client_bodies.h"
#include "remoting/protocol/codes.h"

namespace orbitmq::client {
namespace {

using proto::RequestCode;
using proto::ResponseCode;

HostAddress Loopback(uint16_t port) { return *ParseHostAddress("127.0.0.1", port); }

template <class H>
net::Response Reply(const H& header) {
  net::Response response;
  proto::EncodeHeader(header, response.ext);
  return response;
}

net::Response Refuse(int32_t code, std::string remark) {
  net::Response response;
  response.code = code;
  response.remark = std::move(remark);
  return response;
}

}  // namespace

FakeBroker::FakeBroker(Env& env, const Endpoint& listen, std::string name)
    : env_(env), name_(std::move(name)) {
  io_ = env.NewExecutor({"fake-io", ExecutorKind::kIo});
  net::RpcServerOptions options;
  options.listen = {listen};
  options.name = "fake";
  server_ = net::RpcServer::New(env, std::move(options), {io_.get()});
  Serve(RequestCode::kGetRouteinfoByTopic, &FakeBroker::OnRoute);
  Serve(RequestCode::kSendMessageV2, &FakeBroker::OnSend);
  Serve(RequestCode::kSendBatchMessage, &FakeBroker::OnSend);
  Serve(RequestCode::kPullMessage, &FakeBroker::OnPull);
  Serve(RequestCode::kHeartBeat, &FakeBroker::OnHeartbeat);
  Serve(RequestCode::kUnregisterClient, &FakeBroker::OnUnregister);
  Serve(RequestCode::kGetConsumerListByGroup, &FakeBroker::OnMembers);
  Serve(RequestCode::kQueryConsumerOffset, &FakeBroker::OnQueryOffset);
  Serve(RequestCode::kUpdateConsumerOffset, &FakeBroker::OnUpdateOffset);
  Serve(RequestCode::kGetMaxOffset, &FakeBroker::OnMaxOffset);
  Serve(RequestCode::kGetMinOffset, &FakeBroker::OnMinOffset);
  Serve(RequestCode::kSearchOffsetByTimestamp, &FakeBroker::OnSearchOffset);
  Serve(RequestCode::kConsumerSendMsgBack, &FakeBroker::OnSendBack);
  const Status started = server_->Start();
  EXPECT_TRUE(started.ok()) << started.ToString();
}

FakeBroker::~FakeBroker() {
  server_->Shutdown([](Result<Done>) {});
  io_->Stop();
  server_.reset();
}

void FakeBroker::Serve(int32_t code, Handler handler) {
  server_->Handle(code, nullptr, [this, code, handler](net::ServerRequest request) {
    Script script;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      ++requests_[code];
      peer_ = request.peer();
      if (ignored_.contains(code)) return request.Abandon();
      if (const auto found = scripts_.find(code); found != scripts_.end()) script = found->second;
    }
    std::optional<net::Response> scripted;
    if (script) scripted = script(request.command());
    if (!scripted) {
      const std::lock_guard<std::mutex> lock(mutex_);
      scripted = (this->*handler)(request.command());
    }
    if (request.command().oneway()) return request.Abandon();
    request.Reply(*std::move(scripted));
  });
}

void FakeBroker::ClearOverrides() {
  const std::lock_guard<std::mutex> lock(mutex_);
  scripts_.clear();
}

void FakeBroker::SetRoute(const std::string& topic, const std::vector<FakeBroker*>& brokers,
                          int32_t queue_count) {
  proto::TopicRouteData route;
  for (FakeBroker* broker : brokers) {
    proto::BrokerData data;
    data.broker_name = broker->name();
    data.cluster = "c";
    data.broker_addrs[0] = broker->address().ToString();
    route.broker_datas.push_back(std::move(data));
    proto::QueueData queues;
    queues.broker_name = broker->name();
    queues.perm = 6;
    queues.read_queue_nums = queue_count;
    queues.write_queue_nums = queue_count;
    route.queue_datas.push_back(std::move(queues));
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  routes_[topic] = std::move(route);
}

void FakeBroker::RemoveRoute(const std::string& topic) {
  const std::lock_guard<std::mutex> lock(mutex_);
  routes_.erase(topic);
}

void FakeBroker::TellAsSlaves(const std::string& topic) { TellWithId(topic, 1); }
void FakeBroker::TellAsMasters(const std::string& topic) { TellWithId(topic, kMasterId); }

void FakeBroker::TellWithId(const std::string& topic, BrokerId id) {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (proto::BrokerData& data : routes_[topic].broker_datas) {
    data.broker_addrs = {{id, data.broker_addrs.begin()->second}};
  }
}

void FakeBroker::SetPermission(const std::string& topic, int32_t perm) {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (proto::QueueData& queues : routes_[topic].queue_datas) queues.perm = perm;
}

void FakeBroker::Override(int32_t code, Script script) {
  const std::lock_guard<std::mutex> lock(mutex_);
  scripts_[code] = std::move(script);
}

void FakeBroker::Ignore(int32_t code) {
  const std::lock_guard<std::mutex> lock(mutex_);
  ignored_.insert(code);
}

void FakeBroker::Clear(int32_t code) {
  const std::lock_guard<std::mutex> lock(mutex_);
  ignored_.erase(code);
  scripts_.erase(code);
}

int64_t FakeBroker::Append(const NewRecord& record) {
  Queue& queue = queues_[{std::string(record.topic), record.queue_id}];
  RecordFields fields;
  fields.topic = record.topic;
  fields.queue_id = record.queue_id;
  fields.sys_flag = record.sys_flag;
  fields.reconsume_times = record.reconsume_times;
  fields.born_time = env_.clock().Wall();
  fields.born_host = Loopback(1);
  fields.store_host = Loopback(address().port);
  fields.body = record.body;
  fields.properties = record.properties;
  RecordDraft draft{.bytes = {}, .record_count = 0, .crc = RecordCrc::kNone};
  const Status encoded = AppendRecord(fields, draft);
  EXPECT_TRUE(encoded.ok()) << encoded.ToString();
  const auto offset = static_cast<int64_t>(queue.records.size());
  // The log offset is the record's index in log_, so that a send-back finds it.
  PatchRecord(draft.bytes.data(), {{offset}, {static_cast<int64_t>(log_.size())}, env_.clock().Wall()},
              draft.crc);
  log_.push_back(draft.bytes);
  queue.records.push_back(std::move(draft.bytes));
  return offset;
}

void FakeBroker::Store(const MessageQueue& queue, const std::string& body, const std::string& properties) {
  const std::lock_guard<std::mutex> lock(mutex_);
  Append({queue.topic, queue.queue_id, body, properties, 0, 0});
}

void FakeBroker::Damage(const MessageQueue& queue, int64_t offset) {
  constexpr size_t kBodyAt = 88;  // Of a V1 record with IPv4 hosts.
  const std::lock_guard<std::mutex> lock(mutex_);
  std::string& record = queues_[{queue.topic, queue.queue_id}].records.at(static_cast<size_t>(offset));
  record.at(kBodyAt) = static_cast<char>(record.at(kBodyAt) ^ 1);
}

void FakeBroker::SetMinOffset(const MessageQueue& queue, int64_t offset) {
  const std::lock_guard<std::mutex> lock(mutex_);
  queues_[{queue.topic, queue.queue_id}].min = offset;
}

void FakeBroker::SetPullsCommit(bool commit) {
  const std::lock_guard<std::mutex> lock(mutex_);
  pulls_commit_ = commit;
}

void FakeBroker::SetCommitted(const std::string& group, const MessageQueue& queue, int64_t offset) {
  const std::lock_guard<std::mutex> lock(mutex_);
  queues_[{queue.topic, queue.queue_id}].committed[group] = offset;
}

net::Response FakeBroker::OnRoute(const proto::CommandView& request) {
  const auto route = routes_.find(std::string(request.Ext("topic").value_or("")));
  if (route == routes_.end()) return Refuse(ResponseCode::kTopicNotExist, "No topic route info");
  net::Response response;
  response.body.push_back(Bytes(proto::EncodeBody(route->second, proto::JsonStyle::kStandard)));
  return response;
}

net::Response FakeBroker::OnSend(const proto::CommandView& request) {
  auto header = proto::DecodeHeader<proto::SendMessageRequestHeader>(request, proto::NameForm::kShort);
  if (!header.ok()) return Refuse(ResponseCode::kSystemError, std::string(header.status().text()));
  sends_.push_back(*header);
  proto::SendMessageResponseHeader reply;
  reply.queue_id = header->queue_id;
  if (header->batch.value_or(false)) {
    auto entries = DecodeBatch(request.body, 1000);
    if (!entries.ok()) return Refuse(ResponseCode::kMessageIllegal, std::string(entries.status().text()));
    reply.queue_offset = -1;
    for (const BatchEntry& entry : *entries) {
      const int64_t offset = Append({header->topic, header->queue_id, entry.body, entry.properties, 0, 0});
      if (reply.queue_offset < 0) reply.queue_offset = offset;
      reply.msg_id += reply.msg_id.empty() ? "ID" : ",ID";
    }
  } else {
    reply.queue_offset = Append({header->topic, header->queue_id, request.body, header->properties,
                                 header->sys_flag, header->reconsume_times.value_or(0)});
    reply.msg_id = "ID";
  }
  return Reply(reply);
}

net::Response FakeBroker::OnPull(const proto::CommandView& request) {
  auto header = proto::DecodeHeader<proto::PullMessageRequestHeader>(request);
  if (!header.ok()) return Refuse(ResponseCode::kSystemError, std::string(header.status().text()));
  Queue& queue = queues_[{header->topic, header->queue_id}];
  if (pulls_commit_ && (header->sys_flag & 1) != 0) {
    queue.committed[header->consumer_group] = header->commit_offset;
    queue.commits.push_back(header->commit_offset);
  }
  proto::PullMessageResponseHeader reply;
  const auto end = static_cast<int64_t>(queue.records.size());
  reply.min_offset = queue.min;
  reply.max_offset = end;
  reply.next_begin_offset = header->queue_offset;
  if (header->queue_offset < queue.min || header->queue_offset > end) {
    reply.next_begin_offset = header->queue_offset < queue.min ? queue.min : end;
    net::Response response = Reply(reply);
    response.code = ResponseCode::kPullOffsetMoved;
    return response;
  }
  std::string body;
  for (int32_t i = 0; i < header->max_msg_nums && reply.next_begin_offset < end; ++i) {
    body += queue.records[static_cast<size_t>(reply.next_begin_offset++)];
  }
  net::Response response = Reply(reply);
  response.code = body.empty() ? ResponseCode::kPullNotFound : ResponseCode::kSuccess;
  if (!body.empty()) response.body.push_back(Bytes(std::move(body)));
  return response;
}

net::Response FakeBroker::OnHeartbeat(const proto::CommandView& request) {
  auto body = proto::DecodeBody<proto::HeartbeatData>(request.body);
  if (!body.ok()) return Refuse(ResponseCode::kSystemError, std::string(body.status().text()));
  heartbeat_ = *body;
  for (const auto& consumer : body->consumer_data_set) groups_[consumer.group_name].insert(body->client_id);
  return {};
}

net::Response FakeBroker::OnUnregister(const proto::CommandView& request) {
  const std::string group(request.Ext("consumerGroup").value_or(""));
  groups_[group].erase(std::string(request.Ext("clientID").value_or("")));
  return {};
}

net::Response FakeBroker::OnMembers(const proto::CommandView& request) {
  const auto group = groups_.find(std::string(request.Ext("consumerGroup").value_or("")));
  if (group == groups_.end() || group->second.empty()) {
    return Refuse(ResponseCode::kSystemError, "no consumer for this group");
  }
  proto::GetConsumerListByGroupResponseBody body;
  body.consumer_id_list.assign(group->second.begin(), group->second.end());
  body.consumer_id_list.insert(body.consumer_id_list.end(), others_.begin(), others_.end());
  net::Response response;
  response.body.push_back(Bytes(proto::EncodeBody(body)));
  return response;
}

net::Response FakeBroker::OnQueryOffset(const proto::CommandView& request) {
  auto header = proto::DecodeHeader<proto::QueryConsumerOffsetRequestHeader>(request);
  if (!header.ok()) return Refuse(ResponseCode::kSystemError, std::string(header.status().text()));
  const Queue& queue = queues_[{header->topic, header->queue_id}];
  const auto committed = queue.committed.find(header->consumer_group);
  if (committed == queue.committed.end()) return Refuse(ResponseCode::kQueryNotFound, "none");
  return Reply(proto::QueryConsumerOffsetResponseHeader{committed->second});
}

net::Response FakeBroker::OnUpdateOffset(const proto::CommandView& request) {
  auto header = proto::DecodeHeader<proto::UpdateConsumerOffsetRequestHeader>(request);
  if (!header.ok()) return Refuse(ResponseCode::kSystemError, std::string(header.status().text()));
  Queue& queue = queues_[{header->topic, header->queue_id}];
  queue.committed[header->consumer_group] = header->commit_offset;
  queue.commits.push_back(header->commit_offset);
  return {};
}

net::Response FakeBroker::OnMaxOffset(const proto::CommandView& request) {
  auto header = proto::DecodeHeader<proto::GetMaxOffsetRequestHeader>(request);
  if (!header.ok()) return Refuse(ResponseCode::kSystemError, std::string(header.status().text()));
  const Queue& queue = queues_[{header->topic, header->queue_id}];
  return Reply(proto::GetMaxOffsetResponseHeader{static_cast<int64_t>(queue.records.size())});
}

net::Response FakeBroker::OnMinOffset(const proto::CommandView& request) {
  auto header = proto::DecodeHeader<proto::GetMinOffsetRequestHeader>(request);
  if (!header.ok()) return Refuse(ResponseCode::kSystemError, std::string(header.status().text()));
  return Reply(proto::GetMinOffsetResponseHeader{queues_[{header->topic, header->queue_id}].min});
}

net::Response FakeBroker::OnSearchOffset(const proto::CommandView& request) {
  auto header = proto::DecodeHeader<proto::SearchOffsetRequestHeader>(request);
  if (!header.ok()) return Refuse(ResponseCode::kSystemError, std::string(header.status().text()));
  return Reply(proto::SearchOffsetResponseHeader{2});
}

net::Response FakeBroker::OnSendBack(const proto::CommandView& request) {
  auto header = proto::DecodeHeader<proto::ConsumerSendMsgBackRequestHeader>(request);
  if (!header.ok()) return Refuse(ResponseCode::kSystemError, std::string(header.status().text()));
  send_backs_.push_back(*header);
  const auto view = DecodeMessage(log_.at(static_cast<size_t>(header->offset)), BodyCheck::kVerifyCrc);
  EXPECT_TRUE(view.ok());
  std::string properties(view->properties);
  SetProperty(properties, property::kRetryTopic, header->origin_topic);
  // A copy: Append may move what the view points into.
  const std::string body(view->body);
  Append({RetryTopic(header->group), 0, body, properties, view->sys_flag, view->reconsume_times + 1});
  return {};
}

size_t FakeBroker::RequestCount(int32_t code) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = requests_.find(code);
  return found == requests_.end() ? 0 : found->second;
}

std::vector<std::string> FakeBroker::StoredBodies(const std::string& topic) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<std::string> bodies;
  for (const auto& [key, queue] : queues_) {
    for (const std::string& record : queue.records) {
      if (key.first == topic) bodies.emplace_back(DecodeMessage(record, BodyCheck::kVerifyCrc)->body);
    }
  }
  return bodies;
}

std::vector<proto::SendMessageRequestHeader> FakeBroker::sends() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return sends_;
}

std::vector<proto::ConsumerSendMsgBackRequestHeader> FakeBroker::send_backs() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return send_backs_;
}

std::optional<int64_t> FakeBroker::Committed(const std::string& group, const MessageQueue& queue) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = queues_.find({queue.topic, queue.queue_id});
  if (found == queues_.end() || !found->second.committed.contains(group)) return std::nullopt;
  return found->second.committed.at(group);
}

std::vector<int64_t> FakeBroker::Commits(const MessageQueue& queue) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = queues_.find({queue.topic, queue.queue_id});
  return found == queues_.end() ? std::vector<int64_t>() : found->second.commits;
}

std::optional<proto::HeartbeatData> FakeBroker::last_heartbeat() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return heartbeat_;
}

std::set<std::string> FakeBroker::Members(const std::string& group) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = groups_.find(group);
  return found == groups_.end() ? std::set<std::string>() : found->second;
}

void FakeBroker::AddMember(const std::string& client_id) {
  const std::lock_guard<std::mutex> lock(mutex_);
  others_.insert(client_id);
}

void FakeBroker::RemoveMember(const std::string& client_id) {
  const std::lock_guard<std::mutex> lock(mutex_);
  others_.erase(client_id);
}

void FakeBroker::Notify(proto::Command command) {
  std::shared_ptr<net::Peer> peer;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    peer = peer_;
  }
  peer->Oneway(std::move(command));
}

void FakeBroker::Ask(proto::Command command, Completion<proto::Command> done) {
  std::shared_ptr<net::Peer> peer;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    peer = peer_;
  }
  peer->Call(std::move(command), std::chrono::seconds(5), std::move(done));
}

}  // namespace orbitmq::client
