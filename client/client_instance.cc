// SPDX-License-Identifier: Apache-2.0
#include "client/client_instance.h"

#include <algorithm>
#include <utility>

#include "client/client_tls.h"
#include "common/check.h"
#include "common/log_sinks.h"
#include "common/names.h"
#include "common/strings.h"
#include "remoting/protocol/codes.h"
#include "remoting/protocol/headers.h"

namespace orbitmq::client {
namespace {

using proto::RequestCode;

// Topics that are waited for are asked for this often, instead of every poll interval.
constexpr Duration kMissingRoutePoll = std::chrono::seconds(1);
// After a lost connection or a failed heartbeat.
constexpr Duration kHeartbeatRetry = std::chrono::seconds(1);
// How long unsent one-way requests hold up the end of a client.
constexpr Duration kFlushMax = std::chrono::seconds(1);

LogLevel ToLogLevel(ClientLogLevel level) {
  switch (level) {
    case ClientLogLevel::kDebug:
      return LogLevel::kDebug;
    case ClientLogLevel::kInfo:
      return LogLevel::kInfo;
    case ClientLogLevel::kWarn:
      return LogLevel::kWarn;
    case ClientLogLevel::kError:
      return LogLevel::kError;
  }
  return LogLevel::kError;
}

ClientLogLevel FromLogLevel(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return ClientLogLevel::kDebug;
    case LogLevel::kInfo:
      return ClientLogLevel::kInfo;
    case LogLevel::kWarn:
      return ClientLogLevel::kWarn;
    default:
      return ClientLogLevel::kError;
  }
}

std::unique_ptr<Logger> NewLogger(const ClientOptions& options) {
  if (!options.log) return nullptr;
  return std::make_unique<CallbackLogger>(
      ToLogLevel(options.log_level),
      [sink = options.log](LogLevel level, std::string_view line) { sink(FromLogLevel(level), line); });
}

Status AtLeast(std::string_view name, Millis value, Millis least) {
  if (value >= least) return {};
  return {StatusCode::kInvalidArgument, StrCat("ClientOptions::", name, " is ", value.count(),
                                               " ms; it must be at least ", least.count(), " ms")};
}

// Ends when `count` parts have ended.
class Countdown final {
 public:
  Countdown(size_t count, Completion<Done> done) : left_(count), done_(std::move(done)) {}
  void Part() {
    if (--left_ == 0) done_(Done{});
  }

 private:
  size_t left_;
  Completion<Done> done_;
};

}  // namespace

Status InstanceSettings::Prepare() {
  if (namesrv_addr.empty()) {
    return {StatusCode::kInvalidArgument,
            "no NameServer: set ClientOptions::namesrv_addr (\"host:port;host:port\") or the environment "
            "variable "
            "NAMESRV_ADDR"};
  }
  auto endpoints = ParseEndpoints(namesrv_addr);
  if (!endpoints.ok()) return endpoints.status().Annotate("ClientOptions::namesrv_addr");
  namesrvs = *std::move(endpoints);
  const struct {
    std::string_view name;
    Millis value;
    Millis least;
  } checks[] = {{"request_timeout", options.request_timeout, Millis(1)},
                {"route_poll_interval", options.route_poll_interval, Millis(1000)},
                {"heartbeat_interval", options.heartbeat_interval, Millis(1000)},
                {"offset_persist_interval", options.offset_persist_interval, Millis(1000)}};
  for (const auto& check : checks) {
    const Status status = AtLeast(check.name, check.value, check.least);
    if (!status.ok()) return status;
  }
  if (options.instance_name.empty() || options.instance_name.find('@') != std::string::npos) {
    return {StatusCode::kInvalidArgument, "ClientOptions::instance_name must not be empty or contain '@'"};
  }
  if (!tls) {
    auto context = NewClientTls(options.tls);
    if (!context.ok()) return context.status().Annotate("ClientOptions::tls");
    tls = *std::move(context);
  }
  return {};
}

ClientInstance::ClientInstance(std::shared_ptr<ClientRuntime> runtime, InstanceSettings settings)
    : runtime_(std::move(runtime)),
      settings_(std::move(settings)),
      own_log_(NewLogger(settings_.options)),
      log_(own_log_ ? own_log_.get() : &runtime_->env().log()) {}

ClientInstance::~ClientInstance() {
  // Pending calls end here when nobody closed the instance before; closed() must hold while they do.
  const std::unique_ptr<net::RpcClient> rpc = std::move(rpc_);
}

void ClientInstance::Open() {
  loop().Post([self = shared_from_this()] { self->Start(); });
}

void ClientInstance::Start() {
  net::RpcClientOptions rpc_options;
  rpc_options.tls = settings_.tls;
  rpc_ = net::RpcClient::New(env(), std::move(rpc_options), loop());
  namesrv_stub_ = std::make_unique<net::NamesrvStub>(*rpc_);
  broker_stub_ = std::make_unique<net::BrokerStub>(*rpc_);
  InstallHandlers();
  namesrv_index_ = env().NewRandom("namesrv choice").Below(settings_.namesrvs.size());
  last_full_poll_ = Now();
  ArmRoutePoll(kMissingRoutePoll);
  ArmHeartbeat(settings_.options.heartbeat_interval);
  ArmPersist();
}

void ClientInstance::Attach(InstanceMember* member) {
  ORBITMQ_CHECK(members_.emplace(member->key(), member).second, "a group is a member of its instance once");
  PollRoutes(/*only_missing=*/true);
  HeartbeatSoon();
}

void ClientInstance::Detach(InstanceMember* member, Duration timeout, Completion<Done> done) {
  Forget(member);
  const MemberKey key = member->key();
  proto::UnregisterClientRequestHeader header;
  header.client_id = client_id();
  (key.kind == MemberKind::kProducer ? header.producer_group : header.consumer_group) = key.group;
  const std::vector<Endpoint> brokers(joined_.begin(), joined_.end());
  // The first part is this call's own, so that it also ends when there is no broker.
  auto countdown = std::make_shared<Countdown>(
      brokers.size() + 1, [weak = weak_from_this(), key, done = std::move(done)](Result<Done>) mutable {
        const auto self = weak.lock();
        if (self && self->runtime_->Leave(self->client_id(), key)) return self->Close(std::move(done));
        done(Done{});
      });
  for (const Endpoint& endpoint : brokers) {
    broker_stub_->UnregisterClient(endpoint, header, timeout,
                                   [countdown](Result<Done>) { countdown->Part(); });
  }
  countdown->Part();
}

void ClientInstance::Forget(const InstanceMember* member) {
  const auto found = members_.find(member->key());
  if (found != members_.end() && found->second == member) members_.erase(found);
}

template <class Tell>
void ClientInstance::TellMembers(Tell tell) {
  for (const auto& [key, member] : std::map<MemberKey, InstanceMember*>(members_)) {
    const auto found = members_.find(key);
    if (found != members_.end() && found->second == member) tell(*member);
  }
}

void ClientInstance::Close(Completion<Done> done) {
  route_timer_.Cancel();
  heartbeat_timer_.Cancel();
  persist_timer_.Cancel();
  auto lookups = std::exchange(lookups_, {});
  for (auto& [topic, pending] : lookups) {
    for (auto& waiter : pending.waiters) waiter(Status(StatusCode::kCancelled, "the client is shut down"));
  }
  // Posted, because the caller may stand inside one of the connections' completions. The instance must not
  // own itself through its own connections, lest a killed process leaves both behind.
  loop().Post([weak = weak_from_this(), done = std::move(done)]() mutable {
    const auto self = weak.lock();
    if (!self || !self->rpc_) return done(Done{});
    // One-way sends have no reply to wait for, only their way out.
    self->rpc_->Flush(kFlushMax, [weak, &on = self->loop(), done = std::move(done)](Result<Done>) mutable {
      on.Post([weak, done = std::move(done)]() mutable {
        if (const auto still = weak.lock()) still->CloseConnections();
        done(Done{});
      });
    });
  });
}

void ClientInstance::CloseConnections() {
  if (!rpc_) return;
  rpc_->Shutdown();
  broker_stub_.reset();
  namesrv_stub_.reset();
  rpc_.reset();
}

void ClientInstance::Lookup(const RouteLookup& lookup, Completion<RoutePtr> done) {
  if (closed()) return done(Status(StatusCode::kCancelled, "the client is shut down"));
  if (RoutePtr known = routes_.Find(lookup.topic)) return done(std::move(known));
  AskFor(lookup, std::move(done));
}

void ClientInstance::RefreshRoute(const RouteLookup& lookup) {
  if (!closed()) AskFor(lookup, {});
}

void ClientInstance::AskFor(const RouteLookup& lookup, Completion<RoutePtr> done) {
  const auto [pending, first] = lookups_.try_emplace(lookup.topic);
  pending->second.template_queue_count =
      std::max(pending->second.template_queue_count, lookup.template_queue_count);
  if (done) pending->second.waiters.push_back(std::move(done));
  if (first) StartAsk(lookup.topic, lookup.topic);
}

void ClientInstance::StartAsk(const std::string& topic, const std::string& asked) {
  AskNext({topic, asked, settings_.namesrvs.size()});
}

void ClientInstance::AskNext(Ask ask) {
  --ask.tries_left;
  const Endpoint& namesrv = settings_.namesrvs[namesrv_index_ % settings_.namesrvs.size()];
  const std::string asked = ask.asked;
  namesrv_stub_->GetRoute(
      namesrv, asked, settings_.options.request_timeout,
      [weak = weak_from_this(), ask = std::move(ask)](Result<proto::TopicRouteData> reply) mutable {
        if (const auto self = weak.lock()) self->OnRouteReply(std::move(ask), std::move(reply));
      });
}

void ClientInstance::OnRouteReply(Ask ask, Result<proto::TopicRouteData> reply) {
  if (closed() || !lookups_.contains(ask.topic)) return;
  const bool unknown_topic = reply.status().wire_code() == proto::ResponseCode::kTopicNotExist;
  if (!reply.ok() && !unknown_topic) {
    const Endpoint& namesrv = settings_.namesrvs[namesrv_index_ % settings_.namesrvs.size()];
    log().Warn("a NameServer did not answer a route question",
               {{"namesrv", namesrv.ToString()}, {"topic", ask.asked}, {"why", reply.status().ToString()}});
    // A NameServer that is starting, stopping or gone: the next one knows the same.
    ++namesrv_index_;
    if (ask.tries_left > 0) return AskNext(std::move(ask));
    return EndLookup(ask.topic, reply.status().Annotate(StrCat("route of topic '", ask.topic, "'")));
  }
  const int32_t template_count = lookups_[ask.topic].template_queue_count;
  const bool from_template = ask.asked != ask.topic;
  if (unknown_topic) {
    if (template_count > 0 && !from_template) {
      return StartAsk(ask.topic, std::string(names::kAutoCreateTopic));
    }
    return EndLookup(ask.topic,
                     Status(StatusCode::kNotFound,
                            StrCat("no route for topic '", ask.topic,
                                   "': it does not exist, and no broker makes topics by itself; create it"))
                         .WithWireCode(proto::ResponseCode::kTopicNotExist)
                         .WithRetriable(true));
  }
  auto route = from_template ? BuildTemplateRoute(ask.topic, *reply, template_count)
                             : BuildTopicRoute(ask.topic, *reply);
  if (!route.ok()) return EndLookup(ask.topic, route.status());
  StoreRoute(*std::move(route));
  EndLookup(ask.topic, routes_.Find(ask.topic));
}

void ClientInstance::EndLookup(const std::string& topic, Result<RoutePtr> result) {
  auto node = lookups_.extract(topic);
  if (node.empty()) return;
  for (auto& waiter : node.mapped().waiters) waiter(result);
}

void ClientInstance::StoreRoute(TopicRoute route) {
  const std::string topic = route.topic;
  if (!routes_.Put(std::move(route))) return;
  log().Debug("route changed", {{"topic", topic}});
  const auto brokers = BrokerEndpoints();
  const bool new_broker =
      std::any_of(brokers.begin(), brokers.end(), [this](const Endpoint& e) { return !joined_.contains(e); });
  if (new_broker) HeartbeatSoon();
  TellMembers([&topic](InstanceMember& member) { member.OnRouteChanged(topic); });
}

void ClientInstance::ArmRoutePoll(Duration delay) {
  route_timer_ = loop().PostAt(Now() + delay, [this] {
    const bool full = Now() - last_full_poll_ >= settings_.options.route_poll_interval;
    if (full) last_full_poll_ = Now();
    PollRoutes(!full);
    ArmRoutePoll(kMissingRoutePoll);
  });
}

void ClientInstance::PollRoutes(bool only_missing) {
  std::set<std::string> topics;
  for (const auto& [key, member] : members_) member->AddTopics(topics);
  for (const std::string& topic : topics) {
    const RoutePtr known = routes_.Find(topic);
    const bool missing = !known || known->source == RouteSource::kTemplate;
    if (missing || !only_missing) RefreshRoute({topic});
  }
  if (only_missing) return;
  // Forget what nobody uses any more.
  std::vector<std::string> unused;
  for (const auto& [topic, route] : routes_.routes()) {
    if (!topics.contains(topic)) unused.push_back(topic);
  }
  for (const std::string& topic : unused) routes_.Remove(topic);
}

void ClientInstance::HeartbeatSoon() { ArmHeartbeat(Duration::zero()); }

void ClientInstance::ArmHeartbeat(Duration delay) {
  heartbeat_timer_ = loop().PostAt(Now() + delay, [this] {
    ArmHeartbeat(settings_.options.heartbeat_interval);
    SendHeartbeats();
  });
}

std::vector<Endpoint> ClientInstance::BrokerEndpoints() const {
  const bool consumers = std::any_of(members_.begin(), members_.end(), [](const auto& member) {
    return member.first.kind == MemberKind::kConsumer;
  });
  std::set<Endpoint> endpoints;
  for (const auto& [name, addresses] : routes_.brokers()) {
    for (const auto& [id, endpoint] : addresses) {
      if (consumers || id == kMasterId) endpoints.insert(endpoint);
    }
  }
  return {endpoints.begin(), endpoints.end()};
}

void ClientInstance::SendHeartbeats() {
  if (closed() || members_.empty()) return;
  proto::HeartbeatData heartbeat;
  heartbeat.client_id = client_id();
  for (const auto& [key, member] : members_) member->FillHeartbeat(heartbeat);
  const Bytes body(proto::EncodeBody(heartbeat));
  const std::vector<Endpoint> brokers = BrokerEndpoints();
  std::erase_if(joined_, [&brokers](const Endpoint& endpoint) {
    return std::find(brokers.begin(), brokers.end(), endpoint) == brokers.end();
  });
  heartbeat_again_ = false;
  for (const Endpoint& endpoint : brokers) {
    if (!heartbeats_.insert(endpoint).second) {
      heartbeat_again_ = true;
      continue;
    }
    broker_stub_->Heartbeat(endpoint, body, settings_.options.request_timeout,
                            [weak = weak_from_this(), endpoint](Result<Done> result) {
                              const auto self = weak.lock();
                              if (!self || self->closed()) return;
                              self->heartbeats_.erase(endpoint);
                              if (std::exchange(self->heartbeat_again_, false)) self->HeartbeatSoon();
                              if (!result.ok()) {
                                self->log().Warn("heartbeat failed", {{"broker", endpoint.ToString()},
                                                                      {"why", result.status().ToString()}});
                                self->joined_.erase(endpoint);
                                self->ArmHeartbeat(kHeartbeatRetry);
                                return;
                              }
                              if (!self->joined_.insert(endpoint).second) return;
                              self->TellMembers([](InstanceMember& member) { member.OnBrokerJoined(); });
                            });
  }
}

void ClientInstance::ArmPersist() {
  persist_timer_ = loop().PostAt(Now() + settings_.options.offset_persist_interval, [this] {
    TellMembers([](InstanceMember& member) { member.PersistOffsets(); });
    ArmPersist();
  });
}

void ClientInstance::OnClosed(const Endpoint& endpoint) {
  if (closed()) return;
  // The broker takes this client for gone until the next heartbeat.
  if (joined_.erase(endpoint) == 0) return;
  log().Info("connection to a broker closed", {{"broker", endpoint.ToString()}});
  ArmHeartbeat(std::chrono::milliseconds(100));
  TellMembers([&endpoint](InstanceMember& member) { member.OnConnectionClosed(endpoint); });
}

void ClientInstance::InstallHandlers() {
  rpc_->OnConnectionClosed([weak = weak_from_this()](const Endpoint& endpoint) {
    if (const auto self = weak.lock()) self->OnClosed(endpoint);
  });
  for (const int32_t code :
       {RequestCode::kCheckTransactionState, RequestCode::kNotifyConsumerIdsChanged,
        RequestCode::kResetConsumerClientOffset, RequestCode::kGetConsumerStatusFromClient,
        RequestCode::kGetConsumerRunningInfo, RequestCode::kConsumeMessageDirectly}) {
    rpc_->HandleIncoming(code, [weak = weak_from_this()](net::RpcClient::Incoming incoming) {
      if (const auto self = weak.lock()) self->OnIncoming(std::move(incoming));
    });
  }
}

void ClientInstance::OnIncoming(net::RpcClient::Incoming incoming) {
  const proto::CommandView& command = incoming.command;
  // Without a transactional producer nobody can tell the state; the broker asks again and gives up.
  if (closed() || command.code == RequestCode::kCheckTransactionState) return;
  const bool by_group = command.code == RequestCode::kResetConsumerClientOffset ||
                        command.code == RequestCode::kGetConsumerStatusFromClient;
  const std::string_view group = command.Ext(by_group ? "group" : "consumerGroup").value_or("");
  const auto found = members_.find(MemberKey{MemberKind::kConsumer, std::string(group)});
  if (found != members_.end()) {
    return found->second->OnBrokerRequest({command, group, std::move(incoming.reply)});
  }
  if (command.oneway()) return;
  proto::Command response;
  response.code = proto::ResponseCode::kSystemError;
  response.remark = StrCat("The Consumer Group <", Printable(group), "> not exist in this consumer");
  incoming.reply(std::move(response));
}

}  // namespace orbitmq::client
