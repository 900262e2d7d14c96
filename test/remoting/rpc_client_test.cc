// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <string>
#include <vector>

#include "common/limits.h"
#include "remoting/protocol/codes.h"
#include "remoting/rpc_client.h"
#include "test/remoting/net_fixture.h"

namespace orbitmq::net {
namespace {

using std::chrono::milliseconds;

class RpcClientTest : public RpcTest {
 protected:
  // A listener whose connections the test plays itself: it never answers by itself.
  struct Silent {
    std::unique_ptr<Listener> listener;
    EventCount accepted;
    std::mutex mutex;
    std::vector<std::unique_ptr<Connection>> connections;
  };
  std::unique_ptr<Silent> ListenSilently() {
    auto silent = std::make_unique<Silent>();
    auto accept = std::make_shared<UniqueFunction<void(std::unique_ptr<Connection>)>>(
        [raw = silent.get()](std::unique_ptr<Connection> connection) {
          const std::lock_guard<std::mutex> lock(raw->mutex);
          raw->connections.push_back(std::move(connection));
          raw->accepted.Add();
        });
    auto listener = env_->network().Listen({{"127.0.0.1", 0}, {io_[0].get()}}, std::move(accept));
    EXPECT_TRUE(listener.ok());
    silent->listener = std::move(*listener);
    return silent;
  }
  void CloseAll(Silent& silent) {
    RunOn(*io_[0], [&] { silent.connections.clear(); });
  }
  // An endpoint at which nobody listens.
  Endpoint DeadEndpoint() {
    auto silent = ListenSilently();
    const Endpoint endpoint = silent->listener->local();
    silent->listener.reset();
    return endpoint;
  }
};

TEST_F(RpcClientTest, Echo_InlineAndOnAnotherExecutor) {
  StartServer();
  for (const int32_t code : {kEcho, kEchoLater}) {
    const auto reply = Call(code, "hello");
    ASSERT_TRUE(reply.ok()) << reply.status().ToString();
    EXPECT_EQ(reply->code, 0);
    EXPECT_TRUE(reply->response());
    EXPECT_EQ(reply->JoinedBody().view(), "hello");
  }
}

TEST_F(RpcClientTest, ExtFieldsAndRemark_RoundTripInBothHeaders) {
  StartServer();
  for (const auto serialize : {proto::SerializeType::kJson, proto::SerializeType::kBinary}) {
    ShutdownClient();
    RpcClientOptions options;
    options.serialize = serialize;
    Client(options);
    proto::Command request;
    request.code = kEchoLater;
    request.remark = "a \"quoted\" remark\n";
    request.ext.Set("topic", "T\\1");
    request.ext.Set("unicode", "\xC3\xA4\xF0\x9F\x98\x80");
    Slot<proto::Command> slot;
    client_->Call(server_endpoint(), request, kPatience, slot.completion());
    const auto reply = slot.Wait();
    ASSERT_TRUE(reply.ok()) << reply.status().ToString();
    EXPECT_EQ(reply->remark, request.remark);
    ASSERT_NE(reply->ext.Find("topic"), nullptr);
    EXPECT_EQ(*reply->ext.Find("topic"), "T\\1");
    EXPECT_EQ(*reply->ext.Find("unicode"), *request.ext.Find("unicode"));
  }
}

TEST_F(RpcClientTest, Pipelined_EachCallGetsItsOwnAnswer) {
  StartServer();
  std::vector<Slot<proto::Command>> calls;
  for (int i = 0; i < 2000; ++i) calls.push_back(StartCall(i % 2 ? kEcho : kEchoLater, std::to_string(i)));
  for (int i = 0; i < 2000; ++i) {
    const auto reply = calls[static_cast<size_t>(i)].Wait();
    ASSERT_TRUE(reply.ok()) << reply.status().ToString();
    EXPECT_EQ(reply->JoinedBody().view(), std::to_string(i));
  }
  EXPECT_EQ(server_->connection_count(), 1u);
}

TEST_F(RpcClientTest, BodyOfManyPieces_ArrivesJoined) {
  StartServer();
  proto::Command request;
  request.code = kEcho;
  std::string expected;
  for (int i = 0; i < 700; ++i) {
    const std::string piece(static_cast<size_t>(i * 3), static_cast<char>('a' + i % 26));
    expected += piece;
    request.body.push_back(Bytes(piece));
  }
  Slot<proto::Command> slot;
  Client().Call(server_endpoint(), std::move(request), kPatience, slot.completion());
  const auto reply = slot.Wait();
  ASSERT_TRUE(reply.ok()) << reply.status().ToString();
  EXPECT_TRUE(reply->JoinedBody().view() == expected);
}

TEST_F(RpcClientTest, Oneway_ArrivesAndIsNotAnswered) {
  StartServer();
  for (int i = 0; i < 10; ++i) {
    proto::Command request;
    request.code = kDrop;
    EXPECT_TRUE(Client().Oneway(server_endpoint(), std::move(request)).ok());
  }
  EXPECT_TRUE(oneways_.WaitFor(10));
  EXPECT_TRUE(Call(kEcho, "after").ok());
}

TEST_F(RpcClientTest, Flush_OnewaysThatWaitForTheConnection_LeaveBeforeShutdown) {
  StartServer();
  auto flushed = Slot<Done>();
  Client();
  RunOn(*loop_, [&] {
    for (int i = 0; i < 10; ++i) {
      proto::Command request;
      request.code = kDrop;
      EXPECT_TRUE(Client().Oneway(server_endpoint(), std::move(request)).ok());
    }
    Client().Flush(kPatience, flushed.completion());
  });
  EXPECT_TRUE(flushed.Wait().ok());
  RunOn(*loop_, [&] { client_->Shutdown(); });
  EXPECT_TRUE(oneways_.WaitFor(10));
}

TEST_F(RpcClientTest, SilentPeer_TimesOutAsUnknown) {
  const auto silent = ListenSilently();
  Client();
  const auto reply = CallAt(silent->listener->local(), kEcho, "x", milliseconds(30));
  EXPECT_EQ(reply.status().code(), StatusCode::kUnknown) << reply.status().ToString();
  EXPECT_NE(reply.status().text().find("127.0.0.1"), std::string_view::npos);
  ShutdownClient();
  CloseAll(*silent);
}

TEST_F(RpcClientTest, PeerClosesWithoutAnswer_IsUnknown) {
  const auto silent = ListenSilently();
  Client();
  Slot<proto::Command> slot;
  proto::Command request;
  request.code = kEcho;
  EventCount closed;
  client_->OnConnectionClosed([&](const Endpoint&) { closed.Add(); });
  client_->Call(silent->listener->local(), request, kPatience, slot.completion());
  ASSERT_TRUE(silent->accepted.WaitFor(1));
  // Wait until the request is there, then hang up.
  struct Hear final : ConnectionEvents {
    EventCount input;
    size_t OnInput(std::string_view text) override {
      input.Add();
      return text.size();
    }
    void OnDrained() override {}
    void OnClosed(const Status&) override {}
  } hear;
  RunOn(*io_[0], [&] { silent->connections[0]->Start(&hear); });
  ASSERT_TRUE(hear.input.WaitFor(1));
  CloseAll(*silent);
  EXPECT_EQ(slot.Wait().status().code(), StatusCode::kUnknown);
  EXPECT_TRUE(closed.WaitFor(1));
}

TEST_F(RpcClientTest, NobodyListens_IsUnavailableAndBacksOff) {
  RpcClientOptions options;
  options.backoff_min = options.backoff_max = std::chrono::hours(1);
  Client(options);
  const Endpoint dead = DeadEndpoint();
  const auto first = CallAt(dead, kEcho, "x");
  EXPECT_EQ(first.status().code(), StatusCode::kUnavailable);
  EXPECT_NE(first.status().text().find(dead.ToString()), std::string_view::npos) << first.status().ToString();
  // Somebody listens now, but the back-off still runs.
  StartServer({.listen = {dead}});
  const auto second = CallAt(dead, kEcho, "x");
  EXPECT_EQ(second.status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(second.status().text(), first.status().text());
}

TEST_F(RpcClientTest, ServerComesBack_CallsSucceedAgain) {
  StartServer();
  const Endpoint endpoint = server_endpoint();
  Client(QuickClient());
  ASSERT_TRUE(Call(kEcho, "x").ok());
  ShutdownServer();
  EXPECT_FALSE(CallAt(endpoint, kEcho, "x").ok());
  StartServer({.listen = {endpoint}});
  Result<proto::Command> reply = Status(StatusCode::kInternal, "");
  for (int i = 0; i < 10000 && !reply.ok(); ++i) reply = CallAt(endpoint, kEcho, "back");
  ASSERT_TRUE(reply.ok()) << reply.status().ToString();
  EXPECT_EQ(reply->JoinedBody().view(), "back");
}

TEST_F(RpcClientTest, UnresolvableHost_IsUnavailable) {
  Client();
  const auto reply = CallAt({"no-such-host.invalid", 1}, kEcho, "x");
  EXPECT_EQ(reply.status().code(), StatusCode::kUnavailable);
  EXPECT_NE(reply.status().text().find("no-such-host.invalid"), std::string_view::npos);
}

TEST_F(RpcClientTest, HostNamesAndBothAddressFamilies_Work) {
  StartServer({.listen = {{"0.0.0.0", 0}}});
  const uint16_t port = server_endpoint().port;
  EXPECT_EQ(server_endpoint().host, "0.0.0.0");
  for (const char* host : {"127.0.0.1", "localhost", "::1"}) {
    const auto reply = CallAt({host, port}, kEcho, host);
    ASSERT_TRUE(reply.ok()) << host << ": " << reply.status().ToString();
    EXPECT_EQ(reply->JoinedBody().view(), host);
  }
}

TEST_F(RpcClientTest, InFlightBudget_AnswersBusy) {
  StartServer();
  RpcClientOptions options;
  options.in_flight_bytes_max = 1000;
  Client(options);
  const auto refused = Call(kEcho, std::string(2000, 'x'));
  EXPECT_EQ(refused.status().code(), StatusCode::kBusy);
  proto::Command large;
  large.code = kDrop;
  large.body.push_back(Bytes(std::string(2000, 'x')));
  EXPECT_EQ(client_->Oneway(server_endpoint(), large).code(), StatusCode::kBusy);
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(Call(kEcho, "small").ok());
}

TEST_F(RpcClientTest, DefaultBudget_IsTheLimit) {
  StartServer();
  Client();
  Slot<Done> release;
  loop_->Post([&] { (void)release.Wait(); });
  // All share one body, and nothing is sent: this takes no memory.
  proto::Command large;
  large.code = kDrop;
  large.body.push_back(Bytes(std::string(15 << 20, 'x')));
  size_t taken = 0;
  Status status = client_->Oneway(server_endpoint(), large);
  for (; status.ok() && taken <= limits::kClientBytesInFlightMax; taken += 15 << 20)
    status = client_->Oneway(server_endpoint(), large);
  EXPECT_EQ(status.code(), StatusCode::kBusy);
  EXPECT_LE(taken, limits::kClientBytesInFlightMax);
  EXPECT_GT(taken + (15 << 20), limits::kClientBytesInFlightMax - (15 << 20));
  release.Set(Done{});
  ShutdownClient();
}

TEST_F(RpcClientTest, DeadlineBeforeHandOver_IsTimeout) {
  // A listener of which nobody accepts: the connection is made by the kernel, so take an executor that is
  // blocked instead; nothing leaves before the deadline.
  StartServer();
  Client();
  Slot<Done> release;
  EventCount blocked;
  loop_->Post([&] {
    blocked.Add();
    (void)release.Wait();
  });
  ASSERT_TRUE(blocked.WaitFor(1));
  auto slot = StartCall(kEcho, "x", Duration(0));
  release.Set(Done{});
  const auto reply = slot.Wait();
  EXPECT_FALSE(reply.ok());
  EXPECT_TRUE(reply.status().code() == StatusCode::kTimeout) << reply.status().ToString();
}

TEST_F(RpcClientTest, Shutdown_EndsPendingCalls) {
  StartServer();
  auto held = StartCall(kHold, "x");
  ASSERT_TRUE(held_count_.WaitFor(1));
  auto connecting = Slot<proto::Command>();
  RunOn(*loop_, [&] {
    client_->Call({"127.0.0.2", server_endpoint().port}, {}, kPatience, connecting.completion());
    client_->Shutdown();
  });
  EXPECT_EQ(held.Wait().status().code(), StatusCode::kUnknown);
  EXPECT_EQ(connecting.Wait().status().code(), StatusCode::kCancelled);
  EXPECT_EQ(Call(kEcho, "late").status().code(), StatusCode::kCancelled);
}

TEST_F(RpcClientTest, DestroyedWithCallsPending_EndsThem) {
  StartServer();
  auto held = StartCall(kHold, "x");
  ASSERT_TRUE(held_count_.WaitFor(1));
  client_.reset();
  EXPECT_EQ(held.Wait().status().code(), StatusCode::kUnknown);
}

TEST_F(RpcClientTest, StoppedLoop_EveryCallStillEnds) {
  StartServer();
  auto held = StartCall(kHold, "x");
  ASSERT_TRUE(held_count_.WaitFor(1));
  loop_->Stop();
  EXPECT_EQ(Call(kEcho, "x").status().code(), StatusCode::kCancelled);
  client_.reset();
  EXPECT_FALSE(held.Wait().ok());
}

TEST_F(RpcClientTest, CloseConnection_IsReopenedOnDemand) {
  StartServer();
  ASSERT_TRUE(Call(kEcho, "x").ok());
  client_->CloseConnection(server_endpoint());
  ASSERT_TRUE(peers_closed_.WaitFor(1));
  EXPECT_TRUE(Call(kEcho, "x").ok());
}

TEST_F(RpcClientTest, IdleConnection_IsClosedAndReopened) {
  StartServer();
  RpcClientOptions options;
  options.idle_close = milliseconds(60);
  Client(options);
  ASSERT_TRUE(Call(kEcho, "x").ok());
  ASSERT_TRUE(peers_closed_.WaitFor(1));
  EXPECT_TRUE(Call(kEcho, "x").ok());
}

TEST_F(RpcClientTest, ServerRequest_IsHandledAnsweredOrRefused) {
  StartServer();
  EventCount notices;
  Client().HandleIncoming(40, [&](RpcClient::Incoming incoming) {
    EXPECT_TRUE(incoming.command.oneway());
    notices.Add();
  });
  client_->HandleIncoming(307, [](RpcClient::Incoming incoming) {
    proto::Command reply;
    reply.body.push_back(Bytes::Copy(std::string("got ") + std::string(incoming.command.body)));
    incoming.reply(std::move(reply));
  });
  auto held = StartCall(kHold, "x");
  ASSERT_TRUE(held_count_.WaitFor(1));
  proto::Command notice;
  notice.code = 40;
  last_peer_->Oneway(notice);
  EXPECT_TRUE(notices.WaitFor(1));

  proto::Command question;
  question.code = 307;
  question.body.push_back(Bytes::Static("it"));
  Slot<proto::Command> answer;
  last_peer_->Call(question, kPatience, answer.completion());
  EXPECT_EQ(answer.Wait()->JoinedBody().view(), "got it");

  question.code = 999;
  Slot<proto::Command> refused;
  last_peer_->Call(question, kPatience, refused.completion());
  EXPECT_EQ(refused.Wait()->code, proto::ResponseCode::kRequestCodeNotSupported);
  ReleaseHeld();
  EXPECT_TRUE(held.Wait().ok());
}

TEST_F(RpcClientTest, PeerThatTalksGarbage_FailsTheCallOnly) {
  const auto silent = ListenSilently();
  Client(QuickClient());
  Slot<proto::Command> slot;
  client_->Call(silent->listener->local(), {}, kPatience, slot.completion());
  ASSERT_TRUE(silent->accepted.WaitFor(1));
  struct Ignore final : ConnectionEvents {
    size_t OnInput(std::string_view text) override { return text.size(); }
    void OnDrained() override {}
    void OnClosed(const Status&) override {}
  } ignore;
  RunOn(*io_[0], [&] {
    silent->connections[0]->Start(&ignore);
    silent->connections[0]->Write({Bytes::Static("garbage garbage")});
  });
  const auto reply = slot.Wait();
  EXPECT_EQ(reply.status().code(), StatusCode::kUnknown);
  EXPECT_NE(reply.status().text().find("bad frame"), std::string_view::npos) << reply.status().ToString();
  CloseAll(*silent);
  StartServer();
  EXPECT_TRUE(Call(kEcho, "x").ok());
}

TEST_F(RpcClientTest, CompletionMayCallAgain) {
  StartServer();
  Slot<proto::Command> second;
  proto::Command request;
  request.code = kEcho;
  Client().Call(server_endpoint(), request, kPatience,
                [this, completion = second.completion()](Result<proto::Command> first) mutable {
                  ASSERT_TRUE(first.ok());
                  client_->Call(server_endpoint(), *first, kPatience, std::move(completion));
                });
  const auto reply = second.Wait();
  // The echoed command's code is 0, which nobody handles.
  EXPECT_EQ(reply->code, proto::ResponseCode::kRequestCodeNotSupported);
}

}  // namespace
}  // namespace orbitmq::net
