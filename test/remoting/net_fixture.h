// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "common/env.h"
#include "common/log_sinks.h"
#include "remoting/real_env.h"
#include "remoting/rpc_client.h"
#include "remoting/rpc_server.h"

namespace orbitmq::net {

// How long a test waits for what must happen, before it fails.
inline constexpr std::chrono::seconds kPatience{20};

// Takes one result from another thread.
template <class T>
class Slot final {
 public:
  Completion<T> completion() {
    return [state = state_](Result<T> result) {
      const std::lock_guard<std::mutex> lock(state->mutex);
      state->result.emplace(std::move(result));
      state->ready.notify_all();
    };
  }
  void Set(T value) { completion()(std::move(value)); }
  Result<T> Wait() {
    std::unique_lock<std::mutex> lock(state_->mutex);
    if (!state_->ready.wait_for(lock, kPatience, [this] { return state_->result.has_value(); }))
      return Status(StatusCode::kInternal, "the test waited in vain");
    return *std::move(state_->result);
  }
  bool ready() {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    return state_->result.has_value();
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable ready;
    std::optional<Result<T>> result;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

// Counts events and waits until enough have come.
class EventCount final {
 public:
  void Add(int count = 1) {
    const std::lock_guard<std::mutex> lock(mutex_);
    count_ += count;
    changed_.notify_all();
  }
  bool WaitFor(int count) {
    std::unique_lock<std::mutex> lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return count_ >= count; });
  }
  int count() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return count_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int count_ = 0;
};

// Runs `work` on the executor and waits for it.
template <class F>
void RunOn(Executor& executor, F work) {
  Slot<Done> done;
  ASSERT_TRUE(executor.Post([&work, done]() mutable {
    work();
    done.Set(Done{});
  }));
  ASSERT_TRUE(done.Wait().ok());
}

// A blocking socket for everything that an honest client would not send.
class RawPeer final {
 public:
  explicit RawPeer(const Endpoint& to);
  ~RawPeer();
  RawPeer(const RawPeer&) = delete;
  RawPeer& operator=(const RawPeer&) = delete;

  bool connected() const { return fd_ >= 0; }
  // False when the other side does not take it (a full buffer counts after the patience is over).
  bool Send(std::string_view bytes);
  // What can be sent without blocking.
  size_t SendSome(std::string_view bytes);
  // Exactly so many bytes, or less at the end of the stream.
  std::string Receive(size_t bytes);
  // One frame without its length word; empty at the end of the stream.
  std::string ReceiveFrame();
  // Whether the other side closed (or reset) the connection.
  bool WaitClosed();
  void ShutdownWrite();
  void Reset();

 private:
  int fd_ = -1;
};

// A request frame with a JSON header.
std::string RequestFrame(int32_t code, Opaque opaque, std::string body, int32_t flag = 0);
// A frame around any header text.
std::string FrameOf(std::string_view header, std::string_view body, uint8_t type = 0);

inline constexpr int32_t kEcho = 9001;
inline constexpr int32_t kEchoLater = 9002;  // Answers on another executor.
inline constexpr int32_t kDrop = 9003;       // Drops the request.
inline constexpr int32_t kHold = 9004;       // Keeps it until ReleaseHeld.
inline constexpr int32_t kAbandon = 9005;

// A server and a client on real loopback sockets.
class RpcTest : public testing::Test {
 protected:
  RpcTest();
  ~RpcTest() override;

  void StartServer(RpcServerOptions options = {});
  // What every StartServer does, on an object of one's own.
  void AddHandlers(RpcServer& server);
  RpcClient& Client(RpcClientOptions options = {});
  static RpcClientOptions QuickClient();
  Endpoint server_endpoint() const { return server_->local_endpoints().front(); }
  Result<proto::Command> Call(int32_t code, std::string body, Duration timeout = kPatience);
  Result<proto::Command> CallAt(const Endpoint& to, int32_t code, std::string body,
                                Duration timeout = kPatience);
  Slot<proto::Command> StartCall(int32_t code, std::string body, Duration timeout = kPatience);
  void ReleaseHeld();
  void ShutdownServer();
  void ShutdownClient();
  bool Logged(std::string_view text);

  RingLogger log_;
  std::unique_ptr<Env> env_;
  std::vector<std::unique_ptr<Executor>> io_;
  std::unique_ptr<Executor> worker_;
  std::unique_ptr<Executor> loop_;
  std::mutex mutex_;
  std::vector<ServerRequest> held_;
  std::shared_ptr<Peer> last_peer_;
  EventCount held_count_;
  EventCount oneways_;
  EventCount peers_closed_;
  std::unique_ptr<RpcServer> server_;
  std::unique_ptr<RpcClient> client_;
};

}  // namespace orbitmq::net
