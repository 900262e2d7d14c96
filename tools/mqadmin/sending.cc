// SPDX-License-Identifier: Apache-2.0
#include "tools/mqadmin/sending.h"

#include <algorithm>

#include "common/message_id.h"
#include "common/strings.h"
#include "remoting/protocol/codes.h"
#include "tools/mqadmin/java_text.h"

namespace orbitmq::tools {
namespace {

constexpr char kDefaultTopic[] = "TBW102";
constexpr int32_t kDefaultTopicQueues = 4;

std::string NewUniqueKey(Session& session) {
  const ProcessIdentity& identity = session.env().identity();
  UniqueIdGenerator ids({.ip = identity.ip, .pid = identity.pid},
                        session.env().NewRandom("mqadmin-unique-key"), session.env().clock());
  return ids.Next();
}

}  // namespace

Result<std::vector<WritableQueue>> WritableQueues(Session& session, const std::string& topic) {
  auto route = session.Route(topic);
  if (!route.ok() && route.status().wire_code() == proto::ResponseCode::kTopicNotExist) {
    const Status unknown = route.status();
    route = session.Route(kDefaultTopic);
    if (!route.ok()) return unknown;
    for (proto::QueueData& data : route->queue_datas) {
      data.write_queue_nums = std::min(data.write_queue_nums, kDefaultTopicQueues);
    }
  }
  if (!route.ok()) return route.status();
  std::vector<WritableQueue> queues;
  for (const proto::QueueData& data : route->queue_datas) {
    if ((data.perm & proto::kPermWrite) == 0) continue;
    for (const proto::BrokerData& broker : route->broker_datas) {
      const auto master = MasterAddress(broker);
      if (broker.broker_name != data.broker_name || !master) continue;
      for (int32_t i = 0; i < data.write_queue_nums; ++i) {
        queues.push_back({{topic, data.broker_name, i}, *master});
      }
    }
  }
  if (queues.empty()) {
    return Status(StatusCode::kNotFound, StrCat("no master takes messages of the topic ", topic,
                                                "; see mqadmin topicRoute -t ", topic));
  }
  std::sort(queues.begin(), queues.end(), [](const auto& a, const auto& b) { return a.queue < b.queue; });
  return queues;
}

Result<SentMessage> SendOnce(Session& session, const WritableQueue& to, OutgoingText message) {
  std::string& key = message.properties[std::string(property::kUniqueKey)];
  if (key.empty()) key = NewUniqueKey(session);
  message.properties[std::string(property::kWaitStoreMsgOk)] = "true";
  proto::SendMessageRequestHeader header;
  header.producer_group = message.group;
  header.topic = to.queue.topic;
  header.default_topic = kDefaultTopic;
  header.default_topic_queue_nums = kDefaultTopicQueues;
  header.queue_id = to.queue.queue_id;
  header.born_timestamp = session.env().clock().WallMillis();
  header.properties = PropertiesFromMap(message.properties);
  const BytesChain body = {Bytes(message.body)};
  auto reply = session.Change(StrCat("send ", message.body.size(), " bytes to ", to.queue.topic, " queue ",
                                     to.queue.queue_id, " of ", to.queue.broker_name),
                              &net::BrokerStub::Send, to.master, header, net::SendKind::kSingle, body);
  if (!reply.ok()) return reply.status();
  return SentMessage{key, *std::move(reply)};
}

void TellNotSafe(Session& session, int64_t count) {
  session.out().Member("notSafe", StrCat(count));
  if (count == 0) return;
  session.Warn(StrCat(count,
                      " of them are stored, but were not flushed or copied to a slave in time; see "
                      "mqadmin haStatus"));
}

std::string_view SendStatusName(int32_t code) {
  switch (code) {
    case proto::ResponseCode::kFlushDiskTimeout:
      return "FLUSH_DISK_TIMEOUT";
    case proto::ResponseCode::kFlushSlaveTimeout:
      return "FLUSH_SLAVE_TIMEOUT";
    case proto::ResponseCode::kSlaveNotAvailable:
      return "SLAVE_NOT_AVAILABLE";
    default:
      return "SEND_OK";
  }
}

std::string SendResultText(const SentMessage& sent, const MessageQueue& queue) {
  const proto::SendMessageResponseHeader& header = sent.reply.header;
  return StrCat("SendResult [sendStatus=", SendStatusName(sent.reply.code), ", msgId=", sent.id,
                ", offsetMsgId=", header.msg_id, ", messageQueue=",
                QueueText({queue.topic, queue.broker_name, header.queue_id}),
                ", queueOffset=", header.queue_offset,
                ", recallHandle=", header.recall_handle.empty() ? "null" : header.recall_handle, "]");
}

}  // namespace orbitmq::tools
