// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/env.h"
#include "common/mutex.h"
#include "common/tag_filter.h"
#include "remoting/rpc_server.h"
#include "store/message_store.h"

namespace orbitmq::broker {

// A pull under way: what is left of its request when it has to wait.
struct PullJob {
  net::ServerRequest request;
  QueueKey queue;
  std::string group;
  int64_t offset = 0;
  int32_t messages_max = 0;
  bool may_wait = false;
  MonoTime deadline;  // When it stops waiting.
  std::shared_ptr<const TagFilter> filter;
  int32_t topic_sys_flag = 0;
  int32_t group_sys_flag = 0;
  // Of the group: where it reads, and where when it is far behind.
  BrokerId of_group = kMasterId;
  BrokerId when_slow = 1;
};

// Long polling: the pulls that found nothing and wait for a message of their queue that matches.
//
// Threads: every method from any thread; Wake is called on the given executor (the peer's, or the
// housekeeping one). One leaf lock. Invariants: (1) no lost wake-up: a pull is registered first and its queue
// looked at again after that, so an arrival either finds it here or is found by the second look; (2) every
// parked pull is woken exactly once: by a matching arrival, its deadline, SendOn or WakeAll.
class ParkedPulls final {
 public:
  enum class Reason : uint8_t { kArrived, kTimedOut, kShutdown, kMasterOnline };
  using Wake = UniqueFunction<void(PullJob job, Reason reason)>;
  // Runs the tasks that Wake is called from; `spread` picks among executors.
  using PostFor = UniqueFunction<void(uint64_t spread, Task task)>;

  ParkedPulls(Env& env, Executor& house, PostFor post);
  // Before the first Park.
  void OnWake(Wake wake) { wake_ = std::move(wake); }

  // Gives the job back when the table is full or waiting has ended (WakeAll).
  std::optional<PullJob> Park(PullJob job, store::QueueReader& queues);

  // A record became visible; called on the store's dispatch executor.
  void Arrived(const store::Arrival& arrival);
  // Wakes everybody: the master of this slave is there, and they are to pull from it.
  void SendOn() { WakeEach(Reason::kMasterOnline); }
  // Ends all waiting for good.
  void WakeAll() { WakeEach(Reason::kShutdown); }
  size_t size() const;

 private:
  using Jobs = std::vector<std::pair<uint64_t, PullJob>>;
  void Register(uint64_t id, PullJob job) ORBITMQ_REQUIRES(mutex_);
  Jobs TakeIf(const QueueKey& queue, int64_t newest, std::optional<int64_t> tags_code)
      ORBITMQ_REQUIRES(mutex_);
  void Expire();
  void WakeEach(Reason reason);
  void ArmFor(MonoTime deadline) ORBITMQ_REQUIRES(mutex_);
  void PostAll(Jobs jobs, Reason reason);

  Env& env_;
  Executor& house_;
  PostFor post_;
  Wake wake_;
  mutable Mutex mutex_;
  std::unordered_map<QueueKey, std::map<uint64_t, PullJob>, QueueKeyHash> queues_ ORBITMQ_GUARDED_BY(mutex_);
  std::map<std::pair<MonoTime, uint64_t>, QueueKey> deadlines_ ORBITMQ_GUARDED_BY(mutex_);
  uint64_t next_id_ ORBITMQ_GUARDED_BY(mutex_) = 1;
  bool ended_ ORBITMQ_GUARDED_BY(mutex_) = false;
  MonoTime armed_for_ ORBITMQ_GUARDED_BY(mutex_) = kNever;
  Timer timer_ ORBITMQ_GUARDED_BY(mutex_);
};

}  // namespace orbitmq::broker
