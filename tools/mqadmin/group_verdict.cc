// SPDX-License-Identifier: Apache-2.0
#include "tools/mqadmin/group_verdict.h"

#include <algorithm>

#include "common/strings.h"
#include "tools/mqadmin/counted.h"
#include "tools/mqadmin/java_format.h"

namespace orbitmq::tools {
namespace {

constexpr int64_t kStuckMs = 60'000;  // Java's consumerStatus takes the same.
constexpr int64_t kSlowMs = 60'000;   // A message that waits longer is late.

std::string Name(const MessageQueue& queue) {
  return StrCat(queue.topic, " queue ", queue.queue_id, " of ", queue.broker_name);
}

int64_t Seconds(int64_t ms) { return ms / 1000; }

const QueueProgress* StuckQueue(const GroupFacts& facts) {
  for (const QueueProgress& queue : facts.queues) {
    if (queue.cached > 0 && queue.last_consume_ms > 0 && facts.now_ms - queue.last_consume_ms > kStuckMs) {
      return &queue;
    }
  }
  return nullptr;
}

const QueueProgress* UnownedQueue(const GroupFacts& facts) {
  if (facts.members_that_answer < facts.members) return nullptr;  // The owner may be one that is silent.
  for (const QueueProgress& queue : facts.queues) {
    if (queue.owner.empty() && queue.lag > 0) return &queue;
  }
  return nullptr;
}

std::string Waiting(int64_t lag) { return StrCat(Counted(lag, "message"), lag == 1 ? " waits" : " wait"); }

GroupVerdict JudgeLag(const GroupFacts& facts) {
  const QueueProgress* slowest = SlowestQueue(facts);
  if (slowest == nullptr) return {GroupState::kFine, "fine: nothing waits"};
  const int64_t behind_ms = slowest->last_commit_ms > 0 ? facts.now_ms - slowest->last_commit_ms : 0;
  if (behind_ms <= kSlowMs) {
    return {GroupState::kFine, StrCat("fine: ", Waiting(TotalLag(facts)), ", none for long")};
  }
  return {GroupState::kSlow,
          StrCat("slow consumer: ", Waiting(TotalLag(facts)), ", the slowest queue is ", Name(slowest->queue),
                 ", at messages that are ", Seconds(behind_ms), " s old"),
          "start more members (at most as many as queues), give them more threads, or speed the listener up"};
}

GroupVerdict JudgeKnown(const GroupFacts& facts) {
  if (!facts.switched_off.empty()) {
    return {GroupState::kOff,
            StrCat("switched off: ", Join(facts.switched_off, ", "),
                   " gives this group no message (consumeEnable=false), ", Waiting(TotalLag(facts))),
            "if that is not meant: mqadmin updateSubGroup -g GROUP -s true, with -b BROKER or -c CLUSTER"};
  }
  if (facts.members == 0) {
    const int64_t lag = TotalLag(facts);
    return {GroupState::kNobody,
            lag > 0 ? StrCat("nobody consumes: no member is online, ", Waiting(lag))
                    : std::string("nobody consumes: no member is online, and nothing waits"),
            "start a consumer of this group; if one runs, its NameServers or its group's name are others"};
  }
  if (!facts.same_subscriptions) {
    return {GroupState::kConflict,
            "subscription conflict: members of the group subscribe to different things",
            "give every member the same topics and tags, or another group"};
  }
  if (const QueueProgress* stuck = StuckQueue(facts)) {
    return {GroupState::kStuck,
            StrCat("stuck queue: ", Name(stuck->queue), ", ", stuck->owner, " has ",
                   Counted(stuck->cached, "message"), " and has finished none for ",
                   Seconds(facts.now_ms - stuck->last_consume_ms), " s"),
            "look where its listener hangs (mqadmin consumerStatus -s for Java), restart that member"};
  }
  if (const QueueProgress* unowned = UnownedQueue(facts)) {
    return {GroupState::kUnowned, StrCat("queue without an owner: ", Name(unowned->queue)),
            "wait for the next rebalance (20 s); if it stays, does any member subscribe to this topic?"};
  }
  if (facts.failed_tps > facts.ok_tps) {
    return {GroupState::kFailing,
            StrCat("failing consumer: listeners refuse ", JavaFixed(facts.failed_tps, 2),
                   " messages/s and finish ", JavaFixed(facts.ok_tps, 2)),
            "see the members' logs for why; mqadmin queryMsgByOffset shows the message at an offset"};
  }
  return JudgeLag(facts);
}

}  // namespace

int64_t TotalLag(const GroupFacts& facts) {
  int64_t total = 0;
  for (const QueueProgress& queue : facts.queues) total += queue.lag;
  return total;
}

const QueueProgress* SlowestQueue(const GroupFacts& facts) {
  const QueueProgress* slowest = nullptr;
  for (const QueueProgress& queue : facts.queues) {
    if (queue.lag <= 0) continue;
    const bool slower = slowest == nullptr || queue.lag > slowest->lag ||
                        (queue.lag == slowest->lag && queue.last_commit_ms < slowest->last_commit_ms);
    if (slower) slowest = &queue;
  }
  return slowest;
}

GroupVerdict Judge(const GroupFacts& facts) {
  GroupVerdict verdict = JudgeKnown(facts);
  if (facts.unknown.empty()) return verdict;
  StrAppend(verdict.text, "; what waits at ", Join(facts.unknown, ", "), " is not known");
  if (verdict.state != GroupState::kFine) return verdict;
  verdict.state = GroupState::kUnknown;
  verdict.remedy = "bring those brokers back (mqadmin doctor), then look again";
  return verdict;
}

std::string_view GroupStateName(GroupState state) {
  switch (state) {
    case GroupState::kFine:
      return "fine";
    case GroupState::kOff:
      return "off";
    case GroupState::kNobody:
      return "nobody";
    case GroupState::kConflict:
      return "conflict";
    case GroupState::kUnowned:
      return "unowned";
    case GroupState::kStuck:
      return "stuck";
    case GroupState::kFailing:
      return "failing";
    case GroupState::kSlow:
      return "slow";
    case GroupState::kUnknown:
      return "unknown";
  }
  return "";
}

}  // namespace orbitmq::tools
