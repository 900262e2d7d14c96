// SPDX-License-Identifier: Apache-2.0
#include "test/sim/checkers/route.h"

#include <optional>

#include "common/strings.h"
#include "remoting/protocol/codes.h"
#include "remoting/protocol/header_codec.h"
#include "remoting/protocol/headers.h"
#include "remoting/protocol/route.h"

namespace orbitmq::sim {
namespace {

constexpr char kName[] = "route";
// A closed connection travels for less than this, clogs included.
constexpr Duration kNoticeTime = std::chrono::milliseconds(700);
// Brokers register every few seconds; a reconnect may be delayed by its back-off.
constexpr Duration kConvergeTime = std::chrono::seconds(30);

proto::Command RouteRequest(const std::string& topic) {
  proto::GetRouteInfoRequestHeader header;
  header.topic = topic;
  return proto::MakeRequest(proto::RequestCode::kGetRouteinfoByTopic, header);
}

std::string BodyText(const proto::Command& reply) {
  std::string text;
  for (const Bytes& piece : reply.body) text.append(piece.view());
  return text;
}

// Broker names and addresses of a route reply, sorted.
std::string RouteText(const Result<proto::Command>& reply) {
  if (!reply.ok()) return reply.status().ToString();
  if (reply->code != proto::ResponseCode::kSuccess) return StrCat("code ", reply->code);
  const auto route = proto::DecodeBody<proto::TopicRouteData>(BodyText(*reply));
  if (!route.ok()) return route.status().ToString();
  std::map<std::string, std::string> brokers;
  for (const proto::QueueData& queue : route->queue_datas) brokers[queue.broker_name] = "no address";
  for (const proto::BrokerData& broker : route->broker_datas) {
    const auto master = broker.broker_addrs.find(kMasterId);
    if (master != broker.broker_addrs.end()) brokers[broker.broker_name] = master->second;
  }
  std::string text;
  for (const auto& [name, address] : brokers) text += StrCat(name, "=", address, " ");
  return text;
}

}  // namespace

void RouteChecker::ExpectGone(NamesrvNode& namesrv, BrokerNode& broker) {
  const int64_t namesrv_incarnation = namesrv.incarnation();
  const int64_t broker_incarnation = broker.incarnation();
  const MonoTime when = world_.scheduler.now() + kNoticeTime;
  auto ask = [this, &namesrv, &broker, namesrv_incarnation, broker_incarnation] {
    const auto still_down = [&namesrv, &broker, namesrv_incarnation, broker_incarnation] {
      return broker.state() == Node::State::kDown && broker.incarnation() == broker_incarnation &&
             namesrv.up() && namesrv.incarnation() == namesrv_incarnation;
    };
    if (!still_down()) return;
    auto check = [this, still_down, name = broker.name(),
                  server = namesrv.name()](Result<proto::Command> reply) {
      if (!reply.ok() || !still_down()) return;
      const std::string text = RouteText(reply);
      if (text.find(name + "=") == std::string::npos) return;
      world_.facts.findings.Add(kName, StrCat(server, " still lists ", name, ", which is down: ", text));
    };
    probe_.Call(namesrv.address(), RouteRequest("TBW102"), std::move(check));
  };
  world_.scheduler.PostAt(nullptr, when, std::move(ask)).Detach();
}

std::string RouteChecker::AskRoute(NamesrvNode& namesrv, const std::string& topic) {
  std::optional<std::string> text;
  auto told = std::make_shared<std::optional<std::string>>();
  probe_.Call(namesrv.address(), RouteRequest(topic),
              [told](Result<proto::Command> reply) { *told = RouteText(reply); });
  world_.scheduler.RunUntil(world_.scheduler.now() + std::chrono::seconds(3),
                            [&] { return told->has_value(); });
  return told->value_or("no answer");
}

void RouteChecker::ExpectConverged(const std::vector<NamesrvNode*>& namesrvs,
                                   const std::vector<BrokerNode*>& brokers,
                                   const std::vector<std::string>& topics) {
  std::map<std::string, std::string> names;
  for (BrokerNode* broker : brokers) names[broker->name()] = broker->address().ToString();
  std::string expected;
  for (const auto& [name, address] : names) expected += StrCat(name, "=", address, " ");
  const MonoTime bound = world_.scheduler.now() + kConvergeTime;
  for (NamesrvNode* namesrv : namesrvs) {
    for (const std::string& topic : topics) {
      std::string text = AskRoute(*namesrv, topic);
      while (text != expected && world_.scheduler.now() < bound) {
        world_.scheduler.RunUntil(world_.scheduler.now() + std::chrono::milliseconds(500));
        text = AskRoute(*namesrv, topic);
      }
      if (text == expected) continue;
      world_.facts.findings.Add(
          kName, StrCat(namesrv->name(), " has for ", topic, ": ", text, "; expected ", expected));
    }
  }
}

}  // namespace orbitmq::sim
