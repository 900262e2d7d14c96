// SPDX-License-Identifier: Apache-2.0
#include "namesrv/route_handlers.h"

#include <utility>

#include "common/planted_bug.h"
#include "common/strings.h"
#include "remoting/protocol/admin_bodies.h"
#include "remoting/protocol/header_codec.h"
#include "remoting/protocol/headers.h"
#include "remoting/protocol/register_broker.h"
#include "remoting/replies.h"

namespace orbitmq::namesrv {
namespace {

using proto::RequestCode;
using proto::ResponseCode;

constexpr char kOrderTopicNamespace[] = "ORDER_TOPIC_CONFIG";
constexpr std::string_view kZoneMode = "__ZONE_MODE";
constexpr std::string_view kZoneName = "__ZONE_NAME";

net::Response TopicListReply(const std::set<std::string>& topics,
                             std::optional<std::string> broker_addr = {}) {
  proto::TopicList list;
  list.topic_list.assign(topics.begin(), topics.end());
  list.broker_addr = std::move(broker_addr);
  return net::BodyResponse(proto::EncodeBody(list));
}

net::Response Disabled() { return net::ErrorResponse(ResponseCode::kSystemError, "disable"); }

}  // namespace

RouteHandlers::RouteHandlers(Parts parts, RouteTable::Options table_options)
    : parts_(parts), table_(table_options), started_(parts.env.clock().Monotonic()) {}

void RouteHandlers::AddTo(net::RpcServer& server) {
  AddReaders(server);
  AddTopicLists(server);
  AddWriters(server);
  server.OnPeerClosed([this](const std::shared_ptr<net::Peer>& peer) {
    parts_.route.Post([this, id = peer->id()] { PeerClosed(id); });
  });
}

void RouteHandlers::AddReaders(net::RpcServer& server) {
  server.Handle(RequestCode::kGetRouteinfoByTopic, nullptr,
                [this](net::ServerRequest request) { request.Reply(Route(request)); });
  server.Handle(RequestCode::kGetBrokerClusterInfo, nullptr, [this](net::ServerRequest request) {
    request.Reply(net::BodyResponse(proto::EncodeBody(snapshot_.Load()->Clusters())));
  });
  server.Handle(RequestCode::kGetBrokerMemberGroup, nullptr, [this](net::ServerRequest request) {
    const auto header = proto::DecodeHeader<proto::GetBrokerMemberGroupRequestHeader>(request.command());
    if (!header.ok()) return request.Reply(net::BadRequestResponse(header.status()));
    proto::GetBrokerMemberGroupResponseBody body;
    body.broker_member_group = snapshot_.Load()->MemberGroup(header->cluster_name, header->broker_name);
    if (!body.broker_member_group) {
      // Apache answers an empty group for a name it does not know.
      body.broker_member_group.emplace();
      body.broker_member_group->cluster = header->cluster_name;
      body.broker_member_group->broker_name = header->broker_name;
    }
    request.Reply(net::BodyResponse(proto::EncodeBody(body)));
  });
}

net::Response RouteHandlers::Route(const net::ServerRequest& request) const {
  const proto::CommandView& command = request.command();
  const auto header = proto::DecodeHeader<proto::GetRouteInfoRequestHeader>(command);
  if (!header.ok()) return net::BadRequestResponse(header.status());
  const std::shared_ptr<const NamesrvOptions> options = parts_.options.Load();
  if (options->need_wait_for_service) {
    const Duration up = parts_.env.clock().Monotonic() - started_;
    if (up < std::chrono::seconds(options->wait_seconds_for_service)) {
      return net::ErrorResponse(ResponseCode::kSystemError, "name server not ready");
    }
  }
  RouteQuery query{.topic = header->topic, .acting_master = options->support_acting_master, .zone = {}};
  if (EqualsIgnoreCase(command.Ext(kZoneMode).value_or(""), "true"))
    query.zone = command.Ext(kZoneName).value_or("");
  std::optional<proto::TopicRouteData> route = snapshot_.Load()->Route(query);
  if (!route) {
    return net::ErrorResponse(ResponseCode::kTopicNotExist,
                              "No topic route info in name server for the topic: " + header->topic +
                                  "; create the topic, or check that its broker is up and registered here");
  }
  if (options->order_message_enable) {
    route->order_topic_conf = parts_.kv.Find(kOrderTopicNamespace, header->topic);
  }
  const bool standard =
      command.version >= proto::kVersionStandardJson || header->accept_standard_json_only.value_or(false);
  return net::BodyResponse(
      proto::EncodeBody(*route, standard ? proto::JsonStyle::kStandard : proto::JsonStyle::kFastjson));
}

void RouteHandlers::AddTopicLists(net::RpcServer& server) {
  server.Handle(RequestCode::kGetAllTopicListFromNameserver, nullptr, [this](net::ServerRequest request) {
    if (!parts_.options.Load()->enable_all_topic_list) return request.Reply(Disabled());
    request.Reply(TopicListReply(snapshot_.Load()->Topics()));
  });
  server.Handle(RequestCode::kGetTopicsByCluster, nullptr, [this](net::ServerRequest request) {
    if (!parts_.options.Load()->enable_topic_list) return request.Reply(Disabled());
    const auto header = proto::DecodeHeader<proto::GetTopicsByClusterRequestHeader>(request.command());
    if (!header.ok()) return request.Reply(net::BadRequestResponse(header.status()));
    request.Reply(TopicListReply(snapshot_.Load()->TopicsOfCluster(header->cluster)));
  });
  server.Handle(RequestCode::kGetSystemTopicListFromNs, nullptr, [this](net::ServerRequest request) {
    const auto snapshot = snapshot_.Load();
    request.Reply(TopicListReply(snapshot->SystemNames(), snapshot->SomeBrokerAddress()));
  });
  const std::pair<int32_t, RouteSnapshot::UnitFilter> unit_lists[] = {
      {RequestCode::kGetUnitTopicList, RouteSnapshot::UnitFilter::kUnit},
      {RequestCode::kGetHasUnitSubTopicList, RouteSnapshot::UnitFilter::kHasUnitSub},
      {RequestCode::kGetHasUnitSubUnunitTopicList, RouteSnapshot::UnitFilter::kHasUnitSubButNotUnit},
  };
  for (const auto& [code, filter] : unit_lists) {
    server.Handle(code, nullptr, [this, filter = filter](net::ServerRequest request) {
      if (!parts_.options.Load()->enable_topic_list) return request.Reply(Disabled());
      request.Reply(TopicListReply(snapshot_.Load()->UnitTopics(filter)));
    });
  }
}

template <class Header>
void RouteHandlers::AddWriter(net::RpcServer& server, int32_t code, Writer<Header> writer) {
  server.Handle(code, &parts_.route, [this, writer](net::ServerRequest request) {
    const auto header = proto::DecodeHeader<Header>(request.command());
    if (!header.ok()) return request.Reply(net::BadRequestResponse(header.status()));
    net::Response response = (this->*writer)(*header, request);
    Publish();
    request.Reply(std::move(response));
  });
}

void RouteHandlers::AddWriters(net::RpcServer& server) {
  AddWriter(server, RequestCode::kRegisterBroker, &RouteHandlers::RegisterBroker);
  AddWriter(server, RequestCode::kUnregisterBroker, &RouteHandlers::UnregisterBroker);
  AddWriter(server, RequestCode::kBrokerHeartbeat, &RouteHandlers::Heartbeat);
  AddWriter(server, RequestCode::kQueryDataVersion, &RouteHandlers::QueryVersion);
  AddWriter(server, RequestCode::kWipeWritePermOfBroker, &RouteHandlers::WipeWritePerm);
  AddWriter(server, RequestCode::kAddWritePermOfBroker, &RouteHandlers::AddWritePerm);
  AddWriter(server, RequestCode::kDeleteTopicInNamesrv, &RouteHandlers::DeleteTopic);
  AddWriter(server, RequestCode::kRegisterTopicInNamesrv, &RouteHandlers::RegisterTopic);
}

net::Response RouteHandlers::RegisterBroker(const proto::RegisterBrokerRequestHeader& header,
                                            net::ServerRequest& request) {
  const proto::CommandView& command = request.command();
  auto body = proto::DecodeRegistration(command.body, header, command.version);
  if (!body.ok()) {
    parts_.env.log().Warn("registration refused", {{"broker", header.broker_name},
                                                   {"address", header.broker_addr},
                                                   {"peer", request.peer()->remote().ToString()},
                                                   {"reason", body.status().text()}});
    return net::ErrorResponse(ResponseCode::kSystemError, std::string(body.status().text()));
  }
  BrokerReport report;
  report.cluster = header.cluster_name;
  report.broker_name = header.broker_name;
  report.broker_addr = header.broker_addr;
  report.broker_id = header.broker_id;
  report.ha_addr = header.ha_server_addr;
  if (header.heartbeat_timeout_millis.value_or(0) > 0)
    report.timeout = Millis(*header.heartbeat_timeout_millis);
  report.enable_acting_master = header.enable_acting_master;
  if (!header.zone_name.empty()) report.zone = header.zone_name;
  report.topics = std::move(body->topic_config_serialize_wrapper);
  report.peer = request.peer()->id();

  const bool peer_is_new = broker_peers_.emplace(report.peer, request.peer()).second;
  RegisterResult result = table_.Register(report, parts_.env.clock().Monotonic());
  if (result.outcome == RegisterOutcome::kRefused) {
    return net::ErrorResponse(ResponseCode::kSystemError, "register broker failed");
  }
  if (peer_is_new) {
    parts_.env.log().Info("broker registered", {{"broker", report.broker_name},
                                                {"id", report.broker_id},
                                                {"address", report.broker_addr},
                                                {"cluster", report.cluster}});
  }
  // The connection may have ended while the request waited for this executor.
  if (request.peer()->closed()) PeerClosed(report.peer);
  Tell(result.notices);

  proto::RegisterBrokerResponseHeader reply_header;
  reply_header.master_addr = result.master_addr;
  reply_header.ha_server_addr = result.master_ha_addr;
  net::Response response = net::HeaderResponse(reply_header);
  if (parts_.options.Load()->return_order_topic_config_to_broker) {
    if (auto order = parts_.kv.List(kOrderTopicNamespace)) {
      response.body.emplace_back(proto::EncodeBody(proto::KVTable{std::move(*order)}));
    }
  }
  return response;
}

net::Response RouteHandlers::UnregisterBroker(const proto::UnRegisterBrokerRequestHeader& header,
                                              net::ServerRequest& request) {
  Tell(table_.Unregister({header.cluster_name, header.broker_name, header.broker_addr, header.broker_id}));
  parts_.env.log().Info("broker unregistered", {{"broker", header.broker_name},
                                                {"id", header.broker_id},
                                                {"address", header.broker_addr},
                                                {"peer", request.peer()->remote().ToString()}});
  return {};
}

net::Response RouteHandlers::Heartbeat(const proto::BrokerHeartbeatRequestHeader& header,
                                       net::ServerRequest&) {
  table_.Heartbeat(header.cluster_name, header.broker_addr, parts_.env.clock().Monotonic());
  return {};
}

net::Response RouteHandlers::QueryVersion(const proto::QueryDataVersionRequestHeader& header,
                                          net::ServerRequest& request) {
  const auto theirs = proto::DecodeBody<proto::DataVersion>(request.command().body);
  if (!theirs.ok())
    return net::ErrorResponse(ResponseCode::kSystemError, std::string(theirs.status().text()));
  const RouteTable::VersionAnswer answer =
      table_.QueryVersion({header.cluster_name, header.broker_name, header.broker_addr, header.broker_id},
                          *theirs, parts_.env.clock().Monotonic());
  net::Response response = net::HeaderResponse(proto::QueryDataVersionResponseHeader{answer.changed});
  if (answer.known) response.body.emplace_back(proto::EncodeBody(*answer.known));
  return response;
}

net::Response RouteHandlers::WipeWritePerm(const proto::WipeWritePermOfBrokerRequestHeader& header,
                                           net::ServerRequest& request) {
  const int32_t count = table_.WipeWritePermission(header.broker_name);
  parts_.env.log().Info(
      "write permission wiped",
      {{"broker", header.broker_name}, {"topics", count}, {"peer", request.peer()->remote().ToString()}});
  return net::HeaderResponse(proto::WipeWritePermOfBrokerResponseHeader{count});
}

net::Response RouteHandlers::AddWritePerm(const proto::AddWritePermOfBrokerRequestHeader& header,
                                          net::ServerRequest& request) {
  const int32_t count = table_.AddWritePermission(header.broker_name);
  parts_.env.log().Info(
      "write permission added",
      {{"broker", header.broker_name}, {"topics", count}, {"peer", request.peer()->remote().ToString()}});
  return net::HeaderResponse(proto::AddWritePermOfBrokerResponseHeader{count});
}

net::Response RouteHandlers::DeleteTopic(const proto::DeleteTopicFromNamesrvRequestHeader& header,
                                         net::ServerRequest& request) {
  table_.DeleteTopic(header.topic, header.cluster_name);
  parts_.env.log().Info("topic deleted", {{"topic", header.topic},
                                          {"cluster", header.cluster_name},
                                          {"peer", request.peer()->remote().ToString()}});
  return {};
}

net::Response RouteHandlers::RegisterTopic(const proto::RegisterTopicRequestHeader& header,
                                           net::ServerRequest& request) {
  const auto route = proto::DecodeBody<proto::TopicRouteData>(request.command().body);
  if (!route.ok()) return net::ErrorResponse(ResponseCode::kSystemError, std::string(route.status().text()));
  table_.RegisterTopic(header.topic, route->queue_datas);
  return {};
}

void RouteHandlers::PeerClosed(uint64_t peer) {
  if (broker_peers_.erase(peer) == 0) return;
  if (Planted(Bug::kDeadBrokerRouted)) return;
  const std::vector<MinIdNotice> notices = table_.ConnectionClosed(peer);
  Publish();
  parts_.env.log().Info("broker connection closed", {{"peer_id", peer}});
  Tell(notices);
}

void RouteHandlers::StartScan() {
  parts_.route.Post([this] { ArmScan(); });
}

void RouteHandlers::StopScan() { scan_timer_.Cancel(); }

void RouteHandlers::ArmScan() {
  const MonoTime next =
      parts_.env.clock().Monotonic() + parts_.options.Load()->scan_not_active_broker_interval;
  scan_timer_ = parts_.route.PostAt(next, [this] {
    Scan();
    ArmScan();
  });
}

void RouteHandlers::Scan() {
  const RouteTable::Expired expired = table_.Expire(parts_.env.clock().Monotonic());
  Publish();
  if (expired.brokers.empty()) return;
  for (const BrokerKey& broker : expired.brokers) {
    parts_.env.log().Warn("broker was silent for too long and is no longer routed to",
                          {{"broker", broker.broker_name}, {"address", broker.broker_addr}});
  }
  for (const uint64_t peer : expired.peers) {
    const auto connection = broker_peers_.find(peer);
    if (connection != broker_peers_.end()) connection->second->Close();
  }
  Tell(expired.notices);
}

void RouteHandlers::Publish() { snapshot_.Store(table_.Snapshot()); }

void RouteHandlers::Tell(const std::vector<MinIdNotice>& notices) {
  if (notices.empty() || !parts_.options.Load()->notify_min_broker_id_changed) return;
  for (const MinIdNotice& notice : notices) {
    proto::NotifyMinBrokerIdChangeRequestHeader header;
    header.min_broker_id = notice.min_id;
    header.broker_name = notice.broker_name;
    header.min_broker_addr = notice.min_addr;
    header.offline_broker_addr = notice.offline_addr;
    header.ha_broker_addr = notice.ha_addr;
    for (const uint64_t peer : notice.tell) {
      const auto connection = broker_peers_.find(peer);
      if (connection == broker_peers_.end()) continue;
      connection->second->Oneway(proto::MakeRequest(RequestCode::kNotifyMinBrokerIdChange, header));
    }
  }
}

}  // namespace orbitmq::namesrv
