// SPDX-License-Identifier: Apache-2.0
#include "remoting/http_server.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <utility>

#include "common/limits.h"
#include "common/strings.h"

namespace orbitmq::net {
namespace {

constexpr Duration kRequestWithin = std::chrono::seconds(limits::kHttpRequestSecondsMax);

std::string_view ReasonOf(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 431:
      return "Request Header Fields Too Large";
    case 503:
      return "Service Unavailable";
    default:
      return "Bad Request";
  }
}

struct HttpRequest {
  int refused = 0;  // The status to refuse it with.
  bool head_only = false;
  bool stays = false;  // The connection is used again.
  std::string path;
};

bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// `head` ends before the empty line.
HttpRequest ParseHead(std::string_view head) {
  HttpRequest request;
  const std::vector<std::string_view> lines = Split(head, '\n');
  std::string_view line = lines[0];
  if (line.ends_with('\r')) line.remove_suffix(1);
  const std::vector<std::string_view> words = Split(line, ' ');
  if (words.size() != 3 || !words[1].starts_with('/') || !words[2].starts_with("HTTP/1.")) {
    request.refused = 400;
    return request;
  }
  request.head_only = words[0] == "HEAD";
  if (words[0] != "GET" && !request.head_only) request.refused = 405;
  request.path = words[1].substr(0, words[1].find('?'));
  request.stays = words[2] != "HTTP/1.0";
  for (size_t i = 1; i < lines.size(); ++i) {
    const size_t colon = lines[i].find(':');
    if (colon == std::string_view::npos) continue;
    std::string_view value = lines[i].substr(colon + 1);
    if (value.ends_with('\r')) value.remove_suffix(1);
    const std::string_view name = lines[i].substr(0, colon);
    if (EqualsIgnoringCase(name, "Connection") && EqualsIgnoringCase(Trimmed(value), "close")) {
      request.stays = false;
    }
    // A body would have to be read past; nobody has a reason to send one.
    const bool length = EqualsIgnoringCase(name, "Content-Length") && Trimmed(value) != "0";
    if (length || EqualsIgnoringCase(name, "Transfer-Encoding")) request.refused = 400;
  }
  if (request.refused != 0) request.stays = false;
  return request;
}

}  // namespace

// What outlives the server object while its connections end. Owned by `io`, but for `make` and the constants.
struct HttpServer::Core {
  Core(Env& environment, const HttpServerOptions& options, MakePage maker)
      : env(environment), io(*options.io), worker(*options.worker), make(std::move(maker)) {}
  Env& env;
  Executor& io;
  Executor& worker;
  MakePage make;  // Called on worker only.
  std::map<uint64_t, std::unique_ptr<Visitor>> visitors;
  uint64_t next_id = 1;
  bool closed = false;
};

// One connection.
class HttpServer::Visitor final : public ConnectionEvents {
 public:
  Visitor(const std::shared_ptr<Core>& core, uint64_t id, std::unique_ptr<Connection> connection)
      : core_(core), id_(id), connection_(std::move(connection)) {}
  void Start() {
    WatchTheClock();
    connection_->Start(this);
  }

  size_t OnInput(std::string_view input) override {
    if (ended_) return input.size();
    input_.append(input);
    if (!busy_) NextRequest();
    return input.size();
  }
  void OnDrained() override {}
  void OnClosed(const Status&) override {
    if (const auto core = core_.lock()) core->visitors.erase(id_);  // Ends this object.
  }

 private:
  // One at a time: reading pauses until the page has been sent.
  void NextRequest() {
    const size_t end = input_.find("\r\n\r\n");
    if (end == std::string::npos) {
      if (input_.size() > limits::kHttpHeadBytesMax) Answer({.refused = 431, .path = {}}, {});
      return;
    }
    HttpRequest request = ParseHead(std::string_view(input_).substr(0, end));
    input_.erase(0, end + 4);
    if (request.refused != 0) return Answer(request, {});
    busy_ = true;
    connection_->PauseReading();
    Make(std::move(request));
  }
  void Make(HttpRequest request) {
    const auto core = core_.lock();
    if (core == nullptr) return;
    (void)core->worker.Post([weak = core_, id = id_, request = std::move(request)]() mutable {
      const auto alive = weak.lock();
      if (alive == nullptr) return;
      HttpPage page = alive->make(request.path);
      (void)alive->io.Post([weak, id, request = std::move(request), page = std::move(page)]() mutable {
        const auto there = weak.lock();
        if (there == nullptr) return;
        const auto found = there->visitors.find(id);
        if (found == there->visitors.end()) return;
        found->second->Answer(request, std::move(page));
      });
    });
  }
  void Answer(const HttpRequest& request, HttpPage page) {
    if (request.refused != 0) {
      page.status = request.refused;
      page.body = StrCat(ReasonOf(page.status), "\n");
    }
    std::string head = StrCat("HTTP/1.1 ", page.status, ' ', ReasonOf(page.status),
                              "\r\nContent-Type: ", page.content_type, "\r\nContent-Length: ",
                                  page.body.size(),
                              "\r\nConnection: ", request.stays ? "keep-alive" : "close", "\r\n\r\n");
    BytesChain pieces;
    pieces.emplace_back(std::move(head));
    if (!request.head_only && !page.body.empty()) pieces.emplace_back(std::move(page.body));
    connection_->Write(std::move(pieces));
    busy_ = false;
    if (!request.stays) {
      ended_ = true;
      return connection_->CloseAfterFlush();
    }
    WatchTheClock();
    connection_->ResumeReading();
    NextRequest();
  }
  // The next whole request has to be there in time.
  void WatchTheClock() {
    const auto core = core_.lock();
    if (core == nullptr) return;
    late_ = core->io.PostAt(core->env.clock().Monotonic() + kRequestWithin, [this] {
      if (busy_) return;
      ended_ = true;
      connection_->CloseAfterFlush();
    });
  }

  const std::weak_ptr<Core> core_;
  const uint64_t id_;
  std::unique_ptr<Connection> connection_;
  std::string input_;   // Not answered yet.
  bool busy_ = false;   // A page is being made.
  bool ended_ = false;  // Nothing more is read.
  Timer late_;
};

Result<std::unique_ptr<HttpServer>> HttpServer::Start(Env& env, HttpServerOptions options, MakePage make) {
  auto core = std::make_shared<Core>(env, options, std::move(make));
  auto on_accept = std::make_shared<UniqueFunction<void(std::unique_ptr<Connection>)>>(
      [weak = std::weak_ptr<Core>(core)](std::unique_ptr<Connection> connection) {
        const auto alive = weak.lock();
        if (alive == nullptr || alive->closed) return;
        if (alive->visitors.size() >= limits::kHttpConnectionsMax) return;  // Closes it.
        const uint64_t id = alive->next_id++;
        auto& visitor = alive->visitors[id];
        visitor = std::make_unique<Visitor>(alive, id, std::move(connection));
        visitor->Start();
      });
  std::unique_ptr<HttpServer> server(new HttpServer(core));
  auto listener = env.network().Listen({options.listen, {options.io}}, std::move(on_accept));
  if (!listener.ok()) return listener.status();
  server->local_ = (*listener)->local();
  server->listener_ = *std::move(listener);
  return server;
}

HttpServer::~HttpServer() {
  listener_.reset();
  (void)core_->io.Post([core = core_] {
    core->closed = true;
    core->visitors.clear();
  });
}

}  // namespace orbitmq::net
