// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/broker_options.h"
#include "broker/state/master_duties.h"
#include "broker/state/persisted_file.h"
#include "common/env.h"
#include "common/pulse.h"
#include "remoting/protocol/headers_admin.h"
#include "remoting/protocol/offset_bodies.h"
#include "store/message_store.h"

namespace orbitmq::broker {

// Delivers delayed messages: reads each level's queue of the schedule topic in order and appends what is due
// to its real topic (store.md 5.1). A timer per level stands at the deliver time of its next message.
//
// Threads: works on the given executor (it reads the log, so it may block); Arrived from the store's dispatch
// executor; All from any. Format: config/delayOffset.json, Apache's.
// Invariants: (1) a message is past only when its copy is stored; (2) the file never points past a message
// whose copy could still be lost by a crash; (3) nor past one whose copy is in another broker's log only. So
// delivery is at least once.
class DelayQueues final : public MasterDuty {
 public:
  struct Parts {
    Env& env;
    Executor& executor;
    Executor& disk;
    const LiveOptions& options;
    std::string path;
  };
  static Result<std::unique_ptr<DelayQueues>> Load(Parts parts);
  explicit DelayQueues(Parts parts);

  // Where the messages are, and where their copies go: into the same store, or by way of another broker.
  // Once, before Begin.
  void Attach(store::MessageStore& store, store::LogAppender& copies);
  // Delivers from the stored offsets on, clamped to what the queues hold (each clamp is logged), until End.
  // Any thread; so is End.
  void Begin() override;
  void End() override;

  // A slave takes its master's offsets: back at once, forward when its log is synced up to the master's
  // CopiesEnd(); Apache's does not tell, then up to where this log ends now. Until then they are kept aside,
  // and newer ones do not replace them, so that a slave that is always a little behind moves on too. Nothing
  // while it delivers itself. Any thread.
  void Follow(const proto::DelayOffsetSerializeWrapper& master,
              const proto::GetAllDelayOffsetResponseHeader& header);
  // What is kept aside is of a log that is not followed any more. Any thread.
  void ForgetAside();
  // A master that starts takes what another broker of its name delivered: larger offsets only, and none when
  // its log does not reach that one's CopiesEnd(). Before Begin.
  size_t Adopt(const proto::DelayOffsetSerializeWrapper& other,
               const proto::GetAllDelayOffsetResponseHeader& header);

  void Arrived(const store::Arrival& arrival);
  // Whether this broker is the one that delivers.
  bool active() const { return started_.load(std::memory_order_acquire); }
  proto::DelayOffsetSerializeWrapper All() const;
  // Below this begin the copies of all messages that the offsets of an earlier All() are past, as far as they
  // are in this broker's log. Any thread, after Attach.
  LogOffset CopiesEnd() const;
  // Where each level stands: level -> {offset, end of its queue}.
  std::map<int32_t, std::pair<int64_t, int64_t>> Standing() const;
  void Save(Completion<Done> done);
  int32_t level_max() const { return static_cast<int32_t>(delays_.size()); }

 private:
  // One message on its way to its topic.
  struct Delivery {
    store::QueueUnit unit;
    bool stored = false;
    bool under_way = false;
  };
  struct Level {
    int32_t number = 0;               // From 1.
    int64_t next = 0;                 // First queue offset that is not stored in its topic yet.
    std::deque<Delivery> deliveries;  // From `next` on.
    // Stored deliveries whose copies a crash could still take: {offset behind them, end of the copy}.
    std::deque<std::pair<int64_t, LogOffset>> unsafe;
    Timer timer;
    std::unique_ptr<Pulse> pulse;
  };
  // Offsets of the master that this log has not reached yet.
  struct Aside {
    std::map<int32_t, int64_t> offsets;  // By level number.
    LogOffset copies_end;
    uint64_t generation = 0;  // Of this log, which may be cut meanwhile.
  };
  void BeginLevels();
  void EndLevels();
  void SignalLevels();
  Progress Step(Level& level);
  bool FillDue(Level& level);
  void Deliver(Level& level, int64_t offset);
  void Delivered(int32_t level_number, int64_t offset, Result<store::AppendReceipt> receipt);
  void Delivering(int32_t level_number, int64_t offset, store::AppendRequest append);
  Result<store::AppendRequest> MakeCopy(const store::QueueUnit& unit) const;
  void WakeLevelAt(Level& level, Duration from_now);
  void RaiseDurable(Level& level);
  LogOffset SafeEnd() const;
  LogOffset CopiesEndIn(const proto::GetAllDelayOffsetResponseHeader& header) const;
  // Takes larger offsets of another broker, whose copies are all here; returns how many.
  size_t TakeLarger(const std::map<int32_t, int64_t>& offsets, LogOffset copies_end) ORBITMQ_REQUIRES(mutex_);
  void TakeAside();
  void DropAside();

  static constexpr size_t kDeliveriesMax = 64;
  static constexpr Duration kRetryAfter = std::chrono::milliseconds(100);
  Parts parts_;
  std::vector<Millis> delays_;
  store::MessageStore* store_ = nullptr;
  store::LogAppender* copies_ = nullptr;
  std::vector<std::unique_ptr<Level>> levels_;  // As many as there are delays, from the beginning.
  bool stopped_ = true;
  uint64_t turn_ = 0;                 // Counts Begin; a delivery of an earlier turn changes nothing.
  std::atomic<bool> started_{false};  // Between Begin and End.
  mutable Mutex mutex_;
  // What may be persisted, per level number.
  std::map<int32_t, int64_t> durable_ ORBITMQ_GUARDED_BY(mutex_);
  std::map<int32_t, int64_t> current_ ORBITMQ_GUARDED_BY(mutex_);
  LogOffset copies_end_ ORBITMQ_GUARDED_BY(mutex_);
  std::optional<Aside> aside_ ORBITMQ_GUARDED_BY(mutex_);
  int64_t version_counter_ ORBITMQ_GUARDED_BY(mutex_) = 0;
  bool dirty_ ORBITMQ_GUARDED_BY(mutex_) = false;
  PersistedFile file_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace orbitmq::broker
