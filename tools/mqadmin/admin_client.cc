// SPDX-License-Identifier: Apache-2.0
#include "tools/mqadmin/admin_client.h"

namespace orbitmq::tools {

AdminClient::AdminClient(Env& env, Options options) : env_(env), options_(std::move(options)) {}

AdminClient::~AdminClient() {
  if (rpc_ == nullptr) return;
  // One-way requests must have left, and the client ends on its loop.
  client::BlockingWait<Done> ended;
  loop_->Post([this, done = ended.done()]() mutable {
    rpc_->Shutdown();
    done(Done{});
  });
  (void)ended.Wait();
  loop_->Stop();
}

net::RpcClient& AdminClient::rpc() {
  if (rpc_ == nullptr) {
    loop_ = env_.NewExecutor({.name = "mqadmin", .kind = ExecutorKind::kIo});
    rpc_ = net::RpcClient::New(env_, {.tls = options_.tls_context}, *loop_);
    admin_ = std::make_unique<net::AdminStub>(*rpc_);
    broker_ = std::make_unique<net::BrokerStub>(*rpc_);
    namesrv_ = std::make_unique<net::NamesrvStub>(*rpc_);
  }
  return *rpc_;
}

bool AdminClient::Unreachable(const Status& status) {
  return status.wire_code() < 0 &&
         (status.code() == StatusCode::kUnavailable || status.code() == StatusCode::kTimeout ||
          status.code() == StatusCode::kUnknown);
}

void AdminClient::Pause(Duration span) {
  rpc();
  client::BlockingWait<Done> over;
  Timer timer =
      loop_->PostAt(env_.clock().Monotonic() + span, [done = over.done()]() mutable { done(Done{}); });
  (void)over.Wait();
}

}  // namespace orbitmq::tools
