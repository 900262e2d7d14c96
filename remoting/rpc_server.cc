// SPDX-License-Identifier: Apache-2.0
#include "remoting/rpc_server.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "remoting/server_connection.h"

namespace orbitmq::net {
namespace {

class RemotingServer final : public RpcServer {
 public:
  RemotingServer(Env& env, RpcServerOptions options, const std::vector<Executor*>& io)
      : core_(std::make_shared<ServerCore>(env, std::move(options), io)), io_(io) {
    core_->budget.emplace(
        MemoryBudget::Options{core_->options.total_bytes_max, 0, [weak = std::weak_ptr<ServerCore>(core_)] {
                                if (const auto core = weak.lock()) WakeStarved(core);
                              }});
  }
  ~RemotingServer() override { Shutdown({}); }

  void Handle(int32_t code, Executor* executor, RequestHandler handler, size_t pending_max) override {
    ORBITMQ_CHECK(!started_, "handlers are registered before Start");
    auto entry = std::make_unique<ServerCore::Handler>();
    entry->executor = executor;
    entry->handle = std::move(handler);
    entry->pending_max = pending_max;
    ORBITMQ_CHECK(core_->handlers.emplace(code, std::move(entry)).second, "a request code has one handler");
  }
  void OnPeerClosed(UniqueFunction<void(const std::shared_ptr<Peer>&)> listener) override {
    ORBITMQ_CHECK(!started_, "listeners are registered before Start");
    core_->on_peer_closed = std::move(listener);
  }

  Status Start() override {
    ORBITMQ_CHECK(!std::exchange(started_, true), "a server starts once");
    if (core_->options.listen.empty())
      return {StatusCode::kInvalidArgument, "the server has no address to listen on"};
    for (const auto& shard : core_->shards) ScheduleTick(core_, *shard);
    for (const Endpoint& endpoint : core_->options.listen) {
      if (Status status = ListenOn(endpoint); !status.ok()) {
        listeners_.clear();
        return status;
      }
    }
    for (const Endpoint& endpoint : core_->options.listen_if_free) {
      const Status status = ListenOn(endpoint);
      if (!status.ok())
        core_->env.log().Warn("an optional port is not served", {{"server", core_->options.name},
                                                                 {"endpoint", endpoint.ToString()},
                                                                 {"reason", status.ToString()}});
    }
    return Status::Ok();
  }
  const std::vector<Endpoint>& local_endpoints() const override { return local_endpoints_; }
  size_t connection_count() const override { return core_->connection_count.load(std::memory_order_relaxed); }

  void Shutdown(Completion<Done> done) override {
    listeners_.clear();
    {
      const MutexLock lock(core_->mutex);
      // A repeated call (the destructor's) has nothing to add; its completion is answered at once.
      if (!std::exchange(shutdown_, true)) core_->shutdown_done = std::move(done);
    }
    for (const auto& shard : core_->shards) {
      if (shard->io.Post([core = core_, shard = shard.get()] { CloseShard(core, *shard); })) continue;
      // The executor has ended, so its connections belong to nobody.
      shard->closing = true;
      shard->tick.Cancel();
      core_->connection_count.fetch_sub(std::exchange(shard->connections, {}).size());
      core_->ShardClosed(*shard);
    }
    if (done) done(Done{});
  }

 private:
  Status ListenOn(const Endpoint& endpoint) {
    auto on_accept = std::make_shared<UniqueFunction<void(std::unique_ptr<Connection>)>>(
        [core = core_](std::unique_ptr<Connection> connection) {
          for (const auto& shard : core->shards) {
            if (&shard->io != &connection->executor()) continue;
            ServerConnection::Accept(core, *shard, std::move(connection));
            return;
          }
        });
    auto listener = core_->env.network().Listen({endpoint, io_}, std::move(on_accept));
    if (!listener.ok()) return listener.status();
    local_endpoints_.push_back((*listener)->local());
    listeners_.push_back(std::move(*listener));
    return Status::Ok();
  }

  static void WakeStarved(const std::shared_ptr<ServerCore>& core) {
    for (const auto& shard : core->shards)
      (void)shard->io.Post([core, shard = shard.get()] { ResumeStarved(*shard); });
  }
  static void ResumeStarved(ServerShard& shard) {
    for (const auto& weak : std::exchange(shard.starved, {})) {
      if (const auto connection = weak.lock()) connection->ResumeAfterStarving();
    }
  }

  // A copy: what is done to one may remove it from the table.
  static std::vector<std::shared_ptr<ServerConnection>> Connections(const ServerShard& shard) {
    std::vector<std::shared_ptr<ServerConnection>> all;
    all.reserve(shard.connections.size());
    for (const auto& [id, one] : shard.connections) all.push_back(one);
    return all;
  }

  static void ScheduleTick(const std::shared_ptr<ServerCore>& core, ServerShard& shard) {
    const Duration period = std::max<Duration>(core->options.idle_close / 4, std::chrono::milliseconds(1));
    shard.tick = shard.io.PostAt(core->env.clock().Monotonic() + period,
                                 [weak = std::weak_ptr<ServerCore>(core), &shard] {
                                   const auto alive = weak.lock();
                                   if (!alive || shard.closing) return;
                                   // A second way out for connections that wait for room.
                                   ResumeStarved(shard);
                                   for (const auto& one : Connections(shard)) {
                                     if (!one->closed()) one->Tick();
                                   }
                                   ScheduleTick(alive, shard);
                                 });
  }

  static void CloseShard(const std::shared_ptr<ServerCore>& core, ServerShard& shard) {
    shard.closing = true;
    shard.tick.Cancel();
    for (const auto& connection : Connections(shard)) connection->CloseAfterFlush();
    if (shard.connections.empty()) core->ShardClosed(shard);
  }

  const std::shared_ptr<ServerCore> core_;
  const std::vector<Executor*> io_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::vector<Endpoint> local_endpoints_;
  bool started_ = false;
  bool shutdown_ = false;
};

}  // namespace

std::unique_ptr<RpcServer> RpcServer::New(Env& env, RpcServerOptions options, std::vector<Executor*> io) {
  ORBITMQ_CHECK(!io.empty(), "a server needs an io executor");
  return std::make_unique<RemotingServer>(env, std::move(options), io);
}

}  // namespace orbitmq::net
