// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/config.h"
#include "common/delay_levels.h"
#include "common/limits.h"
#include "common/mutex.h"
#include "common/names.h"
#include "common/sys_flag.h"
#include "orbitmq/result.h"
#include "remoting/metrics_server.h"
#include "remoting/server_options.h"
#include "store/replicated_log.h"
#include "store/store_options.h"

namespace orbitmq::broker {

enum class BrokerRole : uint8_t { kAsyncMaster, kSyncMaster, kSlave };

// Everything that broker.conf can say; members carry Apache's defaults unless their row in the table says why
// not. A value: the running broker reads snapshots of it (LiveOptions).
struct BrokerOptions {
  // Identity and network. Empty names and addresses are filled in by ResolveDefaults.
  std::string broker_name;
  std::string broker_cluster_name{names::kDefaultCluster};
  int64_t broker_id = 0;
  std::string namesrv_addr;
  std::string broker_ip1;
  std::string broker_ip2;
  std::string bind_address = "0.0.0.0";
  int32_t listen_port = 10911;
  int32_t ha_listen_port = 0;
  int32_t broker_permission = perm::kReadWrite;
  BrokerRole broker_role = BrokerRole::kAsyncMaster;
  std::string region_id{names::kDefaultRegion};
  bool trace_on = true;
  Millis register_name_server_period{10'000};
  Millis register_broker_timeout{24'000};
  int32_t server_selector_threads = 0;
  int32_t server_channel_max_idle_seconds = 120;

  net::TlsServerSettings tls;    // Rows of its own: TlsServerOptionTable.
  net::MetricsSettings metrics;  // Likewise: MetricsOptionTable.

  // Replication. A slave's log is written by its master's stream alone.
  std::string ha_master_address;
  Millis ha_send_heartbeat_interval{5000};
  Millis ha_housekeeping_interval{20'000};
  int32_t ha_transfer_batch_size = 32 * 1024;
  int64_t ha_max_gap_not_in_sync = int64_t{256} << 20;
  bool ha_flow_control_enable = false;
  int64_t max_ha_transfer_byte_in_second = int64_t{100} << 20;
  Millis slave_timeout{3000};
  int32_t total_replicas = 1;
  int32_t in_sync_replicas = 0;  // Apache's default is 1, with which SYNC_MASTER does not wait.
  int32_t min_in_sync_replicas = 1;
  bool enable_auto_in_sync_replicas = false;
  bool all_ack_in_sync_state_set = false;
  Millis ha_max_time_slave_not_catchup{15'000};

  // Reading from slaves, and slaves in their master's place.
  bool slave_read_enable = false;
  int32_t access_message_in_memory_max_ratio = 40;
  int64_t machine_memory_bytes = int64_t{8} << 30;  // What that is a part of; main sets it. No row.
  bool offset_check_in_slave = false;
  bool enable_slave_acting_master = false;
  bool enable_remote_escape = false;
  Millis broker_heartbeat_interval{1000};
  Millis broker_not_active_timeout{10'000};

  // Topics, groups, clients.
  bool auto_create_topic_enable = true;
  int32_t default_topic_queue_nums = 8;
  bool cluster_topic_enable = true;
  bool broker_topic_enable = true;
  bool auto_create_subscription_group = true;
  bool trace_topic_enable = false;
  std::string msg_trace_topic_name{names::kTraceTopic};
  bool reject_transaction_message = false;
  bool enable_property_filter = false;
  bool notify_consumer_ids_changed_enable = true;
  Millis channel_expired_timeout{120'000};
  bool use_server_side_reset_offset = true;
  bool lite_pull_message_enable = true;
  bool long_polling_enable = true;
  Millis short_polling_time{1000};
  Millis wait_time_in_send_queue{200};
  Millis flush_consumer_offset_interval{5000};
  int64_t start_accept_send_request_time_stamp = 0;

  // The file given with -c, which UPDATE_BROKER_CONFIG changes; empty = none. No row of the table.
  std::string config_file;

  // Store.
  std::string store_path_root_dir;
  std::string store_path_commit_log;
  std::string read_only_commit_log_store_paths;
  int64_t mapped_file_size_commit_log = int64_t{1} << 30;
  int64_t mapped_file_size_consume_queue = 6'000'000;
  int32_t max_message_size = limits::kMessageBodyBytesDefault;
  int32_t max_hash_slot_num = 5'000'000;
  int32_t max_index_num = 20'000'000;
  bool message_index_enable = true;
  bool enabled_append_prop_crc = true;  // Apache's default is false: a torn header is not found then.
  store::FlushMode flush_disk_type = store::FlushMode::kAsync;
  Millis sync_flush_timeout{5000};
  Millis flush_interval_commit_log{500};
  int32_t file_reserved_time = 72;
  int64_t retention_bytes = 0;
  std::string delete_when = "04";
  int32_t disk_max_used_space_ratio = 75;
  int32_t disk_space_clean_forcibly_ratio = 85;
  bool clean_file_forcibly_enable = true;
  int32_t disk_space_warning_level_ratio = 90;
  int32_t max_transfer_bytes_in_memory = 262'144;
  int32_t max_transfer_count_in_memory = 32;
  int32_t max_transfer_bytes_in_disk = 65'536;
  int32_t max_transfer_count_in_disk = 8;
  int32_t default_query_max_num = 32;
  std::string message_delay_level{kDelayLevelsDefault};
  Millis flush_delay_offset_interval{10'000};
};

// Apache's names, ranges and one sentence each; docs/CONFIG.md is made from it.
const OptionTable<BrokerOptions>& BrokerOptionTable();

// All tables of a broker.conf, bound to `options`.
std::vector<OptionBinding> BindBrokerOptions(BrokerOptions& options);

// Fills empty fields from the process (host name, address) and checks what no single row can: roles, paths,
// ratios, delay levels. kInvalidArgument names the key and what to do.
Status ResolveDefaults(const ProcessIdentity& identity, BrokerOptions& options);

// How many brokers, the master among them, must have a message before its sender is told OK: 1 = the master
// alone. What inSyncReplicas says; where it says nothing 2 for SYNC_MASTER.
inline int32_t InSyncReplicas(const BrokerOptions& options) {
  if (options.broker_role != BrokerRole::kSyncMaster) return 1;
  return options.in_sync_replicas > 0 ? options.in_sync_replicas : 2;
}

// What the options of replication say together. kInvalidArgument as ResolveDefaults, which asks this too.
Status CheckReplication(const BrokerOptions& options);

// What a store is told when these options change while it runs; ToStoreOptions says the same at its start.
inline store::ReplicaDemand ToReplicaDemand(const BrokerOptions& options) {
  return {.in_sync = InSyncReplicas(options),
          .in_sync_min = options.min_in_sync_replicas,
          .adapt = options.enable_auto_in_sync_replicas};
}

// When old files go, for a store that runs; ToStoreOptions says the same at its start. kInvalidArgument names
// the key.
Result<store::CleaningRules> ToCleaningRules(const BrokerOptions& options);

store::StoreOptions ToStoreOptions(const BrokerOptions& options, const HostAddress& store_host);

// What the drafts of every writer have to say.
inline RecordCrc RecordCrcOf(const BrokerOptions& options) {
  return options.enabled_append_prop_crc ? RecordCrc::kWhole : RecordCrc::kNone;
}

// "ip:port" under which clients reach the broker.
std::string BrokerAddress(const BrokerOptions& options);

// The options of a running broker: immutable snapshots, replaced as a whole by UPDATE_BROKER_CONFIG.
// Threads: any.
class LiveOptions final {
 public:
  explicit LiveOptions(BrokerOptions options)
      : current_(std::make_shared<const BrokerOptions>(std::move(options))) {}
  std::shared_ptr<const BrokerOptions> Get() const {
    MutexLock lock(mutex_);
    return current_;
  }
  void Set(BrokerOptions options) {
    auto next = std::make_shared<const BrokerOptions>(std::move(options));
    MutexLock lock(mutex_);
    current_ = std::move(next);
  }

 private:
  mutable Mutex mutex_;
  std::shared_ptr<const BrokerOptions> current_ ORBITMQ_GUARDED_BY(mutex_);
};

}  // namespace orbitmq::broker
