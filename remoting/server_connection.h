// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/memory_budget.h"
#include "common/mutex.h"
#include "remoting/deadline_wheel.h"
#include "remoting/protocol/command_codec.h"
#include "remoting/rpc_server.h"

namespace orbitmq::net {

class ServerConnection;

// What one io executor of a server owns. Threads: that executor.
struct ServerShard final {
  ServerShard(Env& env, Executor& executor);
  Executor& io;
  DeadlineWheel deadlines;  // Of calls to peers.
  std::map<uint64_t, std::shared_ptr<ServerConnection>> connections;
  std::vector<std::weak_ptr<ServerConnection>> starved;  // Wait for room in the total budget.
  proto::CommandDecoder decoder;  // Shared by the connections, so that idle ones keep no memory for it.
  Timer tick;
  bool closing = false;
  bool closed = false;
};

// What all connections of a server share. Threads: immutable after Start, or atomic, or locked.
struct ServerCore final {
  struct Handler {
    Executor* executor = nullptr;
    RequestHandler handle;
    size_t pending_max = 0;
    std::atomic<size_t> pending{0};
  };

  ServerCore(Env& environment, RpcServerOptions settings, const std::vector<Executor*>& io);
  // Drops a line when more than a few per second are written: peers must not fill the disk.
  bool MayLog();
  void ShardClosed(ServerShard& shard);

  Env& env;
  const RpcServerOptions options;
  std::vector<std::unique_ptr<ServerShard>> shards;
  std::unordered_map<int32_t, std::unique_ptr<Handler>> handlers;
  UniqueFunction<void(const std::shared_ptr<Peer>&)> on_peer_closed;
  std::optional<MemoryBudget> budget;
  std::atomic<size_t> connection_count{0};
  std::atomic<uint64_t> next_id{1};

  Mutex mutex;
  Completion<Done> shutdown_done ORBITMQ_GUARDED_BY(mutex);
  size_t shards_open ORBITMQ_GUARDED_BY(mutex) = 0;
  int64_t log_second ORBITMQ_GUARDED_BY(mutex) = 0;
  int log_lines ORBITMQ_GUARDED_BY(mutex) = 0;
};

// One accepted connection. Threads: Peer's methods and FrameDone from any, the rest on the shard's executor.
class ServerConnection final : public Peer,
                               public ConnectionEvents,
                               public std::enable_shared_from_this<ServerConnection> {
 public:
  static void Accept(const std::shared_ptr<ServerCore>& core, ServerShard& shard,
                     std::unique_ptr<Connection> connection);
  static void OnCallExpired(DeadlineWheel::Entry& entry);
  ServerConnection(std::shared_ptr<ServerCore> core, ServerShard& shard,
                   std::unique_ptr<Connection> connection);
  ~ServerConnection() override;

  uint64_t id() const override { return id_; }
  const Endpoint& remote() const override { return remote_; }
  const HostAddress& remote_host() const override { return remote_host_; }
  const Endpoint& local() const override { return local_; }
  bool closed() const override { return closed_.load(std::memory_order_acquire); }
  void Call(proto::Command request, Duration timeout, Completion<proto::Command> done) override;
  void Oneway(proto::Command request) override;
  void Close() override;

  size_t OnInput(std::string_view input) override;
  void OnDrained() override;
  void OnClosed(const Status& why) override;

  Executor& io() const { return shard_.io; }
  // A whole frame for the peer.
  void Send(BytesChain frame);
  // A whole frame without large parts, from any thread. Those of one turn leave together: one task and one
  // write for many replies.
  void SendFromAnywhere(std::string frame);
  // The frame of a request of this size needs no memory any more. Any thread.
  void FrameDone(size_t bytes);
  void ResumeAfterStarving();
  void CloseAfterFlush();
  // One step of the idle watch: closes the connection after four quiet ones.
  void Tick();

 private:
  struct PendingCall;
  struct ReplyUnits;
  enum class First : uint8_t { kPlain, kRedirected, kRefused };
  void FlushOutbox();
  First LookAtFirstByte(char first);
  size_t ReadFrames(std::string_view input);
  bool Admit(size_t frame_bytes, MemoryBudget::Units& units);
  bool HoldPartial(size_t bytes);
  void PauseForRoom();
  void Starve();
  void MaybeResume();
  Status OnFrame(const proto::FrameView& frame, MemoryBudget::Units units);
  void OnRequest(proto::CommandView view, size_t frame_bytes, MemoryBudget::Units units);
  void OnResponse(const proto::CommandView& view);
  void StartCall(proto::Command request, MonoTime deadline, Completion<proto::Command> done);
  // Closes at once; with a log line unless `why` is OK.
  void Drop(const Status& why);
  void Detach();

  const std::shared_ptr<ServerCore> core_;
  ServerShard& shard_;
  const uint64_t id_;
  std::unique_ptr<Connection> connection_;
  const Endpoint remote_;
  const Endpoint local_;
  const HostAddress remote_host_;
  std::atomic<bool> closed_{false};
  Mutex outbox_mutex_;
  std::string outbox_ ORBITMQ_GUARDED_BY(outbox_mutex_);  // Not empty: a FlushOutbox is under way.
  std::atomic<size_t> in_flight_bytes_{0};                // Frames whose requests are not answered yet.
  std::atomic<bool> waits_for_room_{false};
  bool first_seen_ = false;
  bool paused_ = false;
  bool active_ = true;
  int quiet_ticks_ = 0;
  MemoryBudget::Units partial_units_;  // Of a frame that has not come whole.
  MemoryBudget::Units reply_units_;    // Of what the peer has not read yet.
  Opaque next_opaque_ = 1;
  std::unordered_map<Opaque, std::unique_ptr<PendingCall>> calls_;
};

// A request under way; see rpc_server.h.
class ServerRequest::Rep final {
 public:
  Rep(std::shared_ptr<ServerConnection> from, proto::CommandView request, size_t frame,
      MemoryBudget::Units taken)
      : peer(std::move(from)), view(std::move(request)), frame_bytes(frame), units(std::move(taken)) {}
  ~Rep();
  Rep(const Rep&) = delete;
  Rep& operator=(const Rep&) = delete;

  ServerConnection& connection() const { return static_cast<ServerConnection&>(*peer); }
  void Retain();
  proto::Command ResponseCommand() const;
  // Both end the request.
  static void Answer(std::unique_ptr<Rep> rep, Response response);
  static void SendReply(std::unique_ptr<Rep> rep, std::string head, BytesChain body);

  const std::shared_ptr<Peer> peer;  // A ServerConnection.
  proto::CommandView view;
  const size_t frame_bytes;
  MemoryBudget::Units units;
  std::unique_ptr<char[]> retained;
  std::vector<proto::ExtEntry> retained_ext;
  ServerCore::Handler* waiting_for = nullptr;  // Whose `pending` counts it.
  bool settled = false;
};

}  // namespace orbitmq::net
