// SPDX-License-Identifier: Apache-2.0
// What brokers ask of a consumer on behalf of admin tools (client.md 3.12, remoting.md 6.4-6.7).
#include <utility>

#include "client/allocation.h"
#include "client/push_consumer_core.h"
#include "client/received_rep.h"
#include "common/names.h"
#include "common/strings.h"
#include "remoting/protocol/codes.h"
#include "remoting/protocol/headers.h"
#include "remoting/protocol/offset_bodies.h"
#include "remoting/protocol/running_info.h"

namespace orbitmq::client {
namespace {

using proto::RequestCode;
using proto::ResponseCode;

void Answer(BrokerRequest& request, int32_t code, std::string remark, std::string body = {}) {
  if (!request.reply) return;
  proto::Command response;
  response.code = code;
  response.remark = std::move(remark);
  if (!body.empty()) response.body.push_back(Bytes(std::move(body)));
  request.reply(std::move(response));
}

}  // namespace

void PushConsumerCore::OnBrokerRequest(BrokerRequest request) {
  switch (request.command.code) {
    case RequestCode::kNotifyConsumerIdsChanged:
      return RebalanceSoon(Duration::zero());
    case RequestCode::kResetConsumerClientOffset:
      return ResetOffsets(request);
    case RequestCode::kGetConsumerStatusFromClient:
      return AnswerStatus(std::move(request));
    case RequestCode::kGetConsumerRunningInfo:
      return AnswerRunningInfo(std::move(request));
    case RequestCode::kConsumeMessageDirectly:
      return ConsumeDirectly(std::move(request));
    default:
      return;
  }
}

void PushConsumerCore::AnswerRunningInfo(BrokerRequest request) {
  proto::ConsumerRunningInfo info;
  auto& properties = info.properties;
  properties["PROP_NAMESERVER_ADDR"] = instance_->namesrv_addr();
  properties["PROP_CONSUME_TYPE"] = "CONSUME_PASSIVELY";
  properties["PROP_CLIENT_VERSION"] = "V5_5_0";
  properties["PROP_THREADPOOL_CORE_SIZE"] = StrCat(options_.consume_threads);
  properties["PROP_CONSUMEORDERLY"] = "false";
  properties["PROP_CONSUMER_START_TIMESTAMP"] = StrCat(ToEpochMillis(start_time_));
  properties["consumerGroup"] = options_.group;
  properties["messageModel"] = options_.model == MessageModel::kClustering ? "CLUSTERING" : "BROADCASTING";
  properties["allocateMessageQueueStrategy"] = AllocationName(options_.allocation);
  properties["consumeMessageBatchMaxSize"] = StrCat(options_.consume_batch_size);
  properties["pullBatchSize"] = StrCat(options_.pull_batch_size);
  properties["pullThresholdForQueue"] = StrCat(options_.queue_messages_max);
  properties["maxReconsumeTimes"] = StrCat(options_.reconsume_times_max);
  for (const auto& [topic, subscription] : subscriptions_) info.subscription_set.push_back(subscription);
  for (const auto& [name, queue] : queues_) {
    proto::ProcessQueueInfo& entry = info.mq_table[name];
    entry.droped = queue->dropped();
    entry.last_pull_timestamp = queue->last_pull_ms();
    entry.last_consume_timestamp = queue->last_consume_ms();
    if (!queue->located()) continue;
    const ProcessQueue& window = queue->window();
    entry.commit_offset = window.commit_point();
    entry.cached_msg_count = static_cast<int32_t>(window.count());
    entry.cached_msg_size_in_mib = static_cast<int32_t>(window.bytes() >> 20);
    if (window.count() == 0) continue;
    entry.cached_msg_min_offset = window.entries().begin()->first;
    entry.cached_msg_max_offset = window.entries().rbegin()->first;
  }
  info.status_table = stats_.Table(instance_->Now());
  for (const auto& [topic, subscription] : subscriptions_) info.status_table.try_emplace(topic);
  if (request.command.Ext("jstackEnable").value_or("false") == "true") {
    info.jstack = "not available: this consumer is no Java program";
  }
  Answer(request, ResponseCode::kSuccess, {}, proto::EncodeBody(info));
}

void PushConsumerCore::AnswerStatus(BrokerRequest request) {
  const std::string_view topic = request.command.Ext("topic").value_or("");
  proto::GetConsumerStatusBody body;
  for (const auto& [name, queue] : queues_) {
    if (name.topic == topic && queue->located()) {
      body.message_queue_table[name] = queue->window().commit_point();
    }
  }
  Answer(request, ResponseCode::kSuccess, {}, proto::EncodeBody(body));
}

void PushConsumerCore::ConsumeDirectly(BrokerRequest request) {
  if (phase_ != Phase::kRunning) {
    return Answer(request, ResponseCode::kSystemError, "the consumer is shutting down");
  }
  const Bytes body = Bytes::Copy(request.command.body);
  MessageQueue queue;
  queue.broker_name = request.command.Ext("brokerName").value_or("");
  PulledRecords records = DecodePulled(body, queue, 0);
  if (!records.status.ok() || records.messages.size() != 1) {
    return Answer(request, ResponseCode::kSystemError,
                  StrCat("the body is not one stored message: ", records.status.ToString()));
  }
  auto task = std::make_shared<ConsumeTask>();
  const ReceivedRep& rep = ReceivedRep::Of(records.messages.front());
  task->queue = {std::string(rep.view.topic), queue.broker_name, rep.view.queue_id};
  task->messages = std::move(records.messages);
  direct_calls_[task.get()] = std::move(request.reply);
  pool_->Submit(task);
}

void PushConsumerCore::EndDirectCall(const ConsumeTask& task) {
  auto call = direct_calls_.extract(const_cast<ConsumeTask*>(&task));
  if (call.empty() || !call.mapped() || instance_->closed()) return;
  proto::ConsumeMessageDirectlyResult result;
  result.spent_time_mills = std::chrono::duration_cast<Millis>(task.took).count();
  switch (task.outcome) {
    case ConsumeTask::Outcome::kReturned:
      result.consume_result =
          task.result == ConsumeResult::kSuccess ? proto::CMResult::kCrSuccess : proto::CMResult::kCrLater;
      break;
    case ConsumeTask::Outcome::kSkipped:
    case ConsumeTask::Outcome::kThrew:
    case ConsumeTask::Outcome::kUnreadable:
      result.consume_result = proto::CMResult::kCrThrowException;
      result.remark = task.error.empty() ? "the consumer is shutting down" : task.error;
      break;
  }
  proto::Command response;
  response.code = ResponseCode::kSuccess;
  response.body.push_back(Bytes(proto::EncodeBody(result)));
  call.mapped()(std::move(response));
}

// The broker decides; what runs meanwhile is ignored, and the queue begins anew at the given offset.
void PushConsumerCore::ResetOffsets(const BrokerRequest& request) {
  const std::string_view topic = request.command.Ext("topic").value_or("");
  auto body = proto::DecodeBody<proto::ResetOffsetBody>(request.command.body);
  if (!body.ok()) {
    instance_->log().Warn("cannot read a reset of offsets", {{"why", body.status().ToString()}});
    return;
  }
  for (const auto& [name, offset] : body->offset_table) {
    const auto found = queues_.find(name);
    if (name.topic != topic || found == queues_.end() || offset < 0) continue;
    const QueuePtr queue = found->second;
    if (queue->located() && !queue->dropped()) OnOffsetMoved(*queue, offset);
  }
}

}  // namespace orbitmq::client
