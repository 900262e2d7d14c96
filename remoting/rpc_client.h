// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "common/env.h"
#include "common/limits.h"
#include "remoting/protocol/command.h"
#include "remoting/tls.h"

namespace orbitmq::net {

struct RpcClientOptions {
  Duration connect_timeout = std::chrono::seconds(3);
  Duration idle_close = std::chrono::seconds(120);
  // Reconnect back-off after a failed connect: doubles from min to max, with jitter of a half. While it runs,
  // calls fail at once with kUnavailable and the reason of the last failure.
  Duration backoff_min = std::chrono::milliseconds(50);
  Duration backoff_max = std::chrono::seconds(5);
  // Of requests not yet written; above: kBusy.
  size_t in_flight_bytes_max = limits::kClientBytesInFlightMax;
  std::shared_ptr<TlsContext> tls = {};  // Null = plain text. Host names are verified by the context.
  proto::SerializeType serialize = proto::SerializeType::kJson;
};

// The calling side of the remoting protocol: one connection per endpoint, opened on demand, requests
// pipelined over it and matched by opaque.
//
// Threads: Call, Oneway and Close from any thread; everything else, completions included, on the executor
// given to New. Invariants: (1) every Call ends exactly once: response, kTimeout (nothing left this process),
// kUnknown (it may have reached the peer), kUnavailable (it did not), kBusy, or kCancelled by Shutdown; (2) a
// response with an error code is a success here: the caller maps it (proto::StatusFromResponse).
class RpcClient {
 public:
  // `loop` must be of kind kIo and outlive the client.
  static std::unique_ptr<RpcClient> New(Env& env, RpcClientOptions options, Executor& loop);
  virtual ~RpcClient() = default;

  virtual void Call(const Endpoint& to, proto::Command request, Duration timeout,
                    Completion<proto::Command> done) = 0;
  // Best effort; the Status tells only of local refusals.
  virtual Status Oneway(const Endpoint& to, proto::Command request) = 0;

  // A server-initiated request.
  struct Incoming {
    Endpoint from;
    const proto::CommandView& command;
    // Call at most once with the response; dropping it answers nothing.
    UniqueFunction<void(proto::Command response)> reply;
  };
  // Before the first call. Unknown codes are answered REQUEST_CODE_NOT_SUPPORTED.
  virtual void HandleIncoming(int32_t code, UniqueFunction<void(Incoming)> handler) = 0;
  virtual void OnConnectionClosed(UniqueFunction<void(const Endpoint&)> listener) = 0;

  virtual void CloseConnection(const Endpoint& to) = 0;
  // Ends once every request handed over so far has left this process or cannot any more, after `within` at
  // the latest: what to wait for before Shutdown, which drops unsent one-way requests. On the loop only.
  virtual void Flush(Duration within, Completion<Done> done) = 0;
  // Ends every pending call with kCancelled (or kUnknown if it had left) and closes all connections.
  // On the loop only.
  virtual void Shutdown() = 0;
};

}  // namespace orbitmq::net
