// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "common/env.h"

namespace orbitmq::net {

struct HttpPage {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

struct HttpServerOptions {
  Endpoint listen;
  Executor* io = nullptr;      // A kIo one: connections live there.
  Executor* worker = nullptr;  // Where pages are made; they may take their time.
};

// Serves pages to GET and HEAD over HTTP/1.0 and 1.1, one request after the other per connection: what
// scrapers of figures and people with curl need, and no more. Over the Network of Env, so that it runs in the
// simulator like everything else (decision 0050).
//
// Bounds (common/limits.h): connections, bytes of a request's head, time until a whole request is there. What
// is not a request gets 400, another method 405, and the connection ends.
// Threads: Start and the destructor on any but io's; it stops listening and closes what is open. `make` is
// called on `worker`, one page at a time; it must live until worker has stopped.
class HttpServer final {
 public:
  using MakePage = UniqueFunction<HttpPage(std::string_view path)>;
  // kAlreadyExists names the port in use.
  static Result<std::unique_ptr<HttpServer>> Start(Env& env, HttpServerOptions options, MakePage make);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  const Endpoint& local() const { return local_; }

 private:
  struct Core;
  class Visitor;
  explicit HttpServer(std::shared_ptr<Core> core) : core_(std::move(core)) {}

  const std::shared_ptr<Core> core_;
  std::unique_ptr<Listener> listener_;
  Endpoint local_;
};

}  // namespace orbitmq::net
