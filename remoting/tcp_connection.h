// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "common/network.h"
#include "remoting/event_loop.h"

struct event;
struct sockaddr;

namespace orbitmq::net {

// A file descriptor that is closed with its owner.
class Socket final {
 public:
  Socket() = default;
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept;
  ~Socket() { Close(); }
  int fd() const { return fd_; }
  void Close();

 private:
  int fd_ = -1;
};

// Numeric host and port; IPv4 addresses mapped into IPv6 are written as IPv4.
Endpoint EndpointOf(const sockaddr* address);
// "operation peer: reason of errno".
Status SocketError(StatusCode code, std::string_view operation, int error);

// A Connection on a non-blocking TCP socket.
//
// Reading: one recv of at most 256 KiB per turn, into memory shared by the loop; only what the consumer
// leaves over is kept per connection, so an idle connection owns no buffer. Writing: pieces are gathered and
// leave with one sendmsg at the end of the turn.
class TcpConnection final : public Connection, private TurnHook {
 public:
  // The socket is connected and non-blocking. On the executor.
  TcpConnection(Socket socket, ThreadExecutor& executor);
  ~TcpConnection() override;

  void Start(ConnectionEvents* events) override;
  void Write(BytesChain pieces) override;
  size_t PendingBytes() const override { return pending_bytes_; }
  void PauseReading() override;
  void ResumeReading() override;
  void CloseAfterFlush() override;
  const Endpoint& local() const override { return local_; }
  const Endpoint& remote() const override { return remote_; }
  Executor& executor() const override { return executor_; }

 private:
  // Bytes that wait to be sent: small pieces are copied together, large ones are held by reference.
  struct Outgoing {
    std::string copied;
    Bytes shared;
    std::string_view view() const { return shared.empty() ? std::string_view(copied) : shared.view(); }
  };
  // What OnInput has left over.
  struct Leftover {
    std::unique_ptr<char[]> memory;
    size_t size = 0;
    size_t capacity = 0;
  };

  static void OnReadable(int fd, short what, void* self);
  static void OnWritable(int fd, short what, void* self);
  void OnTurnEnd() override;
  void ReadOnce();
  void Deliver(char* from, size_t size);
  void KeepLeftover(const char* from, size_t size);
  void ReserveLeftover(size_t capacity);
  void PeerEnded();
  bool SendOnce();
  void ConsumeSent(size_t sent);
  void Fail(const Status& why);
  void StopWatching();

  ThreadExecutor& executor_;
  Socket socket_;
  Endpoint local_;
  Endpoint remote_;
  ConnectionEvents* events_ = nullptr;
  event* read_event_ = nullptr;
  event* write_event_ = nullptr;
  Leftover leftover_;
  std::deque<Outgoing> outgoing_;
  size_t first_sent_ = 0;  // Bytes of outgoing_.front() that have left already.
  size_t pending_bytes_ = 0;
  bool reading_ = false;
  bool write_blocked_ = false;
  bool was_high_ = false;   // PendingBytes was above the high-water mark.
  bool closing_ = false;    // CloseAfterFlush was called.
  bool redeliver_ = false;  // Present the leftover again although nothing new has come.
  bool peer_ended_ = false;
  Timer close_timer_;
  bool* destroyed_ = nullptr;  // Set by the destructor for the frame that calls out.
};

}  // namespace orbitmq::net
