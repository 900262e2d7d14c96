// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/client_instance.h"
#include "client/process_queue.h"
#include "common/subscription.h"
#include "orbitmq/push_consumer.h"

namespace orbitmq::client {

class ConsumerQueue;

// What a queue needs from its consumer. Called on the loop.
class ConsumerQueueOwner {
 public:
  virtual ~ConsumerQueueOwner() = default;
  virtual ClientInstance& instance() = 0;
  virtual const PushConsumerOptions& options() const = 0;
  // Null when the topic is not subscribed (any more).
  virtual const SubscriptionData* SubscriptionOf(const std::string& topic) const = 0;
  virtual bool suspended() const = 0;
  virtual WallTime start_time() const = 0;
  // New messages are in the queue's window.
  virtual void OnPulled(ConsumerQueue& queue, const std::vector<ReceivedMessage>& messages) = 0;
  // The broker has nothing at the asked offset and names another one.
  virtual void OnOffsetMoved(ConsumerQueue& queue, int64_t offset) = 0;
};

struct ConsumerQueueOptions {
  MessageQueue queue;
  uint64_t serial = 0;                  // Unique in its consumer, from 1.
  std::optional<int64_t> begin_offset;  // Set = do not ask the broker.
};

// One queue that this member of the group has at the moment: finds where to begin, pulls, keeps the window of
// unfinished messages and commits.
//
// Threads: owned by the client's loop.
// Invariants: (1) at most one pull is under way; (2) after Drop nothing is pulled or delivered, and the
// commit point stays; (3) a failed question for the group's offset is asked again, never taken for "no
// offset"; (4) what is committed is window().commit_point(); (5) a record that does not decode is pulled
// kUndecodablePullsMax times, then passed over with a log line of level ERROR: it must not hold up what
// stands behind it for ever.
class ConsumerQueue final : public std::enable_shared_from_this<ConsumerQueue> {
 public:
  ConsumerQueue(ConsumerQueueOwner& owner, ConsumerQueueOptions options);

  // `delay` gives the previous owner time to commit.
  void Start(Duration delay);
  // Pulls if nothing is in the way: call it when something that may have been is gone.
  void Pump();
  // No further pull; what was pulled goes on.
  void StopPulling();
  // For good; everything that belongs to it is ignored from now on.
  void Drop();
  // A message is done with.
  void Finish(int64_t offset);
  // Sends the commit point to the broker unless it is sure to know it. `done` (may be empty) ends when the
  // broker has confirmed it, or that failed.
  void Persist(Completion<Done> done);
  // The broker may have forgotten what it was told.
  void ForgetPersisted() { told_ = {}; }

  const MessageQueue& queue() const { return options_.queue; }
  uint64_t serial() const { return options_.serial; }
  const std::shared_ptr<std::atomic<bool>>& dropped_flag() const { return dropped_; }
  bool dropped() const { return dropped_->load(std::memory_order_relaxed); }
  bool located() const { return window_.has_value(); }
  // Only when located().
  ProcessQueue& window() { return *window_; }
  const ProcessQueue& window() const { return *window_; }
  int64_t last_pull_ms() const { return last_pull_ms_; }
  int64_t last_consume_ms() const { return last_consume_ms_; }
  void NoteConsumed() { last_consume_ms_ = owner_.instance().env().clock().WallMillis(); }

 private:
  // What a broker has confirmed. One confirmation is not enough: Apache's broker loses one of two first
  // commits of a group that come at once (ConsumerOffsetManager.commitOffset), and a slave's table is
  // replaced by its master's. So a commit is sent again at the next look, and now and then as long as
  // nothing changes.
  struct Told {
    int64_t commit = -1;
    Endpoint broker;  // A slave while the master is away: the master that returns is told too.
    int times = 0;
    MonoTime last{};
  };
  bool Knows(const Endpoint& broker, int64_t commit) const;
  void Confirmed(const Endpoint& broker, int64_t commit);
  void Locate();
  void LocateNew();
  void OnLocated(const Result<int64_t>& offset);
  void Again(Duration delay);
  bool Full() const;
  void OnPullReply(const Result<net::PullReply>& reply);
  void OnNothing(const net::PullReply& reply);
  void OnFound(const net::PullReply& reply);
  void OnPullFailed(const Status& why);
  void OnUndecodable(std::string_view record, const Status& why);
  bool clustering() const { return owner_.options().model == MessageModel::kClustering; }

  ConsumerQueueOwner& owner_;
  const ConsumerQueueOptions options_;
  const std::shared_ptr<std::atomic<bool>> dropped_ = std::make_shared<std::atomic<bool>>(false);
  std::optional<ProcessQueue> window_;
  bool pulling_ = false;
  bool stopped_ = false;
  bool full_ = false;  // Waits for room in the window.
  BrokerId pull_from_ = kMasterId;
  Told told_;
  MonoTime pull_began_{};
  int64_t last_pull_ms_ = 0;
  int64_t last_consume_ms_ = 0;
  // The record that does not decode, known by its first bytes, and how often it was pulled.
  std::string undecodable_;
  int undecodable_pulls_ = 0;
  Timer timer_;
};

}  // namespace orbitmq::client
