// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bench/perf_plan.h"
#include "common/env.h"
#include "common/network.h"
#include "remoting/protocol/command_codec.h"

namespace orbitmq::bench {

// The bytes of a send request to one queue, made once; only its number, its times and its stamp change.
class SendFrame final {
 public:
  static Result<SendFrame> Make(const PerfPlan& plan, const PerfQueue& queue);
  struct Variable {
    int32_t opaque = 0;        // SendFrame::kFirstOpaque or above: ten digits.
    std::string_view wall_ms;  // Thirteen digits.
    int64_t due_nanos = 0;
    uint64_t run_id = 0;
  };
  // Appends one whole frame.
  void AppendTo(std::string& out, const Variable& variable) const;
  size_t size() const { return bytes_.size(); }

  static constexpr int32_t kFirstOpaque = 1'000'000'000;

 private:
  std::string bytes_;
  size_t opaque_at_ = 0;
  size_t born_at_ = 0;
  size_t body_at_ = 0;
};

// What a load generator needs of a reply: which request it answers, and whether that went well.
struct ReplyGlance {
  int32_t opaque = 0;
  int32_t code = 0;
};
// Reads both from a JSON header as Apache and we write them without decoding the rest; nullopt when it looks
// different: decode it properly then.
std::optional<ReplyGlance> GlanceAtReply(std::string_view json_header);

// One connection that sends with a bounded number of requests in flight: frames made beforehand, one write
// for all requests and one read for all replies of a turn, so that the broker is measured and not this.
// Threads: owned by its loop. With a rate, latency counts from the moment at which the message was due, so
// that a stall shows in full. A broken connection fails what is under way and is made anew.
class SendLoad final : private ConnectionEvents {
 public:
  // `index` of the connection picks its broker and its first queue.
  SendLoad(Env& env, Executor& loop, const PerfPlan& plan, size_t index);
  // `done` ends with OK when all is sent and answered, also after Stop.
  void Start(Completion<Done> done);
  void Stop();
  // Forgets what was counted so far (the warm-up).
  void Reset() { tally_ = {}; }
  void Close();
  const PerfTally& tally() const { return tally_; }
  // Messages acknowledged since the start, warm-up included.
  uint64_t acknowledged() const { return acknowledged_; }

 private:
  // A request under way. Its number in the frame is made of the slot's index and a round.
  struct Slot {
    int32_t opaque = 0;  // 0 = free.
    MonoTime due;
    MonoTime expires;
  };
  size_t OnInput(std::string_view input) override;
  void OnDrained() override {}
  void OnClosed(const Status& why) override;
  void Connect();
  void OnReply(const proto::FrameView& frame, MonoTime now);
  void Settle(int32_t opaque, const Status& status, MonoTime now);
  void Pump();
  void Fill(std::string& out, MonoTime now);
  void CheckTimeouts();
  void CheckDone();
  bool finished() const { return stopping_ || (plan_.send_count > 0 && started_ >= plan_.send_count); }

  Env& env_;
  Executor& loop_;
  const PerfPlan& plan_;
  Endpoint address_;
  std::vector<SendFrame> frames_;  // One for each queue of the broker.
  size_t next_frame_;
  std::vector<Slot> slots_;
  std::vector<size_t> free_slots_;
  int32_t round_ = 0;
  proto::CommandDecoder decoder_;
  std::unique_ptr<Connection> connection_;
  bool connecting_ = false;
  uint64_t started_ = 0;
  uint64_t acknowledged_ = 0;
  bool stopping_ = false;
  bool closed_ = false;
  MonoTime began_{};
  bool pace_armed_ = false;
  Timer pace_;
  Timer retry_;
  Timer watch_;
  Completion<Done> done_;
  PerfTally tally_;
};

}  // namespace orbitmq::bench
