// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <thread>
#include <vector>

#include "common/limits.h"
#include "common/random.h"
#include "remoting/protocol/codes.h"
#include "remoting/protocol/command_codec.h"
#include "remoting/protocol/frame_decoder.h"
#include "remoting/rpc_server.h"
#include "test/remoting/net_fixture.h"

namespace orbitmq::net {
namespace {

class RpcServerTest : public RpcTest {
 protected:
  // A decoded response that a raw peer got; code -1 at the end of the stream.
  static proto::Command ReceiveResponse(RawPeer& peer) {
    const std::string rest = peer.ReceiveFrame();
    proto::Command none;
    none.code = -1;
    if (rest.empty()) return none;
    std::string frame;
    ByteWriter(frame).Write(static_cast<uint32_t>(rest.size()));
    frame += rest;
    const auto view = proto::NextFrame(frame);
    if (!view.ok() || !view->has_value()) return none;
    proto::CommandDecoder decoder;
    const auto command = decoder.Decode(**view);
    if (!command.ok()) return none;
    last_serialize = command->serialize;
    return proto::ToOwned(*command);
  }
  // The server still serves others.
  void ExpectAlive() {
    const auto reply = Call(kEcho, "alive");
    ASSERT_TRUE(reply.ok()) << reply.status().ToString();
    EXPECT_EQ(reply->JoinedBody().view(), "alive");
  }
  static inline proto::SerializeType last_serialize = proto::SerializeType::kJson;
};

TEST_F(RpcServerTest, Reply_CarriesVersionLanguageFlagAndOpaque) {
  StartServer();
  RawPeer peer(server_endpoint());
  ASSERT_TRUE(peer.Send(RequestFrame(kEcho, 77, "x")));
  const proto::Command reply = ReceiveResponse(peer);
  EXPECT_EQ(reply.code, 0);
  EXPECT_EQ(reply.flag, 1);
  EXPECT_EQ(reply.opaque, 77);
  EXPECT_EQ(reply.version, 513);
  EXPECT_EQ(reply.language, proto::Language::kCpp);
  EXPECT_EQ(last_serialize, proto::SerializeType::kJson);
}

TEST_F(RpcServerTest, BinaryRequest_IsAnsweredInBinary) {
  StartServer();
  proto::Command request;
  request.code = kEcho;
  request.opaque = 5;
  request.ext.Set("k", "v");
  std::string frame;
  const auto pieces = proto::EncodeFrame(request, proto::SerializeType::kBinary);
  for (const Bytes& piece : *pieces) frame.append(piece.view());
  RawPeer peer(server_endpoint());
  ASSERT_TRUE(peer.Send(frame));
  const proto::Command reply = ReceiveResponse(peer);
  EXPECT_EQ(reply.opaque, 5);
  ASSERT_NE(reply.ext.Find("k"), nullptr);
  EXPECT_EQ(*reply.ext.Find("k"), "v");
  EXPECT_EQ(last_serialize, proto::SerializeType::kBinary);
}

TEST_F(RpcServerTest, UnknownCode_IsAnsweredNotSupported) {
  StartServer();
  const auto reply = Call(12345, "x");
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(reply->code, proto::ResponseCode::kRequestCodeNotSupported);
  EXPECT_EQ(reply->remark, " request type 12345 not supported");
}

TEST_F(RpcServerTest, DroppedRequest_IsAnsweredSystemError) {
  StartServer();
  const auto reply = Call(kDrop, "x");
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(reply->code, proto::ResponseCode::kSystemError);
  EXPECT_NE(reply->remark.find("dropped"), std::string::npos);
}

TEST_F(RpcServerTest, StoppedHandlerExecutor_RequestIsAnswered) {
  StartServer();
  worker_->Stop();
  const auto reply = Call(kEchoLater, "x");
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(reply->code, proto::ResponseCode::kSystemError);
}

TEST_F(RpcServerTest, ReplyTooLarge_IsAnsweredSystemError) {
  server_ = RpcServer::New(*env_, {.listen = {{"127.0.0.1", 0}}, .name = "test"}, {io_[0].get()});
  server_->Handle(1, nullptr, [](ServerRequest request) {
    request.Reply({0, {}, {}, {Bytes(std::string(limits::kFrameBytesMax + 1, 'x'))}});
  });
  ASSERT_TRUE(server_->Start().ok());
  const auto reply = Call(1, "");
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(reply->code, proto::ResponseCode::kSystemError);
  EXPECT_NE(reply->remark.find("cannot be sent"), std::string::npos);
}

TEST_F(RpcServerTest, BusyExecutor_AnswersSystemBusyAboveItsBound) {
  server_ = RpcServer::New(*env_, {.listen = {{"127.0.0.1", 0}}, .name = "test"}, {io_[0].get()});
  server_->Handle(
      1, worker_.get(), [](ServerRequest request) { request.Reply({}); }, 2);
  ASSERT_TRUE(server_->Start().ok());
  Slot<Done> release;
  EventCount blocked;
  worker_->Post([&] {
    blocked.Add();
    (void)release.Wait();
  });
  ASSERT_TRUE(blocked.WaitFor(1));
  std::vector<Slot<proto::Command>> calls;
  for (int i = 0; i < 3; ++i) calls.push_back(StartCall(1, ""));
  const auto refused = calls[2].Wait();
  ASSERT_TRUE(refused.ok());
  EXPECT_EQ(refused->code, proto::ResponseCode::kSystemBusy);
  EXPECT_EQ(refused->remark, "[OVERLOAD]system busy, start flow control for a while");
  release.Set(Done{});
  EXPECT_EQ(calls[0].Wait()->code, 0);
  EXPECT_EQ(calls[1].Wait()->code, 0);
  EXPECT_EQ(Call(1, "")->code, 0);
}

TEST_F(RpcServerTest, Frames_CutAtEveryByte_AreReassembled) {
  StartServer();
  const std::string frame = RequestFrame(kEcho, 1, "body");
  RawPeer peer(server_endpoint());
  for (const char byte : frame) ASSERT_TRUE(peer.Send({&byte, 1}));
  EXPECT_EQ(ReceiveResponse(peer).JoinedBody().view(), "body");
}

TEST_F(RpcServerTest, ShortFirstPacket_DoesNotHang) {
  StartServer();
  RawPeer peer(server_endpoint());
  // The shortest request there is: Apache waits for 12 bytes before it looks at anything.
  ASSERT_TRUE(peer.Send(FrameOf("{}", "")));
  EXPECT_TRUE(peer.WaitClosed());
  ExpectAlive();
}

TEST_F(RpcServerTest, HostileFrames_CloseOnlyTheirConnection) {
  StartServer();
  RawPeer bystander(server_endpoint());
  const std::string frames[] = {
      std::string("\xFF\xFF\xFF\xFF\0\0\0\0", 8),  // A negative length.
      std::string("\0\0\0\0\0\0\0\0", 8),          // No room for the header word.
      std::string("\0\0\0\3\0\0\0\0", 8),
      std::string("\x7F\xFF\xFF\xFF", 4),          // 2 GiB.
      std::string("\1\0\0\0\0\0\0\0", 8),          // 4 bytes above the limit.
      std::string("\0\0\0\x10\0\xFF\xFF\xFF", 8),  // A header longer than its frame.
      FrameOf("{}", "", 2),                        // An unknown serialize type.
      FrameOf("not json", ""),
      FrameOf("{\"code\":\"\x01\"", ""),
      FrameOf(std::string(21, '\xFF'), "", 1),  // Binary lengths of -1.
      FrameOf("short", "", 1),
      "GET / HTTP/1.1\r\n\r\n",
  };
  for (const std::string& frame : frames) {
    RawPeer peer(server_endpoint());
    ASSERT_TRUE(peer.Send(frame));
    EXPECT_TRUE(peer.WaitClosed()) << testing::PrintToString(frame);
  }
  EXPECT_TRUE(Logged("closing a connection"));
  EXPECT_TRUE(Logged("127.0.0.1:"));
  ASSERT_TRUE(bystander.Send(RequestFrame(kEcho, 9, "still here")));
  EXPECT_EQ(ReceiveResponse(bystander).JoinedBody().view(), "still here");
}

TEST_F(RpcServerTest, RandomBytes_NeverHurtTheServer) {
  StartServer();
  Random random(20260101);
  for (int round = 0; round < 200; ++round) {
    std::string bytes = RequestFrame(kEcho, 1, "some body");
    const auto changes = random.Below(8) + 1;
    for (uint64_t i = 0; i < changes; ++i)
      bytes[random.Below(bytes.size())] = static_cast<char>(random.Below(256));
    bytes.resize(random.Below(bytes.size()) + 1);
    RawPeer peer(server_endpoint());
    ASSERT_TRUE(peer.Send(bytes));
    peer.ShutdownWrite();
    EXPECT_TRUE(peer.WaitClosed());
  }
  ExpectAlive();
}

TEST_F(RpcServerTest, TruncatedFrameThenReset_IsForgotten) {
  StartServer();
  {
    RawPeer peer(server_endpoint());
    ASSERT_TRUE(peer.Send(RequestFrame(kEcho, 1, std::string(100000, 'x')).substr(0, 50000)));
    peer.Reset();
  }
  ASSERT_TRUE(peers_closed_.WaitFor(1));
  ExpectAlive();
}

TEST_F(RpcServerTest, UnknownAndRepeatedResponses_AreIgnored) {
  StartServer();
  RawPeer peer(server_endpoint());
  ASSERT_TRUE(peer.Send(RequestFrame(0, 4711, "", proto::kFlagResponse)));
  ASSERT_TRUE(peer.Send(RequestFrame(0, 4711, "", proto::kFlagResponse)));
  ASSERT_TRUE(peer.Send(RequestFrame(kEcho, 1, "x")));
  EXPECT_EQ(ReceiveResponse(peer).opaque, 1);
}

TEST_F(RpcServerTest, OnewayFromAnotherExecutor_LeavesBeforeItsReply) {
  server_ = RpcServer::New(*env_, {.listen = {{"127.0.0.1", 0}}, .name = "test"}, {io_[0].get()});
  server_->Handle(1, worker_.get(), [](ServerRequest request) {
    proto::Command notice;
    notice.code = 7;
    notice.remark = std::to_string(request.command().opaque);
    request.peer()->Oneway(std::move(notice));
    proto::Command reply = request.response_command();
    request.ReplyFrame(*proto::EncodeFrameHead(reply, request.command().serialize), {});
  });
  ASSERT_TRUE(server_->Start().ok());
  RawPeer peer(server_endpoint());
  constexpr int32_t kRequests = 200;
  std::string all;
  for (int32_t i = 1; i <= kRequests; ++i) all += RequestFrame(1, i, "");
  ASSERT_TRUE(peer.Send(all));
  for (int32_t i = 1; i <= kRequests; ++i) {
    const proto::Command notice = ReceiveResponse(peer);
    EXPECT_EQ(notice.code, 7);
    EXPECT_EQ(notice.remark, std::to_string(i));
    EXPECT_EQ(ReceiveResponse(peer).opaque, i);
  }
}

TEST_F(RpcServerTest, LargestFrame_IsEchoed_LargerOneIsRefused) {
  StartServer();
  const size_t overhead = RequestFrame(kEcho, 1, "").size() + 200;
  const std::string body(limits::kFrameBytesMax - overhead, 'b');
  const auto reply = Call(kEcho, body);
  ASSERT_TRUE(reply.ok()) << reply.status().ToString();
  EXPECT_TRUE(reply->JoinedBody().view() == body);
  EXPECT_EQ(Call(kEcho, std::string(limits::kFrameBytesMax, 'b')).status().code(),
            StatusCode::kResourceExhausted);
}

TEST_F(RpcServerTest, HalfClosedPeer_GetsWhatIsQueued) {
  StartServer();
  RawPeer peer(server_endpoint());
  const std::string body(3 << 20, 'x');
  ASSERT_TRUE(peer.Send(RequestFrame(kEcho, 1, body)));
  peer.ShutdownWrite();
  EXPECT_EQ(ReceiveResponse(peer).JoinedBody().size(), body.size());
  EXPECT_TRUE(peer.WaitClosed());
}

TEST_F(RpcServerTest, ConnectionBudget_PausesReadingUntilAnswersAreOut) {
  StartServer({.connection_bytes_max = size_t{64} << 10});
  RawPeer peer(server_endpoint());
  const std::string frame = RequestFrame(kHold, 1, std::string(40000, 'h'));
  ASSERT_TRUE(peer.Send(frame + frame + frame));
  ASSERT_TRUE(held_count_.WaitFor(1));
  // Others are served meanwhile, and several turns later still one request is in.
  for (int i = 0; i < 20; ++i) ExpectAlive();
  EXPECT_EQ(held_count_.count(), 1);
  for (int done = 2; done <= 3; ++done) {
    ReleaseHeld();
    ASSERT_TRUE(held_count_.WaitFor(done));
  }
  ReleaseHeld();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ReceiveResponse(peer).JoinedBody().size(), 40000u);
}

TEST_F(RpcServerTest, TotalBudget_PausesOthersUntilThereIsRoom) {
  StartServer({.total_bytes_max = size_t{64} << 10});
  RawPeer first(server_endpoint());
  RawPeer second(server_endpoint());
  const std::string frame = RequestFrame(kHold, 1, std::string(50000, 'h'));
  ASSERT_TRUE(first.Send(frame));
  ASSERT_TRUE(held_count_.WaitFor(1));
  ASSERT_TRUE(second.Send(frame));
  RawPeer third(server_endpoint());
  ASSERT_TRUE(third.Send(RequestFrame(kEcho, 3, "small")));
  EXPECT_EQ(ReceiveResponse(third).opaque, 3);
  EXPECT_EQ(held_count_.count(), 1);
  ReleaseHeld();
  ASSERT_TRUE(held_count_.WaitFor(2));
  ReleaseHeld();
  EXPECT_EQ(ReceiveResponse(first).JoinedBody().size(), 50000u);
  EXPECT_EQ(ReceiveResponse(second).JoinedBody().size(), 50000u);
}

TEST_F(RpcServerTest, SlowReader_IsNotReadFromAndHurtsNobody) {
  StartServer({.connection_bytes_max = size_t{256} << 10});
  RawPeer slow(server_endpoint());
  const std::string frame = RequestFrame(kEcho, 1, std::string(100000, 's'));
  // It never reads: what it can send ends when the buffers and the budget are full.
  std::string_view rest;
  int sent = 0;
  size_t stuck = 0;
  while (sent < 1000 && stuck < 200) {
    if (rest.empty()) rest = frame;
    const size_t some = slow.SendSome(rest);
    rest.remove_prefix(some);
    if (some > 0) stuck = 0;
    if (rest.empty()) ++sent;
    if (some == 0) {
      ++stuck;
      ExpectAlive();  // Also lets the server's turns pass.
    }
  }
  EXPECT_LT(sent, 1000) << "the server took 100 MB for a peer that reads nothing";
  // It starts to read: everything that it asked for is there.
  ASSERT_GT(sent, 0);
  for (int i = 0; i < sent; ++i) ASSERT_EQ(ReceiveResponse(slow).JoinedBody().size(), 100000u) << i;
}

TEST_F(RpcServerTest, PeerThatReadsNothing_IsClosedAtTheHardLimit) {
  StartServer({.connection_bytes_max = size_t{64} << 10});
  RawPeer deaf(server_endpoint());
  ASSERT_TRUE(deaf.Send(RequestFrame(kHold, 1, "x")));
  ASSERT_TRUE(held_count_.WaitFor(1));
  proto::Command notice;
  notice.code = 40;
  notice.body.push_back(Bytes(std::string(1 << 20, 'n')));
  for (int i = 0; i < 64; ++i) last_peer_->Oneway(notice);
  ASSERT_TRUE(peers_closed_.WaitFor(1));
  EXPECT_TRUE(Logged("bytes unread"));
  ExpectAlive();
}

TEST_F(RpcServerTest, Abandoned_GivesItsBytesBack) {
  StartServer({.connection_bytes_max = size_t{64} << 10});
  RawPeer peer(server_endpoint());
  const std::string frame = RequestFrame(kAbandon, 1, std::string(40000, 'h'));
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(peer.Send(frame));
  EXPECT_TRUE(held_count_.WaitFor(10));
}

TEST_F(RpcServerTest, IdleConnection_IsClosed) {
  StartServer({.idle_close = std::chrono::milliseconds(80)});
  RawPeer peer(server_endpoint());
  EXPECT_TRUE(peer.WaitClosed());
  EXPECT_TRUE(peers_closed_.WaitFor(1));
  EXPECT_EQ(server_->connection_count(), 0u);
}

TEST_F(RpcServerTest, ServerCall_IsAnsweredTimesOutOrFails) {
  StartServer();
  RawPeer peer(server_endpoint());
  ASSERT_TRUE(peer.Send(RequestFrame(kHold, 1, "x")));
  ASSERT_TRUE(held_count_.WaitFor(1));
  EXPECT_EQ(last_peer_->local(), server_endpoint());
  proto::Command question;
  question.code = 307;

  Slot<proto::Command> answered;
  last_peer_->Call(question, kPatience, answered.completion());
  const proto::Command asked = ReceiveResponse(peer);
  EXPECT_EQ(asked.code, 307);
  EXPECT_EQ(asked.flag, 0);
  ASSERT_TRUE(peer.Send(RequestFrame(0, asked.opaque, "answer", proto::kFlagResponse)));
  EXPECT_EQ(answered.Wait()->JoinedBody().view(), "answer");

  Slot<proto::Command> late;
  last_peer_->Call(question, std::chrono::milliseconds(20), late.completion());
  EXPECT_EQ(late.Wait().status().code(), StatusCode::kTimeout);

  Slot<proto::Command> cut;
  last_peer_->Call(question, kPatience, cut.completion());
  EXPECT_EQ(ReceiveResponse(peer).code, 307);  // The late one.
  EXPECT_EQ(ReceiveResponse(peer).code, 307);
  peer.Reset();
  EXPECT_EQ(cut.Wait().status().code(), StatusCode::kUnavailable);

  Slot<proto::Command> after;
  last_peer_->Call(question, kPatience, after.completion());
  EXPECT_EQ(after.Wait().status().code(), StatusCode::kUnavailable);
  EXPECT_TRUE(last_peer_->closed());
}

TEST_F(RpcServerTest, PeerClose_ClosesTheSocket) {
  StartServer();
  RawPeer peer(server_endpoint());
  ASSERT_TRUE(peer.Send(RequestFrame(kHold, 1, "x")));
  ASSERT_TRUE(held_count_.WaitFor(1));
  last_peer_->Close();
  EXPECT_TRUE(peer.WaitClosed());
  ReleaseHeld();  // Answers to nobody.
  ExpectAlive();
}

TEST_F(RpcServerTest, TooManyConnections_AreClosedAtOnce) {
  StartServer({.connections_max = 2});
  RawPeer first(server_endpoint());
  ASSERT_TRUE(first.Send(RequestFrame(kEcho, 1, "x")));
  EXPECT_EQ(ReceiveResponse(first).opaque, 1);
  RawPeer second(server_endpoint());
  ASSERT_TRUE(second.Send(RequestFrame(kEcho, 2, "x")));
  EXPECT_EQ(ReceiveResponse(second).opaque, 2);
  RawPeer third(server_endpoint());
  EXPECT_TRUE(third.WaitClosed());
  EXPECT_EQ(server_->connection_count(), 2u);
}

TEST(RpcServerOptions, Defaults_AreTheLimits) {
  const RpcServerOptions options;
  EXPECT_EQ(options.connection_bytes_max, limits::kConnectionBytesInFlightMax);
  EXPECT_EQ(options.total_bytes_max, limits::kServerBytesInFlightMax);
  EXPECT_EQ(options.connections_max, limits::kConnectionsMax);
}

TEST_F(RpcServerTest, PortInUse_IsNamed) {
  StartServer();
  const Endpoint taken = server_endpoint();
  auto second = RpcServer::New(*env_, {.listen = {taken}, .name = "second"}, {io_[0].get()});
  const Status status = second->Start();
  EXPECT_EQ(status.code(), StatusCode::kAlreadyExists);
  EXPECT_NE(status.text().find(std::to_string(taken.port)), std::string_view::npos) << status.ToString();
  auto third = RpcServer::New(
      *env_, {.listen = {{"127.0.0.1", 0}}, .listen_if_free = {taken}, .name = "third"}, {io_[0].get()});
  EXPECT_TRUE(third->Start().ok());
  EXPECT_EQ(third->local_endpoints().size(), 1u);
  EXPECT_TRUE(Logged("an optional port is not served"));
}

TEST_F(RpcServerTest, Shutdown_FlushesAnswersAndFreesThePort) {
  StartServer();
  const Endpoint endpoint = server_endpoint();
  RawPeer peer(endpoint);
  ASSERT_TRUE(peer.Send(RequestFrame(kHold, 1, std::string(2 << 20, 'x'))));
  ASSERT_TRUE(held_count_.WaitFor(1));
  ReleaseHeld();
  std::string reply;
  std::thread reader([&] { reply = peer.ReceiveFrame(); });
  ShutdownServer();
  reader.join();
  EXPECT_GT(reply.size(), size_t{2} << 20);
  EXPECT_FALSE(RawPeer(endpoint).connected());
  StartServer({.listen = {endpoint}});
  ExpectAlive();
}

TEST_F(RpcServerTest, ShutdownWithHeldRequests_Ends) {
  StartServer();
  RawPeer peer(server_endpoint());
  ASSERT_TRUE(peer.Send(RequestFrame(kHold, 1, "x")));
  ASSERT_TRUE(held_count_.WaitFor(1));
  ShutdownServer();
  EXPECT_TRUE(peer.WaitClosed());
  ReleaseHeld();
}

TEST_F(RpcServerTest, StoppedIoExecutors_DestructorEnds) {
  StartServer();
  RawPeer peer(server_endpoint());
  ASSERT_TRUE(peer.Send(RequestFrame(kEcho, 1, "x")));
  EXPECT_EQ(ReceiveResponse(peer).opaque, 1);
  for (const auto& executor : io_) executor->Stop();
  server_.reset();
  EXPECT_TRUE(peer.WaitClosed());
}

}  // namespace
}  // namespace orbitmq::net
