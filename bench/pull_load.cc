// SPDX-License-Identifier: Apache-2.0
#include "bench/pull_load.h"

#include <algorithm>
#include <utility>

#include "common/message_codec.h"
#include "common/strings.h"
#include "common/subscription.h"
#include "common/sys_flag.h"
#include "remoting/protocol/codes.h"
#include "remoting/protocol/headers.h"

namespace orbitmq::bench {
namespace {

using proto::RequestCode;
using proto::ResponseCode;

constexpr Duration kPullTimeout = std::chrono::seconds(30);
constexpr Duration kErrorPause = std::chrono::milliseconds(100);

}  // namespace

void PerfTally::Merge(const PerfTally& other) {
  sent += other.sent;
  send_failed += other.send_failed;
  received += other.received;
  received_own += other.received_own;
  received_body_bytes += other.received_body_bytes;
  send_latency.Merge(other.send_latency);
  end_to_end.Merge(other.end_to_end);
  for (const auto& [text, count] : other.errors) errors[text] += count;
}

void PerfTally::CountError(const Status& status) {
  ++errors[StrCat(StatusCodeName(status.code()), ": ", status.text().substr(0, 120))];
}

PullLoad::PullLoad(Env& env, Executor& loop, const PerfPlan& plan, std::vector<PerfQueue> queues, From from)
    : env_(env),
      loop_(loop),
      plan_(plan),
      from_(from),
      rpc_(net::RpcClient::New(env, {}, loop)),
      unlocated_(queues.size()),
      again_(queues.size()) {
  for (PerfQueue& queue : queues) queues_.push_back({std::move(queue), 0, 0});
}

void PullLoad::Start(Completion<Done> ready) {
  ready_ = std::move(ready);
  if (queues_.empty()) return ready_(Done{});
  for (size_t i = 0; i < queues_.size(); ++i) Locate(i);
}

void PullLoad::Locate(size_t index) {
  proto::GetMinOffsetRequestHeader header;
  header.topic = plan_.topic;
  header.queue_id = queues_[index].where.queue_id;
  const bool from_end = from_ == From::kLast || plan_.backlog > 0;
  const int64_t back = from_ == From::kLast ? 0 : plan_.backlog;
  const int32_t code = from_end ? RequestCode::kGetMaxOffset : RequestCode::kGetMinOffset;
  rpc_->Call(queues_[index].where.address, proto::MakeRequest(code, header), std::chrono::seconds(5),
             [this, index, back](const Result<proto::Command>& reply) {
               const Status status =
                   reply.ok() ? proto::StatusFromResponse(reply->code, reply->remark) : reply.status();
               if (status.ok()) {
                 auto offset = proto::DecodeHeader<proto::GetMinOffsetResponseHeader>(*reply);
                 if (offset.ok()) queues_[index].next = std::max<int64_t>(0, offset->offset - back);
                 queues_[index].first = queues_[index].next;
               } else {
                 tally_.CountError(status);
               }
               if (--unlocated_ == 0) ready_(Done{});
               Pull(index);
             });
}

void PullLoad::Pull(size_t index) {
  if (closed_) return;
  const Queue& queue = queues_[index];
  proto::PullMessageRequestHeader header;
  header.consumer_group = plan_.group;
  header.topic = plan_.topic;
  header.queue_id = queue.where.queue_id;
  header.queue_offset = queue.next;
  header.max_msg_nums = plan_.pull_batch;
  // With the subscription in the request no heartbeat is needed.
  header.sys_flag = pull_flag::kSuspend | pull_flag::kSubscription;
  header.suspend_timeout_millis = 15000;
  header.subscription = kSubscribeAll;
  header.sub_version = 0;
  header.expression_type = kExpressionTypeTag;
  header.rpc.bname = queue.where.broker_name;
  rpc_->Call(queue.where.address, proto::MakeRequest(RequestCode::kPullMessage, header), kPullTimeout,
             [this, index](const Result<proto::Command>& reply) { OnReply(index, reply); });
}

void PullLoad::OnReply(size_t index, const Result<proto::Command>& reply) {
  if (closed_) return;
  Queue& queue = queues_[index];
  const bool answered =
      reply.ok() &&
      (reply->code == ResponseCode::kSuccess || reply->code == ResponseCode::kPullNotFound ||
       reply->code == ResponseCode::kPullRetryImmediately || reply->code == ResponseCode::kPullOffsetMoved);
  if (!answered) {
    tally_.CountError(reply.ok() ? proto::StatusFromResponse(reply->code, reply->remark) : reply.status());
    again_[index] = loop_.PostAt(env_.clock().Monotonic() + kErrorPause, [this, index] { Pull(index); });
    return;
  }
  if (reply->code == ResponseCode::kSuccess) CountRecords(reply->JoinedBody().view());
  auto header = proto::DecodeHeader<proto::PullMessageResponseHeader>(*reply);
  if (header.ok()) {
    queue.next = header->next_begin_offset;
    if (from_ == From::kLoop && queue.next >= header->max_offset) queue.next = queue.first;
  }
  Pull(index);
}

void PullLoad::CountRecords(std::string_view records) {
  const int64_t now = env_.clock().Monotonic().time_since_epoch().count();
  while (!records.empty()) {
    const auto record = DecodeMessage(records, BodyCheck::kTrust);
    if (!record.ok()) return tally_.CountError(record.status());
    records.remove_prefix(static_cast<size_t>(record->total_bytes));
    ++tally_.received;
    tally_.received_body_bytes += record->body.size();
    const std::string_view body = record->body;
    const bool own = body.size() >= kDueBytes && (body.size() < kStampBytes ||
                                                  LoadBig<uint64_t>(body.data() + kDueBytes) == plan_.run_id);
    if (!own) continue;
    ++tally_.received_own;
    ++received_own_;
    tally_.end_to_end.Add(now - LoadBig<int64_t>(body.data()));
  }
}

void PullLoad::Close() {
  closed_ = true;
  rpc_->Shutdown();
}

}  // namespace orbitmq::bench
