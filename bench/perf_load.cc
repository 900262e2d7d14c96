// SPDX-License-Identifier: Apache-2.0
#include "bench/perf_load.h"

#include <algorithm>
#include <utility>

#include "common/message_codec.h"
#include "common/message_properties.h"
#include "common/names.h"
#include "common/strings.h"
#include "common/subscription.h"
#include "common/sys_flag.h"
#include "remoting/protocol/codes.h"
#include "remoting/protocol/headers.h"

namespace orbitmq::bench {
namespace {

using proto::RequestCode;
using proto::ResponseCode;

constexpr size_t kStampBytes = 8;
constexpr Duration kPaceStep = std::chrono::milliseconds(1);
constexpr Duration kPullTimeout = std::chrono::seconds(30);
constexpr Duration kErrorPause = std::chrono::milliseconds(100);

proto::Command SendTemplate(const PerfPlan& plan, const PerfQueue& queue) {
  proto::SendMessageRequestHeader header;
  header.producer_group = plan.group;
  header.topic = plan.topic;
  header.default_topic = names::kAutoCreateTopic;
  header.default_topic_queue_nums = plan.topic_queue_count;
  header.queue_id = queue.queue_id;
  header.reconsume_times = 0;
  header.unit_mode = false;
  header.batch = false;
  header.rpc.bname = queue.broker_name;
  AppendProperty(header.properties, property::kWaitStoreMsgOk, "true");
  return proto::MakeRequest(RequestCode::kSendMessageV2, header, proto::NameForm::kShort);
}

void CountError(PerfTally& tally, const Status& status) {
  ++tally.errors[StrCat(StatusCodeName(status.code()), ": ", status.text().substr(0, 120))];
}

}  // namespace

void PerfTally::Merge(const PerfTally& other) {
  sent += other.sent;
  send_failed += other.send_failed;
  received += other.received;
  received_bytes += other.received_bytes;
  send_latency.Merge(other.send_latency);
  end_to_end.Merge(other.end_to_end);
  for (const auto& [text, count] : other.errors) errors[text] += count;
}

SendLoad::SendLoad(Env& env, Executor& loop, const PerfPlan& plan, size_t first_queue)
    : env_(env),
      loop_(loop),
      plan_(plan),
      rpc_(net::RpcClient::New(env, {}, loop)),
      filler_(std::string(std::max(plan.body_bytes, kStampBytes) - kStampBytes, 'm')),
      next_queue_(first_queue) {
  for (const PerfQueue& queue : plan.queues) requests_.push_back(SendTemplate(plan, queue));
}

void SendLoad::Start(Completion<Done> done) {
  done_ = std::move(done);
  began_ = env_.clock().Monotonic();
  Pump();
}

void SendLoad::Pump() {
  const bool endless = plan_.send_count == 0;
  const MonoTime now = env_.clock().Monotonic();
  while (!stopping_ && in_flight_ < plan_.in_flight && (endless || started_ < plan_.send_count)) {
    MonoTime due = now;
    if (plan_.send_rate > 0) {
      const double seconds = static_cast<double>(started_) / plan_.send_rate;
      due = began_ + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
      if (due > now) {
        timer_ = loop_.PostAt(std::max(due, now + kPaceStep), [this] { Pump(); });
        return;
      }
    }
    SendOne(due);
  }
  CheckDone();
}

void SendLoad::SendOne(MonoTime due) {
  const size_t at = next_queue_++ % plan_.queues.size();
  proto::Command request = requests_[at];
  request.ext.Set("g", StrCat(env_.clock().WallMillis()));
  std::string stamp(kStampBytes, '\0');
  StoreBig<int64_t>(stamp.data(), due.time_since_epoch().count());
  request.body.push_back(Bytes(std::move(stamp)));
  if (!filler_.empty()) request.body.push_back(filler_);
  ++started_;
  ++in_flight_;
  rpc_->Call(plan_.queues[at].address, std::move(request), plan_.send_timeout,
             [this, due](const Result<proto::Command>& reply) { OnReply(due, reply); });
}

void SendLoad::OnReply(MonoTime due, const Result<proto::Command>& reply) {
  --in_flight_;
  const Status status = reply.ok() ? proto::StatusFromResponse(reply->code, reply->remark) : reply.status();
  if (status.ok()) {
    ++tally_.sent;
    tally_.send_latency.Add((env_.clock().Monotonic() - due).count());
  } else {
    ++tally_.send_failed;
    CountError(tally_, status);
  }
  if (!status.ok() && status.code() == StatusCode::kUnavailable && !stopping_) {
    // Nobody there: a moment's rest instead of a busy loop.
    timer_ = loop_.PostAt(env_.clock().Monotonic() + kErrorPause, [this] { Pump(); });
    return;
  }
  Pump();
}

void SendLoad::CheckDone() {
  const bool finished = stopping_ || (plan_.send_count > 0 && started_ >= plan_.send_count);
  if (finished && in_flight_ == 0 && done_) done_(Done{});
}

PullLoad::PullLoad(Env& env, Executor& loop, const PerfPlan& plan, std::vector<PerfQueue> queues, From from)
    : env_(env),
      loop_(loop),
      plan_(plan),
      from_(from),
      rpc_(net::RpcClient::New(env, {}, loop)),
      unlocated_(queues.size()),
      again_(queues.size()) {
  for (PerfQueue& queue : queues) queues_.push_back({std::move(queue), 0});
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
  const int32_t code = from_ == From::kFirst ? RequestCode::kGetMinOffset : RequestCode::kGetMaxOffset;
  rpc_->Call(queues_[index].where.address, proto::MakeRequest(code, header), std::chrono::seconds(5),
             [this, index](const Result<proto::Command>& reply) {
               const Status status =
                   reply.ok() ? proto::StatusFromResponse(reply->code, reply->remark) : reply.status();
               if (status.ok()) {
                 auto offset = proto::DecodeHeader<proto::GetMinOffsetResponseHeader>(*reply);
                 if (offset.ok()) queues_[index].next = std::max<int64_t>(0, offset->offset);
               } else {
                 CountError(tally_, status);
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
    CountError(tally_, reply.ok() ? proto::StatusFromResponse(reply->code, reply->remark) : reply.status());
    again_[index] = loop_.PostAt(env_.clock().Monotonic() + kErrorPause, [this, index] { Pull(index); });
    return;
  }
  const MonoTime now = env_.clock().Monotonic();
  if (reply->code == ResponseCode::kSuccess) {
    const Bytes body = reply->JoinedBody();
    std::string_view rest = body.view();
    while (!rest.empty()) {
      const auto record = DecodeMessage(rest, BodyCheck::kTrust);
      if (!record.ok()) {
        CountError(tally_, record.status());
        break;
      }
      rest.remove_prefix(static_cast<size_t>(record->total_bytes));
      ++tally_.received;
      tally_.received_bytes += static_cast<uint64_t>(record->total_bytes);
      if (record->body.size() < kStampBytes) continue;
      const auto sent = LoadBig<int64_t>(record->body.data());
      tally_.end_to_end.Add(now.time_since_epoch().count() - sent);
    }
  }
  auto header = proto::DecodeHeader<proto::PullMessageResponseHeader>(*reply);
  if (header.ok()) queue.next = header->next_begin_offset;
  Pull(index);
}

void PullLoad::Close() {
  closed_ = true;
  rpc_->Shutdown();
}

}  // namespace orbitmq::bench
