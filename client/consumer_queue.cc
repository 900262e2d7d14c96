// SPDX-License-Identifier: Apache-2.0
#include "client/consumer_queue.h"

#include <algorithm>
#include <utility>

#include "client/received_rep.h"
#include "common/names.h"
#include "common/strings.h"
#include "common/sys_flag.h"
#include "common/tag_filter.h"
#include "remoting/protocol/codes.h"

namespace orbitmq::client {
namespace {

// Java's figures (client.md 3.6, 3.7).
constexpr Duration kErrorDelay = std::chrono::seconds(1);
constexpr Duration kFlowControlDelay = std::chrono::milliseconds(20);
constexpr Duration kNotRegisteredDelay = std::chrono::milliseconds(200);
constexpr Duration kOffsetTimeout = std::chrono::seconds(5);
// See Told. Java's client tells everything at every look.
constexpr int kTellings = 2;
constexpr Duration kTellAgainAfter = std::chrono::seconds(30);
constexpr Duration kPullTimeout = std::chrono::seconds(30);
constexpr Duration kHeldAtLeast = std::chrono::milliseconds(20);
constexpr Duration kNotHeldDelay = std::chrono::milliseconds(50);
constexpr int64_t kSuspendMillis = 15000;
// A damaged record: pulled that often, a second apart. What is kept to know it again holds its log offset.
constexpr int kUndecodablePullsMax = 30;
constexpr size_t kRecordPrefixBytes = 64;
constexpr int32_t kPullBytesMax = 256 * 1024;
constexpr Duration kTimestampDefault = std::chrono::minutes(30);

}  // namespace

ConsumerQueue::ConsumerQueue(ConsumerQueueOwner& owner, ConsumerQueueOptions options)
    : owner_(owner), options_(std::move(options)) {}

void ConsumerQueue::Start(Duration delay) {
  if (options_.begin_offset) return OnLocated(*options_.begin_offset);
  timer_ = owner_.instance().loop().PostAt(owner_.instance().Now() + delay, [this] { Locate(); });
}

void ConsumerQueue::Again(Duration delay) {
  timer_ = owner_.instance().loop().PostAt(owner_.instance().Now() + delay, [this] {
    if (located()) {
      Pump();
    } else {
      Locate();
    }
  });
}

void ConsumerQueue::Locate() {
  if (dropped()) return;
  if (!clustering()) return LocateNew();
  const auto broker = owner_.instance().routes().Nearest(queue().broker_name, kMasterId);
  if (!broker) return Again(kErrorDelay);
  proto::QueryConsumerOffsetRequestHeader header;
  header.consumer_group = owner_.options().group;
  header.topic = queue().topic;
  header.queue_id = queue().queue_id;
  header.rpc.bname = queue().broker_name;
  owner_.instance().broker().QueryConsumerOffset(
      broker->endpoint, header, kOffsetTimeout,
      [weak = weak_from_this(), at = broker->endpoint](Result<std::optional<int64_t>> offset) {
        const auto self = weak.lock();
        if (!self || self->dropped()) return;
        if (!offset.ok()) return self->OnLocated(offset.status());
        if (!*offset) return self->LocateNew();
        self->told_ = {**offset, at, kTellings, self->owner_.instance().Now()};
        self->OnLocated(**offset);
      });
}

// The group has no offset here: Java's table (client.md 3.8). FIRST asks for the minimum instead of pulling
// at 0 and being corrected.
void ConsumerQueue::LocateNew() {
  const auto broker = owner_.instance().routes().Nearest(queue().broker_name, kMasterId);
  if (!broker) return Again(kErrorDelay);
  const bool retry_topic = IsRetryTopic(queue().topic);
  const ConsumeFrom from = owner_.options().consume_from;
  Completion<int64_t> done = [weak = weak_from_this()](Result<int64_t> offset) {
    const auto self = weak.lock();
    if (self && !self->dropped()) self->OnLocated(offset);
  };
  net::BrokerStub& stub = owner_.instance().broker();
  const bool last = retry_topic ? from == ConsumeFrom::kTimestamp : from == ConsumeFrom::kLastOffset;
  if (last) {
    return stub.GetMaxOffset(broker->endpoint, queue().topic, queue().queue_id, kOffsetTimeout,
                             std::move(done));
  }
  if (retry_topic || from == ConsumeFrom::kFirstOffset) {
    return stub.GetMinOffset(broker->endpoint, queue().topic, queue().queue_id, kOffsetTimeout,
                             std::move(done));
  }
  const WallTime since = owner_.options().consume_timestamp.value_or(
      owner_.start_time() - std::chrono::duration_cast<Millis>(kTimestampDefault));
  proto::SearchOffsetRequestHeader header;
  header.topic = queue().topic;
  header.queue_id = queue().queue_id;
  header.timestamp = ToEpochMillis(since);
  header.rpc.bname = queue().broker_name;
  stub.SearchOffset(broker->endpoint, header, kOffsetTimeout, std::move(done));
}

void ConsumerQueue::OnLocated(const Result<int64_t>& offset) {
  if (!offset.ok() || *offset < 0) {
    owner_.instance().log().Warn(
        "cannot tell yet where to begin in a queue",
        {{"queue", StrCat(queue().topic, "/", queue().broker_name, "/", queue().queue_id)},
         {"why", offset.ok() ? StrCat("offset ", *offset) : offset.status().ToString()}});
    return Again(kErrorDelay);
  }
  window_.emplace(*offset);
  Pump();
}

bool ConsumerQueue::Full() const {
  const PushConsumerOptions& options = owner_.options();
  return window_->count() > static_cast<size_t>(options.queue_messages_max) ||
         window_->bytes() > static_cast<size_t>(options.queue_mebibytes_max) << 20 ||
         window_->span() > options.queue_span_max;
}

void ConsumerQueue::Pump() {
  if (dropped() || stopped_ || pulling_ || !located() || owner_.suspended()) return;
  full_ = Full();
  if (full_) return;
  ClientInstance& instance = owner_.instance();
  const SubscriptionData* subscription = owner_.SubscriptionOf(queue().topic);
  const auto broker = instance.routes().Nearest(queue().broker_name, pull_from_);
  if (subscription == nullptr || !broker) {
    instance.RefreshRoute({queue().topic});
    return Again(kErrorDelay);
  }
  proto::PullMessageRequestHeader header;
  header.consumer_group = owner_.options().group;
  header.topic = queue().topic;
  header.queue_id = queue().queue_id;
  header.queue_offset = window_->read_up_to();
  header.max_msg_nums = owner_.options().pull_batch_size;
  header.sys_flag = pull_flag::kSuspend;
  const int64_t commit = window_->commit_point();
  if (clustering() && commit > 0 && broker->id == kMasterId) {
    header.sys_flag |= pull_flag::kCommitOffset;
    header.commit_offset = commit;
  }
  header.suspend_timeout_millis = kSuspendMillis;
  header.sub_version = subscription->sub_version;
  header.expression_type = kExpressionTypeTag;
  header.max_msg_bytes = kPullBytesMax;
  header.rpc.bname = queue().broker_name;
  pulling_ = true;
  timer_.Cancel();
  pull_began_ = instance.Now();
  last_pull_ms_ = instance.env().clock().WallMillis();
  instance.broker().Pull(broker->endpoint, header, kPullTimeout,
                         [weak = weak_from_this()](Result<net::PullReply> reply) {
                           const auto self = weak.lock();
                           if (!self) return;
                           self->pulling_ = false;
                           if (!self->dropped() && !self->stopped_) self->OnPullReply(reply);
                         });
}

void ConsumerQueue::OnPullReply(const Result<net::PullReply>& reply) {
  if (!reply.ok()) return OnPullFailed(reply.status());
  pull_from_ = reply->header.suggest_which_broker_id;
  switch (reply->status) {
    case net::PullStatus::kFound:
      return OnFound(*reply);
    case net::PullStatus::kNoNewMessage:
    case net::PullStatus::kNoMatchedMessage:
      return OnNothing(*reply);
    case net::PullStatus::kOffsetIllegal:
      return owner_.OnOffsetMoved(*this, reply->header.next_begin_offset);
  }
}

void ConsumerQueue::OnNothing(const net::PullReply& reply) {
  // Sent to a broker that its route does not know, as by a slave when the master has returned.
  const auto next = owner_.instance().routes().Nearest(queue().broker_name, pull_from_);
  if (!next || next->id != pull_from_) owner_.instance().RefreshRoute({queue().topic});
  const int64_t before = window_->read_up_to();
  window_->ReadUpTo(reply.header.next_begin_offset);
  // A broker that does not hold the pull (it is full, or shutting down) must not be asked in a tight loop.
  const bool held = owner_.instance().Now() - pull_began_ >= kHeldAtLeast;
  if (held || window_->read_up_to() != before) return Pump();
  Again(kNotHeldDelay);
}

void ConsumerQueue::OnFound(const net::PullReply& reply) {
  const SubscriptionData* subscription = owner_.SubscriptionOf(queue().topic);
  if (subscription == nullptr) return Again(kErrorDelay);
  PulledRecords pulled = DecodePulled(reply.body, queue(), reply.header.offset_delta.value_or(0));
  std::vector<ReceivedMessage> fresh;
  int64_t decoded_up_to = window_->read_up_to();
  for (const ReceivedMessage& message : pulled.messages) {
    decoded_up_to = std::max(decoded_up_to, message.queue_offset() + 1);
    if (!MatchesTag(*subscription, message.tag())) continue;
    if (window_->Put(message)) fresh.push_back(message);
  }
  // A reply that breaks off is good up to there; the rest is pulled again, never passed over.
  window_->ReadUpTo(pulled.status.ok() ? reply.header.next_begin_offset : decoded_up_to);
  if (!fresh.empty()) owner_.OnPulled(*this, fresh);
  if (dropped()) return;
  if (!pulled.status.ok()) return OnUndecodable(reply.body.view().substr(pulled.bad_at), pulled.status);
  Pump();
}

// Java passes over the rest of the reply in silence; here it is one record, and loudly. The offset of the bad
// one cannot be trusted, so the queue moves on by one; when that is an offset which the filter left out, the
// same record comes again and is passed over at once.
void ConsumerQueue::OnUndecodable(std::string_view record, const Status& why) {
  const std::string_view prefix = record.substr(0, kRecordPrefixBytes);
  if (prefix != undecodable_) {
    undecodable_ = prefix;
    undecodable_pulls_ = 0;
  }
  const std::string name = StrCat(queue().topic, "/", queue().broker_name, "/", queue().queue_id);
  if (++undecodable_pulls_ < kUndecodablePullsMax) {
    if (undecodable_pulls_ == 1) {
      owner_.instance().log().Warn(
          "a pulled message does not decode; it is pulled again a few times",
          {{"queue", name}, {"offset", window_->read_up_to()}, {"why", why.ToString()}});
    }
    return Again(kErrorDelay);
  }
  owner_.instance().log().Error("a message is passed over: it did not decode however often it was pulled",
                                {{"queue", name},
                                 {"offset", window_->read_up_to()},
                                 {"pulls", undecodable_pulls_},
                                 {"why", why.ToString()}});
  window_->ReadUpTo(window_->read_up_to() + 1);
  Again(kNotHeldDelay);
}

void ConsumerQueue::OnPullFailed(const Status& why) {
  using proto::ResponseCode;
  const int code = why.wire_code();
  if (code == ResponseCode::kFlowControl) return Again(kFlowControlDelay);
  ClientInstance& instance = owner_.instance();
  if (code == ResponseCode::kSubscriptionNotExist || code == ResponseCode::kSubscriptionNotLatest) {
    // The broker was restarted, or its heartbeat is still on the way.
    instance.HeartbeatSoon();
    return Again(kNotRegisteredDelay);
  }
  instance.log().Warn("pull failed",
                      {{"queue", StrCat(queue().topic, "/", queue().broker_name, "/", queue().queue_id)},
                       {"why", why.ToString()}});
  if (pull_from_ != kMasterId) pull_from_ = kMasterId;
  instance.RefreshRoute({queue().topic});
  Again(kErrorDelay);
}

void ConsumerQueue::StopPulling() {
  stopped_ = true;
  timer_.Cancel();
}

void ConsumerQueue::Drop() {
  dropped_->store(true, std::memory_order_release);
  timer_.Cancel();
}

void ConsumerQueue::Finish(int64_t offset) {
  if (dropped() || !located() || !window_->Finish(offset)) return;
  if (full_) Pump();
}

bool ConsumerQueue::Knows(const Endpoint& broker, int64_t commit) const {
  return told_.commit == commit && told_.broker == broker && told_.times >= kTellings &&
         owner_.instance().Now() - told_.last < kTellAgainAfter;
}

void ConsumerQueue::Confirmed(const Endpoint& broker, int64_t commit) {
  const bool again = told_.commit == commit && told_.broker == broker;
  told_ = {commit, broker, again ? told_.times + 1 : 1, owner_.instance().Now()};
}

void ConsumerQueue::Persist(Completion<Done> done) {
  const auto end = [](Completion<Done>& completion, Result<Done> result) {
    if (completion) completion(std::move(result));
  };
  if (!clustering() || !located()) return end(done, Done{});
  const auto broker = owner_.instance().routes().Nearest(queue().broker_name, kMasterId);
  if (!broker)
    return end(done, Status(StatusCode::kUnavailable, "no address of the queue's broker is known"));
  const int64_t commit = window_->commit_point();
  if (Knows(broker->endpoint, commit)) return end(done, Done{});
  proto::UpdateConsumerOffsetRequestHeader header;
  header.consumer_group = owner_.options().group;
  header.topic = queue().topic;
  header.queue_id = queue().queue_id;
  header.commit_offset = commit;
  header.rpc.bname = queue().broker_name;
  owner_.instance().broker().UpdateConsumerOffset(broker->endpoint, header, kOffsetTimeout,
                                                  [weak = weak_from_this(), commit, at = broker->endpoint,
                                                   done = std::move(done)](Result<Done> result) mutable {
                                                    if (const auto self = weak.lock(); self && result.ok())
                                                      self->Confirmed(at, commit);
                                                    if (done) done(std::move(result));
                                                  });
}

}  // namespace orbitmq::client
