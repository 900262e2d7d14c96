// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/env.h"
#include "common/limits.h"
#include "common/memory_budget.h"
#include "common/message_codec.h"
#include "remoting/protocol/command.h"
#include "remoting/tls.h"

namespace orbitmq::net {

// One connection of a peer, as handlers see it. Shared; outlives the socket (calls on a closed one fail).
// Threads: any.
class Peer {
 public:
  virtual ~Peer() = default;
  virtual uint64_t id() const = 0;  // Unique in this process, never reused.
  virtual const Endpoint& remote() const = 0;
  // remote() in the form of records; zeros when it is no address literal.
  virtual const HostAddress& remote_host() const = 0;
  virtual const Endpoint& local() const = 0;
  virtual bool closed() const = 0;
  // Server-initiated request; `done` is called on the connection's io executor: with the peer's response,
  // kTimeout, or kUnavailable when the connection is gone.
  virtual void Call(proto::Command request, Duration timeout, Completion<proto::Command> done) = 0;
  virtual void Oneway(proto::Command request) = 0;
  virtual void Close() = 0;
};

// What a handler answers with. The server adds opaque, flag, version, language and the serialize type.
struct Response {
  int32_t code = 0;  // proto::ResponseCode.
  std::string remark;
  proto::ExtFields ext;
  BytesChain body;
};

// One request under way. Move-only; Reply exactly once, from any thread. Dropping one that wants an answer
// sends SYSTEM_ERROR, so that no caller hangs; dropping a one-way one is fine.
// The memory of the frame counts against the budgets until this object and its reply are gone.
class ServerRequest final {
 public:
  class Rep;  // Shared with the server.
  explicit ServerRequest(std::unique_ptr<Rep> rep);
  ServerRequest(ServerRequest&&) noexcept;
  ServerRequest& operator=(ServerRequest&&) noexcept;
  ~ServerRequest();

  // For handlers without an executor the view lasts until the handler returns (copy what must live longer:
  // Retain() pins the bytes); for handlers with one, as long as this object.
  const proto::CommandView& command() const;
  const std::shared_ptr<Peer>& peer() const;
  // Copies the frame if needed so that command() lasts as long as this object.
  void Retain();
  void Reply(Response response);
  // For replies made with ReplyTyped: a frame head that EncodeFrameHead wrote for response_command(), and the
  // body pieces behind it.
  void ReplyFrame(std::string head, BytesChain body);
  // A success response to this request, without header and body.
  proto::Command response_command() const;
  // For requests that are not answered on purpose (a pull whose consumer is gone).
  void Abandon();

 private:
  std::unique_ptr<Rep> rep_;
};

using RequestHandler = UniqueFunction<void(ServerRequest)>;

enum class TlsMode : uint8_t { kDisabled, kPermissive, kEnforcing };

struct RpcServerOptions {
  std::vector<Endpoint> listen = {};          // At least one; port 0 = any free one.
  std::vector<Endpoint> listen_if_free = {};  // Taken ports only warn (the VIP port).
  TlsMode tls_mode = TlsMode::kPermissive;    // Permissive without a context behaves like disabled.
  std::shared_ptr<TlsContext> tls = {};       // Null = no TLS.
  Duration idle_close = std::chrono::seconds(120);
  // Requests and replies in flight of one connection, and of all; above, reading pauses.
  size_t connection_bytes_max = limits::kConnectionBytesInFlightMax;
  size_t total_bytes_max = limits::kServerBytesInFlightMax;
  size_t connections_max = limits::kConnectionsMax;
  std::string name = {};  // For logs: "broker", "namesrv".
};

// The serving side of the remoting protocol: decodes frames, finds the handler, sends replies.
//
// Threads: Handle before Start; handlers run on the connection's io executor (inline) or on the given one.
// Invariants: (1) every two-way request gets exactly one response frame or its connection closes; (2) a frame
// that does not decode closes its connection and nothing else, with a log line naming peer and reason; (3) an
// unknown code is answered REQUEST_CODE_NOT_SUPPORTED (3) with " request type N not supported".
class RpcServer {
 public:
  // `io` executors must be of kind kIo and outlive the server.
  static std::unique_ptr<RpcServer> New(Env& env, RpcServerOptions options, std::vector<Executor*> io);
  virtual ~RpcServer() = default;

  // `executor` null: inline on the io executor (must not block). At most `pending_max` requests of this code
  // wait for a busy executor, then SYSTEM_BUSY (2) is answered at once.
  virtual void Handle(int32_t code, Executor* executor, RequestHandler handler,
                      size_t pending_max = 10000) = 0;
  // Called for every accepted connection's end, on its io executor.
  virtual void OnPeerClosed(UniqueFunction<void(const std::shared_ptr<Peer>&)> listener) = 0;
  // Listens. kAlreadyExists names the port in use. Then local_endpoints() tells the ports.
  virtual Status Start() = 0;
  virtual const std::vector<Endpoint>& local_endpoints() const = 0;
  virtual size_t connection_count() const = 0;
  // Stops accepting and closes every connection after its pending writes; ends on any executor.
  virtual void Shutdown(Completion<Done> done) = 0;
};

}  // namespace orbitmq::net
