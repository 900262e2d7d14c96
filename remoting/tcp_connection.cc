// SPDX-License-Identifier: Apache-2.0
#include "remoting/tcp_connection.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>

#include <event2/event.h>

#include "common/limits.h"

namespace orbitmq::net {
namespace {

// A leftover up to this size is copied in front of the next read; a longer one is a large frame under way,
// which is read into memory of its own.
constexpr size_t kShortLeftoverBytes = size_t{64} << 10;
// Pieces up to this size are copied together: cheaper than an iovec and a reference each.
constexpr size_t kCopiedPieceBytes = 1024;
constexpr size_t kCopiedRunBytes = size_t{64} << 10;
constexpr size_t kPiecesPerSend = 256;  // At most IOV_MAX (1024).
constexpr size_t kBytesPerSend = size_t{4} << 20;
// How long CloseAfterFlush waits for a peer that does not read.
constexpr Duration kFlushTime = std::chrono::seconds(3);

}  // namespace

Socket& Socket::operator=(Socket&& other) noexcept {
  if (this != &other) {
    Close();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

void Socket::Close() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

Endpoint EndpointOf(const sockaddr* address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address->sa_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(address);
    inet_ntop(AF_INET, &v4->sin_addr, text, sizeof(text));
    return {text, ntohs(v4->sin_port)};
  }
  if (address->sa_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address);
    if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
      inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], text, sizeof(text));
    } else {
      inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof(text));
    }
    return {text, ntohs(v6->sin6_port)};
  }
  return {};
}

Status SocketError(StatusCode code, std::string_view operation, int error) {
  return {code, std::string(operation) + ": " + std::generic_category().message(error)};
}

TcpConnection::TcpConnection(Socket socket, ThreadExecutor& executor)
    : executor_(executor), socket_(std::move(socket)) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  if (getsockname(socket_.fd(), reinterpret_cast<sockaddr*>(&address), &size) == 0)
    local_ = EndpointOf(reinterpret_cast<const sockaddr*>(&address));
  size = sizeof(address);
  if (getpeername(socket_.fd(), reinterpret_cast<sockaddr*>(&address), &size) == 0)
    remote_ = EndpointOf(reinterpret_cast<const sockaddr*>(&address));
  const int on = 1;
  setsockopt(socket_.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  setsockopt(socket_.fd(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
  event_base* base = executor_.loop()->base();
  read_event_ = event_new(base, socket_.fd(), EV_READ | EV_PERSIST, &TcpConnection::OnReadable, this);
  write_event_ = event_new(base, socket_.fd(), EV_WRITE | EV_PERSIST, &TcpConnection::OnWritable, this);
  ORBITMQ_CHECK(read_event_ != nullptr && write_event_ != nullptr, "libevent: out of memory");
}

TcpConnection::~TcpConnection() {
  ORBITMQ_CHECK(executor_.Current() || executor_.ended(), "a connection dies on its own executor");
  if (destroyed_ != nullptr) *destroyed_ = true;
  executor_.loop()->Forget(this);
  event_free(read_event_);
  event_free(write_event_);
}

void TcpConnection::Start(ConnectionEvents* events) {
  CHECK_ON(executor_);
  ORBITMQ_CHECK(events_ == nullptr, "Connection::Start called twice");
  events_ = events;
  ResumeReading();
}

void TcpConnection::PauseReading() {
  CHECK_ON(executor_);
  if (!std::exchange(reading_, false)) return;
  event_del(read_event_);
}

void TcpConnection::ResumeReading() {
  CHECK_ON(executor_);
  if (closing_ || socket_.fd() < 0 || std::exchange(reading_, true)) return;
  event_add(read_event_, nullptr);
  if (leftover_.size > 0 || peer_ended_) {
    // Not from here: nobody expects OnInput inside ResumeReading.
    redeliver_ = true;
    event_active(read_event_, EV_READ, 0);
  }
}

void TcpConnection::OnReadable(int, short, void* self) { static_cast<TcpConnection*>(self)->ReadOnce(); }

void TcpConnection::ReadOnce() {
  executor_.loop()->NoteInput();
  if (!reading_) return;
  const std::span<char> scratch = executor_.loop()->scratch();
  const bool into_scratch = leftover_.size <= kShortLeftoverBytes;
  size_t room = scratch.size();
  char* start = scratch.data();
  if (!into_scratch) {
    // A large frame grows its memory by doubling: cost in proportion to what really came.
    if (leftover_.capacity - leftover_.size < kShortLeftoverBytes) ReserveLeftover(2 * leftover_.size);
    start = leftover_.memory.get();
    room = std::min(leftover_.capacity - leftover_.size, scratch.size());
  } else {
    room -= leftover_.size;
  }
  const ssize_t got = recv(socket_.fd(), start + leftover_.size, room, 0);
  if (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
    Fail(SocketError(StatusCode::kUnavailable, "connection with " + remote_.ToString() + " broke", errno));
    return;
  }
  const size_t fresh = got > 0 ? static_cast<size_t>(got) : 0;
  if (got == 0) peer_ended_ = true;
  if (fresh > 0 || (std::exchange(redeliver_, false) && leftover_.size > 0)) {
    const size_t size = leftover_.size + fresh;
    if (into_scratch && leftover_.size > 0) std::memcpy(start, leftover_.memory.get(), leftover_.size);
    bool destroyed = false;
    destroyed_ = &destroyed;
    Deliver(start, size);
    if (destroyed) return;
    destroyed_ = nullptr;
  }
  if (peer_ended_ && reading_) PeerEnded();
}

// Hands `size` bytes at `from` (the scratch or the leftover's memory) to the consumer and keeps the rest.
// The caller has set destroyed_.
void TcpConnection::Deliver(char* from, size_t size) {
  const bool* destroyed = destroyed_;
  const size_t consumed = events_->OnInput({from, size});
  if (*destroyed) return;
  ORBITMQ_CHECK(consumed <= size, "OnInput consumed more than there is");
  KeepLeftover(from + consumed, size - consumed);
}

void TcpConnection::KeepLeftover(const char* from, size_t size) {
  const bool inside = leftover_.memory != nullptr && from >= leftover_.memory.get() &&
                      from <= leftover_.memory.get() + leftover_.capacity;
  const bool oversized = leftover_.capacity > 2 * kShortLeftoverBytes && size <= kShortLeftoverBytes;
  if (size == 0) {
    leftover_ = {};
  } else if (size <= leftover_.capacity && !oversized) {
    if (from != leftover_.memory.get()) std::memmove(leftover_.memory.get(), from, size);
    leftover_.size = size;
  } else {
    ORBITMQ_CHECK(!inside || oversized, "a leftover inside the buffer fits it");
    Leftover next;
    next.memory = std::make_unique_for_overwrite<char[]>(size);
    next.capacity = size;
    next.size = size;
    std::memcpy(next.memory.get(), from, size);
    leftover_ = std::move(next);
  }
}

void TcpConnection::ReserveLeftover(size_t capacity) {
  auto memory = std::make_unique_for_overwrite<char[]>(capacity);
  std::memcpy(memory.get(), leftover_.memory.get(), leftover_.size);
  leftover_.memory = std::move(memory);
  leftover_.capacity = capacity;
}

void TcpConnection::PeerEnded() {
  // A peer that only closed its sending side still gets what is queued for it.
  if (outgoing_.empty()) {
    Fail(Status::Ok());
  } else {
    CloseAfterFlush();
  }
}

void TcpConnection::Write(BytesChain pieces) {
  CHECK_ON(executor_);
  if (socket_.fd() < 0) return;
  for (Bytes& piece : pieces) {
    if (piece.empty()) continue;
    pending_bytes_ += piece.size();
    const bool small = piece.size() <= kCopiedPieceBytes;
    if (small && !outgoing_.empty() && outgoing_.back().shared.empty() &&
        outgoing_.back().copied.size() < kCopiedRunBytes) {
      outgoing_.back().copied.append(piece.view());
    } else if (small) {
      outgoing_.push_back({std::string(piece.view()), {}});
    } else {
      outgoing_.push_back({{}, std::move(piece)});
    }
  }
  if (pending_bytes_ > limits::kConnectionWriteHighBytes) was_high_ = true;
  if (pending_bytes_ > 0 && !write_blocked_) executor_.loop()->AtTurnEnd(this);
}

void TcpConnection::OnWritable(int, short, void* self) {
  auto* connection = static_cast<TcpConnection*>(self);
  event_del(connection->write_event_);
  connection->write_blocked_ = false;
  // With the replies of this turn, in one go.
  connection->executor_.loop()->AtTurnEnd(connection);
}

void TcpConnection::OnTurnEnd() {
  if (socket_.fd() < 0) return;
  if (!outgoing_.empty() && !SendOnce()) return;
  const bool low = was_high_ && pending_bytes_ <= limits::kConnectionWriteLowBytes;
  if (outgoing_.empty() && closing_) {
    shutdown(socket_.fd(), SHUT_WR);
    Fail(Status::Ok());
    return;
  }
  if (!outgoing_.empty() && !write_blocked_) executor_.loop()->AtTurnEnd(this);
  if (events_ != nullptr && (outgoing_.empty() || low)) {
    was_high_ = was_high_ && !low;
    events_->OnDrained();  // Nothing of this object is touched after it.
  }
}

// False when the connection broke; the object may be gone then.
bool TcpConnection::SendOnce() {
  std::array<iovec, kPiecesPerSend> pieces;
  size_t count = 0;
  size_t bytes = 0;
  size_t skip = first_sent_;
  for (const Outgoing& out : outgoing_) {
    if (count == pieces.size() || bytes >= kBytesPerSend) break;
    const std::string_view view = out.view().substr(skip);
    skip = 0;
    pieces[count++] = {const_cast<char*>(view.data()), view.size()};
    bytes += view.size();
  }
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = count;
  const ssize_t sent = sendmsg(socket_.fd(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
    Fail(SocketError(StatusCode::kUnavailable, "connection with " + remote_.ToString() + " broke", errno));
    return false;
  }
  if (sent > 0) ConsumeSent(static_cast<size_t>(sent));
  if (sent < 0 ? errno != EINTR : static_cast<size_t>(sent) < bytes) {
    write_blocked_ = true;
    event_add(write_event_, nullptr);
  }
  return true;
}

void TcpConnection::ConsumeSent(size_t sent) {
  pending_bytes_ -= sent;
  sent += first_sent_;
  while (!outgoing_.empty() && sent >= outgoing_.front().view().size()) {
    sent -= outgoing_.front().view().size();
    outgoing_.pop_front();
  }
  first_sent_ = sent;
}

void TcpConnection::CloseAfterFlush() {
  CHECK_ON(executor_);
  if (socket_.fd() < 0 || std::exchange(closing_, true)) return;
  PauseReading();
  if (!write_blocked_) executor_.loop()->AtTurnEnd(this);
  close_timer_ = executor_.PostAt(SteadyNow() + kFlushTime, [this] {
    Fail(Status(StatusCode::kUnavailable, remote_.ToString() + " did not read what was sent to it"));
  });
}

void TcpConnection::StopWatching() {
  event_del(read_event_);
  event_del(write_event_);
  executor_.loop()->Forget(this);
  reading_ = false;
  close_timer_.Cancel();
}

// Ends the connection; the last thing that may be done with this object.
void TcpConnection::Fail(const Status& why) {
  StopWatching();
  socket_.Close();
  outgoing_.clear();
  leftover_ = {};
  if (events_ != nullptr) events_->OnClosed(why);
}

}  // namespace orbitmq::net
