// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "common/bytes.h"
#include "common/completion.h"
#include "common/endpoint.h"
#include "common/executor.h"

namespace orbitmq {

// Receives what happens on one Connection; all calls come on the connection's executor.
class ConnectionEvents {
 public:
  virtual ~ConnectionEvents() = default;
  // `input` is everything received and not yet consumed. Returns how many bytes from its front are done with;
  // the rest is presented again, with more behind it, when more has come. Views into it end with the call.
  virtual size_t OnInput(std::string_view input) = 0;
  // Everything handed to Write has left (or fell below the low-water mark after PendingBytes was high).
  virtual void OnDrained() = 0;
  // The last event. `why` is OK when the peer closed in order. The connection is dead; destroy it at will
  // (also from inside this call).
  virtual void OnClosed(const Status& why) = 0;
};

// A byte stream pinned to one executor for life. Destroying it closes it at once, without OnClosed.
//
// Threads: every method on executor() only. It is created there too.
class Connection {
 public:
  virtual ~Connection() = default;
  // Starts to read; `events` must outlive the connection. Called once.
  virtual void Start(ConnectionEvents* events) = 0;
  // Queues the pieces in order; never blocks, never fails (a broken link is told by OnClosed).
  virtual void Write(BytesChain pieces) = 0;
  // Bytes handed to Write that have not left yet.
  virtual size_t PendingBytes() const = 0;
  // Stops and resumes OnInput; what the peer sends meanwhile stays in the kernel (back-pressure).
  virtual void PauseReading() = 0;
  virtual void ResumeReading() = 0;
  // Sends what is pending (bounded by a few seconds), then closes; OnClosed follows.
  virtual void CloseAfterFlush() = 0;
  virtual const Endpoint& local() const = 0;
  virtual const Endpoint& remote() const = 0;
  virtual Executor& executor() const = 0;
};

class Listener {
 public:
  virtual ~Listener() = default;  // Stops accepting; accepted connections live on.
  // The address in use; tells the port when 0 was asked for.
  virtual const Endpoint& local() const = 0;
};

// Called on the executor that the new connection is pinned to, before any input.
using AcceptHandler = std::shared_ptr<UniqueFunction<void(std::unique_ptr<Connection>)>>;

struct ListenOptions {
  Endpoint address;                  // Port 0 = any free one. Host "" or "0.0.0.0" = every address.
  std::vector<Executor*> executors;  // kIo executors; connections are spread over them in turn.
};

// Threads: Listen and Connect from any thread.
class Network {
 public:
  virtual ~Network() = default;
  // kAlreadyExists when the port is in use (text names it); kIoError otherwise.
  virtual Result<std::unique_ptr<Listener>> Listen(const ListenOptions& options, AcceptHandler on_accept) = 0;
  // Resolves the host (off the loop), connects within `timeout`, ends on `on`. kUnavailable when refused,
  // unreachable, unresolvable or late.
  virtual void Connect(const Endpoint& to, Executor& on, Duration timeout,
                       Completion<std::unique_ptr<Connection>> done) = 0;
};

}  // namespace orbitmq
