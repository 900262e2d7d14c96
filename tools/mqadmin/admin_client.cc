// SPDX-License-Identifier: Apache-2.0
#include "tools/mqadmin/admin_client.h"

#include "common/strings.h"

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
  client::BlockingWait<Done> over;
  const Timer timer = After(span, over.done());
  (void)over.Wait();
}

Timer AdminClient::After(Duration span, Completion<Done> over) {
  rpc();
  return loop_->PostAt(env_.clock().Monotonic() + span, [done = std::move(over)]() mutable { done(Done{}); });
}

void AdminClient::NoteSilent(const Endpoint& name_server) {
  if (silent(name_server)) return;
  silent_.push_back(name_server);
  if (!options_.tell) return;
  options_.tell(StrCat("the NameServer ", name_server.ToString(), " did not answer within ",
                       std::chrono::duration_cast<std::chrono::seconds>(kFirstPatience).count(),
                       " s; another one is asked"));
}

std::vector<Endpoint> AdminClient::PreferredNameServers() const {
  std::vector<Endpoint> servers = options_.name_servers;
  std::stable_partition(servers.begin(), servers.end(),
                        [this](const Endpoint& server) { return !silent(server); });
  return servers;
}

}  // namespace orbitmq::tools
