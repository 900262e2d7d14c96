// SPDX-License-Identifier: Apache-2.0
#include "broker/replication/standby_sync.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "common/names.h"
#include "common/planted_bug.h"
#include "remoting/protocol/headers_admin.h"
#include "remoting/protocol/offset_bodies.h"
#include "remoting/protocol/subscription_group.h"
#include "remoting/stubs/broker_stub.h"
#include "remoting/stubs/stub_call.h"

namespace orbitmq::broker {

using proto::RequestCode;

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
  fetch_.Stop();
  failing_ = false;
  under_way_ = false;
  timer_.Cancel();
  if (!has_master_) return;
  // Behind whatever was taken from the one before.
  (void)parts_.worker.Post([&delay = parts_.delay] { delay.ForgetAside(); });
  Round();
}

void StandbySync::LookNow() {
  if (stopped_ || !has_master_) return;
  if (under_way_) {
    look_again_ = true;
    return;
  }
  RoundAt(begun_ + kLookAgainAfter);
}

void StandbySync::RoundAt(MonoTime when) {
  timer_ = parts_.loop.PostAt(std::max(when, parts_.env.clock().Monotonic()), [this] { Round(); });
}

void StandbySync::Stop() {
  stopped_ = true;
  fetch_.Stop();
  timer_.Cancel();
}

void StandbySync::Round() {
  under_way_ = true;
  look_again_ = false;
  begun_ = parts_.env.clock().Monotonic();
  // In this order: the log of a generation that ends meanwhile is not taken for the new one's.
  Basis basis;
  basis.generation = parts_.store.replication().generation();
  basis.end = parts_.store.watermarks().appended;
  basis.following = parts_.ha.status().slave.state == HaSlaveState::kFollowing;
  std::vector<TableFetch::Table> tables;
  using Self = StandbySync;
  tables.push_back(TakenBy(&Self::TakeTopics, RequestCode::kGetAllTopicConfig, "topics", basis));
  tables.push_back(
      TakenBy(&Self::TakeGroups, RequestCode::kGetAllSubscriptiongroupConfig, "consumer groups", basis));
  tables.push_back(
      TakenBy(&Self::TakeOffsets, RequestCode::kGetAllConsumerOffset, "consumer offsets", basis));
  tables.push_back(TakenBy(&Self::TakeDelayOffsets, RequestCode::kGetAllDelayOffset, "delay offsets", basis));
  fetch_.Start(master_, std::move(tables),
               [this](const Status& status, std::string_view table) { EndRound(status, table); });
}

TableFetch::Table StandbySync::TakenBy(Step step, int32_t code, std::string_view name, const Basis& basis) {
  return {code, name, [this, step, from = master_, basis](const proto::Command& reply) {
            return Take(step, from, basis, reply);
          }};
}

Status StandbySync::Take(Step step, const Endpoint& from, const Basis& basis, const proto::Command& reply) {
  if (Status refused = proto::StatusFromResponse(reply.code, reply.remark); !refused.ok()) return refused;
  taking_from_ = from;
  taking_basis_ = basis;
  return (this->*step)(reply);
}

void StandbySync::EndRound(const Status& status, std::string_view table) {
  if (status.ok()) {
    if (std::exchange(failing_, false)) {
      parts_.env.log().Info("in step with the master again", {{"master", master_.ToString()}});
    }
  } else if (!std::exchange(failing_, true)) {
    parts_.env.log().Warn(
        "the master's tables cannot be read; this slave keeps what it has and goes on trying",
        {{"master", master_.ToString()}, {"table", table}, {"error", status.ToString()}});
  }
  under_way_ = false;
  RoundAt(look_again_ ? begun_ + kLookAgainAfter : parts_.env.clock().Monotonic() + kSyncEvery);
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

Status StandbySync::TakeTopics(const proto::Command& reply) {
  const auto table =
      proto::DecodeBody<proto::TopicConfigAndMappingSerializeWrapper>(reply.JoinedBody().view());
  if (!table.ok()) return table.status();
  const FollowOutcome outcome = parts_.topics.Follow(*table);
  Report("topics", outcome);
  if (outcome == FollowOutcome::kMerged) return {};
  const auto header = proto::DecodeHeader<proto::GetAllTopicConfigResponseHeader>(reply);
  const auto count = static_cast<int32_t>(table->topic_config_table.size());
  const bool whole = !header.ok() || header->total_topic_num.value_or(count) == count;
  if (whole) DropDeleted(*table);
  return {};
}

void StandbySync::DropDeleted(const proto::TopicConfigAndMappingSerializeWrapper& table) {
  const Basis& basis = taking_basis_;
  if (Planted(Bug::kKeepDeletedTopic)) return;
  if (!basis.following || basis.generation != parts_.store.replication().generation()) return;
  std::set<std::string> gone;
  for (const auto& topic : parts_.store.Topics()) {
    const bool kept = table.topic_config_table.contains(*topic) || IsSystemTopic(*topic) ||
                      topic->starts_with(names::kLmqPrefix);
    if (!kept) gone.insert(*topic);
  }
  for (const std::string& topic : gone) {
    // On an executor of the store, which may be left when this object is not.
    parts_.store.replication().DropTopic(
        topic, basis.end, [&log = parts_.env.log(), topic](const Result<Done>& dropped) {
          if (dropped.ok())
            return log.Info("a topic that the master deleted has no queues any more", {{"topic", topic}});
          log.Warn("a topic that the master deleted keeps its queues; tried again",
                   {{"topic", topic}, {"status", dropped.status().ToString()}});
        });
  }
}

Status StandbySync::TakeGroups(const proto::Command& reply) {
  const auto table = proto::DecodeBody<proto::SubscriptionGroupWrapper>(reply.JoinedBody().view());
  if (!table.ok()) return table.status();
  Report("consumer groups", parts_.groups.Follow(*table));
  return {};
}

Status StandbySync::TakeDelayOffsets(const proto::Command& reply) {
  const auto table = proto::DecodeBody<proto::DelayOffsetSerializeWrapper>(reply.JoinedBody().view());
  if (!table.ok()) return table.status();
  const auto header = proto::DecodeHeader<proto::GetAllDelayOffsetResponseHeader>(reply);
  if (!header.ok()) return header.status();
  parts_.delay.Follow(*table, *header);
  return {};
}

Status StandbySync::TakeOffsets(const proto::Command& reply) {
  const auto table = proto::DecodeBody<proto::ConsumerOffsetSerializeWrapper>(reply.JoinedBody().view());
  if (!table.ok()) return table.status();
  auto ahead = parts_.offsets.Follow(*table);
  if (Planted(Bug::kForgetStandbyOffsets)) ahead.clear();
  if (ahead.empty()) return {};
  parts_.env.log().Info(
      "consumer offsets that were committed to this slave go to the master",
      {{"master", taking_from_.ToString()}, {"count", static_cast<uint64_t>(ahead.size())}});
  for (const auto& one : ahead) CommitAtMaster(taking_from_, one);
  return {};
}

// Never beyond the end of the master's queue, which may have lost its last messages: a consumer would skip
// what gets their offsets next.
void StandbySync::CommitAtMaster(const Endpoint& master, const ConsumerOffsets::Ahead& ahead) {
  auto commit = std::make_shared<ReturningCommit>();
  commit->master = master;
  commit->header.consumer_group = ahead.group;
  commit->header.topic = ahead.topic;
  commit->header.queue_id = ahead.queue_id;
  commit->header.commit_offset = ahead.offset;
  net::BrokerStub(parts_.rpc)
      .GetMaxOffset(master, ahead.topic, ahead.queue_id, kTimeout,
                    [this, commit, alive = std::weak_ptr<bool>(alive_)](Result<int64_t> end) {
                      if (alive.expired() || !end.ok() || !Follows(commit->master)) return;
                      if (*end < commit->header.commit_offset) commit->cut = *end;
                      commit->header.commit_offset = std::min(commit->header.commit_offset, *end);
                      CommitUnlessPassed(commit);
                    });
}

// A consumer may be back at the master since its table was read, and must not go backwards. What it commits
// while one request is under way is not seen: the protocol has no commit that depends on the offset before.
void StandbySync::CommitUnlessPassed(const std::shared_ptr<const ReturningCommit>& commit) {
  proto::QueryConsumerOffsetRequestHeader query;
  query.consumer_group = commit->header.consumer_group;
  query.topic = commit->header.topic;
  query.queue_id = commit->header.queue_id;
  net::BrokerStub(parts_.rpc)
      .QueryConsumerOffset(
          commit->master, query, kTimeout,
          [this, commit, alive = std::weak_ptr<bool>(alive_)](const Result<std::optional<int64_t>>& has) {
            if (alive.expired() || !Follows(commit->master)) return;
            if (!has.ok() && !Refused(has.status())) return;
            if (has.ok() && has->value_or(-1) >= commit->header.commit_offset) {
              return EndCommit(*commit, {});
            }
            Commit(commit);
          });
}

void StandbySync::Commit(const std::shared_ptr<const ReturningCommit>& commit) {
  net::BrokerStub(parts_.rpc)
      .UpdateConsumerOffset(commit->master, commit->header, kTimeout,
                            [this, commit, alive = std::weak_ptr<bool>(alive_)](const Result<Done>& done) {
                              if (alive.expired() || !Follows(commit->master)) return;
                              EndCommit(*commit, done.status());
                            });
}

// What the master refuses or cannot have is settled; what did not reach it, or whose answer was lost, comes
// again with the next round.
void StandbySync::EndCommit(const ReturningCommit& commit, const Status& status) {
  if (!Refused(status) && !(status.ok() && commit.cut)) return;
  const auto& header = commit.header;
  parts_.offsets.Settle({header.consumer_group, header.topic, header.queue_id}, commit.cut);
}

// By the master's answer: without one there is no code, and a busy one has not looked at it.
bool StandbySync::Refused(const Status& status) {
  return status.wire_code() > 0 && status.wire_code() != proto::ResponseCode::kSystemBusy;
}

}  // namespace orbitmq::broker
