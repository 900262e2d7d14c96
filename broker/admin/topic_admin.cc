// SPDX-License-Identifier: Apache-2.0
#include "broker/admin/topic_admin.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "common/limits.h"
#include "common/names.h"
#include "common/strings.h"
#include "remoting/protocol/admin_bodies.h"
#include "remoting/replies.h"

namespace orbitmq::broker {

using proto::ResponseCode;

bool TopicAdmin::IsSystem(std::string_view topic) const {
  return IsSystemTopic(topic) || topic == parts_.identity.cluster || topic == parts_.identity.name ||
         topic == ReplyTopic(parts_.identity.cluster);
}

Status TopicAdmin::Check(const proto::TopicConfig& config) const {
  if (Status named = CheckTopicName(config.topic_name); !named.ok()) return named;
  if (IsSystem(config.topic_name)) {
    return Status(StatusCode::kInvalidArgument,
                  StrCat("The topic[", config.topic_name, "] is conflict with system topic."));
  }
  for (const auto& [name, count] :
       {std::pair<std::string_view, int32_t>("readQueueNums", config.read_queue_nums),
        {"writeQueueNums", config.write_queue_nums}}) {
    if (count < 0 || count > limits::kQueuesPerTopicMax) {
      return Status(StatusCode::kInvalidArgument,
                    StrCat(name, " ", count, " is not in 0..", limits::kQueuesPerTopicMax));
    }
  }
  if (!perm::Valid(config.perm)) {
    return Status(StatusCode::kInvalidArgument, StrCat("perm ", config.perm, " is not in 0..7"));
  }
  return {};
}

void TopicAdmin::ReplyWhenDurable(net::ServerRequest request) {
  parts_.topics.WhenDurable([request = std::move(request)](Result<Done> saved) mutable {
    if (saved.ok()) return ReplyOk(request);
    ReplyError(request, ResponseCode::kSystemError, saved.status().ToString());
  });
}

void TopicAdmin::Update(net::ServerRequest request) {
  const auto header = HeaderOrReply<proto::CreateTopicRequestHeader>(request);
  if (!header) return;
  proto::TopicConfig config;
  config.topic_name = header->topic;
  config.read_queue_nums = header->read_queue_nums;
  config.write_queue_nums = header->write_queue_nums;
  config.perm = header->perm;
  config.topic_filter_type = proto::EnumFromName<proto::TopicFilterType>(header->topic_filter_type)
                                 .value_or(proto::TopicFilterType::kSingleTag);
  config.topic_sys_flag = header->topic_sys_flag;
  config.order = header->order;
  Status updated = Check(config);
  if (updated.ok()) updated = parts_.topics.Update(std::move(config), header->attributes);
  if (!updated.ok()) {
    return ReplyError(request, ResponseCode::kInvalidParameter, std::string(updated.text()));
  }
  parts_.env.log().Info("topic updated", {{"topic", header->topic},
                                          {"read_queues", header->read_queue_nums},
                                          {"write_queues", header->write_queue_nums},
                                          {"perm", header->perm},
                                          {"peer", request.peer()->remote().ToString()}});
  ReplyWhenDurable(std::move(request));
}

void TopicAdmin::UpdateList(net::ServerRequest request) {
  auto body = BodyOrReply<proto::CreateTopicListRequestBody>(request);
  if (!body) return;
  for (const proto::TopicConfig& config : body->topic_config_list) {
    if (Status checked = Check(config); !checked.ok()) {
      return ReplyError(request, ResponseCode::kInvalidParameter, std::string(checked.text()));
    }
  }
  for (proto::TopicConfig& config : body->topic_config_list) {
    std::string changes;
    for (const auto& [name, value] : config.attributes) {
      if (!changes.empty()) changes.push_back(',');
      StrAppend(changes,
                name.starts_with('-') ? name : StrCat(name.starts_with('+') ? "" : "+", name, '=', value));
    }
    if (Status updated = parts_.topics.Update(std::move(config), changes); !updated.ok()) {
      return ReplyError(request, ResponseCode::kInvalidParameter, std::string(updated.text()));
    }
  }
  ReplyWhenDurable(std::move(request));
}

void TopicAdmin::Delete(net::ServerRequest request) {
  const auto header = HeaderOrReply<proto::DeleteTopicRequestHeader>(request);
  if (!header) return;
  if (header->topic.empty()) {
    return ReplyError(request, ResponseCode::kInvalidParameter, "The specified topic is blank.");
  }
  if (IsSystem(header->topic)) {
    return ReplyError(request, ResponseCode::kInvalidParameter,
                      StrCat("The topic[", header->topic, "] is conflict with system topic."));
  }
  // Where its own log ends is no place in the order of what the master was sent.
  if (parts_.follow_master()) return ReplyOk(request);
  // Queues first: after a crash in between the topic is there and empty, and none that is made anew by its
  // name sees old messages.
  parts_.store.DeleteTopic(header->topic, [this, topic = header->topic,
                                           request = std::move(request)](Result<Done> deleted) mutable {
    if (deleted.ok()) return Forget(topic, std::move(request));
    ReplyError(request, ResponseCode::kSystemError, deleted.status().ToString());
  });
}

void TopicAdmin::Forget(const std::string& topic, net::ServerRequest request) {
  parts_.topics.Delete(topic);
  parts_.offsets.RemoveTopic(topic);
  parts_.stats.ForgetTopic(topic);
  parts_.env.log().Info("topic deleted", {{"topic", topic}, {"peer", request.peer()->remote().ToString()}});
  // Again, for what was sent until now: it was sent to the topic that is gone. Mostly there is nothing.
  parts_.store.DeleteTopic(topic, [this, request = std::move(request)](Result<Done> deleted) mutable {
    if (!deleted.ok()) {
      return ReplyError(request, ResponseCode::kSystemError, deleted.status().ToString());
    }
    // Offsets that come back would make consumers of a topic made anew skip its first messages.
    parts_.offsets.Save([this, request = std::move(request)](Result<Done> saved) mutable {
      if (saved.ok()) return ReplyWhenDurable(std::move(request));
      ReplyError(request, ResponseCode::kSystemError, saved.status().ToString());
    });
  });
}

void TopicAdmin::CleanUnused(net::ServerRequest request) {
  // At a slave messages of a new topic come before its configuration.
  if (parts_.follow_master()) return ReplyOk(request);
  std::set<std::string> unused;
  for (const auto& topic : parts_.store.Topics()) {
    if (parts_.topics.Find(*topic) == nullptr && !IsSystem(*topic)) unused.insert(*topic);
  }
  CleanNext(std::vector<std::string>(unused.begin(), unused.end()), std::move(request));
}

void TopicAdmin::CleanNext(std::vector<std::string> unused, net::ServerRequest request) {
  if (unused.empty()) return ReplyOk(request);
  const std::string topic = std::move(unused.back());
  unused.pop_back();
  parts_.store.DeleteTopic(topic, [this, topic, unused = std::move(unused),
                                   request = std::move(request)](Result<Done> deleted) mutable {
    if (!deleted.ok()) {
      return ReplyError(request, ResponseCode::kSystemError, deleted.status().ToString());
    }
    parts_.env.log().Info("the queues of an unused topic are deleted",
                          {{"topic", topic}, {"peer", request.peer()->remote().ToString()}});
    CleanNext(std::move(unused), std::move(request));
  });
}

void TopicAdmin::GetAll(net::ServerRequest request) {
  auto all = parts_.topics.All();
  proto::TopicConfigAndMappingSerializeWrapper body;
  body.data_version = all.data_version;
  body.topic_config_table = std::move(all.topic_config_table);
  const proto::GetAllTopicConfigResponseHeader header{
      .total_topic_num = static_cast<int32_t>(body.topic_config_table.size())};
  ReplyHeader(request, header, proto::EncodeBody(body));
}

void TopicAdmin::Get(net::ServerRequest request) {
  const auto header = HeaderOrReply<proto::GetTopicConfigRequestHeader>(request);
  if (!header) return;
  const TopicRef topic = parts_.topics.Find(header->topic);
  if (topic == nullptr) {
    return ReplyError(request, ResponseCode::kTopicNotExist,
                      StrCat("No topic in this broker. topic: ", header->topic));
  }
  const proto::TopicConfig& config = topic->config;
  proto::TopicConfigAndQueueMapping body;
  body.attributes = config.attributes;
  body.order = config.order;
  body.perm = config.perm;
  body.read_queue_nums = config.read_queue_nums;
  body.topic_filter_type = config.topic_filter_type;
  body.topic_name = config.topic_name;
  body.topic_sys_flag = config.topic_sys_flag;
  body.write_queue_nums = config.write_queue_nums;
  ReplyBody(request, proto::EncodeBody(body));
}

void TopicAdmin::Stats(net::ServerRequest request) {
  const auto header = HeaderOrReply<proto::GetTopicStatsInfoRequestHeader>(request);
  if (!header) return;
  const TopicRef topic = parts_.topics.Find(header->topic);
  if (topic == nullptr) {
    return ReplyError(request, ResponseCode::kTopicNotExist, StrCat("topic[", header->topic, "] not exist"));
  }
  proto::TopicStatsTable table;
  const int32_t queues = std::max(topic->config.write_queue_nums, topic->config.read_queue_nums);
  for (int32_t id = 0; id < queues; ++id) {
    const QueueKey queue{header->topic, id};
    proto::TopicOffset offset;
    if (const auto range = parts_.store.Range(queue)) {
      offset.min_offset = range->min.value;
      offset.max_offset = range->max.value;
      if (range->min < range->max) {
        if (const auto time = parts_.store.StoreTimeAt(queue, QueueOffset{range->max.value - 1})) {
          offset.last_update_timestamp = ToEpochMillis(*time);
        }
      }
    }
    table.offset_table.emplace(MessageQueue{header->topic, parts_.identity.name, id}, offset);
  }
  table.topic_put_tps = parts_.stats.TopicPutPerSecond(header->topic);
  ReplyBody(request, proto::EncodeBody(table));
}

void TopicAdmin::ConsumedByWho(net::ServerRequest request) {
  const auto header = HeaderOrReply<proto::QueryTopicConsumeByWhoRequestHeader>(request);
  if (!header) return;
  std::set<std::string> groups = parts_.clients.GroupsOfTopic(header->topic);
  groups.merge(parts_.offsets.GroupsOf(header->topic));
  proto::GroupList body;
  body.group_list.assign(groups.begin(), groups.end());
  ReplyBody(request, proto::EncodeBody(body));
}

void TopicAdmin::SystemTopics(net::ServerRequest request) {
  proto::TopicList body;
  for (const TopicRef& topic : parts_.topics.List()) {
    if (IsSystem(topic->config.topic_name)) body.topic_list.push_back(topic->config.topic_name);
  }
  // Reserved, though it is no topic until something is sent there.
  body.topic_list.emplace_back(names::kTransCheckMaxTimeTopic);
  ReplyBody(request, proto::EncodeBody(body));
}

}  // namespace orbitmq::broker
