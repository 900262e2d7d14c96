// SPDX-License-Identifier: Apache-2.0
// The page server as a scraper, a person with curl, and somebody hostile see it.
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/strings.h"
#include "remoting/http_server.h"
#include "test/sim/raw_visitor.h"

namespace orbitmq::net {
namespace {

using std::chrono::seconds;

constexpr char kIp[] = "10.0.0.1";
constexpr uint16_t kPort = 5557;

class HttpServerTest : public testing::Test {
 protected:
  HttpServerTest() : scheduler_(5), network_(scheduler_, {}), env_(scheduler_, network_, host_, log_),
                     client_env_(scheduler_, network_, client_host_, log_) {
    io_ = env_.NewExecutor({"io", ExecutorKind::kIo});
    worker_ = env_.NewExecutor({"worker", ExecutorKind::kMayBlock});
    client_io_ = client_env_.NewExecutor({"io", ExecutorKind::kIo});
    auto server = HttpServer::Start(
        env_, {.listen = {kIp, kPort}, .io = io_.get(), .worker = worker_.get()},
            [this](std::string_view path) {
          ++pages_;
          if (path == "/missing") return HttpPage{.status = 404, .body = "no such page\n"};
          return HttpPage{.body = StrCat("page ", path, "\n")};
        });
    EXPECT_TRUE(server.ok()) << server.status().ToString();
    server_ = *std::move(server);
  }
  ~HttpServerTest() override {
    server_.reset();
    scheduler_.RunUntil(scheduler_.now() + seconds(1));
    io_->Stop();
    worker_->Stop();
    visitors_.clear();
    client_io_->Stop();
  }
  sim::RawVisitor& Visit() {
    return *visitors_.emplace_back(
        std::make_unique<sim::RawVisitor>(scheduler_, client_env_, *client_io_, Endpoint{kIp, kPort}));
  }
  // What a whole visit answers.
  std::string Ask(std::string text) {
    sim::RawVisitor& visitor = Visit();
    visitor.Send(std::move(text));
    return visitor.received();
  }

  sim::Scheduler scheduler_;
  sim::SimNetwork network_;
  sim::SimLog log_;
  sim::SimHost host_{"server", kIp, 1, {}};
  sim::SimHost client_host_{"client", "10.0.0.2", 2, {}};
  sim::SimEnv env_;
  sim::SimEnv client_env_;
  std::unique_ptr<Executor> io_;
  std::unique_ptr<Executor> worker_;
  std::unique_ptr<Executor> client_io_;
  int pages_ = 0;
  std::unique_ptr<HttpServer> server_;
  std::vector<std::unique_ptr<sim::RawVisitor>> visitors_;
};

TEST_F(HttpServerTest, Get_AnswersThePageAndKeepsTheConnection) {
  sim::RawVisitor& visitor = Visit();
  visitor.Send("GET /metrics?x=1 HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(visitor.received(),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 14\r\n"
            "Connection: keep-alive\r\n\r\npage /metrics\n");
  // Two at once, the second in pieces.
  (void)visitor.Take();
  visitor.Send("GET /a HTTP/1.1\r\n\r\nGET /b HT");
  visitor.Send("TP/1.1\r\nConnection: Close\r\n\r\n");
  EXPECT_NE(visitor.received().find("page /a\n"), std::string::npos);
  EXPECT_TRUE(visitor.received().ends_with("Connection: close\r\n\r\npage /b\n")) << visitor.received();
  EXPECT_LT(visitor.received().find("page /a"), visitor.received().find("page /b"));
  EXPECT_TRUE(visitor.closed());
}

TEST_F(HttpServerTest, HeadOldVersionAndMissingPage_AreAnsweredAsTheyShould) {
  const std::string head = Ask("HEAD /metrics HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(head.ends_with("Content-Length: 14\r\nConnection: keep-alive\r\n\r\n")) << head;
  sim::RawVisitor& old = Visit();
  old.Send("GET / HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(old.received().ends_with("page /\n"));
  EXPECT_TRUE(old.closed());
  EXPECT_TRUE(Ask("GET /missing HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404 Not Found\r\n"));
}

TEST_F(HttpServerTest, WhatIsNoRequest_IsRefusedAndTheConnectionEnds) {
  const struct {
    const char* sent;
    const char* answer;
  } kCases[] = {
      {"POST /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 405 "},
      {"GET /metrics HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 400 "},
      {"GET /metrics HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 400 "},
      {"GET metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 400 "},
      {"GET /metrics\r\n\r\n", "HTTP/1.1 400 "},
      {"\r\n\r\n", "HTTP/1.1 400 "},
      {"GET /metrics HTTP/2.0\r\n\r\n", "HTTP/1.1 400 "},
  };
  for (const auto& one : kCases) {
    sim::RawVisitor& visitor = Visit();
    visitor.Send(one.sent);
    EXPECT_TRUE(visitor.received().starts_with(one.answer)) << one.sent << ": " << visitor.received();
    EXPECT_TRUE(visitor.closed()) << one.sent;
  }
  EXPECT_TRUE(Ask("GET /" + std::string(20000, 'x')).starts_with("HTTP/1.1 431 "));
  EXPECT_EQ(pages_, 0) << "nothing was made for them";
}

TEST_F(HttpServerTest, SilentAndSurplusConnections_AreClosed) {
  sim::RawVisitor& silent = Visit();
  silent.Send("GET /metr");
  scheduler_.RunUntil(scheduler_.now() + seconds(20));
  EXPECT_FALSE(silent.closed());
  scheduler_.RunUntil(scheduler_.now() + seconds(20));
  EXPECT_TRUE(silent.closed());
  for (int i = 0; i < 70; ++i) Visit();
  scheduler_.RunUntil(scheduler_.now() + seconds(1));
  int closed = 0;
  for (const auto& visitor : visitors_) closed += visitor->closed() ? 1 : 0;
  EXPECT_EQ(closed, 1 + 6) << "64 are kept";
}

TEST_F(HttpServerTest, PortInUse_IsNamed) {
  const auto second = HttpServer::Start(env_, {.listen = {kIp, kPort}, .io = io_.get(),
      .worker = worker_.get()},
                                        [](std::string_view) { return HttpPage{}; });
  EXPECT_EQ(second.status().code(), StatusCode::kAlreadyExists);
  EXPECT_NE(second.status().text().find("5557"), std::string_view::npos) << second.status().ToString();
}

TEST_F(HttpServerTest, Destroyed_ClosesWhatIsOpen) {
  sim::RawVisitor& visitor = Visit();
  server_.reset();
  scheduler_.RunUntil(scheduler_.now() + seconds(1));
  EXPECT_TRUE(visitor.closed());
}

}  // namespace
}  // namespace orbitmq::net
