// SPDX-License-Identifier: Apache-2.0
#include "remoting/server_connection.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "common/limits.h"
#include "common/strings.h"
#include "remoting/connection_router.h"
#include "remoting/protocol/codes.h"
#include "remoting/protocol/frame_decoder.h"

namespace orbitmq::net {
namespace {

// Partial frames and unread replies below this are not accounted for one by one.
constexpr size_t kUncountedBytes = size_t{16} << 10;
constexpr int kQuietTicksMax = 4;
constexpr int kLogLinesPerSecond = 10;

HostAddress HostOf(const Endpoint& endpoint) {
  const auto host = ParseHostAddress(endpoint.host, endpoint.port);
  return host.ok() ? *host : HostAddress{};
}

// Enough for a turn's replies to a few sends; freed when they have left.
constexpr size_t kOutboxBytes = 4096;

}  // namespace

ServerShard::ServerShard(Env& env, Executor& executor)
    : io(executor), deadlines(env, executor, &ServerConnection::OnCallExpired) {}

ServerCore::ServerCore(Env& environment, RpcServerOptions settings, const std::vector<Executor*>& io)
    : env(environment), options(std::move(settings)) {
  for (Executor* executor : io) shards.push_back(std::make_unique<ServerShard>(env, *executor));
  shards_open = shards.size();
}

bool ServerCore::MayLog() {
  const int64_t second = env.clock().Monotonic().time_since_epoch().count() / 1'000'000'000;
  const MutexLock lock(mutex);
  if (std::exchange(log_second, second) != second) log_lines = 0;
  return ++log_lines <= kLogLinesPerSecond;
}

void ServerCore::ShardClosed(ServerShard& shard) {
  if (std::exchange(shard.closed, true)) return;
  Completion<Done> done;
  {
    const MutexLock lock(mutex);
    if (--shards_open > 0) return;
    done = std::move(shutdown_done);
  }
  if (done) done(Done{});
}

struct ServerConnection::PendingCall final : DeadlineWheel::Entry {
  ServerConnection* connection = nullptr;
  Opaque opaque = 0;
  Completion<proto::Command> done;
};

ServerConnection::ServerConnection(std::shared_ptr<ServerCore> core, ServerShard& shard,
                                   std::unique_ptr<Connection> connection)
    : core_(std::move(core)),
      shard_(shard),
      id_(core_->next_id.fetch_add(1, std::memory_order_relaxed)),
      connection_(std::move(connection)),
      remote_(connection_->remote()),
      local_(connection_->local()),
      remote_host_(HostOf(remote_)) {}

ServerConnection::~ServerConnection() {
  // Normally empty: Detach has ended them. Left over when the executor was stopped first.
  for (auto& [opaque, call] : calls_) shard_.deadlines.Remove(*call);
}

void ServerConnection::Accept(const std::shared_ptr<ServerCore>& core, ServerShard& shard,
                              std::unique_ptr<Connection> connection) {
  if (shard.closing) return;
  if (core->connection_count.load(std::memory_order_relaxed) >= core->options.connections_max) {
    if (core->MayLog())
      core->env.log().Warn("refused a connection: too many", {{"server", core->options.name},
                                                              {"peer", connection->remote().ToString()},
                                                              {"max", core->options.connections_max}});
    return;
  }
  core->connection_count.fetch_add(1, std::memory_order_relaxed);
  if (core->options.tls != nullptr && core->options.tls_mode != TlsMode::kDisabled)
    connection = NewConnectionRouter(std::move(connection));
  auto accepted = std::make_shared<ServerConnection>(core, shard, std::move(connection));
  shard.connections.emplace(accepted->id_, accepted);
  accepted->connection_->Start(accepted.get());
}

size_t ServerConnection::OnInput(std::string_view input) {
  if (closed()) return input.size();
  const auto self = shared_from_this();
  active_ = true;
  if (!first_seen_ && !input.empty()) {
    first_seen_ = true;
    const First first = LookAtFirstByte(input.front());
    if (first == First::kRedirected) return 0;
    if (first == First::kRefused) return input.size();
  }
  const size_t consumed = ReadFrames(input);
  return closed() ? input.size() : consumed;
}

ServerConnection::First ServerConnection::LookAtFirstByte(char first) {
  const RpcServerOptions& options = core_->options;
  const bool have_tls = options.tls != nullptr && options.tls_mode != TlsMode::kDisabled;
  if (static_cast<unsigned char>(first) == kTlsHandshakeByte) {
    if (!have_tls) {
      Drop(Status(StatusCode::kNotSupported, "the peer speaks TLS, which is disabled here"));
      return First::kRefused;
    }
    connection_ = WrapServerTls(options.tls, std::move(connection_));
    connection_->Start(this);
    return First::kRedirected;
  }
  if (have_tls && options.tls_mode == TlsMode::kEnforcing) {
    Drop(Status(StatusCode::kPermissionDenied, "the peer speaks plain text, but TLS is enforced here"));
    return First::kRefused;
  }
  return First::kPlain;
}

size_t ServerConnection::ReadFrames(std::string_view input) {
  size_t consumed = 0;
  while (!closed() && !paused_) {
    auto frame = proto::NextFrame(input.substr(consumed), limits::kFrameBytesMax);
    if (!frame.ok()) {
      Drop(frame.status().Annotate("bad frame"));
      return consumed;
    }
    if (!frame->has_value()) {
      // A peer must not park memory in unfinished frames.
      if (!HoldPartial(input.size() - consumed)) Starve();
      return consumed;
    }
    partial_units_.Release();
    MemoryBudget::Units units;
    if (!Admit((*frame)->frame_bytes, units)) return consumed;
    consumed += (*frame)->frame_bytes;
    if (const Status status = OnFrame(**frame, std::move(units)); !status.ok())
      Drop(status.Annotate("bad frame header"));
  }
  return consumed;
}

bool ServerConnection::HoldPartial(size_t bytes) {
  if (bytes <= kUncountedBytes || bytes <= partial_units_.bytes()) return true;
  partial_units_.Release();
  // Twice as much, so that a growing frame asks seldom.
  auto units = core_->budget->TryTake(2 * bytes);
  if (!units && core_->budget->bytes_in_use() == 0) units = core_->budget->TakeAnyway(bytes);
  if (!units) return false;
  partial_units_ = std::move(*units);
  return true;
}

// Whether the next frame may come in now; else reading is paused until there is room.
bool ServerConnection::Admit(size_t frame_bytes, MemoryBudget::Units& units) {
  const size_t mine = in_flight_bytes_.load(std::memory_order_relaxed) + connection_->PendingBytes();
  if (mine > 0 && mine + frame_bytes > core_->options.connection_bytes_max) {
    PauseForRoom();
    return false;
  }
  auto taken = core_->budget->TryTake(frame_bytes);
  // A frame above the whole budget must get through when nothing else is under way.
  if (!taken && core_->budget->bytes_in_use() == 0) taken = core_->budget->TakeAnyway(frame_bytes);
  if (!taken) {
    Starve();
    return false;
  }
  units = std::move(*taken);
  return true;
}

void ServerConnection::PauseForRoom() {
  paused_ = true;
  connection_->PauseReading();
  waits_for_room_.store(true);
  // What was given back before the store would wake nobody.
  MaybeResume();
}

void ServerConnection::Starve() {
  paused_ = true;
  connection_->PauseReading();
  shard_.starved.push_back(weak_from_this());
}

void ServerConnection::MaybeResume() {
  if (closed() || !waits_for_room_.load()) return;
  const size_t mine = in_flight_bytes_.load() + connection_->PendingBytes();
  if (mine > 0 && mine > core_->options.connection_bytes_max / 2) return;
  waits_for_room_.store(false);
  paused_ = false;
  connection_->ResumeReading();
}

void ServerConnection::ResumeAfterStarving() {
  if (closed() || waits_for_room_.load()) return;
  paused_ = false;
  connection_->ResumeReading();
}

void ServerConnection::FrameDone(size_t bytes) {
  in_flight_bytes_.fetch_sub(bytes);
  if (!waits_for_room_.load()) return;
  io().Post([self = shared_from_this()] { self->MaybeResume(); });
}

Status ServerConnection::OnFrame(const proto::FrameView& frame, MemoryBudget::Units units) {
  auto view = shard_.decoder.Decode(frame);
  if (!view.ok()) return view.status();
  if (view->response()) {
    OnResponse(*view);
  } else {
    OnRequest(std::move(*view), frame.frame_bytes, std::move(units));
  }
  return Status::Ok();
}

void ServerConnection::OnRequest(proto::CommandView view, size_t frame_bytes, MemoryBudget::Units units) {
  in_flight_bytes_.fetch_add(frame_bytes, std::memory_order_relaxed);
  const int32_t code = view.code;
  auto rep = std::make_unique<ServerRequest::Rep>(shared_from_this(), std::move(view), frame_bytes,
                                                  std::move(units));
  const auto found = core_->handlers.find(code);
  if (found == core_->handlers.end()) {
    ServerRequest::Rep::Answer(std::move(rep), {proto::ResponseCode::kRequestCodeNotSupported,
                                                StrCat(" request type ", code, " not supported"),
                                                {},
                                                {}});
    return;
  }
  ServerCore::Handler& handler = *found->second;
  if (handler.executor == nullptr) {
    handler.handle(ServerRequest(std::move(rep)));
    return;
  }
  if (handler.pending.fetch_add(1, std::memory_order_relaxed) >= handler.pending_max) {
    handler.pending.fetch_sub(1, std::memory_order_relaxed);
    ServerRequest::Rep::Answer(
        std::move(rep),
        {proto::ResponseCode::kSystemBusy, "[OVERLOAD]system busy, start flow control for a while", {}, {}});
    return;
  }
  rep->waiting_for = &handler;
  rep->Retain();
  ServerRequest::Rep* const waiting = rep.get();
  // Refused only when the executor is stopped: the request is dropped then, which answers it.
  (void)handler.executor->Post([request = ServerRequest(std::move(rep)), waiting, &handler]() mutable {
    waiting->waiting_for = nullptr;
    handler.pending.fetch_sub(1, std::memory_order_relaxed);
    handler.handle(std::move(request));
  });
}

void ServerConnection::OnResponse(const proto::CommandView& view) {
  const auto found = calls_.find(view.opaque);
  if (found == calls_.end()) return;  // Late, repeated or invented.
  const std::unique_ptr<PendingCall> call = std::move(found->second);
  calls_.erase(found);
  shard_.deadlines.Remove(*call);
  call->done(proto::ToOwned(view));
}

void ServerConnection::Call(proto::Command request, Duration timeout, Completion<proto::Command> done) {
  const MonoTime deadline = core_->env.clock().Monotonic() + timeout;
  // Always later, so that `done` never runs inside Call.
  (void)io().Post(
      [self = shared_from_this(), request = std::move(request), deadline, done = std::move(done)]() mutable {
        self->StartCall(std::move(request), deadline, std::move(done));
      });
}

void ServerConnection::StartCall(proto::Command request, MonoTime deadline, Completion<proto::Command> done) {
  if (closed()) {
    done(Status(StatusCode::kUnavailable, "the connection of " + remote_.ToString() + " is closed"));
    return;
  }
  if (calls_.size() >= limits::kPendingCallsPerConnectionMax) {
    done(Status(StatusCode::kBusy, "too many calls to " + remote_.ToString() + " wait for an answer"));
    return;
  }
  auto call = std::make_unique<PendingCall>();
  call->connection = this;
  call->opaque = request.opaque = next_opaque_;
  next_opaque_ = next_opaque_ == INT32_MAX ? 1 : next_opaque_ + 1;
  request.flag = 0;
  auto frame = proto::EncodeFrame(request, proto::SerializeType::kJson);
  if (!frame.ok()) {
    done(frame.status());
    return;
  }
  call->done = std::move(done);
  PendingCall& queued = *call;
  if (!calls_.emplace(queued.opaque, std::move(call)).second) return;
  shard_.deadlines.Add(queued, deadline);
  Send(std::move(*frame));
}

void ServerConnection::OnCallExpired(DeadlineWheel::Entry& entry) {
  auto& call = static_cast<PendingCall&>(entry);
  ServerConnection& connection = *call.connection;
  const auto found = connection.calls_.find(call.opaque);
  const std::unique_ptr<PendingCall> mine = std::move(found->second);
  connection.calls_.erase(found);
  mine->done(Status(StatusCode::kTimeout, connection.remote_.ToString() + " did not answer in time"));
}

void ServerConnection::Oneway(proto::Command request) {
  request.flag = proto::kFlagOneway;
  request.opaque = 0;
  auto frame = proto::EncodeFrame(request, proto::SerializeType::kJson);
  if (!frame.ok()) {
    core_->env.log().Error("a one-way request cannot be encoded", {{"reason", frame.status().ToString()}});
    return;
  }
  // From a handler it leaves before that handler's reply, which peers may rely on.
  if (io().Current()) return Send(std::move(*frame));
  std::string joined;
  joined.reserve(ChainBytes(*frame));
  for (const Bytes& piece : *frame) joined.append(piece.view());
  SendFromAnywhere(std::move(joined));
}

void ServerConnection::SendFromAnywhere(std::string frame) {
  {
    const MutexLock lock(outbox_mutex_);
    if (!outbox_.empty()) {
      outbox_.append(frame);
      return;
    }
    outbox_.reserve(kOutboxBytes);
    outbox_.append(frame);
  }
  (void)io().Post([self = shared_from_this()] { self->FlushOutbox(); });
}

void ServerConnection::FlushOutbox() {
  std::string frames;
  {
    const MutexLock lock(outbox_mutex_);
    frames.swap(outbox_);
  }
  Send({Bytes(std::move(frames))});
}

void ServerConnection::Send(BytesChain frame) {
  if (closed()) return;
  active_ = true;
  connection_->Write(std::move(frame));
  const size_t pending = connection_->PendingBytes();
  // Far beyond where its requests stopped being read: it takes nothing, yet is sent more and more.
  const size_t hard = 2 * core_->options.connection_bytes_max + limits::kFrameBytesMax;
  if (pending > hard) {
    Drop(Status(StatusCode::kResourceExhausted, StrCat("the peer left ", pending, " bytes unread")));
  } else if (pending > kUncountedBytes && pending > reply_units_.bytes()) {
    reply_units_.Release();
    reply_units_ = core_->budget->TakeAnyway(pending + pending / 4);
  }
}

void ServerConnection::OnDrained() {
  if (closed()) return;
  active_ = true;
  if (connection_->PendingBytes() == 0) reply_units_.Release();
  MaybeResume();
}

void ServerConnection::Close() {
  (void)io().Post([self = shared_from_this()] { self->Drop(Status::Ok()); });
}

void ServerConnection::CloseAfterFlush() {
  if (!closed()) connection_->CloseAfterFlush();
}

void ServerConnection::Tick() {
  quiet_ticks_ = std::exchange(active_, false) ? 0 : quiet_ticks_ + 1;
  if (quiet_ticks_ < kQuietTicksMax) return;
  core_->env.log().Debug("closing an idle connection", {{"peer", remote_.ToString()}});
  Drop(Status::Ok());
}

void ServerConnection::OnClosed(const Status& why) {
  if (closed()) return;
  if (!why.ok())
    core_->env.log().Debug("a connection ended", {{"peer", remote_.ToString()}, {"reason", why.ToString()}});
  Detach();
}

void ServerConnection::Drop(const Status& why) {
  if (closed()) return;
  if (!why.ok() && core_->MayLog())
    core_->env.log().Warn(
        "closing a connection",
        {{"server", core_->options.name}, {"peer", remote_.ToString()}, {"reason", why.ToString()}});
  connection_->PauseReading();
  Detach();
}

void ServerConnection::Detach() {
  const auto self = shared_from_this();
  closed_.store(true, std::memory_order_release);
  partial_units_.Release();
  reply_units_.Release();
  // Later: this may be inside one of its calls. Until then it may tell us of events.
  (void)io().Post([self, dead = std::move(connection_)]() mutable { dead.reset(); });
  auto calls = std::exchange(calls_, {});
  for (auto& [opaque, call] : calls) {
    shard_.deadlines.Remove(*call);
    call->done(Status(StatusCode::kUnavailable, "the connection of " + remote_.ToString() + " was closed"));
  }
  shard_.connections.erase(id_);
  core_->connection_count.fetch_sub(1, std::memory_order_relaxed);
  if (core_->on_peer_closed) core_->on_peer_closed(self);
  if (shard_.closing && shard_.connections.empty()) core_->ShardClosed(shard_);
}

ServerRequest::Rep::~Rep() {
  if (waiting_for != nullptr) waiting_for->pending.fetch_sub(1, std::memory_order_relaxed);
  units.Release();
  connection().FrameDone(frame_bytes);
}

proto::Command ServerRequest::Rep::ResponseCommand() const {
  proto::Command command;
  command.flag = proto::kFlagResponse;
  command.opaque = view.opaque;
  return command;
}

// Copies what the request points to: every string into one block, the entries beside it.
void ServerRequest::Rep::Retain() {
  if (retained != nullptr) return;
  size_t bytes = view.remark.size() + view.body.size();
  for (const auto& [key, value] : view.ext) bytes += key.size() + value.size();
  retained = std::make_unique_for_overwrite<char[]>(std::max<size_t>(bytes, 1));
  char* to = retained.get();
  const auto move_over = [&to](std::string_view& text) {
    if (!text.empty()) std::memcpy(to, text.data(), text.size());
    text = {to, text.size()};
    to += text.size();
  };
  move_over(view.remark);
  retained_ext.assign(view.ext.begin(), view.ext.end());
  view.ext = retained_ext;
  for (auto& [key, value] : view.ext) {
    move_over(key);
    move_over(value);
  }
  move_over(view.body);
}

void ServerRequest::Rep::Answer(std::unique_ptr<Rep> rep, Response response) {
  if (rep->settled || rep->view.oneway()) {
    rep->settled = true;
    return;
  }
  proto::Command command = rep->ResponseCommand();
  command.code = response.code;
  command.remark = std::move(response.remark);
  command.ext = std::move(response.ext);
  command.body = std::move(response.body);
  auto head = proto::EncodeFrameHead(command, rep->view.serialize);
  if (!head.ok()) {
    proto::Command refusal = rep->ResponseCommand();
    refusal.code = proto::ResponseCode::kSystemError;
    refusal.remark = StrCat("the answer (code ", response.code, ") cannot be sent: ", head.status().text());
    head = proto::EncodeFrameHead(refusal, rep->view.serialize);
    ORBITMQ_CHECK(head.ok(), "a short error reply can always be encoded");
    command.body.clear();
  }
  SendReply(std::move(rep), *std::move(head), std::move(command.body));
}

void ServerRequest::Rep::SendReply(std::unique_ptr<Rep> rep, std::string head, BytesChain body) {
  if (std::exchange(rep->settled, true) || rep->view.oneway()) return;
  ServerConnection& connection = rep->connection();
  const bool here = connection.io().Current();
  if (!here && body.empty()) return connection.SendFromAnywhere(std::move(head));
  BytesChain frame;
  frame.reserve(1 + body.size());
  frame.emplace_back(std::move(head));
  for (Bytes& piece : body) {
    if (!piece.empty()) frame.push_back(std::move(piece));
  }
  if (here) return connection.Send(std::move(frame));
  // The request's memory is given back on the way, when the reply counts instead.
  (void)connection.io().Post([rep = std::move(rep), chain = std::move(frame)]() mutable {
    rep->connection().Send(std::move(chain));
  });
}

ServerRequest::ServerRequest(std::unique_ptr<Rep> rep) : rep_(std::move(rep)) {}
ServerRequest::ServerRequest(ServerRequest&&) noexcept = default;

ServerRequest& ServerRequest::operator=(ServerRequest&& other) noexcept {
  if (this != &other) {
    ServerRequest dropped(std::move(rep_));
    rep_ = std::move(other.rep_);
  }
  return *this;
}

ServerRequest::~ServerRequest() {
  if (rep_ == nullptr || rep_->settled || rep_->view.oneway()) return;
  Reply({proto::ResponseCode::kSystemError, "the request was dropped without an answer", {}, {}});
}

const proto::CommandView& ServerRequest::command() const { return rep_->view; }
const std::shared_ptr<Peer>& ServerRequest::peer() const { return rep_->peer; }
void ServerRequest::Retain() { rep_->Retain(); }

void ServerRequest::Reply(Response response) {
  ORBITMQ_CHECK(rep_ != nullptr, "a request is answered once");
  Rep::Answer(std::move(rep_), std::move(response));
}

void ServerRequest::ReplyFrame(std::string head, BytesChain body) {
  ORBITMQ_CHECK(rep_ != nullptr, "a request is answered once");
  Rep::SendReply(std::move(rep_), std::move(head), std::move(body));
}

proto::Command ServerRequest::response_command() const { return rep_->ResponseCommand(); }

void ServerRequest::Abandon() {
  ORBITMQ_CHECK(rep_ != nullptr, "a request is answered once");
  rep_->settled = true;
  rep_.reset();
}

}  // namespace orbitmq::net
