// SPDX-License-Identifier: Apache-2.0
#include "remoting/client_link.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "common/limits.h"
#include "common/strings.h"
#include "remoting/protocol/codes.h"
#include "remoting/protocol/frame_decoder.h"

namespace orbitmq::net {
namespace {

constexpr Duration kFlushLook = std::chrono::milliseconds(2);
// Requests beyond this many unsent bytes wait here, where a deadline can still take them back.
constexpr size_t kHandOverBytes = size_t{4} << 20;
// A connection that ends so soon without a word counts as a failed attempt (TLS refused, wrong service).
constexpr Duration kShortLife = std::chrono::seconds(1);
constexpr int kQuietTicksMax = 4;

}  // namespace

ClientCore::ClientCore(Env& environment, RpcClientOptions settings, Executor& executor)
    : env(environment),
      options(std::move(settings)),
      loop(executor),
      random(env.NewRandom("rpc client")),
      budget(options.in_flight_bytes_max),
      deadlines(env, executor, [](DeadlineWheel::Entry& entry) {
        auto& call = static_cast<ClientCall&>(entry);
        call.link->Expire(call);
      }) {}

ClientLink& ClientCore::LinkTo(const Endpoint& endpoint) {
  auto& link = links[endpoint];
  if (link == nullptr) link = std::make_unique<ClientLink>(*this, endpoint);
  return *link;
}

void ClientCore::Submit(std::unique_ptr<ClientCall> call) {
  if (!ticking) ScheduleTick();
  LinkTo(call->to).Submit(std::move(call));
}

void ClientCore::Shutdown() {
  CHECK_ON(loop);
  if (std::exchange(shut_down, true)) return;
  tick.Cancel();
  const Status why(StatusCode::kCancelled, "the client was shut down");
  std::vector<ClientLink*> all;
  for (const auto& [endpoint, link] : links) all.push_back(link.get());
  for (ClientLink* link : all) link->Close(why);
}

void ClientCore::Flush(MonoTime deadline, Completion<Done> done) {
  const bool sent =
      std::all_of(links.begin(), links.end(), [](const auto& link) { return link.second->AllSent(); });
  const MonoTime now = env.clock().Monotonic();
  if (sent || shut_down || now >= deadline) return done(Done{});
  // Looking again is good enough for what happens once in a client's life.
  loop.PostAt(std::min(deadline, now + kFlushLook),
              [weak = weak_from_this(), deadline, done = std::move(done)]() mutable {
                if (const auto alive = weak.lock()) alive->Flush(deadline, std::move(done));
              })
      .Detach();
}

void ClientCore::ScheduleTick() {
  ticking = true;
  const Duration period =
      std::max<Duration>(options.idle_close / kQuietTicksMax, std::chrono::milliseconds(1));
  tick = loop.PostAt(env.clock().Monotonic() + period, [weak = weak_from_this()] {
    if (const auto alive = weak.lock()) alive->Tick();
  });
}

void ClientCore::Tick() {
  ticking = false;
  if (shut_down) return;
  for (auto one = links.begin(); one != links.end();)
    one = one->second->Tick() ? std::next(one) : links.erase(one);
  if (!links.empty()) ScheduleTick();
}

ClientLink::~ClientLink() {
  // Normally empty: left over when the loop was stopped without Shutdown. Their completions say kCancelled.
  for (auto& [opaque, call] : calls_) core_.deadlines.Remove(*call);
}

void ClientLink::FailLater(std::unique_ptr<ClientCall> call, Status why) {
  if (!call->done) return;
  (void)core_.loop.Post([call = std::move(call), why = std::move(why)] { call->done(why); });
}

void ClientLink::Submit(std::unique_ptr<ClientCall> call) {
  if (core_.shut_down) {
    FailLater(std::move(call), Status(StatusCode::kCancelled, "the client was shut down"));
    return;
  }
  if (calls_.size() >= limits::kPendingCallsPerConnectionMax) {
    FailLater(std::move(call), Status(StatusCode::kBusy, "too many calls wait for " + to_.ToString()));
    return;
  }
  if (state_ == State::kDown && core_.env.clock().Monotonic() < retry_at_) {
    FailLater(std::move(call), last_failure_);
    return;
  }
  if (!call->oneway && call->deadline <= core_.env.clock().Monotonic()) {
    FailLater(std::move(call), Status(StatusCode::kTimeout, "the deadline passed before the call to " +
                                                                to_.ToString() + " could begin"));
    return;
  }
  active_ = true;
  call->link = this;
  const Opaque opaque = call->opaque;
  if (!call->oneway) core_.deadlines.Add(*call, call->deadline);
  const auto [place, fresh] = calls_.emplace(opaque, std::move(call));
  ORBITMQ_CHECK(fresh, "an opaque is used by one call at a time");
  waiting_.push_back(opaque);
  if (state_ == State::kDown) {
    Connect();
  } else if (state_ == State::kUp) {
    HandOver();
  }
}

std::unique_ptr<ClientCall> ClientLink::Take(Opaque opaque) {
  const auto found = calls_.find(opaque);
  if (found == calls_.end()) return nullptr;
  auto call = std::move(found->second);
  calls_.erase(found);
  core_.deadlines.Remove(*call);
  return call;
}

void ClientLink::Expire(ClientCall& expired) {
  const auto call = Take(expired.opaque);
  if (call->handed) {
    call->done(Status(StatusCode::kUnknown, to_.ToString() + " did not answer in time"));
  } else if (state_ == State::kConnecting) {
    call->done(Status(StatusCode::kTimeout, "still connecting to " + to_.ToString() + " at the deadline"));
  } else {
    call->done(
        Status(StatusCode::kTimeout, "the request to " + to_.ToString() + " could not be sent in time"));
  }
}

void ClientLink::Connect() {
  state_ = State::kConnecting;
  const uint64_t id = ++connection_id_;
  core_.env.network().Connect(
      to_, core_.loop, core_.options.connect_timeout,
      [weak = core_.weak_from_this(), to = to_, id](Result<std::unique_ptr<Connection>> result) {
        const auto core = weak.lock();
        if (!core || core->shut_down) return;
        const auto found = core->links.find(to);
        if (found == core->links.end() || found->second->connection_id_ != id) return;
        found->second->OnConnected(std::move(result));
      });
}

void ClientLink::OnConnected(Result<std::unique_ptr<Connection>> result) {
  if (state_ != State::kConnecting) return;
  if (!result.ok()) {
    BackOff(result.status());
    state_ = State::kDown;
    EndCalls(last_failure_, Ending::kBroken, 0);
    return;
  }
  state_ = State::kUp;
  connection_ = std::move(*result);
  if (core_.options.tls != nullptr)
    connection_ = WrapClientTls(core_.options.tls, std::move(connection_), to_.host);
  handed_bytes_ = 0;
  heard_ = false;
  active_ = true;
  quiet_ticks_ = 0;
  connected_at_ = core_.env.clock().Monotonic();
  connection_->Start(this);
  HandOver();
}

void ClientLink::BackOff(const Status& why) {
  const RpcClientOptions& options = core_.options;
  backoff_ = std::clamp<Duration>(backoff_ * 2, options.backoff_min, options.backoff_max);
  // Half of it at random, so that the clients of a restarted server do not come back all at once.
  const Duration jitter(core_.random.Between(0, backoff_.count() / 2));
  retry_at_ = core_.env.clock().Monotonic() + backoff_ / 2 + jitter;
  last_failure_ = why.code() == StatusCode::kUnavailable
                      ? why
                      : Status(StatusCode::kUnavailable, std::string(why.text()));
}

void ClientLink::HandOver() {
  while (!waiting_.empty() && connection_->PendingBytes() < kHandOverBytes) {
    const auto found = calls_.find(waiting_.front());
    waiting_.pop_front();
    if (found == calls_.end()) continue;  // Its deadline has passed.
    ClientCall& call = *found->second;
    call.handed = true;
    call.stream_begin = handed_bytes_;
    handed_bytes_ += call.frame_bytes;
    unsent_.push_back({handed_bytes_, std::move(call.units)});
    connection_->Write(std::move(call.frame));
    if (call.oneway) calls_.erase(found);
  }
  ReleaseSent();
}

void ClientLink::ReleaseSent() {
  const uint64_t left = handed_bytes_ - std::min<uint64_t>(handed_bytes_, connection_->PendingBytes());
  while (!unsent_.empty() && unsent_.front().end <= left) unsent_.pop_front();
}

size_t ClientLink::OnInput(std::string_view input) {
  const auto alive = core_.shared_from_this();
  const uint64_t id = connection_id_;
  active_ = true;
  size_t consumed = 0;
  // A completion may close this connection.
  while (state_ == State::kUp && id == connection_id_) {
    const auto frame = proto::NextFrame(input.substr(consumed), limits::kFrameBytesMax);
    Status status = frame.status();
    if (frame.ok() && !frame->has_value()) return consumed;
    if (frame.ok()) {
      consumed += (*frame)->frame_bytes;
      status = OnFrame(**frame);
    }
    if (!status.ok() && state_ == State::kUp && id == connection_id_) {
      core_.env.log().Warn("closing a connection: its bytes do not decode",
                           {{"peer", to_.ToString()}, {"reason", status.ToString()}});
      Down(status.Annotate("bad frame from " + to_.ToString()), Ending::kBroken);
    }
  }
  return input.size();
}

Status ClientLink::OnFrame(const proto::FrameView& frame) {
  const auto view = decoder_.Decode(frame);
  if (!view.ok()) return view.status();
  heard_ = true;
  backoff_ = Duration(0);
  if (view->response()) {
    OnResponse(*view);
  } else {
    OnRequest(*view);
  }
  return Status::Ok();
}

void ClientLink::OnResponse(const proto::CommandView& view) {
  const auto call = Take(view.opaque);
  // Nobody waits for it: late, repeated or invented.
  if (call == nullptr) return;
  call->done(proto::ToOwned(view));
}

void ClientLink::OnRequest(const proto::CommandView& view) {
  const bool oneway = view.oneway();
  auto reply = [weak = core_.weak_from_this(), to = to_, id = connection_id_, oneway, opaque = view.opaque,
                serialize = view.serialize](proto::Command response) {
    const auto core = weak.lock();
    if (!core || oneway) return;
    response.flag = proto::kFlagResponse;
    response.opaque = opaque;
    (void)core->loop.Post([weak, to, id, serialize, response = std::move(response)]() mutable {
      const auto alive = weak.lock();
      if (!alive) return;
      const auto found = alive->links.find(to);
      if (found != alive->links.end()) found->second->SendReply(id, serialize, std::move(response));
    });
  };
  const auto handler = core_.incoming.find(view.code);
  if (handler == core_.incoming.end()) {
    proto::Command refusal;
    refusal.code = proto::ResponseCode::kRequestCodeNotSupported;
    refusal.remark = StrCat(" request type ", view.code, " not supported");
    reply(std::move(refusal));
    return;
  }
  handler->second({to_, view, std::move(reply)});
}

void ClientLink::SendReply(uint64_t connection_id, proto::SerializeType serialize, proto::Command reply) {
  if (state_ != State::kUp || connection_id_ != connection_id) return;
  auto frame = proto::EncodeFrame(reply, serialize);
  if (!frame.ok()) {
    proto::Command refusal;
    refusal.code = proto::ResponseCode::kSystemError;
    refusal.flag = reply.flag;
    refusal.opaque = reply.opaque;
    refusal.remark = StrCat("the answer cannot be sent: ", frame.status().text());
    frame = proto::EncodeFrame(refusal, serialize);
    ORBITMQ_CHECK(frame.ok(), "a short error reply can always be encoded");
  }
  active_ = true;
  handed_bytes_ += ChainBytes(*frame);
  connection_->Write(std::move(*frame));
}

void ClientLink::OnDrained() {
  active_ = true;
  if (state_ == State::kUp) HandOver();
}

void ClientLink::OnClosed(const Status& why) {
  const auto alive = core_.shared_from_this();
  if (state_ != State::kUp) return;
  Down(why.ok() ? Status(StatusCode::kUnavailable, to_.ToString() + " closed the connection") : why,
       Ending::kBroken);
}

bool ClientLink::AllSent() const {
  if (state_ == State::kDown) return true;
  const bool waits =
      std::any_of(waiting_.begin(), waiting_.end(), [this](Opaque id) { return calls_.contains(id); });
  return !waits && (state_ == State::kConnecting || connection_->PendingBytes() == 0);
}

void ClientLink::Close(const Status& why) {
  const Ending ending = core_.shut_down ? Ending::kShutdown : Ending::kBroken;
  if (state_ == State::kUp) {
    Down(why, ending);
  } else {
    state_ = State::kDown;
    ++connection_id_;
    EndCalls(why, ending, 0);
  }
}

// Ends an established connection.
void ClientLink::Down(const Status& why, Ending ending) {
  state_ = State::kDown;
  ++connection_id_;
  connection_->PauseReading();
  const uint64_t left = handed_bytes_ - std::min<uint64_t>(handed_bytes_, connection_->PendingBytes());
  // Later: this may be inside one of its calls. Until then it may tell us of events.
  (void)core_.loop.Post(
      [core = core_.shared_from_this(), dead = std::move(connection_)]() mutable { dead.reset(); });
  unsent_.clear();
  if (!heard_ && ending == Ending::kBroken && core_.env.clock().Monotonic() - connected_at_ < kShortLife)
    BackOff(why);
  EndCalls(why, ending, left);
  if (core_.on_closed) core_.on_closed(to_);
}

// Ends all calls. Those that begin in the first `left_bytes` of the stream may have reached the peer.
void ClientLink::EndCalls(const Status& why, Ending ending, uint64_t left_bytes) {
  waiting_.clear();
  std::vector<std::unique_ptr<ClientCall>> ended;
  ended.reserve(calls_.size());
  for (auto& [opaque, call] : calls_) {
    core_.deadlines.Remove(*call);
    ended.push_back(std::move(call));
  }
  calls_.clear();
  // In the order in which they were made, whatever the table's order.
  std::sort(ended.begin(), ended.end(), [](const auto& a, const auto& b) { return a->opaque < b->opaque; });
  for (const auto& call : ended) {
    if (!call->done) continue;
    if (call->handed && call->stream_begin < left_bytes) {
      call->done(
          Status(StatusCode::kUnknown, StrCat("the connection ended before the answer came: ", why.text())));
    } else if (ending == Ending::kShutdown) {
      call->done(why);
    } else {
      call->done(Status(StatusCode::kUnavailable, why.text()));
    }
  }
}

bool ClientLink::Tick() {
  if (state_ == State::kConnecting) return true;
  if (state_ == State::kDown) return core_.env.clock().Monotonic() < retry_at_;
  const bool busy = std::exchange(active_, false) || !calls_.empty();
  quiet_ticks_ = busy ? 0 : quiet_ticks_ + 1;
  if (quiet_ticks_ >= kQuietTicksMax) {
    core_.env.log().Debug("closing an idle connection", {{"peer", to_.ToString()}});
    Down(Status(StatusCode::kUnavailable, "the connection was idle"), Ending::kBroken);
  }
  return true;
}

}  // namespace orbitmq::net
