// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "test/sim/sim_env.h"

namespace orbitmq::sim {

// One connection from a host of its own, which sends what it is told and keeps what comes.
class RawVisitor final : public ConnectionEvents {
 public:
  RawVisitor(Scheduler& scheduler, Env& env, Executor& io, const Endpoint& to)
      : scheduler_(scheduler), io_(io) {
    bool ended = false;
    env.network().Connect(to, io_, std::chrono::seconds(3),
                          [this, &ended](Result<std::unique_ptr<Connection>> connected) {
                            ended = true;
                            EXPECT_TRUE(connected.ok()) << connected.status().ToString();
                            if (!connected.ok()) return;
                            connection_ = *std::move(connected);
                            connection_->Start(this);
                          });
    scheduler_.RunUntil(scheduler_.now() + std::chrono::seconds(4), [&ended] { return ended; });
  }
  ~RawVisitor() override {
    io_.Post([this] { connection_.reset(); });
    scheduler_.RunUntil(scheduler_.now() + std::chrono::milliseconds(10));
  }
  // Waits a second of virtual time for what is answered.
  void Send(std::string text) {
    io_.Post([this, text = std::move(text)]() mutable {
      if (connection_ == nullptr) return;
      BytesChain pieces;
      pieces.emplace_back(std::move(text));
      connection_->Write(std::move(pieces));
    });
    scheduler_.RunUntil(scheduler_.now() + std::chrono::seconds(1));
  }
  std::string Take() { return std::exchange(received_, {}); }
  const std::string& received() const { return received_; }
  bool closed() const { return closed_; }

  size_t OnInput(std::string_view input) override {
    received_.append(input);
    return input.size();
  }
  void OnDrained() override {}
  void OnClosed(const Status&) override { closed_ = true; }

 private:
  Scheduler& scheduler_;
  Executor& io_;
  std::unique_ptr<Connection> connection_;
  std::string received_;
  bool closed_ = false;
};

}  // namespace orbitmq::sim
