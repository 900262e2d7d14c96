// SPDX-License-Identifier: Apache-2.0
#include "test/remoting/net_fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/bytes.h"
#include "remoting/protocol/command_codec.h"

namespace orbitmq::net {

RawPeer::RawPeer(const Endpoint& to) {
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  timeval patience = {kPatience.count(), 0};
  setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(to.port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) return;
  close(fd_);
  fd_ = -1;
}

RawPeer::~RawPeer() {
  if (fd_ >= 0) close(fd_);
}

bool RawPeer::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

size_t RawPeer::SendSome(std::string_view bytes) {
  const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return sent > 0 ? static_cast<size_t>(sent) : 0;
}

std::string RawPeer::Receive(size_t bytes) {
  std::string text(bytes, '\0');
  size_t have = 0;
  while (have < bytes) {
    const ssize_t got = recv(fd_, text.data() + have, bytes - have, 0);
    if (got <= 0) break;
    have += static_cast<size_t>(got);
  }
  text.resize(have);
  return text;
}

std::string RawPeer::ReceiveFrame() {
  const std::string length = Receive(4);
  if (length.size() < 4) return {};
  return Receive(LoadBig<uint32_t>(length.data()));
}

bool RawPeer::WaitClosed() {
  char byte = 0;
  for (;;) {
    const ssize_t got = recv(fd_, &byte, 1, 0);
    if (got == 0) return true;
    if (got < 0) return errno == ECONNRESET;
  }
}

void RawPeer::ShutdownWrite() { shutdown(fd_, SHUT_WR); }

void RawPeer::Reset() {
  const linger now = {1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  close(fd_);
  fd_ = -1;
}

std::string RequestFrame(int32_t code, Opaque opaque, std::string body, int32_t flag) {
  proto::Command command;
  command.code = code;
  command.opaque = opaque;
  command.flag = flag;
  if (!body.empty()) command.body.push_back(Bytes(std::move(body)));
  std::string frame;
  const auto pieces = proto::EncodeFrame(command, proto::SerializeType::kJson);
  for (const Bytes& piece : *pieces) frame.append(piece.view());
  return frame;
}

std::string FrameOf(std::string_view header, std::string_view body, uint8_t type) {
  std::string frame;
  ByteWriter writer(frame);
  writer.Write(static_cast<uint32_t>(4 + header.size() + body.size()));
  writer.Write((static_cast<uint32_t>(type) << 24) | static_cast<uint32_t>(header.size()));
  writer.WriteBytes(header);
  writer.WriteBytes(body);
  return frame;
}

RpcTest::RpcTest() : env_(NewRealEnv(log_)) {
  for (const char* name : {"io0", "io1"}) io_.push_back(env_->NewExecutor({name, ExecutorKind::kIo}));
  worker_ = env_->NewExecutor({"worker", ExecutorKind::kCpu});
  loop_ = env_->NewExecutor({"loop", ExecutorKind::kIo});
}

RpcTest::~RpcTest() {
  ReleaseHeld();
  ShutdownClient();
  ShutdownServer();
  worker_->Stop();
  last_peer_.reset();
}

void RpcTest::AddHandlers(RpcServer& server) {
  const auto echo = [](ServerRequest request) {
    Response response;
    response.remark = std::string(request.command().remark);
    for (const auto& [key, value] : request.command().ext) response.ext.Set(key, std::string(value));
    response.body.push_back(Bytes::Copy(request.command().body));
    request.Reply(std::move(response));
  };
  server.Handle(kEcho, nullptr, echo);
  server.Handle(kEchoLater, worker_.get(), echo);
  server.Handle(kDrop, nullptr, [this](ServerRequest request) {
    if (request.command().oneway()) oneways_.Add();
  });
  server.Handle(kHold, nullptr, [this](ServerRequest request) {
    request.Retain();
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      last_peer_ = request.peer();
      held_.push_back(std::move(request));
    }
    held_count_.Add();
  });
  server.Handle(kAbandon, nullptr, [this](ServerRequest request) {
    request.Abandon();
    held_count_.Add();
  });
  server.OnPeerClosed([this](const std::shared_ptr<Peer>& peer) {
    EXPECT_TRUE(peer->closed());
    peers_closed_.Add();
  });
}

void RpcTest::StartServer(RpcServerOptions options) {
  if (options.listen.empty()) options.listen = {{"127.0.0.1", 0}};
  if (options.name.empty()) options.name = "test";
  std::vector<Executor*> io;
  for (const auto& executor : io_) io.push_back(executor.get());
  server_ = RpcServer::New(*env_, std::move(options), io);
  AddHandlers(*server_);
  const Status status = server_->Start();
  ASSERT_TRUE(status.ok()) << status.ToString();
}

RpcClient& RpcTest::Client(RpcClientOptions options) {
  if (client_ == nullptr) client_ = RpcClient::New(*env_, std::move(options), *loop_);
  return *client_;
}

RpcClientOptions RpcTest::QuickClient() {
  RpcClientOptions options;
  options.backoff_min = options.backoff_max = std::chrono::milliseconds(1);
  return options;
}

Slot<proto::Command> RpcTest::StartCall(int32_t code, std::string body, Duration timeout) {
  proto::Command request;
  request.code = code;
  if (!body.empty()) request.body.push_back(Bytes(std::move(body)));
  Slot<proto::Command> slot;
  Client().Call(server_endpoint(), std::move(request), timeout, slot.completion());
  return slot;
}

Result<proto::Command> RpcTest::CallAt(const Endpoint& to, int32_t code, std::string body, Duration timeout) {
  proto::Command request;
  request.code = code;
  if (!body.empty()) request.body.push_back(Bytes(std::move(body)));
  Slot<proto::Command> slot;
  Client().Call(to, std::move(request), timeout, slot.completion());
  return slot.Wait();
}

Result<proto::Command> RpcTest::Call(int32_t code, std::string body, Duration timeout) {
  return CallAt(server_endpoint(), code, std::move(body), timeout);
}

void RpcTest::ReleaseHeld() {
  std::vector<ServerRequest> held;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    held.swap(held_);
  }
  for (ServerRequest& request : held) request.Reply({0, {}, {}, {Bytes::Copy(request.command().body)}});
}

void RpcTest::ShutdownServer() {
  if (server_ == nullptr) return;
  Slot<Done> done;
  server_->Shutdown(done.completion());
  EXPECT_TRUE(done.Wait().ok());
  server_.reset();
}

void RpcTest::ShutdownClient() {
  if (client_ == nullptr) return;
  RunOn(*loop_, [this] { client_->Shutdown(); });
  client_.reset();
}

bool RpcTest::Logged(std::string_view text) { return log_.Contains(text); }

}  // namespace orbitmq::net
