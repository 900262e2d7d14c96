// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "broker/replication/standby_rules.h"
#include "remoting/rpc_server.h"

namespace orbitmq::broker {

class BrokerAdmin;
class ClientHandler;
class ClientRelay;
class GroupAdmin;
class HaAdmin;
class OffsetAdmin;
class OffsetHandler;
class PullHandler;
class QueryHandler;
class RetryRouter;
class SendHandler;
class TopicAdmin;

// Where a request runs: on its connection's io executor, or on one that may block.
enum class ExecutionClass : uint8_t { kInline, kRead, kAdmin };

// What a request is about; what an access check will ask for.
enum class Resource : uint8_t { kNone, kTopic, kGroup, kTopicAndGroup, kCluster };
enum class Action : uint8_t { kPub, kSub, kGet, kCreate, kUpdate, kDelete };

// Everything that serves requests.
struct Handlers {
  SendHandler& send;
  PullHandler& pull;
  OffsetHandler& offsets;
  ClientHandler& clients;
  RetryRouter& retry;
  QueryHandler& query;
  TopicAdmin& topic_admin;
  GroupAdmin& group_admin;
  OffsetAdmin& offset_admin;
  BrokerAdmin& broker_admin;
  ClientRelay& relay;
  HaAdmin& ha_admin;
};

struct HandlerRow {
  int32_t code = 0;
  ExecutionClass where = ExecutionClass::kAdmin;
  Resource resource = Resource::kNone;
  Action action = Action::kGet;
  RoleRule rule = RoleRule::kEachRole;
  void (*run)(Handlers& handlers, net::ServerRequest request) = nullptr;
};

// Every request that this broker serves, ascending by code. Every other code of
// codes.def is in RefusedCodes and gets REQUEST_CODE_NOT_SUPPORTED; a static_assert sees to it that each code
// is in exactly one of the two.
std::span<const HandlerRow> HandlerTable();
std::span<const int32_t> RefusedCodes();

}  // namespace orbitmq::broker
