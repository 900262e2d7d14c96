// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "common/env.h"
#include "common/mutex.h"
#include "common/snapshot_cell.h"
#include "namesrv/kv_config.h"
#include "namesrv/namesrv_options.h"
#include "namesrv/route_table.h"
#include "remoting/protocol/headers_namesrv.h"
#include "remoting/rpc_server.h"

namespace orbitmq::namesrv {

// The requests about brokers, topics and routes.
//
// Threads: writers run on `route`, which owns the table and the connections of brokers; readers run on io
// executors against the published snapshot. A reply to a writer leaves after its change is published.
class RouteHandlers final {
 public:
  struct Parts {
    Env& env;
    Executor& route;
    const SnapshotCell<NamesrvOptions>& options;
    const KvConfig& kv;
  };
  RouteHandlers(Parts parts, RouteTable::Options table_options);

  // Registers every handler and the connection listener. Before server.Start().
  void AddTo(net::RpcServer& server);
  // Begins the scan for silent brokers.
  // What is known now. Threads: any.
  std::shared_ptr<const RouteSnapshot> snapshot() const { return snapshot_.Load(); }
  void StartScan();
  // On `route`.
  void StopScan();

 private:
  using Peers = std::map<uint64_t, std::shared_ptr<net::Peer>>;
  template <class Header>
  using Writer = net::Response (RouteHandlers::*)(const Header&, net::ServerRequest&);

  void AddReaders(net::RpcServer& server);
  void AddTopicLists(net::RpcServer& server);
  void AddWriters(net::RpcServer& server);
  template <class Header>
  void AddWriter(net::RpcServer& server, int32_t code, Writer<Header> writer);

  net::Response Route(const net::ServerRequest& request) const;
  net::Response RegisterBroker(const proto::RegisterBrokerRequestHeader& header, net::ServerRequest& request);
  net::Response UnregisterBroker(const proto::UnRegisterBrokerRequestHeader& header,
                                 net::ServerRequest& request);
  net::Response Heartbeat(const proto::BrokerHeartbeatRequestHeader& header, net::ServerRequest& request);
  net::Response QueryVersion(const proto::QueryDataVersionRequestHeader& header, net::ServerRequest& request);
  net::Response WipeWritePerm(const proto::WipeWritePermOfBrokerRequestHeader& header,
                              net::ServerRequest& request);
  net::Response AddWritePerm(const proto::AddWritePermOfBrokerRequestHeader& header,
                             net::ServerRequest& request);
  net::Response DeleteTopic(const proto::DeleteTopicFromNamesrvRequestHeader& header,
                            net::ServerRequest& request);
  net::Response RegisterTopic(const proto::RegisterTopicRequestHeader& header, net::ServerRequest& request);

  void PeerClosed(uint64_t peer);
  void Scan();
  void ArmScan();
  void Publish();
  void Tell(const std::vector<MinIdNotice>& notices);

  Parts parts_;
  RouteTable table_;
  SnapshotCell<RouteSnapshot> snapshot_;
  Peers broker_peers_;  // Connections over which brokers registered.
  Timer scan_timer_;
  const MonoTime started_;
};

}  // namespace orbitmq::namesrv
