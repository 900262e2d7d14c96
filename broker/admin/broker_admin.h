// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "broker/broker_identity.h"
#include "broker/broker_options.h"
#include "broker/replication/ha_service.h"
#include "broker/replication/role_change.h"
#include "broker/state/broker_stats.h"
#include "broker/state/client_table.h"
#include "broker/state/delay_queues.h"
#include "broker/state/topic_table.h"
#include "remoting/protocol/data_version.h"
#include "remoting/rpc_server.h"
#include "store/message_store.h"

namespace orbitmq::broker {

// What administrators ask about the broker itself: configuration (25, 26), runtime info (28), statistics
// (315), the entries of a queue (321), and cleaning (306, 329). Threads: the admin executor.
class BrokerAdmin final {
 public:
  struct Parts {
    Env& env;
    LiveOptions& options;
    TopicTable& topics;
    const BrokerIdentity& identity;
    const ClientTable& clients;
    const DelayQueues& delay;
    store::MessageStore& store;
    BrokerStats& stats;
    const HaService& ha;
    RoleChange& role_change;
    WallTime booted;
    // Called after the options changed: NameServers may have to hear of it.
    UniqueFunction<void()> on_reload;
    size_t offsets_lowered = 0;  // Consumer offsets that this start found beyond the end of their queue.
  };
  explicit BrokerAdmin(Parts parts) : parts_(std::move(parts)) {}

  void UpdateConfig(net::ServerRequest request);
  void GetConfig(net::ServerRequest request);
  void RuntimeInfo(net::ServerRequest request);
  void ViewStats(net::ServerRequest request);
  void QueryConsumeQueue(net::ServerRequest request);
  // Answers at once. The queues follow the log by themselves here, so that the first does nothing; it leaves
  // the position of a queue whose messages have all expired, which Apache lets begin again at 0.
  void CleanExpiredQueues(net::ServerRequest request);
  void DeleteExpiredLog(net::ServerRequest request);

 private:
  // brokerRole and brokerId that UPDATE_BROKER_CONFIG asks for.
  struct RoleWanted {
    BrokerRole role = BrokerRole::kAsyncMaster;
    int64_t id = 0;
    std::vector<ConfigEntry> entries;
    std::string remark;  // Of the answer.
  };
  // Answers with what became of it.
  void ChangeRole(net::ServerRequest request, RoleWanted wanted);
  // Into the file that the broker was started with; `remark` says when there is none, or it may not be
  // written, so that the change lasts until the restart only.
  Status Write(std::span<const ConfigEntry> entries, std::string& remark);
  using Table = std::map<std::string, std::string>;
  void AddIdentity(Table& table) const;
  void AddTraffic(Table& table) const;
  void AddStore(Table& table) const;
  void AddCondition(Table& table) const;
  void AddReplication(Table& table) const;

  Parts parts_;
  proto::DataVersion version_;
};

}  // namespace orbitmq::broker
