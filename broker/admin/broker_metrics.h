// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "broker/broker_identity.h"
#include "broker/replication/ha_service.h"
#include "broker/state/broker_stats.h"
#include "broker/state/client_table.h"
#include "broker/state/consumer_offsets.h"
#include "broker/state/group_table.h"
#include "broker/state/parked_pulls.h"
#include "broker/state/topic_table.h"
#include "common/env.h"
#include "common/exposition.h"
#include "store/message_store.h"

namespace orbitmq::broker {

// The broker's figures as its page /metrics shows them: under the names and labels of Apache 5.x's exporter
// where it has one, and ours. Series are made from the tables at each look, so that those of a deleted topic
// or group are gone with it; no more of one name than `series_max` (metricsOtelCardinalityLimit), the rest is
// counted.
//
// Threads: Page on an executor that may block, one call at a time: how old a group's oldest message is stands
// in the log, which may be on disk.
class BrokerMetrics final {
 public:
  struct Parts {
    Env& env;
    const BrokerIdentity& identity;
    const LiveOptions& options;
    const TopicTable& topics;
    const GroupTable& groups;
    const ClientTable& clients;
    const ConsumerOffsets& offsets;
    const ParkedPulls& parked;
    const BrokerStats& stats;
    store::MessageStore& store;
    const HaService& ha;
    UniqueFunction<size_t()> connections;
  };
  explicit BrokerMetrics(Parts parts) : parts_(std::move(parts)) {}
  std::string Page();

 private:
  MetricLabels With(MetricLabels more) const;
  void AddTables(Exposition& page) const;
  void AddTraffic(Exposition& page) const;
  void AddStore(Exposition& page) const;
  void AddLog(Exposition& page);
  void AddReplication(Exposition& page) const;
  void AddConnections(Exposition& page) const;
  void AddLag(Exposition& page) const;

  Parts parts_;
};

}  // namespace orbitmq::broker
