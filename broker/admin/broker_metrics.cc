// SPDX-License-Identifier: Apache-2.0
#include "broker/admin/broker_metrics.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "common/names.h"
#include "common/strings.h"

namespace orbitmq::broker {
namespace {

using Type = Exposition::Type;

// How many messages are looked up for their age at one look; each may be a read from the disk.
constexpr int kAgesMax = 1000;

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

std::string Flag(bool value) { return value ? "true" : "false"; }

MetricLabels LabelsOf(const KeyParts& of) {
  return {{"topic", std::string(of.topic)},
          {"consumer_group", std::string(of.group)},
          {"is_retry", Flag(of.topic.starts_with(names::kRetryPrefix))},
          {"is_system", Flag(IsSystemTopic(of.topic) || IsSystemGroup(of.group))}};
}

// What one group has before it in one topic.
struct Lag {
  int64_t messages = 0;   // Not committed.
  int64_t ready = 0;      // Not pulled.
  int64_t in_flight = 0;  // Pulled and not committed.
  int64_t behind_ms = 0;  // The age of the oldest that is not committed.
};

}  // namespace

MetricLabels BrokerMetrics::With(MetricLabels more) const {
  MetricLabels labels{{"cluster", parts_.identity.cluster},
                      {"node_type", "broker"},
                      {"node_id", parts_.identity.name}};
  for (auto& label : more) labels.push_back(std::move(label));
  return labels;
}

std::string BrokerMetrics::Page() {
  Exposition page(static_cast<size_t>(parts_.options.Get()->metrics.series_max));
  AddTables(page);
  AddTraffic(page);
  AddStore(page);
  AddLog(page);
  AddReplication(page);
  AddConnections(page);
  AddLag(page);
  page.Family("rocketmq_metrics_series_left_out", Type::kGauge,
              "Series that metricsOtelCardinalityLimit kept from this page.");
  page.Sample(With({}), static_cast<int64_t>(page.left_out()));
  return page.Take();
}

void BrokerMetrics::AddTables(Exposition& page) const {
  page.Family("rocketmq_broker_permission", Type::kGauge, "What clients may do: 2 write, 4 read.");
  page.Sample(With({}), int64_t{parts_.options.Get()->broker_permission});
  page.Family("rocketmq_topic_number", Type::kGauge, "Topics, the system's among them.");
  page.Sample(With({}), static_cast<int64_t>(parts_.topics.size()));
  page.Family("rocketmq_consumer_group_number", Type::kGauge, "Consumer groups, the system's among them.");
  page.Sample(With({}), static_cast<int64_t>(parts_.groups.size()));
}

void BrokerMetrics::AddTraffic(Exposition& page) const {
  const auto by_topic = [&](const char* name, const char* help, std::string_view counted, bool dead_letters) {
    page.Family(name, Type::kCounter, help);
    for (const auto& [topic, sum] : parts_.stats.Sums(counted)) {
      const bool dead = topic.starts_with(names::kDlqPrefix);
      if (!dead_letters) {
        page.Sample(With({{"topic", topic}, {"is_system", Flag(IsSystemTopic(topic))}}), sum);
      } else if (dead) {
        page.Sample(With({{"consumer_group", topic.substr(names::kDlqPrefix.size())}}), sum);
      }
    }
  };
  by_topic("rocketmq_messages_in_total", "Messages stored.", "TOPIC_PUT_NUMS", false);
  by_topic("rocketmq_throughput_in_total", "Bytes stored.", "TOPIC_PUT_SIZE", false);
  by_topic("rocketmq_send_to_dlq_messages_total", "Messages given up, by group.", "TOPIC_PUT_NUMS", true);
  const auto by_group = [&](const char* name, const char* help, std::string_view counted) {
    page.Family(name, Type::kCounter, help);
    for (const auto& [key, sum] : parts_.stats.Sums(counted)) page.Sample(With(LabelsOf(SplitKey(key))), sum);
  };
  by_group("rocketmq_messages_out_total", "Messages given to consumers.", "GROUP_GET_NUMS");
  by_group("rocketmq_throughput_out_total", "Bytes given to consumers.", "GROUP_GET_SIZE");
  page.Family("rocketmq_broker_tps", Type::kGauge, "Messages stored a second, over ten seconds.");
  page.Sample(With({}), parts_.stats.PerSecond(BrokerStats::Rate::kPut));
  page.Family("rocketmq_broker_qps", Type::kGauge, "Messages given out a second, over ten seconds.");
  page.Sample(With({}), parts_.stats.PerSecond(BrokerStats::Rate::kTransferred));
  page.Family("rocketmq_broker_put_failed_total", Type::kCounter, "Sends that were not stored.");
  page.Sample(With({}), parts_.stats.totals().put_failed);
  page.Family("rocketmq_broker_put_latency_us", Type::kSummary, "From a send's arrival to its answer.");
  page.Sample(With({}), parts_.stats.put_us());
}

void BrokerMetrics::AddStore(Exposition& page) const {
  const store::Watermarks marks = parts_.store.watermarks();
  const MetricLabels storage = With({{"storage_type", "local"}, {"storage_medium", "disk"}});
  const auto gauge = [&](const char* name, const char* help, int64_t value) {
    page.Family(name, Type::kGauge, help);
    page.Sample(storage, value);
  };
  gauge("rocketmq_storage_size", "Bytes of the log that are kept.", marks.appended.value - marks.min.value);
  gauge("rocketmq_storage_flush_behind_bytes", "Bytes written and not yet on the disk.",
        marks.appended.value - marks.flushed.value);
  gauge("rocketmq_storage_dispatch_behind_bytes", "Bytes visible and not yet in their queues.",
        marks.visible.value - marks.dispatched.value);
  const auto earliest = parts_.store.EarliestStoreTime();
  gauge("rocketmq_storage_message_reserve_time", "Age of the oldest message, ms.",
        earliest ? std::max<int64_t>(parts_.env.clock().WallMillis() - ToEpochMillis(*earliest), 0) : 0);
}

// What Apache's exporter does not have.
void BrokerMetrics::AddLog(Exposition& page) {
  const store::Watermarks marks = parts_.store.watermarks();
  page.Family("rocketmq_store_watermark_offset", Type::kGauge, "Positions in the log, bytes.");
  for (const auto& [name, at] :
       {std::pair<const char*, int64_t>("min", marks.min.value), {"dispatched", marks.dispatched.value},
        {"visible", marks.visible.value}, {"flushed", marks.flushed.value},
        {"appended", marks.appended.value}}) {
    page.Sample(With({{"watermark", name}}), at);
  }
  const auto one = [&](const char* name, Type type, const char* help, auto value) {
    page.Family(name, type, help);
    page.Sample(With({}), value);
  };
  const Status writable = parts_.store.writable();
  one("rocketmq_store_writable", Type::kGauge, "0 while messages are refused: disk full, or failed for good.",
      int64_t{writable.ok()});
  one("rocketmq_store_failed", Type::kGauge, "1 after a failed sync, until the broker is started anew.",
      int64_t{!writable.ok() && writable.fatal()});
  const store::MessageStore::Stats stats = parts_.store.stats();
  one("rocketmq_store_append_queue_bytes", Type::kGauge, "Bytes that wait for the log.",
      stats.append_queue_bytes);
  one("rocketmq_store_append_refused_total", Type::kCounter, "Messages refused because the log was behind.",
      stats.append_refused);
  one("rocketmq_store_segment_waits_total", Type::kCounter, "How often the log waited for its next file.",
      stats.segment_waits);
  one("rocketmq_store_flush_total", Type::kCounter, "Syncs of the log.", stats.flush_count);
  one("rocketmq_store_segments", Type::kGauge, "Files of the log.", stats.segment_count);
  one("rocketmq_store_disk_used_ratio", Type::kGauge, "Of the disk that holds the log.",
      stats.disk_used_ratio);
  one("rocketmq_store_root_disk_used_ratio", Type::kGauge, "Of the disk that holds queues, index and tables.",
      stats.root_disk_used_ratio);
  one("rocketmq_store_append_max_us", Type::kGauge, "The longest write to the log.", stats.append_us_max);
  page.Family("rocketmq_store_stage_us", Type::kSummary,
              "What messages wait for before they are stored: the write of a batch, its sync (SYNC_FLUSH), "
              "the next file (disk), queues and index far behind (dispatch).");
  for (const store::AppendStage stage : store::kAppendStages) {
    if (stage == store::AppendStage::kQueue) continue;
    page.Sample(With({{"stage", std::string(NameOf(stage))}}), parts_.store.StageTimes(stage));
  }
  one("rocketmq_broker_parked_pulls", Type::kGauge, "Pulls that wait for messages.",
      static_cast<int64_t>(parts_.parked.size()));
  one("rocketmq_broker_connections", Type::kGauge, "Connections of clients, NameServers aside.",
      static_cast<int64_t>(parts_.connections()));
}

// Ours too. A slave's series end with its connection.
void BrokerMetrics::AddReplication(Exposition& page) const {
  const HaStatus status = parts_.ha.status();
  if (!status.master) {
    page.Family("rocketmq_ha_slave_state", Type::kGauge, "1 for what this slave does about its log now.");
    for (const HaSlaveState state :
         {HaSlaveState::kWaitingForAddress, HaSlaveState::kConnecting, HaSlaveState::kComparing,
          HaSlaveState::kHealing, HaSlaveState::kFollowing}) {
      page.Sample(With({{"state", std::string(NameOf(state))}, {"master", status.slave.master}}),
                  int64_t{state == status.slave.state});
    }
    page.Family("rocketmq_ha_slave_reported_offset", Type::kGauge, "What this slave told its master last.");
    page.Sample(With({}), status.slave.reported.value);
    page.Family("rocketmq_ha_slave_heals_total", Type::kCounter, "How often it cut or dropped its log.");
    page.Sample(With({}), status.slave.heal_count);
    return;
  }
  page.Family("rocketmq_ha_in_sync_brokers", Type::kGauge,
              "Brokers that count for SYNC_MASTER, this one too.");
  page.Sample(With({}), int64_t{status.in_sync_count});
  page.Family("rocketmq_ha_replicated_offset", Type::kGauge, "Enough slaves have the log up to here.");
  page.Sample(With({}), status.replicated.value);
  const auto each = [&](const char* name, const char* help, auto value) {
    page.Family(name, Type::kGauge, help);
    for (const HaReplica& replica : status.replicas) {
      page.Sample(With({{"replica", replica.address}}), int64_t{value(replica)});
    }
  };
  each("rocketmq_ha_replica_acked_offset", "What a slave says it has.",
       [](const HaReplica& replica) { return replica.acked.value; });
  each("rocketmq_ha_replica_lag_bytes", "From there to the end of the log.",
       [](const HaReplica& replica) { return replica.lag_bytes; });
  each("rocketmq_ha_replica_lag_ms", "For how long it has not had what the log held then.",
       [](const HaReplica& replica) { return replica.lag_ms; });
  each("rocketmq_ha_replica_in_sync", "1 while it counts for SYNC_MASTER, however it lags.",
       [](const HaReplica& replica) { return replica.in_sync; });
  each("rocketmq_ha_replica_caught_up", "1 while allAckInSyncStateSet waits for it.",
       [](const HaReplica& replica) { return replica.caught_up; });
}

void BrokerMetrics::AddConnections(Exposition& page) const {
  std::map<std::tuple<std::string, int32_t>, int64_t> producers;
  for (const auto& [group, members] : parts_.clients.AllProducers()) {
    for (const ClientEntry& client : members) {
      ++producers[{Lower(proto::EnumName(client.language)), client.version}];
    }
  }
  page.Family("rocketmq_producer_connections", Type::kGauge, "Producers, once per group.");
  for (const auto& [of, count] : producers) {
    page.Sample(With({{"language", std::get<0>(of)},
                      {"version", StrCat(std::get<1>(of))},
                      {"protocol_type", "remoting"}}),
                count);
  }
  page.Family("rocketmq_consumer_connections", Type::kGauge, "Members of consumer groups.");
  for (const auto& [group, details] : parts_.clients.AllConsumers()) {
    std::map<std::tuple<std::string, int32_t>, int64_t> members;
    for (const ClientEntry& client : details.members) {
      ++members[{Lower(proto::EnumName(client.language)), client.version}];
    }
    const bool pulls = details.consume_type == proto::ConsumeType::kConsumeActively;
    for (const auto& [of, count] : members) {
      page.Sample(With({{"consumer_group", group},
                        {"language", std::get<0>(of)},
                        {"version", StrCat(std::get<1>(of))},
                        {"consume_mode", pulls ? "pull" : "push"},
                        {"protocol_type", "remoting"},
                        {"is_system", Flag(IsSystemGroup(group))}}),
                  count);
    }
  }
}

void BrokerMetrics::AddLag(Exposition& page) const {
  const WallTime now = parts_.env.clock().Wall();
  std::vector<std::pair<KeyParts, Lag>> lags;
  const auto offsets = parts_.offsets.All();
  int ages = 0;
  for (const auto& [key, queues] : offsets.offset_table) {
    const KeyParts of = SplitKey(key);
    Lag lag;
    for (const auto& [id, committed] : queues) {
      const QueueKey queue{std::string(of.topic), id};
      const auto range = parts_.store.Range(queue);
      if (!range) continue;
      const int64_t begin = std::max(committed, range->min.value);
      const int64_t pulled =
          std::clamp(parts_.offsets.PulledTo({of.group, of.topic, id}).value_or(begin), begin,
                     std::max(begin, range->max.value));
      lag.messages += std::max<int64_t>(range->max.value - begin, 0);
      lag.ready += std::max<int64_t>(range->max.value - pulled, 0);
      lag.in_flight += pulled - begin;
      if (begin >= range->max.value || ++ages > kAgesMax) continue;
      const auto stored = parts_.store.StoreTimeAt(queue, QueueOffset{begin});
      if (stored) lag.behind_ms = std::max(lag.behind_ms, ToEpochMillis(now) - ToEpochMillis(*stored));
    }
    lags.emplace_back(of, lag);
  }
  const auto family = [&](const char* name, const char* help, int64_t Lag::*value) {
    page.Family(name, Type::kGauge, help);
    for (const auto& [of, lag] : lags) page.Sample(With(LabelsOf(of)), lag.*value);
  };
  family("rocketmq_consumer_lag_messages", "Messages that the group has not committed.", &Lag::messages);
  family("rocketmq_consumer_lag_latency", "Age of the oldest of them, ms.", &Lag::behind_ms);
  family("rocketmq_consumer_ready_messages", "Messages that the group has not pulled.", &Lag::ready);
  family("rocketmq_consumer_inflight_messages", "Messages pulled and not committed.", &Lag::in_flight);
  page.Family("rocketmq_metrics_ages_left_out", Type::kGauge,
              "Queues whose oldest message was not looked up, to spare the disk.");
  page.Sample(With({}), static_cast<int64_t>(std::max(ages - kAgesMax, 0)));
}

}  // namespace orbitmq::broker
