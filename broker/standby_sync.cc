// SPDX-License-Identifier: Apache-2.0
#include "broker/standby_sync.h"

#include <algorithm>
#include <set>
#include <utility>

#include "common/names.h"
#include "common/planted_bug.h"
#include "remoting/protocol/headers.h"
#include "remoting/protocol/offset_bodies.h"
#include "remoting/protocol/subscription_group.h"
#include "remoting/stubs/broker_stub.h"
#include "remoting/stubs/stub_call.h"

namespace orbitmq::broker {

using proto::RequestCode;

const StandbySync::Part StandbySync::kParts[4] = {
    {RequestCode::kGetAllTopicConfig, "topics", &StandbySync::TakeTopics},
    {RequestCode::kGetAllSubscriptiongroupConfig, "consumer groups", &StandbySync::TakeGroups},
    {RequestCode::kGetAllConsumerOffset, "consumer offsets", &StandbySync::TakeOffsets},
    {RequestCode::kGetAllDelayOffset, "delay offsets", &StandbySync::TakeDelayOffsets},
};

void StandbySync::SetMaster(const std::string& address) {
  if (stopped_) return;
  Endpoint next;
  bool known = false;
  if (!address.empty()) {
    auto parsed = ParseEndpoint(address);
    if (!parsed.ok()) {
      parts_.env.log().Warn("the master's address cannot be used",
                            {{"address", address}, {"error", parsed.status().ToString()}});
    } else {
      next = *std::move(parsed);
      known = true;
    }
  }
  if (known == has_master_ && next == master_) return;
  has_master_ = known;
  master_ = next;
  ++epoch_;
  failing_ = false;
  under_way_ = false;
  timer_.Cancel();
  if (has_master_) Round();
}

void StandbySync::LookNow() {
  if (stopped_ || !has_master_) return;
  if (under_way_) {
    look_again_ = true;
    return;
  }
  timer_.Cancel();
  Round();
}

void StandbySync::Stop() {
  stopped_ = true;
  ++epoch_;
  timer_.Cancel();
}

void StandbySync::Round() {
  under_way_ = true;
  look_again_ = false;
  // In this order: the log of a generation that ends meanwhile is not taken for the new one's.
  basis_.generation = parts_.store.replication().generation();
  basis_.end = parts_.store.watermarks().appended;
  basis_.following = parts_.ha.status().slave.state == HaSlaveState::kFollowing;
  Ask(0, epoch_);
}

void StandbySync::Ask(size_t part, uint64_t epoch) {
  parts_.rpc.Call(master_, net::BareRequest(kParts[part].code), kTimeout,
                  [this, part, epoch, alive = std::weak_ptr<bool>(alive_)](Result<proto::Command> reply) {
                    if (!alive.expired()) Answered(part, epoch, std::move(reply));
                  });
}

void StandbySync::Answered(size_t part, uint64_t epoch, Result<proto::Command> reply) {
  if (epoch != epoch_) return;
  Status status = reply.ok() ? proto::StatusFromResponse(reply->code, reply->remark) : reply.status();
  if (!status.ok()) {
    Failed(kParts[part], status);
    return EndRound(epoch);
  }
  parts_.worker.Post([this, part, epoch, from = master_, basis = basis_, reply = *std::move(reply)] {
    taking_from_ = from;
    taking_basis_ = basis;
    const auto header = proto::DecodeHeader<proto::GetAllTopicConfigResponseHeader>(reply);
    taking_total_ = header.ok() ? header->total_topic_num : std::nullopt;
    bad_ = Status();
    (this->*kParts[part].take)(reply.JoinedBody().view());
    parts_.loop.Post([this, part, epoch, bad = bad_] {
      if (epoch != epoch_) return;
      if (!bad.ok()) {
        Failed(kParts[part], bad);
        return EndRound(epoch);
      }
      if (part + 1 < std::size(kParts)) return Ask(part + 1, epoch);
      if (std::exchange(failing_, false)) {
        parts_.env.log().Info("in step with the master again", {{"master", master_.ToString()}});
      }
      EndRound(epoch);
    });
  });
}

void StandbySync::EndRound(uint64_t epoch) {
  under_way_ = false;
  if (look_again_) return Round();
  timer_ = parts_.loop.PostAt(parts_.env.clock().Monotonic() + kSyncEvery, [this, epoch] {
    if (epoch == epoch_) Round();
  });
}

void StandbySync::Failed(const Part& part, const Status& why) {
  if (std::exchange(failing_, true)) return;
  parts_.env.log().Warn(
      "the master's tables cannot be read; this slave keeps what it has and goes on trying",
      {{"master", master_.ToString()}, {"table", part.name}, {"error", why.ToString()}});
}

void StandbySync::Report(std::string_view table, FollowOutcome outcome) {
  if (outcome == FollowOutcome::kTaken) {
    merged_logged_ = false;
    parts_.env.log().Info("a table of the master was taken over",
                          {{"table", table}, {"master", taking_from_.ToString()}});
  } else if (outcome == FollowOutcome::kMerged && !std::exchange(merged_logged_, true)) {
    parts_.env.log().Warn(
        "the master's table is older than this slave's copy of it, as after the loss of its disk; merged, "
        "and nothing deleted here",
        {{"table", table}, {"master", taking_from_.ToString()}});
  }
}

template <class Table>
std::optional<Table> StandbySync::Read(std::string_view body) {
  auto table = proto::DecodeBody<Table>(body);
  if (table.ok()) return *std::move(table);
  bad_ = table.status();
  return std::nullopt;
}

void StandbySync::TakeTopics(std::string_view body) {
  const auto table = Read<proto::TopicConfigAndMappingSerializeWrapper>(body);
  if (!table) return;
  const FollowOutcome outcome = parts_.topics.Follow(*table);
  Report("topics", outcome);
  if (outcome != FollowOutcome::kMerged) DropDeleted(*table);
}

void StandbySync::DropDeleted(const proto::TopicConfigAndMappingSerializeWrapper& table) {
  const Basis& basis = taking_basis_;
  if (Planted(Bug::kKeepDeletedTopic)) return;
  const auto count = static_cast<int32_t>(table.topic_config_table.size());
  if (taking_total_.value_or(count) != count) return;  // Not all of them.
  if (!basis.following || basis.generation != parts_.store.replication().generation()) return;
  std::set<std::string> gone;
  for (const QueueKey& queue : parts_.store.Queues()) {
    const bool kept = table.topic_config_table.contains(queue.topic) || IsSystemTopic(queue.topic) ||
                      queue.topic.starts_with(names::kLmqPrefix);
    if (!kept) gone.insert(queue.topic);
  }
  for (const std::string& topic : gone) {
    // On an executor of the store, which may be left when this object is not.
    parts_.store.replication().DropTopic(
        topic, basis.end, [&log = parts_.env.log(), topic](const Result<Done>& dropped) {
          if (dropped.ok()) return log.Info("a topic that the master deleted has no queues any more",
                                            {{"topic", topic}});
          log.Warn("a topic that the master deleted keeps its queues; tried again",
                   {{"topic", topic}, {"status", dropped.status().ToString()}});
        });
  }
}

void StandbySync::TakeGroups(std::string_view body) {
  const auto table = Read<proto::SubscriptionGroupWrapper>(body);
  if (!table) return;
  Report("consumer groups", parts_.groups.Follow(*table));
}

void StandbySync::TakeDelayOffsets(std::string_view body) {
  const auto table = Read<proto::DelayOffsetSerializeWrapper>(body);
  if (!table) return;
  parts_.delay.Follow(*table);
}

void StandbySync::TakeOffsets(std::string_view body) {
  const auto table = Read<proto::ConsumerOffsetSerializeWrapper>(body);
  if (!table) return;
  auto ahead = parts_.offsets.Follow(*table);
  if (Planted(Bug::kForgetStandbyOffsets)) ahead.clear();
  if (ahead.empty()) return;
  parts_.env.log().Info("consumer offsets that were committed to this slave go to the master",
                        {{"master", taking_from_.ToString()},
                         {"count", static_cast<uint64_t>(ahead.size())}});
  for (auto& one : ahead) CommitAtMaster(taking_from_, std::move(one));
}

// Never beyond the end of the master's queue, which may have lost its last messages: a consumer would skip
// what gets their offsets next.
void StandbySync::CommitAtMaster(const Endpoint& master, ConsumerOffsets::Ahead ahead) {
  net::BrokerStub stub(parts_.rpc);
  const std::string topic = ahead.topic;
  const QueueId queue_id = ahead.queue_id;
  stub.GetMaxOffset(
      master, topic, queue_id, kTimeout,
      [this, master, ahead = std::move(ahead), alive = std::weak_ptr<bool>(alive_)](Result<int64_t> end) {
        if (alive.expired() || !end.ok()) return;
        proto::UpdateConsumerOffsetRequestHeader header;
        header.consumer_group = ahead.group;
        header.topic = ahead.topic;
        header.queue_id = ahead.queue_id;
        header.commit_offset = std::min(ahead.offset, *end);
        std::optional<int64_t> cut;
        if (*end < ahead.offset) cut = *end;
        net::BrokerStub(parts_.rpc)
            .UpdateConsumerOffset(master, header, kTimeout,
                                  [this, ahead, cut, alive](Result<Done> done) {
                                    // What the master refuses or cannot have is settled; what did not reach
                                    // it comes again with the next round.
                                    const bool refused = !done.ok() && done.status().wire_code() != 0;
                                    if (alive.expired() || !(refused || (done.ok() && cut))) return;
                                    parts_.offsets.Settle({ahead.group, ahead.topic, ahead.queue_id}, cut);
                                  });
      });
}

}  // namespace orbitmq::broker
