// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "remoting/protocol/codes.h"
#include "remoting/rpc_client.h"
#include "remoting/rpc_server.h"
#include "test/sim/sim_env.h"

namespace orbitmq::broker {

// Stands before a master, on a machine of its own, and hands on what a slave asks of it, but for what a test
// wants lost, refused or late.
class MasterProxy final {
 public:
  MasterProxy(sim::Scheduler& scheduler, sim::SimNetwork& network, sim::SimLog& log, const Endpoint& listen,
              const Endpoint& master)
      : scheduler_(scheduler),
        host_("proxy", listen.host, 5, {}),
        env_(scheduler, network, host_, log),
        loop_(env_.NewExecutor({"proxy", ExecutorKind::kIo})),
        client_(net::RpcClient::New(env_, {}, *loop_)),
        server_(net::RpcServer::New(env_, {.listen = {listen}, .name = "proxy"}, {loop_.get()})),
        master_(master) {
    using proto::RequestCode;
    for (const int32_t code :
         {RequestCode::kGetAllTopicConfig, RequestCode::kGetAllSubscriptiongroupConfig,
          RequestCode::kGetAllConsumerOffset, RequestCode::kGetAllDelayOffset, RequestCode::kGetMaxOffset,
          RequestCode::kQueryConsumerOffset, RequestCode::kUpdateConsumerOffset}) {
      server_->Handle(code, nullptr, [this](net::ServerRequest request) { OnRequest(std::move(request)); });
    }
    const Status started = server_->Start();
    EXPECT_TRUE(started.ok()) << started.ToString();
  }
  ~MasterProxy() {
    held_.clear();
    server_->Shutdown([](Result<Done>) {});
    loop_->Post([this] { client_->Shutdown(); });
    scheduler_.RunUntil(scheduler_.now() + std::chrono::milliseconds(100));
    client_.reset();
    server_.reset();
    loop_->Stop();
  }

  // Requests of that code do not arrive, and nobody answers them.
  void Lose(int32_t code) { rules_[code] = {Rule::Kind::kLose, 0}; }
  void Refuse(int32_t code, int32_t with) { rules_[code] = {Rule::Kind::kRefuse, with}; }
  // They arrive when the code is Passed again.
  void Hold(int32_t code) { rules_[code] = {Rule::Kind::kHold, 0}; }
  void Pass(int32_t code) {
    rules_.erase(code);
    for (net::ServerRequest& request : std::exchange(held_, {})) OnRequest(std::move(request));
  }
  size_t held() const { return held_.size(); }
  // How many came, whatever became of them.
  int Count(int32_t code) const { return counts_.contains(code) ? counts_.at(code) : 0; }

 private:
  struct Rule {
    enum class Kind : uint8_t { kLose, kRefuse, kHold } kind;
    int32_t with;
  };

  void OnRequest(net::ServerRequest request) {
    const int32_t code = request.command().code;
    const auto rule = rules_.find(code);
    if (rule != rules_.end() && rule->second.kind == Rule::Kind::kHold) {
      request.Retain();
      held_.push_back(std::move(request));
      return;
    }
    ++counts_[code];
    if (rule != rules_.end()) {
      if (rule->second.kind == Rule::Kind::kLose) return request.Abandon();
      return request.Reply({.code = rule->second.with, .remark = "no", .ext = {}, .body = {}});
    }
    proto::Command onwards = proto::ToOwned(request.command());
    request.Retain();
    client_->Call(master_, std::move(onwards), std::chrono::seconds(3),
                  [request = std::move(request)](Result<proto::Command> reply) mutable {
                    if (!reply.ok()) return request.Abandon();
                    request.Reply({.code = reply->code,
                                   .remark = std::move(reply->remark),
                                   .ext = std::move(reply->ext),
                                   .body = std::move(reply->body)});
                  });
  }

  sim::Scheduler& scheduler_;
  sim::SimHost host_;
  sim::SimEnv env_;
  std::unique_ptr<Executor> loop_;
  std::unique_ptr<net::RpcClient> client_;
  std::unique_ptr<net::RpcServer> server_;
  const Endpoint master_;
  std::map<int32_t, Rule> rules_;
  std::vector<net::ServerRequest> held_;
  std::map<int32_t, int> counts_;
};

}  // namespace orbitmq::broker
