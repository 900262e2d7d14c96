// SPDX-License-Identifier: Apache-2.0
#include "bench/send_load.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

#include "common/bytes.h"
#include "common/message_properties.h"
#include "common/names.h"
#include "common/strings.h"
#include "remoting/protocol/codes.h"
#include "remoting/protocol/headers.h"

namespace orbitmq::bench {
namespace {

using proto::RequestCode;

constexpr Duration kPaceStep = std::chrono::milliseconds(1);
constexpr Duration kConnectTime = std::chrono::seconds(5);
constexpr Duration kErrorPause = std::chrono::milliseconds(100);
constexpr Duration kWatchStep = std::chrono::seconds(1);
constexpr int32_t kSlotsMax = 4096;
constexpr int32_t kRounds = 200'000;  // kFirstOpaque + kRounds * kSlotsMax keeps ten digits and fits int32.
constexpr size_t kBytesPerWrite = size_t{256} << 10;

constexpr int64_t kBornPlaceholder = 9'999'999'999'999;
constexpr int32_t kOpaquePlaceholder = 1'999'999'999;

}  // namespace

Result<SendFrame> SendFrame::Make(const PerfPlan& plan, const PerfQueue& queue) {
  proto::SendMessageRequestHeader header;
  header.producer_group = plan.group;
  header.topic = plan.topic;
  header.default_topic = names::kAutoCreateTopic;
  header.default_topic_queue_nums = plan.topic_queue_count;
  header.queue_id = queue.queue_id;
  header.born_timestamp = kBornPlaceholder;
  header.reconsume_times = 0;
  header.unit_mode = false;
  header.batch = false;
  header.rpc.bname = queue.broker_name;
  AppendProperty(header.properties, property::kWaitStoreMsgOk, "true");
  proto::Command command = proto::MakeRequest(RequestCode::kSendMessageV2, header, proto::NameForm::kShort);
  command.opaque = kOpaquePlaceholder;
  std::string body(plan.body_bytes, 'm');
  command.body.push_back(Bytes(body));
  auto head = proto::EncodeFrameHead(command, proto::SerializeType::kJson);
  if (!head.ok()) return head.status();
  SendFrame frame;
  frame.bytes_ = *std::move(head);
  frame.body_at_ = frame.bytes_.size();
  frame.opaque_at_ = frame.bytes_.rfind(StrCat("\"opaque\":", kOpaquePlaceholder)) + 9;
  frame.born_at_ = frame.bytes_.rfind(StrCat("\"g\":\"", kBornPlaceholder)) + 5;
  frame.bytes_ += body;
  return frame;
}

void SendFrame::AppendTo(std::string& out, const Variable& variable) const {
  const size_t begin = out.size();
  out += bytes_;
  char* const at = out.data() + begin;
  std::to_chars(at + opaque_at_, at + opaque_at_ + 10, variable.opaque);
  std::memcpy(at + born_at_, variable.wall_ms.data(), variable.wall_ms.size());
  StoreBig<int64_t>(at + body_at_, variable.due_nanos);
  if (bytes_.size() - body_at_ >= kStampBytes) StoreBig<uint64_t>(at + body_at_ + kDueBytes, variable.run_id);
}

std::optional<ReplyGlance> GlanceAtReply(std::string_view json_header) {
  constexpr std::string_view kCode = "{\"code\":";
  constexpr std::string_view kOpaque = ",\"opaque\":";
  if (!json_header.starts_with(kCode)) return std::nullopt;
  ReplyGlance glance;
  const char* const end = json_header.data() + json_header.size();
  const auto code = std::from_chars(json_header.data() + kCode.size(), end, glance.code);
  if (code.ec != std::errc()) return std::nullopt;
  // Inside a string the quote would be escaped, and nothing else at any depth has that key.
  const size_t at = json_header.rfind(kOpaque);
  if (at == std::string_view::npos) return std::nullopt;
  const auto opaque = std::from_chars(json_header.data() + at + kOpaque.size(), end, glance.opaque);
  if (opaque.ec != std::errc()) return std::nullopt;
  return glance;
}

SendLoad::SendLoad(Env& env, Executor& loop, const PerfPlan& plan, size_t index)
    : env_(env), loop_(loop), plan_(plan), next_frame_(index) {
  // The brokers in the order of their first queues.
  std::vector<Endpoint> brokers;
  for (const PerfQueue& queue : plan.queues) {
    if (std::find(brokers.begin(), brokers.end(), queue.address) == brokers.end())
      brokers.push_back(queue.address);
  }
  address_ = brokers[index % brokers.size()];
  for (const PerfQueue& queue : plan.queues) {
    if (queue.address != address_) continue;
    auto frame = SendFrame::Make(plan, queue);
    if (frame.ok()) {
      frames_.push_back(*std::move(frame));
    } else {
      tally_.CountError(frame.status());
    }
  }
  slots_.resize(std::min<size_t>(plan.in_flight, kSlotsMax));
  for (size_t i = slots_.size(); i-- > 0;) free_slots_.push_back(i);
}

void SendLoad::Start(Completion<Done> done) {
  done_ = std::move(done);
  if (frames_.empty()) stopping_ = true;
  began_ = env_.clock().Monotonic();
  CheckTimeouts();
  Connect();
}

void SendLoad::Stop() {
  stopping_ = true;
  CheckDone();
}

void SendLoad::Close() {
  closed_ = true;
  connection_.reset();
  pace_.Cancel();
  retry_.Cancel();
  watch_.Cancel();
  done_ = {};
}

void SendLoad::Connect() {
  if (closed_ || connecting_ || connection_ != nullptr) return;
  if (finished()) return CheckDone();
  connecting_ = true;
  env_.network().Connect(address_, loop_, kConnectTime, [this](Result<std::unique_ptr<Connection>> made) {
    connecting_ = false;
    if (closed_) return;
    if (!made.ok()) {
      ++tally_.send_failed;
      tally_.CountError(made.status());
      retry_ = loop_.PostAt(env_.clock().Monotonic() + kErrorPause, [this] { Connect(); });
      return CheckDone();
    }
    connection_ = *std::move(made);
    connection_->Start(this);
    Pump();
  });
}

size_t SendLoad::OnInput(std::string_view input) {
  const MonoTime now = env_.clock().Monotonic();
  size_t consumed = 0;
  for (;;) {
    auto frame = proto::NextFrame(input.substr(consumed));
    if (!frame.ok()) {
      tally_.CountError(frame.status());
      connection_->CloseAfterFlush();
      return input.size();
    }
    if (!frame->has_value()) break;
    OnReply(**frame, now);
    consumed += (*frame)->frame_bytes;
  }
  Pump();
  return consumed;
}

void SendLoad::OnReply(const proto::FrameView& frame, MonoTime now) {
  std::optional<ReplyGlance> glance;
  if (frame.serialize == proto::SerializeType::kJson) glance = GlanceAtReply(frame.header);
  if (glance && glance->code == proto::ResponseCode::kSuccess) return Settle(glance->opaque, Status(), now);
  const auto view = decoder_.Decode(frame);
  if (!view.ok()) return tally_.CountError(view.status());
  if (!view->response()) return;  // A request of the broker; nothing that matters here.
  Settle(view->opaque, proto::StatusFromResponse(view->code, view->remark), now);
}

void SendLoad::Settle(int32_t opaque, const Status& status, MonoTime now) {
  const auto index = static_cast<size_t>((opaque - SendFrame::kFirstOpaque) % kSlotsMax);
  if (opaque < SendFrame::kFirstOpaque || index >= slots_.size() || slots_[index].opaque != opaque) return;
  slots_[index].opaque = 0;
  free_slots_.push_back(index);
  if (status.ok()) {
    ++tally_.sent;
    ++acknowledged_;
    tally_.send_latency.Add((now - slots_[index].due).count());
  } else {
    ++tally_.send_failed;
    tally_.CountError(status);
  }
}

void SendLoad::Pump() {
  if (connection_ != nullptr && connection_->PendingBytes() < kBytesPerWrite) {
    const MonoTime now = env_.clock().Monotonic();
    std::string out;
    Fill(out, now);
    if (!out.empty()) connection_->Write({Bytes(std::move(out))});
  }
  CheckDone();
}

// As many requests as may go out now.
void SendLoad::Fill(std::string& out, MonoTime now) {
  const std::string wall_ms = StrCat(env_.clock().WallMillis());
  while (!finished() && !free_slots_.empty()) {
    MonoTime due = now;
    if (plan_.send_rate > 0) {
      const double seconds = static_cast<double>(started_) / plan_.send_rate;
      due = began_ + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
      if (due > now) {
        if (std::exchange(pace_armed_, true)) return;
        pace_ = loop_.PostAt(std::max(due, now + kPaceStep), [this] {
          pace_armed_ = false;
          Pump();
        });
        return;
      }
    }
    const SendFrame& frame = frames_[next_frame_++ % frames_.size()];
    if (out.empty()) out.reserve(std::min(free_slots_.size() * frame.size(), 2 * kBytesPerWrite));
    const size_t index = free_slots_.back();
    free_slots_.pop_back();
    round_ = (round_ + 1) % kRounds;
    Slot& slot = slots_[index];
    slot = {SendFrame::kFirstOpaque + round_ * kSlotsMax + static_cast<int32_t>(index), due,
            now + plan_.send_timeout};
    frame.AppendTo(out, {.opaque = slot.opaque,
                         .wall_ms = wall_ms,
                         .due_nanos = due.time_since_epoch().count(),
                         .run_id = plan_.run_id});
    ++started_;
  }
}

void SendLoad::CheckTimeouts() {
  const MonoTime now = env_.clock().Monotonic();
  for (Slot& slot : slots_) {
    if (slot.opaque == 0 || slot.expires > now) continue;
    Settle(slot.opaque, Status(StatusCode::kTimeout, StrCat(address_.ToString(), " did not answer in time")),
           now);
  }
  watch_ = loop_.PostAt(now + kWatchStep, [this] { CheckTimeouts(); });
  Pump();
}

void SendLoad::OnClosed(const Status& why) {
  connection_.reset();
  const Status broken(StatusCode::kUnavailable,
                      StrCat("the connection with ", address_.ToString(), " ended: ", why.ToString()));
  const MonoTime now = env_.clock().Monotonic();
  for (const Slot& slot : slots_) {
    if (slot.opaque != 0) Settle(slot.opaque, broken, now);
  }
  retry_ = loop_.PostAt(now + kErrorPause, [this] { Connect(); });
  CheckDone();
}

void SendLoad::CheckDone() {
  if (finished() && free_slots_.size() == slots_.size() && done_) done_(Done{});
}

}  // namespace orbitmq::bench
