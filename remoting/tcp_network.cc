// SPDX-License-Identifier: Apache-2.0
#include "remoting/tcp_network.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <mutex>
#include <string>
#include <system_error>
#include <utility>

#include <event2/event.h>

#include "remoting/event_loop.h"
#include "remoting/tcp_connection.h"

namespace orbitmq::net {
namespace {

constexpr int kListenBacklog = 1024;
constexpr int kAcceptsPerTurn = 64;
// How long to leave new connections waiting when the process has no file descriptor for them.
constexpr Duration kAcceptPause = std::chrono::milliseconds(100);

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};
using Addresses = std::vector<Address>;

ThreadExecutor& LoopOf(Executor& executor) {
  auto* real = dynamic_cast<ThreadExecutor*>(&executor);
  ORBITMQ_CHECK(real != nullptr && real->loop() != nullptr, "the network needs kIo executors of its own Env");
  return *real;
}

enum class Lookup : uint8_t { kLiteral, kName };
enum class Use : uint8_t { kConnect, kListen };

// Every address of host and port. kUnavailable with the resolver's reason. kName may block for long.
Result<Addresses> Resolve(const Endpoint& endpoint, Lookup lookup, Use use) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  if (lookup == Lookup::kLiteral) hints.ai_flags |= AI_NUMERICHOST;
  if (use == Use::kListen) hints.ai_flags |= AI_PASSIVE;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(endpoint.host.c_str(), std::to_string(endpoint.port).c_str(), &hints, &found);
  if (error != 0) {
    const char* reason = error == EAI_SYSTEM ? "system error" : gai_strerror(error);
    return Status(StatusCode::kUnavailable, "cannot resolve host '" + endpoint.host + "': " + reason);
  }
  Addresses addresses;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    if (one->ai_addrlen > sizeof(sockaddr_storage)) continue;
    Address address;
    std::copy_n(reinterpret_cast<const char*>(one->ai_addr), one->ai_addrlen,
                reinterpret_cast<char*>(&address.storage));
    address.size = one->ai_addrlen;
    addresses.push_back(address);
  }
  freeaddrinfo(found);
  if (addresses.empty())
    return Status(StatusCode::kUnavailable, "host '" + endpoint.host + "' has no IPv4 or IPv6 address");
  return addresses;
}

Socket NewSocket(int family) {
  return Socket(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
}

// One Connect on its way. Owned by its deadline timer, so that it ends with the loop at the latest.
// Threads: the executor's own.
class Connecting final {
 public:
  Connecting(Endpoint to, ThreadExecutor& on, Completion<std::unique_ptr<Connection>> done)
      : to_(std::move(to)), on_(on), done_(std::move(done)) {}
  ~Connecting() { Abandon(); }
  Connecting(const Connecting&) = delete;
  Connecting& operator=(const Connecting&) = delete;

  void SetDeadline(MonoTime deadline, Timer timer) {
    deadline_ = deadline;
    timer_ = std::move(timer);
  }
  void OnDeadline() {
    timer_.Detach();
    Finish(Status(StatusCode::kUnavailable, last_failure_.empty() ? "no answer in time" : last_failure_));
  }
  void OnResolved(Result<Addresses> addresses) {
    if (!done_) return;
    if (!addresses.ok()) {
      Finish(addresses.status());
      return;
    }
    addresses_ = std::move(*addresses);
    TryNext();
  }

 private:
  void TryNext() {
    Abandon();
    while (next_ < addresses_.size()) {
      const Address& address = addresses_[next_++];
      socket_ = NewSocket(address.storage.ss_family);
      if (socket_.fd() < 0) {
        last_failure_ = std::generic_category().message(errno);
        continue;
      }
      if (connect(socket_.fd(), address.get(), address.size) == 0) {
        Succeed();
        return;
      }
      if (errno == EINPROGRESS) {
        Watch();
        return;
      }
      last_failure_ = std::generic_category().message(errno);
    }
    Finish(Status(StatusCode::kUnavailable, last_failure_));
  }

  void Watch() {
    event_ = event_new(
        on_.loop()->base(), socket_.fd(), EV_WRITE,
        [](evutil_socket_t, short what, void* self) { static_cast<Connecting*>(self)->OnEvent(what); }, this);
    ORBITMQ_CHECK(event_ != nullptr, "libevent: out of memory");
    // An address that swallows packets must leave time for the others.
    const auto left = std::max<Duration>(deadline_ - SteadyNow(), std::chrono::milliseconds(1));
    const auto share = left / static_cast<int64_t>(addresses_.size() - next_ + 1);
    const auto micros = std::chrono::ceil<std::chrono::microseconds>(share).count();
    const timeval delay = {static_cast<time_t>(micros / 1000000), static_cast<suseconds_t>(micros % 1000000)};
    event_add(event_, &delay);
  }

  void OnEvent(short what) {
    int error = ETIMEDOUT;
    if ((what & EV_WRITE) != 0) {
      socklen_t size = sizeof(error);
      if (getsockopt(socket_.fd(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    }
    if (error == 0) {
      Succeed();
    } else {
      last_failure_ = std::generic_category().message(error);
      TryNext();
    }
  }

  void Succeed() {
    StopWatching();
    Finish(std::unique_ptr<Connection>(std::make_unique<TcpConnection>(std::move(socket_), on_)));
  }
  void Finish(Result<std::unique_ptr<Connection>> result) {
    if (!done_) return;
    Abandon();
    auto done = std::move(done_);
    // May be the last owner of this object: the timer's task goes away some time after Cancel.
    timer_.Cancel();
    if (result.ok()) {
      done(std::move(result));
    } else {
      done(result.status().Annotate("cannot connect to " + to_.ToString()));
    }
  }
  void StopWatching() {
    if (event_ != nullptr) event_free(std::exchange(event_, nullptr));
  }
  void Abandon() {
    StopWatching();
    socket_.Close();
  }

  const Endpoint to_;
  ThreadExecutor& on_;
  Completion<std::unique_ptr<Connection>> done_;
  MonoTime deadline_;
  Timer timer_;
  Addresses addresses_;
  size_t next_ = 0;
  Socket socket_;
  event* event_ = nullptr;
  std::string last_failure_;
};

// The accepting socket. Lives on the first executor; shared with the tasks that touch it there.
class Acceptor final : public std::enable_shared_from_this<Acceptor> {
 public:
  Acceptor(Socket socket, std::vector<ThreadExecutor*> executors, AcceptHandler on_accept)
      : socket_(std::move(socket)), executors_(std::move(executors)), on_accept_(std::move(on_accept)) {}
  ~Acceptor() {
    if (event_ != nullptr) event_free(event_);
  }
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  void Start() {
    if (stopped_.load(std::memory_order_acquire)) return;
    event_ = event_new(
        home().loop()->base(), socket_.fd(), EV_READ | EV_PERSIST,
        [](evutil_socket_t, short, void* self) { static_cast<Acceptor*>(self)->AcceptSome(); }, this);
    ORBITMQ_CHECK(event_ != nullptr, "libevent: out of memory");
    event_add(event_, nullptr);
  }
  // Any thread. The port is free for others when it returns, the rest follows on the executor.
  void Stop() {
    if (stopped_.exchange(true, std::memory_order_acq_rel)) return;
    shutdown(socket_.fd(), SHUT_RDWR);
    home().Post([self = shared_from_this()] {
      if (self->event_ != nullptr) event_free(std::exchange(self->event_, nullptr));
      self->pause_.Cancel();
      self->socket_.Close();
    });
  }
  ThreadExecutor& home() const { return *executors_.front(); }

 private:
  void AcceptSome() {
    for (int i = 0; i < kAcceptsPerTurn && !stopped_.load(std::memory_order_acquire); ++i) {
      Socket accepted(accept4(socket_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (accepted.fd() < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) Pause();
        if (errno == ECONNABORTED || errno == EINTR) continue;
        return;
      }
      ThreadExecutor& target = *executors_[next_++ % executors_.size()];
      auto welcome = [on_accept = on_accept_, socket = std::move(accepted), &target]() mutable {
        (*on_accept)(std::make_unique<TcpConnection>(std::move(socket), target));
      };
      if (&target == &home()) {
        welcome();
      } else {
        target.Post(std::move(welcome));
      }
    }
  }
  void Pause() {
    event_del(event_);
    pause_ = home().PostAt(SteadyNow() + kAcceptPause, [this] {
      if (event_ != nullptr) event_add(event_, nullptr);
    });
  }

  Socket socket_;
  const std::vector<ThreadExecutor*> executors_;
  const AcceptHandler on_accept_;
  std::atomic<bool> stopped_{false};
  event* event_ = nullptr;
  Timer pause_;
  size_t next_ = 0;
};

class TcpListener final : public Listener {
 public:
  TcpListener(std::shared_ptr<Acceptor> acceptor, Endpoint local)
      : acceptor_(std::move(acceptor)), local_(std::move(local)) {}
  ~TcpListener() override { acceptor_->Stop(); }
  const Endpoint& local() const override { return local_; }

 private:
  std::shared_ptr<Acceptor> acceptor_;
  Endpoint local_;
};

// Binds and listens on one address. errno of the failure on error.
Result<Socket> Listening(const Address& address, const Endpoint& asked) {
  Socket socket = NewSocket(address.storage.ss_family);
  const int on = 1;
  const int off = 0;
  int error = socket.fd() < 0 ? errno : 0;
  if (error == 0) {
    setsockopt(socket.fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    // The IPv6 wildcard takes IPv4 connections too.
    if (address.storage.ss_family == AF_INET6)
      setsockopt(socket.fd(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    if (bind(socket.fd(), address.get(), address.size) != 0 || listen(socket.fd(), kListenBacklog) != 0)
      error = errno;
  }
  if (error == 0) return socket;
  const std::string what = "cannot listen on " + asked.ToString();
  if (error == EADDRINUSE)
    return SocketError(StatusCode::kAlreadyExists, what + ": the port is in use by another process", error);
  if (error == EAFNOSUPPORT || error == EADDRNOTAVAIL)
    return SocketError(StatusCode::kUnavailable, what + ": no such address on this machine", error);
  return SocketError(StatusCode::kIoError, what, error);
}

class TcpNetwork final : public Network {
 public:
  Result<std::unique_ptr<Listener>> Listen(const ListenOptions& options, AcceptHandler on_accept) override {
    ORBITMQ_CHECK(!options.executors.empty(), "Listen needs an executor");
    std::vector<ThreadExecutor*> executors;
    for (Executor* executor : options.executors) executors.push_back(&LoopOf(*executor));
    const Endpoint& asked = options.address;
    const bool everywhere = asked.host.empty() || asked.host == "0.0.0.0";
    const Endpoint bound = everywhere ? Endpoint{"::", asked.port} : asked;
    Result<Addresses> addresses = Resolve(bound, everywhere ? Lookup::kLiteral : Lookup::kName, Use::kListen);
    if (!addresses.ok())
      return Status(StatusCode::kIoError, std::string(addresses.status().text()))
          .Annotate("cannot listen on " + asked.ToString());
    Result<Socket> socket = Listening(addresses->front(), asked);
    if (everywhere && !socket.ok() && socket.status().code() == StatusCode::kUnavailable) {
      // A machine without IPv6.
      addresses = Resolve({"0.0.0.0", asked.port}, Lookup::kLiteral, Use::kListen);
      if (addresses.ok()) socket = Listening(addresses->front(), asked);
    }
    if (!socket.ok()) {
      if (socket.status().code() != StatusCode::kUnavailable) return socket.status();
      return Status(StatusCode::kIoError, std::string(socket.status().text()));
    }
    Address local;
    local.size = sizeof(local.storage);
    getsockname(socket->fd(), reinterpret_cast<sockaddr*>(&local.storage), &local.size);
    Endpoint endpoint = EndpointOf(local.get());
    if (everywhere) endpoint.host = "0.0.0.0";
    auto acceptor =
        std::make_shared<Acceptor>(std::move(*socket), std::move(executors), std::move(on_accept));
    if (!acceptor->home().Post([acceptor] { acceptor->Start(); }))
      return Status(StatusCode::kFailedPrecondition, "cannot listen: the executor is stopped");
    return std::unique_ptr<Listener>(std::make_unique<TcpListener>(std::move(acceptor), std::move(endpoint)));
  }

  void Connect(const Endpoint& to, Executor& on, Duration timeout,
               Completion<std::unique_ptr<Connection>> done) override {
    ThreadExecutor& loop = LoopOf(on);
    auto connecting = std::make_shared<Connecting>(to, loop, std::move(done));
    const MonoTime deadline = SteadyNow() + timeout;
    loop.Post([this, connecting = std::move(connecting), &loop, to, deadline] {
      connecting->SetDeadline(deadline, loop.PostAt(deadline, [connecting] { connecting->OnDeadline(); }));
      Result<Addresses> literal = Resolve(to, Lookup::kLiteral, Use::kConnect);
      if (literal.ok()) {
        connecting->OnResolved(std::move(literal));
        return;
      }
      resolver().Post([weak = std::weak_ptr<Connecting>(connecting), mailbox = loop.mailbox(), to] {
        mailbox->Post([weak, found = Resolve(to, Lookup::kName, Use::kConnect)]() mutable {
          if (const auto alive = weak.lock()) alive->OnResolved(std::move(found));
        });
      });
    });
  }

 private:
  Executor& resolver() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (resolver_ == nullptr)
      resolver_ = std::make_unique<ThreadExecutor>(ExecutorOptions{"resolver", ExecutorKind::kMayBlock});
    return *resolver_;
  }

  std::mutex mutex_;
  std::unique_ptr<Executor> resolver_;
};

}  // namespace

std::unique_ptr<Network> NewTcpNetwork() { return std::make_unique<TcpNetwork>(); }

}  // namespace orbitmq::net
