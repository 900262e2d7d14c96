// SPDX-License-Identifier: Apache-2.0
#include "broker/broker_options.h"

#include <algorithm>
#include <utility>

#include "broker/advertised_address.h"
#include "broker/ignored_keys.h"
#include "common/env.h"
#include "common/limits.h"
#include "common/strings.h"

namespace orbitmq::broker {
namespace {

constexpr std::string_view kRoles[] = {"ASYNC_MASTER", "SYNC_MASTER", "SLAVE"};
constexpr std::string_view kFlushTypes[] = {"ASYNC_FLUSH", "SYNC_FLUSH"};

using B = BrokerOptions;
using Rows = std::vector<OptionOf<B>>;

void AddNetwork(Rows& rows) {
  rows.insert(
      rows.end(),
      {TextOption<&B::broker_name>("brokerName", Reload::kNo,
                                   "Name of the broker group; empty = the host name."),
       TextOption<&B::broker_cluster_name>("brokerClusterName", Reload::kNo, "Name of the cluster."),
       IntOption<&B::broker_id>("brokerId", {0}, Reload::kYes, "0 = master; a slave's is above 0."),
       TextOption<&B::namesrv_addr>(
           "namesrvAddr", Reload::kNo,
           "NameServers, host:port separated by ';'; empty = $NAMESRV_ADDR, or none."),
       TextOption<&B::broker_ip1>("brokerIP1", Reload::kNo,
                                  "Address or host name told to clients; empty = the first address that is "
                                  "not loopback."),
       TextOption<&B::broker_ip2>("brokerIP2", Reload::kNo,
                                  "Address or host name told to slaves; empty = brokerIP1."),
       TextOption<&B::bind_address>("bindAddress", Reload::kNo, "Address to listen on."),
       IntOption<&B::listen_port>("listenPort", {0, 65535}, Reload::kNo,
                                  "TCP port; 0 = any free one. listenPort-2 is listened on too if free."),
       IntOption<&B::ha_listen_port>("haListenPort", {0, 65535}, Reload::kNo,
                                     "Port that slaves connect to; 0 = listenPort+1."),
       IntOption<&B::broker_permission>(
           "brokerPermission", {0, 7}, Reload::kYes,
           "2 = write, 4 = read; takes either away from every topic, at once: NameServers are "
           "told, pulls and sends to ordered topics refused."),
       ChoiceOption<&B::broker_role>("brokerRole", kRoles, Reload::kYes,
                                     "SYNC_MASTER answers a send when inSyncReplicas brokers have it."),
       TextOption<&B::region_id>("regionId", Reload::kNo, "Put into every message as MSG_REGION."),
       BoolOption<&B::trace_on>("traceOn", Reload::kYes, "Put into every message and reply as TRACE_ON."),
       MillisOption<&B::register_name_server_period>(
           "registerNameServerPeriod", {1000, 60'000}, Reload::kNo,
           "Between two registrations, ms; 10 s and not Apache's 30 s, so that a restarted NameServer is "
           "complete again soon."),
       MillisOption<&B::register_broker_timeout>("registerBrokerTimeoutMills", {100, 600'000}, Reload::kNo,
                                                 "For one registration, ms."),
       IntOption<&B::server_selector_threads>("serverSelectorThreads", {0, 64}, Reload::kNo,
                                              "I/O threads; 0 = one per core, at most 4."),
       IntOption<&B::server_channel_max_idle_seconds>("serverChannelMaxIdleTimeSeconds", {1, 86'400},
                                                      Reload::kNo,
                                                      "Silent connections are closed after it.")});
}

void AddReplication(Rows& rows) {
  rows.insert(
      rows.end(),
      {TextOption<&B::ha_master_address>(
           "haMasterAddress", Reload::kNo,
           "A slave's: host:port of its master's haListenPort; empty = learnt from the NameServers."),
       MillisOption<&B::ha_send_heartbeat_interval>(
           "haSendHeartbeatInterval", {100, 600'000}, Reload::kNo,
           "What is silent for so long between master and slave sends a heartbeat, ms."),
       MillisOption<&B::ha_housekeeping_interval>(
           "haHousekeepingInterval", {200, 3'600'000}, Reload::kNo,
           "Between master and slave what has heard nothing for so long is closed, ms."),
       IntOption<&B::ha_transfer_batch_size>(
           "haTransferBatchSize", {1024, 1 << 20}, Reload::kNo,
           "Most bytes of the log in one frame to a slave; a longer record up to "
           "262144 bytes is one frame by itself."),
       IntOption<&B::ha_max_gap_not_in_sync>(
           "haMaxGapNotInSync", {1}, Reload::kNo,
           "A slave that is further behind, in bytes, is not waited for by SYNC_MASTER."),
       BoolOption<&B::ha_flow_control_enable>("haFlowControlEnable", Reload::kNo,
                                              "Bounds what is sent to slaves per second."),
       IntOption<&B::max_ha_transfer_byte_in_second>("maxHaTransferByteInSecond", {65'536}, Reload::kNo,
                                                     "The bound, bytes."),
       MillisOption<&B::slave_timeout>("slaveTimeout", {1, 600'000}, Reload::kNo,
                                       "Then a send is answered FLUSH_SLAVE_TIMEOUT, ms."),
       IntOption<&B::total_replicas>("totalReplicas", {1, 64}, Reload::kYes,
                                     "Brokers of the group; above 1 it bounds inSyncReplicas."),
       IntOption<&B::in_sync_replicas>(
           "inSyncReplicas", {0, 64}, Reload::kYes,
           "So many brokers, the master among them, must have a message before SYNC_MASTER says OK; 0 = 2. "
           "Apache's default is 1: it does not wait."),
       IntOption<&B::min_in_sync_replicas>(
           "minInSyncReplicas", {1, 64}, Reload::kYes,
           "With fewer in sync SYNC_MASTER refuses sends and stores nothing; 1 = never."),
       BoolOption<&B::enable_auto_in_sync_replicas>(
           "enableAutoInSyncReplicas", Reload::kYes,
           "SYNC_MASTER waits for no more brokers than are in sync, at least for minInSyncReplicas."),
       BoolOption<&B::all_ack_in_sync_state_set>(
           "allAckInSyncStateSet", Reload::kYes,
           "SYNC_MASTER waits for every slave that has caught up, and for as many as inSyncReplicas says."),
       MillisOption<&B::ha_max_time_slave_not_catchup>(
           "haMaxTimeSlaveNotCatchup", {100, 3'600'000}, Reload::kYes,
           "allAckInSyncStateSet: a slave that has not caught up for so long is not waited for, ms.")});
}

void AddStandby(Rows& rows) {
  rows.insert(
      rows.end(),
      {BoolOption<&B::slave_read_enable>(
           "slaveReadEnable", Reload::kYes,
           "A master sends consumers that are far behind to the slave that their group names; a slave serves "
           "pulls while the master is alive, and without one in any case."),
       IntOption<&B::access_message_in_memory_max_ratio>(
           "accessMessageInMemoryMaxRatio", {1, 100}, Reload::kYes,
           "Percent of the machine's memory: a consumer further behind than so many bytes of the log is far "
           "behind."),
       BoolOption<&B::offset_check_in_slave>(
           "offsetCheckInSlave", Reload::kYes,
           "A slave corrects offsets that it does not have; false = such a consumer waits for the master."),
       BoolOption<&B::enable_slave_acting_master>(
           "enableSlaveActingMaster", Reload::kNo,
           "The slave with the smallest id does the master's duties while it is away: delayed messages. For "
           "all brokers of the name, together with the NameServers' supportActingMaster."),
       BoolOption<&B::enable_remote_escape>(
           "enableRemoteEscape", Reload::kYes,
           "A slave in its master's place sends what becomes due to masters of other names; false = it waits "
           "for the master."),
       MillisOption<&B::broker_heartbeat_interval>(
           "brokerHeartbeatInterval", {100, 60'000}, Reload::kNo,
           "With enableSlaveActingMaster: between two heartbeats to the NameServers, ms."),
       MillisOption<&B::broker_not_active_timeout>(
           "brokerNotActiveTimeoutMillis", {1000, 600'000}, Reload::kNo,
           "With enableSlaveActingMaster: NameServers drop this broker after so long a silence, ms.")});
}

void AddTopics(Rows& rows) {
  rows.insert(
      rows.end(),
      {BoolOption<&B::auto_create_topic_enable>("autoCreateTopicEnable", Reload::kYes,
                                                "Sends to unknown topics create them from TBW102."),
       IntOption<&B::default_topic_queue_nums>("defaultTopicQueueNums", {1, limits::kQueuesPerTopicMax},
                                               Reload::kNo, "Most queues of an auto-created topic."),
       BoolOption<&B::cluster_topic_enable>("clusterTopicEnable", Reload::kNo,
                                            "The topic named after the cluster is readable and writable."),
       BoolOption<&B::broker_topic_enable>("brokerTopicEnable", Reload::kNo,
                                           "The topic named after the broker is readable and writable."),
       BoolOption<&B::auto_create_subscription_group>("autoCreateSubscriptionGroup", Reload::kYes,
                                                      "Unknown consumer groups are created when used."),
       BoolOption<&B::trace_topic_enable>("traceTopicEnable", Reload::kNo,
                                          "Creates the topic that clients send message traces to."),
       TextOption<&B::msg_trace_topic_name>("msgTraceTopicName", Reload::kNo, "Its name."),
       BoolOption<&B::reject_transaction_message>(
           "rejectTransactionMessage", Reload::kYes,
           "Transactional messages are refused in any case: they are not supported yet."),
       BoolOption<&B::enable_property_filter>("enablePropertyFilter", Reload::kNo,
                                              "SQL92 filters; must be false: they are not supported yet."),
       BoolOption<&B::notify_consumer_ids_changed_enable>(
           "notifyConsumerIdsChangedEnable", Reload::kYes,
           "Tells the members of a group at once when one comes or goes."),
       MillisOption<&B::channel_expired_timeout>("channelExpiredTimeout", {1000, 86'400'000}, Reload::kNo,
                                                 "Clients without a heartbeat for so long are dropped, ms."),
       BoolOption<&B::use_server_side_reset_offset>(
           "useServerSideResetOffset", Reload::kYes,
           "A reset is answered to the next pull; false = pushed to the consumers, as 4.x does."),
       BoolOption<&B::lite_pull_message_enable>("litePullMessageEnable", Reload::kYes,
                                                "Serves LITE_PULL_MESSAGE."),
       BoolOption<&B::long_polling_enable>("longPollingEnable", Reload::kYes,
                                           "Pulls wait for messages as long as the consumer asks."),
       MillisOption<&B::short_polling_time>("shortPollingTimeMills", {1, 60'000}, Reload::kYes,
                                            "How long pulls wait when longPollingEnable is false, ms."),
       MillisOption<&B::wait_time_in_send_queue>(
           "waitTimeMillsInSendQueue", {1, 600'000}, Reload::kNo,
           "New messages get SYSTEM_BUSY while the oldest that waits for the log is older (ten times as old "
           "while the queue is nearly empty), ms."),
       MillisOption<&B::flush_consumer_offset_interval>("flushConsumerOffsetInterval", {100, 600'000},
                                                        Reload::kNo,
                                                        "Between two writes of the offsets, ms."),
       IntOption<&B::start_accept_send_request_time_stamp>(
           "startAcceptSendRequestTimeStamp", {0}, Reload::kYes,
           "Sends before this time (epoch ms) are refused.")});
}

void AddStore(Rows& rows) {
  rows.insert(
      rows.end(),
      {TextOption<&B::store_path_root_dir>("storePathRootDir", Reload::kNo,
                                           "Data directory; empty = ./data."),
       TextOption<&B::store_path_commit_log>("storePathCommitLog", Reload::kNo,
                                             "Empty = storePathRootDir/commitlog."),
       TextOption<&B::read_only_commit_log_store_paths>("readOnlyCommitLogStorePaths", Reload::kNo,
                                                        "Not supported; must be empty."),
       IntOption<&B::mapped_file_size_commit_log>("mappedFileSizeCommitLog", {1 << 16, int64_t{1} << 31},
                                                  Reload::kNo, "Bytes of one CommitLog file."),
       IntOption<&B::mapped_file_size_consume_queue>("mappedFileSizeConsumeQueue", {20, int64_t{1} << 30},
                                                     Reload::kNo,
                                                     "Bytes of one ConsumeQueue file, rounded up to 20."),
       IntOption<&B::max_message_size>("maxMessageSize", {10, limits::kMessageBodyBytesMax}, Reload::kYes,
                                       "Bytes of a message body."),
       BoolOption<&B::enabled_append_prop_crc>(
           "enabledAppendPropCRC", Reload::kNo,
           "Ends every record in the property __CRC32#, the CRC of the whole record, which recovery checks. "
           "True, unlike Apache's."),
       IntOption<&B::max_hash_slot_num>("maxHashSlotNum", {1, 500'000'000}, Reload::kNo,
                                        "Slots of one index file."),
       IntOption<&B::max_index_num>("maxIndexNum", {1, 500'000'000}, Reload::kNo,
                                    "Entries of one index file."),
       BoolOption<&B::message_index_enable>("messageIndexEnable", Reload::kNo, "Builds the key index."),
       ChoiceOption<&B::flush_disk_type>("flushDiskType", kFlushTypes, Reload::kNo,
                                         "SYNC_FLUSH acknowledges a message only when it is on disk."),
       MillisOption<&B::sync_flush_timeout>("syncFlushTimeout", {1, 600'000}, Reload::kNo,
                                            "Then a send is answered FLUSH_DISK_TIMEOUT, ms."),
       MillisOption<&B::flush_interval_commit_log>("flushIntervalCommitLog", {1, 600'000}, Reload::kNo,
                                                   "Between two syncs under ASYNC_FLUSH, ms."),
       IntOption<&B::file_reserved_time>("fileReservedTime", {0, 1'000'000}, Reload::kYes,
                                         "Hours that messages are kept."),
       IntOption<&B::retention_bytes>(
           "retentionBytes", {0}, Reload::kNo,
           "Files that lie wholly before the newest so many bytes of the log are deleted, at any hour and "
           "expired or not; 0 = off."),
       TextOption<&B::delete_when>("deleteWhen", Reload::kYes,
                                   "Hours of the day to delete old files in, separated by ';'."),
       IntOption<&B::disk_max_used_space_ratio>("diskMaxUsedSpaceRatio", {10, 95}, Reload::kYes,
                                                "Percent; above it expired files are deleted at once."),
       IntOption<&B::disk_space_clean_forcibly_ratio>("diskSpaceCleanForciblyRatio", {10, 100}, Reload::kNo,
                                                      "Percent; above it the oldest files go."),
       BoolOption<&B::clean_file_forcibly_enable>(
           "cleanFileForciblyEnable", Reload::kNo,
           "Files that are not expired may go above diskSpaceCleanForciblyRatio; false = never, messages are "
           "refused instead."),
       IntOption<&B::disk_space_warning_level_ratio>("diskSpaceWarningLevelRatio", {10, 100}, Reload::kNo,
                                                     "Percent; above it messages are refused."),
       IntOption<&B::max_transfer_bytes_in_memory>("maxTransferBytesOnMessageInMemory", {1, 8 << 20},
                                                   Reload::kYes, "Bytes of one pull's reply, recent ones."),
       IntOption<&B::max_transfer_count_in_memory>("maxTransferCountOnMessageInMemory", {1, 1024},
                                                   Reload::kYes, "Messages of one pull, recent ones."),
       IntOption<&B::max_transfer_bytes_in_disk>("maxTransferBytesOnMessageInDisk", {1, 8 << 20},
                                                 Reload::kYes, "Bytes of one pull's reply, old ones."),
       IntOption<&B::max_transfer_count_in_disk>("maxTransferCountOnMessageInDisk", {1, 1024}, Reload::kYes,
                                                 "Messages of one pull, old ones."),
       IntOption<&B::default_query_max_num>("defaultQueryMaxNum", {1, 1024}, Reload::kYes,
                                            "Most messages of a query by unique key."),
       TextOption<&B::message_delay_level>("messageDelayLevel", Reload::kNo,
                                           "Delays of the levels 1, 2, ...; units s, m, h, d."),
       MillisOption<&B::flush_delay_offset_interval>("flushDelayOffsetInterval", {100, 600'000}, Reload::kNo,
                                                     "Between two writes of delayOffset.json, ms.")});
}

Status Bad(std::string_view key, std::string_view why) {
  return Status(StatusCode::kInvalidArgument, StrCat(key, ": ", why));
}

}  // namespace

Status CheckReplication(const BrokerOptions& options) {
  const bool slave = options.broker_role == BrokerRole::kSlave;
  if (slave && options.broker_id == 0) {
    return Bad("brokerId", "Slave's brokerId must be > 0: give each slave of a master a number of its own");
  }
  if (!slave && options.broker_id != 0) {
    return Bad("brokerId", StrCat("is ", options.broker_id, ", but brokerRole is ",
                                  kRoles[static_cast<size_t>(options.broker_role)],
                                  "; a master's is 0, or set brokerRole=SLAVE"));
  }
  if (!options.ha_master_address.empty()) {
    if (auto at = ParseEndpoint(options.ha_master_address); !at.ok()) {
      return at.status().Annotate("haMasterAddress");
    }
  }
  const int32_t wanted = InSyncReplicas(options);
  if (options.total_replicas > 1 && wanted > options.total_replicas) {
    return Bad("inSyncReplicas", StrCat("is ", wanted, ", above totalReplicas ", options.total_replicas,
                                        ": no send could ever be answered OK"));
  }
  if (options.broker_role == BrokerRole::kSyncMaster && options.min_in_sync_replicas > wanted) {
    return Bad("minInSyncReplicas", StrCat("is ", options.min_in_sync_replicas, ", above inSyncReplicas ",
                                           wanted, "; raise that or lower this"));
  }
  if (options.ha_housekeeping_interval <= options.ha_send_heartbeat_interval) {
    return Bad("haHousekeepingInterval",
               StrCat("is ", options.ha_housekeeping_interval.count(),
                      " ms, not above haSendHeartbeatInterval ", options.ha_send_heartbeat_interval.count(),
                      " ms: idle connections would be closed between two heartbeats"));
  }
  return {};
}

const OptionTable<BrokerOptions>& BrokerOptionTable() {
  static const OptionTable<BrokerOptions> table(
      [] {
        Rows rows;
        AddNetwork(rows);
        AddReplication(rows);
        AddStandby(rows);
        AddTopics(rows);
        AddStore(rows);
        return rows;
      }(),
      kIgnoredBrokerKeys, kRefusedBrokerKeys);
  return table;
}

std::vector<OptionBinding> BindBrokerOptions(BrokerOptions& options) {
  return {BrokerOptionTable().Bind(options), net::TlsServerOptionTable().Bind(options.tls),
          net::MetricsOptionTable().Bind(options.metrics)};
}

Status ResolveDefaults(const ProcessIdentity& identity, BrokerOptions& options) {
  if (options.broker_name.empty()) options.broker_name = identity.host_name;
  if (options.broker_name.empty()) options.broker_name = "DEFAULT_BROKER";
  if (options.broker_ip1.empty()) options.broker_ip1 = identity.ip;
  if (options.broker_ip2.empty()) options.broker_ip2 = options.broker_ip1;
  if (options.store_path_root_dir.empty()) options.store_path_root_dir = "./data";
  if (Status s = CheckReplication(options); !s.ok()) return s;
  if (options.enable_property_filter) {
    return Bad("enablePropertyFilter", "SQL92 filters are not supported yet; set it to false");
  }
  if (options.store_path_commit_log.find(',') != std::string::npos) {
    return Bad("storePathCommitLog", StrCat("'", options.store_path_commit_log,
                                            "' names several directories, as Apache takes them; only one is "
                                            "supported: put the files together in one"));
  }
  if (!options.read_only_commit_log_store_paths.empty()) {
    return Bad("readOnlyCommitLogStorePaths",
               StrCat("'", options.read_only_commit_log_store_paths,
                      "' is not supported, and the messages in it would be missing: move its files into "
                      "storePathCommitLog, or let Apache's broker drain them first"));
  }
  if (options.broker_name.size() > limits::kBrokerNameBytesMax) {
    return Bad("brokerName", StrCat("longer than ", limits::kBrokerNameBytesMax, " bytes"));
  }
  for (const auto& [key, name] :
       {std::pair<std::string_view, const std::string&>("brokerName", options.broker_name),
        {"brokerClusterName", options.broker_cluster_name}}) {
    // Both become topics, so that clients can reach one broker or cluster by name.
    if (Status named = CheckTopicName(name); !named.ok()) return named.Annotate(key);
  }
  if (auto levels = ParseDelayLevels(options.message_delay_level); !levels.ok()) {
    return levels.status().Annotate("messageDelayLevel");
  }
  if (Status told = CheckAdvertisedHost(options.broker_ip1); !told.ok()) return told.Annotate("brokerIP1");
  if (Status told = CheckAdvertisedHost(options.broker_ip2); !told.ok()) return told.Annotate("brokerIP2");
  if (!options.namesrv_addr.empty()) {
    if (auto list = ParseEndpoints(options.namesrv_addr); !list.ok()) {
      return list.status().Annotate("namesrvAddr");
    }
  }
  const int32_t record_max = options.max_message_size + static_cast<int32_t>(limits::kRecordOverheadBytesMax);
  if (options.mapped_file_size_commit_log < record_max) {
    return Bad("mappedFileSizeCommitLog",
               StrCat(options.mapped_file_size_commit_log, " is too small for maxMessageSize plus 64 KiB (",
                      record_max, "); raise it or lower maxMessageSize"));
  }
  return {};
}

Result<store::CleaningRules> ToCleaningRules(const BrokerOptions& options) {
  auto hours = store::ParseDeleteHours(options.delete_when);
  if (!hours.ok()) return hours.status();
  return store::CleaningRules{.retention = std::chrono::hours(options.file_reserved_time),
                              .delete_hours = *std::move(hours),
                              .disk_ratio_max = options.disk_max_used_space_ratio / 100.0};
}

store::StoreOptions ToStoreOptions(const BrokerOptions& options, const HostAddress& store_host) {
  store::StoreOptions store;
  store.root = options.store_path_root_dir;
  store.commit_log_dir = options.store_path_commit_log;
  store.flush_mode = options.flush_disk_type;
  store.segment_bytes = options.mapped_file_size_commit_log;
  store.queue_file_units = (options.mapped_file_size_consume_queue + 19) / 20;
  store.index_slots = options.max_hash_slot_num;
  store.index_entries = options.max_index_num;
  store.index_enabled = options.message_index_enable;
  store.message_bytes_max = options.max_message_size;
  store.flush_interval = options.flush_interval_commit_log;
  store.sync_flush_timeout = options.sync_flush_timeout;
  store.append_queue_age_max = options.wait_time_in_send_queue;
  store.retention = std::chrono::hours(options.file_reserved_time);
  store.retention_bytes = options.retention_bytes;
  store.delete_when = options.delete_when;
  store.record_crc = RecordCrcOf(options);
  store.disk_ratio_max = options.disk_max_used_space_ratio / 100.0;
  store.disk_ratio_refuse = options.disk_space_warning_level_ratio / 100.0;
  store.disk_ratio_force = options.disk_space_clean_forcibly_ratio / 100.0;
  store.delete_unexpired = options.clean_file_forcibly_enable;
  store.store_host = store_host;
  store.follower = options.broker_role == BrokerRole::kSlave;
  store.in_sync_replicas = InSyncReplicas(options);
  store.in_sync_replicas_min = options.min_in_sync_replicas;
  store.in_sync_replicas_adapt = options.enable_auto_in_sync_replicas;
  store.replica_timeout = options.slave_timeout;
  // ResolveDefaults has parsed it once already.
  if (auto levels = ParseDelayLevels(options.message_delay_level); levels.ok()) {
    store.delay_levels.assign(levels->begin(), levels->end());
  }
  return store;
}

std::string BrokerAddress(const BrokerOptions& options) {
  return Endpoint{options.broker_ip1, static_cast<uint16_t>(options.listen_port)}.ToString();
}

}  // namespace orbitmq::broker
