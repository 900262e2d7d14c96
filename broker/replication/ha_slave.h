// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "broker/broker_options.h"
#include "broker/replication/ha_frames.h"
#include "broker/replication/ha_status.h"
#include "common/env.h"
#include "common/mutex.h"
#include "common/pulse.h"
#include "store/message_store.h"

namespace orbitmq::broker {

// The slave's side of replication: asks the master for the log and appends what comes.
//
// The protocol has no checksum and no epoch, so a slave cannot know whether its bytes are the master's. It
// therefore asks from a record that begins at least 1 MiB before its end, and compares what streams in with
// what it has, until its end. Where they differ it asks again from twice as far back, until at least a whole
// record is equal; then it drops what lies behind the last equal one, says so with offset and hashes, and
// asks again. A slave whose end lies below the master's begin drops everything and starts over there; so does
// one that has not even the first record there.
//
//   connect -> compare -> follow
//                 |  difference: heal -> connect
//
// Offset 0 means "from the last file" in this protocol, so it is asked only to find out where that begins: an
// empty slave then asks for byte 1, whose neighbour is known to be 0 in every log, being the first byte of
// the size of a record below 16 MiB; the record is checked whole before anything is stored.
//
// Threads: its loop, where the connection lives; the reader runs what waits for the disk; Status from any.
// Invariant: what it reports is written, and on the disk under SYNC_FLUSH, and equal to the master's.
class HaSlave final : private ConnectionEvents {
 public:
  struct Parts {
    Env& env;
    Executor& loop;    // kIo.
    Executor& reader;  // May block.
    store::MessageStore& store;
    const LiveOptions& options;
    // After the log was cut, on the loop: offsets into it may point beyond its queues now.
    UniqueFunction<void()> on_cut{};
  };
  explicit HaSlave(Parts parts);
  ~HaSlave();
  HaSlave(const HaSlave&) = delete;
  HaSlave& operator=(const HaSlave&) = delete;

  // Follows until Stop; again after that, from then on whoever SetMaster names. Threads: both the loop.
  void Start();
  void Stop();
  // Called whenever the master ends the connection. Threads: the loop, both this and the call.
  void OnLost(UniqueFunction<void()> lost) { lost_ = std::move(lost); }
  // "host:port" of the master's haListenPort, as a NameServer told; empty = none is known. Threads: the loop.
  void SetMaster(const std::string& address);
  // Whether the master lives, which a connection alone does not tell: the kernel of a process that hangs
  // keeps it, and accepts another. One that was heard within the last second does; else a new connection is
  // made, on which it has to say something within `patience`: a log, or that there is none, comes at once.
  // Threads: the loop, `done` too.
  void AskMaster(Duration patience, UniqueFunction<void(MasterAnswer)> done);
  // `appended` or `flushed` rose. Threads: any.
  void Signal() { pulse_.Signal(); }
  void AddStatus(HaStatus& status) const;

 private:
  static constexpr std::string_view kLastFileOnly =
      "the master gives its last file only: older messages are not copied";
  static constexpr size_t kPeekBytes = 8;

  // What the reader found out about one comparison.
  struct Comparison {
    Status unread;  // Not kOk: this slave's own log could not be read, and nothing else counts.
    bool equal = true;
    // Where they differ: the last record begin that both have, and the record before it.
    LogOffset common;
    LogOffset last_record;
    LogOffset from;  // The hashes are of [from, to).
    LogOffset to;
    uint32_t own_crc = 0;
    uint32_t master_crc = 0;
  };
  enum class Ask : uint8_t {
    kRecordBack,  // A record at least `distance_` before the end.
    kLastFile,    // 0.
    kByteOne,     // 1: everything.
  };

  size_t OnInput(std::string_view input) override;
  void OnDrained() override {}
  void OnClosed(const Status& why) override;

  void Connect();
  void Connected(Result<std::unique_ptr<Connection>> connection);
  // Forgets what the master of the connections before answered.
  void AskAnew();
  void PlanAsk();
  void SendAsk(LogOffset from);
  // Ends this connection; the next one begins after `wait`.
  void Again(Duration wait);
  void AgainLater();
  // Runs `work` on the reader and hands what it returns to the function that it returns, on the loop, unless
  // the connection is another one by then.
  template <class F>
  void OnReader(F work);

  void Pump();
  bool TakeHeader();
  void OnHeartbeat();
  void OnFirstData(LogOffset offset);
  void TakeBody();
  void Compare(std::string bytes);
  Comparison CompareWith(LogOffset from, const std::string& bytes, LogOffset begin) const;
  void Compared(const Comparison& found);
  void Heal(const Comparison& found);
  void StartOver(LogOffset begin, std::string_view why);
  // Ends this connection; what it returns, called from anywhere, begins the next.
  Completion<Done> BeginCut();
  void Healed(const Result<Done>& done);

  void CutRecords();
  // Bytes of the records that are whole in front of pending_, within one file; 0 = none yet.
  Result<size_t> WholeRecords(LogOffset& last_record) const;
  void Append(size_t bytes, LogOffset last_record);
  void Appended(const Result<LogOffset>& end);
  // The store took a chunk: this log can be followed.
  void Accepted();
  void Report(bool even_if_unchanged);
  void Fail(const std::string& why);
  void Tick();
  void ArmTick();
  void Throttle();
  void Show(HaSlaveState state);
  void ProbeIsOver();
  void EndProbe(MasterAnswer answer);

  Parts parts_;
  bool stopped_ = true;
  std::string address_;
  UniqueFunction<void()> lost_;
  std::unique_ptr<Connection> connection_;
  bool connecting_ = false;
  uint64_t attempt_ = 0;  // Answers to an older one are not listened to.
  Duration backoff_{0};
  bool refused_ = false;  // The store did not take what came last: that a log can be followed does not help.
  Timer retry_;
  Timer tick_;
  bool cutting_ = false;
  struct Probe {
    MonoTime until;
    UniqueFunction<void(MasterAnswer)> done;
  };
  std::unique_ptr<Probe> probe_;  // Null: nobody asks.

  // Of this connection.
  HaSlaveState state_ = HaSlaveState::kWaitingForAddress;
  bool busy_ = false;  // The reader works for it.
  bool paused_ = false;
  bool asked_ = false;
  bool saw_data_ = false;
  bool said_something_ = false;  // The master, since it accepted.
  std::string inbox_;
  size_t inbox_at_ = 0;
  LogOffset ask_;  // The record that the comparison began with.
  // It is not the one we asked for: the master's log begins there, or its last file.
  bool starts_at_masters_choice_ = false;
  LogOffset position_;  // Of the next byte of the stream.
  int32_t body_left_ = 0;
  LogOffset end_;            // Our own end when the comparison began.
  bool told_ahead_ = false;  // That the master has less than we have.
  std::string pending_;      // Not yet whole records; it begins at queued_to_.
  LogOffset queued_to_;      // Handed to the store.
  int64_t bytes_in_store_queue_ = 0;
  LogOffset reported_{-1};
  MonoTime heard_;  // Or accepted.
  MonoTime spoke_;

  // How the next connection asks.
  Ask how_ = Ask::kRecordBack;
  int64_t distance_ = 0;
  bool accept_last_file_ = false;

  int64_t rate_bytes_ = 0;
  MonoTime rate_since_;
  mutable Mutex mutex_;
  HaSlaveStatus status_ ORBITMQ_GUARDED_BY(mutex_);
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  Pulse pulse_;
};

template <class F>
void HaSlave::OnReader(F work) {
  busy_ = true;
  parts_.reader.Post(
      [this, alive = std::weak_ptr<bool>(alive_), attempt = attempt_, w = std::move(work)]() mutable {
        auto then = w();
        parts_.loop.Post([this, alive, attempt, t = std::move(then)]() mutable {
          if (alive.expired() || attempt != attempt_ || stopped_) return;
          busy_ = false;
          t();
        });
      });
}

}  // namespace orbitmq::broker
