// SPDX-License-Identifier: Apache-2.0
#include "remoting/rpc_client.h"

#include <atomic>
#include <utility>

#include "common/strings.h"
#include "remoting/client_link.h"

namespace orbitmq::net {
namespace {

class RemotingClient final : public RpcClient {
 public:
  RemotingClient(Env& env, RpcClientOptions options, Executor& loop)
      : core_(std::make_shared<ClientCore>(env, std::move(options), loop)) {}
  ~RemotingClient() override {
    if (core_->loop.Current()) {
      core_->Shutdown();
    } else {
      (void)core_->loop.Post([core = core_] { core->Shutdown(); });
    }
  }

  void Call(const Endpoint& to, proto::Command request, Duration timeout,
            Completion<proto::Command> done) override {
    auto call = std::make_unique<ClientCall>();
    call->done = std::move(done);
    call->deadline = core_->env.clock().Monotonic() + timeout;
    request.flag = 0;
    Status status = Prepare(to, request, *call);
    (void)Submit(std::move(call), std::move(status));
  }

  Status Oneway(const Endpoint& to, proto::Command request) override {
    auto call = std::make_unique<ClientCall>();
    call->oneway = true;
    request.flag = proto::kFlagOneway;
    if (Status status = Prepare(to, request, *call); !status.ok()) return status;
    return Submit(std::move(call), Status::Ok());
  }

  void HandleIncoming(int32_t code, UniqueFunction<void(Incoming)> handler) override {
    core_->incoming[code] = std::move(handler);
  }
  void OnConnectionClosed(UniqueFunction<void(const Endpoint&)> listener) override {
    core_->on_closed = std::move(listener);
  }

  void CloseConnection(const Endpoint& to) override {
    (void)core_->loop.Post([core = core_, to] {
      const auto found = core->links.find(to);
      if (found != core->links.end())
        found->second->Close(Status(StatusCode::kUnavailable, "the connection was closed by this client"));
    });
  }
  void Flush(Duration within, Completion<Done> done) override {
    CHECK_ON(core_->loop);
    core_->Flush(core_->env.clock().Monotonic() + within, std::move(done));
  }
  void Shutdown() override { core_->Shutdown(); }

 private:
  // Encodes on the caller's thread. kBusy, or what is wrong with the request.
  Status Prepare(const Endpoint& to, proto::Command& request, ClientCall& call) {
    call.to = to;
    call.opaque = request.opaque =
        static_cast<Opaque>(next_opaque_.fetch_add(1, std::memory_order_relaxed) & 0x7FFFFFFF);
    auto frame = proto::EncodeFrame(request, core_->options.serialize);
    if (!frame.ok()) return frame.status();
    call.frame = std::move(*frame);
    call.frame_bytes = ChainBytes(call.frame);
    auto units = core_->budget.TryTake(call.frame_bytes);
    if (!units)
      return {StatusCode::kBusy, StrCat("more than ", core_->budget.bytes_max(), " bytes wait to be sent")};
    call.units = std::move(*units);
    return Status::Ok();
  }

  // On the loop, now or later; a failure is always delivered by a task of its own.
  Status Submit(std::unique_ptr<ClientCall> call, Status status) {
    bool accepted = true;
    if (!status.ok()) {
      accepted =
          core_->loop.Post([call = std::move(call), status = std::move(status)] { call->done(status); });
    } else if (core_->loop.Current()) {
      core_->Submit(std::move(call));
    } else {
      accepted = core_->loop.Post(
          [core = core_, call = std::move(call)]() mutable { core->Submit(std::move(call)); });
    }
    if (accepted) return Status::Ok();
    return {StatusCode::kCancelled, "the client's executor is stopped"};
  }

  const std::shared_ptr<ClientCore> core_;
  std::atomic<uint32_t> next_opaque_{1};
};

}  // namespace

std::unique_ptr<RpcClient> RpcClient::New(Env& env, RpcClientOptions options, Executor& loop) {
  ORBITMQ_CHECK(loop.kind() == ExecutorKind::kIo, "the client's loop must be an io executor");
  return std::make_unique<RemotingClient>(env, std::move(options), loop);
}

}  // namespace orbitmq::net
