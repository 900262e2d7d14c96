// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "remoting/tcp_network.h"
#include "test/remoting/net_fixture.h"

namespace orbitmq::net {
namespace {

// One end of a connection, driven by the test.
class End final : public ConnectionEvents {
 public:
  explicit End(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}

  size_t OnInput(std::string_view input) override {
    const size_t take = std::min(input.size(), step);
    text.append(input.substr(0, take));
    if (pause_after_input) connection_->PauseReading();
    received.Add(static_cast<int>(take));
    return take;
  }
  void OnDrained() override { drained.Add(); }
  void OnClosed(const Status& why) override {
    reason = why;
    closed.Add();
  }

  size_t step = SIZE_MAX;
  bool pause_after_input = false;
  std::string text;
  Status reason;
  EventCount received;
  EventCount drained;
  EventCount closed;
  std::unique_ptr<Connection> connection_;
};

class TcpNetworkTest : public testing::Test {
 protected:
  TcpNetworkTest() : env_(NewRealEnv(NullLogger())) {
    for (auto* executor : {&server_loop_, &client_loop_})
      *executor = env_->NewExecutor({"io", ExecutorKind::kIo});
    Listen({"127.0.0.1", 0});
  }
  ~TcpNetworkTest() override {
    RunOn(*server_loop_, [this] { server_.reset(); });
    RunOn(*client_loop_, [this] { client_.reset(); });
    listener_.reset();
  }
  void Listen(const Endpoint& at) {
    auto accept = std::make_shared<UniqueFunction<void(std::unique_ptr<Connection>)>>(
        [this](std::unique_ptr<Connection> connection) {
          EXPECT_TRUE(server_loop_->Current());
          server_ = std::make_unique<End>(std::move(connection));
          accepted_.Add();
        });
    auto listener = env_->network().Listen({at, {server_loop_.get()}}, std::move(accept));
    ASSERT_TRUE(listener.ok()) << listener.status().ToString();
    listener_ = std::move(*listener);
  }
  Result<std::unique_ptr<Connection>> Connect(const Endpoint& to, Duration timeout = kPatience) {
    Slot<std::unique_ptr<Connection>> slot;
    env_->network().Connect(to, *client_loop_, timeout, slot.completion());
    return slot.Wait();
  }
  // Connects both ends without starting them.
  void Pair() {
    auto connection = Connect(listener_->local());
    ASSERT_TRUE(connection.ok()) << connection.status().ToString();
    client_ = std::make_unique<End>(std::move(*connection));
    ASSERT_TRUE(accepted_.WaitFor(1));
  }
  void OnServer(UniqueFunction<void(End&)> work) {
    RunOn(*server_loop_, [&] { work(*server_); });
  }
  void OnClient(UniqueFunction<void(End&)> work) {
    RunOn(*client_loop_, [&] { work(*client_); });
  }
  static void StartEnd(End& end) { end.connection_->Start(&end); }

  std::unique_ptr<Env> env_;
  std::unique_ptr<Executor> server_loop_;
  std::unique_ptr<Executor> client_loop_;
  std::unique_ptr<Listener> listener_;
  std::unique_ptr<End> server_;
  std::unique_ptr<End> client_;
  EventCount accepted_;
};

TEST_F(TcpNetworkTest, BytesArriveInOrder_PiecesOfAllSizes) {
  Pair();
  OnServer(&StartEnd);
  std::string expected;
  OnClient([&](End& end) {
    StartEnd(end);
    for (size_t i = 0; i < 600; ++i) {
      std::string piece(i * 17 % 5000, static_cast<char>('a' + i % 26));
      expected += piece;
      end.connection_->Write({Bytes(std::move(piece)), Bytes()});
    }
    EXPECT_EQ(end.connection_->PendingBytes(), expected.size());
  });
  ASSERT_TRUE(server_->received.WaitFor(static_cast<int>(expected.size())));
  ASSERT_TRUE(client_->drained.WaitFor(1));
  OnServer([&](End& end) { EXPECT_TRUE(end.text == expected); });
  OnClient([&](End& end) {
    EXPECT_EQ(end.connection_->PendingBytes(), 0u);
    EXPECT_EQ(end.connection_->remote(), listener_->local());
  });
}

TEST_F(TcpNetworkTest, WhatIsNotConsumed_ComesAgainWithMoreBehindIt) {
  Pair();
  OnServer([](End& end) {
    end.step = 1000;  // Of up to 256 KiB per read.
    StartEnd(end);
  });
  std::string sent;
  for (int i = 0; i < 300; ++i) sent += std::to_string(i) + std::string(1000, '.');
  OnClient([&](End& end) {
    StartEnd(end);
    end.connection_->Write({Bytes(sent)});
  });
  ASSERT_TRUE(server_->received.WaitFor(1000));
  // Byte by byte the peer keeps sending until the rest was taken.
  OnServer([](End& end) { end.step = SIZE_MAX; });
  OnClient([&](End& end) { end.connection_->Write({Bytes::Static("!")}); });
  sent += "!";
  ASSERT_TRUE(server_->received.WaitFor(static_cast<int>(sent.size())));
  OnServer([&](End& end) { EXPECT_TRUE(end.text == sent); });
}

TEST_F(TcpNetworkTest, PausedEnd_GetsLeftoverAfterResume) {
  Pair();
  OnServer([](End& end) {
    end.step = 3;
    end.pause_after_input = true;
    StartEnd(end);
  });
  OnClient([&](End& end) {
    StartEnd(end);
    end.connection_->Write({Bytes::Static("abcdefgh")});
  });
  for (const int so_far : {3, 6, 8}) {
    ASSERT_TRUE(server_->received.WaitFor(so_far));
    OnServer([&](End& end) {
      EXPECT_EQ(end.text.size(), static_cast<size_t>(so_far));
      end.connection_->ResumeReading();
      EXPECT_EQ(end.text.size(), static_cast<size_t>(so_far)) << "no input inside ResumeReading";
    });
  }
}

TEST_F(TcpNetworkTest, CloseAfterFlush_DeliversEverythingFirst) {
  Pair();
  OnServer(&StartEnd);
  constexpr size_t kBytes = size_t{8} << 20;
  OnClient([&](End& end) {
    StartEnd(end);
    end.connection_->Write({Bytes(std::string(kBytes, 'x'))});
    end.connection_->CloseAfterFlush();
    end.connection_->CloseAfterFlush();
  });
  ASSERT_TRUE(server_->closed.WaitFor(1));
  ASSERT_TRUE(client_->closed.WaitFor(1));
  OnServer([&](End& end) {
    EXPECT_TRUE(end.reason.ok()) << end.reason.ToString();
    EXPECT_EQ(end.text.size(), kBytes);
  });
  OnClient([](End& end) {
    EXPECT_TRUE(end.reason.ok());
    end.connection_->Write({Bytes::Static("into the void")});
  });
}

TEST_F(TcpNetworkTest, CloseAfterFlush_DoesNotWaitForeverForADeafPeer) {
  Pair();  // The server's end is never started: it reads nothing.
  OnClient([&](End& end) {
    StartEnd(end);
    end.connection_->Write({Bytes(std::string(size_t{64} << 20, 'x'))});
    end.connection_->CloseAfterFlush();
  });
  ASSERT_TRUE(client_->closed.WaitFor(1));
  OnClient([](End& end) { EXPECT_EQ(end.reason.code(), StatusCode::kUnavailable); });
}

TEST_F(TcpNetworkTest, PeerReset_IsTold) {
  auto accepted = std::make_unique<RawPeer>(listener_->local());
  ASSERT_TRUE(accepted_.WaitFor(1));
  OnServer(&StartEnd);
  accepted->Reset();
  ASSERT_TRUE(server_->closed.WaitFor(1));
  OnServer([](End& end) {
    EXPECT_EQ(end.reason.code(), StatusCode::kUnavailable);
    EXPECT_NE(end.reason.text().find("127.0.0.1:"), std::string_view::npos) << end.reason.ToString();
  });
}

TEST_F(TcpNetworkTest, ConnectFailures_NameEndpointAndReason) {
  const Endpoint gone = listener_->local();
  listener_.reset();
  const auto refused = Connect(gone);
  EXPECT_EQ(refused.status().code(), StatusCode::kUnavailable);
  EXPECT_NE(refused.status().text().find(gone.ToString()), std::string_view::npos);
  EXPECT_NE(refused.status().text().find("refused"), std::string_view::npos) << refused.status().ToString();
  const auto unknown = Connect({"no-such-host.invalid", 1});
  EXPECT_EQ(unknown.status().code(), StatusCode::kUnavailable);
  EXPECT_NE(unknown.status().text().find("no-such-host.invalid"), std::string_view::npos);
  EXPECT_EQ(Connect({"no-such-host.invalid", 1}, Duration(0)).status().code(), StatusCode::kUnavailable);
}

TEST_F(TcpNetworkTest, ClosedListener_FreesThePortAtOnce) {
  const Endpoint port = listener_->local();
  for (int i = 0; i < 20; ++i) {
    listener_.reset();
    Listen(port);
  }
  Pair();
}

TEST_F(TcpNetworkTest, ListenFailures_AreTold) {
  const auto listen = [this](const Endpoint& at) {
    return env_->network()
        .Listen({at, {server_loop_.get()}},
                std::make_shared<UniqueFunction<void(std::unique_ptr<Connection>)>>(
                    [](std::unique_ptr<Connection>) {}))
        .status();
  };
  EXPECT_EQ(listen(listener_->local()).code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(listen({"0.0.0.0", listener_->local().port}).code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(listen({"192.0.2.1", 0}).code(), StatusCode::kIoError);
  EXPECT_EQ(listen({"no-such-host.invalid", 0}).code(), StatusCode::kIoError);
}

TEST_F(TcpNetworkTest, DestroyedInsideItsOwnEvents_IsFine) {
  Pair();
  struct Suicidal final : ConnectionEvents {
    std::unique_ptr<Connection> connection;
    EventCount gone;
    size_t OnInput(std::string_view input) override {
      connection.reset();
      gone.Add();
      return input.size();
    }
    void OnDrained() override {}
    void OnClosed(const Status&) override {}
  } suicidal;
  OnServer([&](End& end) {
    suicidal.connection = std::move(end.connection_);
    suicidal.connection->Start(&suicidal);
  });
  OnClient([](End& end) {
    StartEnd(end);
    end.connection_->Write({Bytes::Static("x")});
  });
  EXPECT_TRUE(suicidal.gone.WaitFor(1));
  EXPECT_TRUE(client_->closed.WaitFor(1));
}

TEST_F(TcpNetworkTest, IPv6_WorksAndIsWrittenInBrackets) {
  listener_.reset();
  Listen({"::1", 0});
  Pair();
  OnClient([&](End& end) {
    EXPECT_EQ(end.connection_->remote().host, "::1");
    EXPECT_EQ(end.connection_->remote().ToString(), "[::1]:" + std::to_string(listener_->local().port));
  });
}

}  // namespace
}  // namespace orbitmq::net
