// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "namesrv/namesrv.h"
#include "test/sim/sim_env.h"

namespace orbitmq::broker {

// A NameServer on a host of its own, which may be killed and started again.
class NamesrvProcess final {
 public:
  NamesrvProcess(sim::Scheduler& scheduler, sim::SimNetwork& network, sim::SimLog& log, std::string ip)
      : scheduler_(scheduler), network_(network), log_(log), host_("ns-" + ip, ip, 3, {}) {
    Start();
  }
  ~NamesrvProcess() { Kill(); }
  void Start() {
    env_ = std::make_unique<sim::SimEnv>(scheduler_, network_, host_, log_);
    namesrv::NamesrvOptions options;
    options.kv_config_path = "/namesrv/kvConfig.json";
    options.tls.mode = net::TlsMode::kDisabled;
    options.support_acting_master = true;
    auto started = namesrv::Namesrv::Start(*env_, std::move(options));
    ASSERT_TRUE(started.ok()) << started.status().ToString();
    server_ = *std::move(started);
  }
  void Kill() {
    if (env_ == nullptr) return;
    env_->MarkKilled();
    server_.reset();
    env_->FinishKill(sim::SimEnv::Loss::kProcess);
    graveyard_.push_back(std::move(env_));
  }

 private:
  sim::Scheduler& scheduler_;
  sim::SimNetwork& network_;
  sim::SimLog& log_;
  sim::SimHost host_;
  std::unique_ptr<sim::SimEnv> env_;
  std::unique_ptr<namesrv::Namesrv> server_;
  std::vector<std::unique_ptr<sim::SimEnv>> graveyard_;
};

}  // namespace orbitmq::broker
