// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "broker/replication/ha_frames.h"
#include "common/env.h"
#include "common/network.h"

namespace orbitmq::broker {

// Gives what lies in its last file, as an Apache master whose first files are deleted: asked for 0 it begins
// there, asked for what it does not have it only sends heartbeats.
class LastFileMaster final {
 public:
  LastFileMaster(Env& env, const Endpoint& at, LogOffset begin, std::string bytes)
      : loop_(env.NewExecutor({"ha", ExecutorKind::kIo})), begin_(begin), bytes_(std::move(bytes)) {
    auto listening =
        env.network().Listen({.address = at, .executors = {loop_.get()}},
                             std::make_shared<UniqueFunction<void(std::unique_ptr<Connection>)>>(
                                 [this](std::unique_ptr<Connection> accepted) {
                                   sessions_.push_back(std::make_unique<Session>(*this, std::move(accepted)));
                                 }));
    EXPECT_TRUE(listening.ok()) << listening.status().ToString();
    if (listening.ok()) listener_ = *std::move(listening);
  }
  ~LastFileMaster() { loop_->Stop(); }

 private:
  struct Session final : ConnectionEvents {
    Session(LastFileMaster& master, std::unique_ptr<Connection> accepted)
        : owner(master), connection(std::move(accepted)) {
      connection->Start(this);
    }
    size_t OnInput(std::string_view input) override {
      const auto report = NewestHaReport(input);
      if (report && !answered) Answer(report->value == 0 ? owner.begin_ : *report);
      answered = answered || report.has_value();
      return input.size() / kHaReportBytes * kHaReportBytes;
    }
    void Answer(LogOffset from) {
      BytesChain chain;
      constexpr size_t kPiece = 32 * 1024;
      const bool there = from >= owner.begin_;
      auto at = there ? static_cast<size_t>(from - owner.begin_) : owner.bytes_.size();
      if (!there) chain.emplace_back(EncodeHaHeader({from, 0}));
      for (; at < owner.bytes_.size(); at += kPiece) {
        const std::string piece = owner.bytes_.substr(at, kPiece);
        const LogOffset where = owner.begin_ + static_cast<int64_t>(at);
        chain.emplace_back(EncodeHaHeader({where, static_cast<int32_t>(piece.size())}) + piece);
      }
      connection->Write(std::move(chain));
    }
    void OnDrained() override {}
    void OnClosed(const Status&) override { connection.reset(); }

    LastFileMaster& owner;
    std::unique_ptr<Connection> connection;
    bool answered = false;
  };

  std::unique_ptr<Executor> loop_;
  const LogOffset begin_;
  const std::string bytes_;
  std::vector<std::unique_ptr<Session>> sessions_;
  std::unique_ptr<Listener> listener_;
};

}  // namespace orbitmq::broker
