// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <utility>

#include "common/completion.h"
#include "remoting/protocol/admin_bodies.h"
#include "remoting/protocol/headers_namesrv.h"
#include "remoting/protocol/route.h"
#include "remoting/rpc_client.h"

namespace orbitmq::net {

struct RegisterBrokerReply {
  proto::RegisterBrokerResponseHeader header;
  std::string body;  // The ORDER_TOPIC_CONFIG table as JSON ({"table":{..}}), or empty.
};

// What can be asked of a NameServer. Every call ends as RpcClient::Call does; an error code of the NameServer
// arrives as a Status with that wire_code (TOPIC_NOT_EXIST is kNotFound).
// Threads: any; completions on the RpcClient's loop. The client must outlive the stub.
class NamesrvStub final {
 public:
  explicit NamesrvStub(RpcClient& rpc) : rpc_(rpc) {}

  void GetRoute(const Endpoint& to, const std::string& topic, Duration timeout,
                Completion<proto::TopicRouteData> done);
  void GetClusterInfo(const Endpoint& to, Duration timeout, Completion<proto::ClusterInfo> done);

  // `body` is an encoded registration (proto::EncodeBody<RegisterBrokerBody> or its compressed form), whose
  // CRC and form the header tells.
  void RegisterBroker(const Endpoint& to, const proto::RegisterBrokerRequestHeader& header, Bytes body,
                      Duration timeout, Completion<RegisterBrokerReply> done);
  void UnregisterBroker(const Endpoint& to, const proto::UnRegisterBrokerRequestHeader& header,
                        Duration timeout, Completion<Done> done);
  void BrokerHeartbeat(const Endpoint& to, const proto::BrokerHeartbeatRequestHeader& header,
                       Duration timeout, Completion<Done> done);

  void GetKv(const Endpoint& to, const proto::GetKVConfigRequestHeader& header, Duration timeout,
             Completion<proto::GetKVConfigResponseHeader> done);
  void PutKv(const Endpoint& to, const proto::PutKVConfigRequestHeader& header, Duration timeout,
             Completion<Done> done);
  void DeleteKv(const Endpoint& to, const proto::DeleteKVConfigRequestHeader& header, Duration timeout,
                Completion<Done> done);
  void DeleteTopic(const Endpoint& to, const proto::DeleteTopicFromNamesrvRequestHeader& header,
                   Duration timeout, Completion<Done> done);

  void GetAllTopics(const Endpoint& to, Duration timeout, Completion<proto::TopicList> done);
  void GetTopicsOfCluster(const Endpoint& to, const std::string& cluster, Duration timeout,
                          Completion<proto::TopicList> done);
  // Both return how many topics were changed.
  void WipeWritePerm(const Endpoint& to, const std::string& broker, Duration timeout,
                     Completion<int32_t> done);
  void AddWritePerm(const Endpoint& to, const std::string& broker, Duration timeout,
                    Completion<int32_t> done);
  // A properties file.
  void GetConfig(const Endpoint& to, Duration timeout, Completion<std::string> done);
  // Ends with what the server remarks on what it did; mostly nothing.
  void UpdateConfig(const Endpoint& to, const std::string& properties, Duration timeout,
                    Completion<std::string> done);

 private:
  RpcClient& rpc_;
};

}  // namespace orbitmq::net
