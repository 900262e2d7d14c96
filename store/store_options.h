// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/limits.h"
#include "common/message_codec.h"
#include "orbitmq/result.h"
#include "orbitmq/time.h"

namespace orbitmq::store {

enum class FlushMode : uint8_t { kAsync, kSync };

// Hours of the day from deleteWhen ("04;16"); kInvalidArgument names the entry.
Result<std::vector<int>> ParseDeleteHours(std::string_view text);

// When old log files go: what of StoreOptions may change while the store runs. A value.
struct CleaningRules {
  Duration retention{};
  std::vector<int> delete_hours;
  double disk_ratio_max = 0;
  bool operator==(const CleaningRules&) const = default;
};

// Names in comments are Apache's broker.conf keys; the broker fills this from its option table.
struct StoreOptions {
  std::string root;                                          // storePathRootDir
  std::string commit_log_dir;                                // storePathCommitLog; empty = root/commitlog
  FlushMode flush_mode = FlushMode::kAsync;                  // flushDiskType
  int64_t segment_bytes = int64_t{1} << 30;                  // mappedFileSizeCommitLog
  int64_t queue_file_units = 300000;                         // mappedFileSizeConsumeQueue / 20
  int32_t index_slots = 5'000'000;                           // maxHashSlotNum
  int32_t index_entries = 20'000'000;                        // maxIndexNum
  bool index_enabled = true;                                 // messageIndexEnable
  RecordCrc record_crc = RecordCrc::kWhole;                  // enabledAppendPropCRC; of every draft too
  int32_t message_bytes_max = 4 * 1024 * 1024;               // maxMessageSize, of the body
  Duration flush_interval = std::chrono::milliseconds(500);  // flushIntervalCommitLog (async)
  Duration sync_flush_timeout = std::chrono::seconds(5);     // syncFlushTimeout
  // waitTimeMillsInSendQueue: appends are refused while the oldest that waits for the log is older.
  Duration append_queue_age_max = std::chrono::milliseconds(200);
  int64_t append_queue_bytes_max = static_cast<int64_t>(limits::kAppendQueueBytesMax);
  // The log waits while queues and index are further behind it.
  int64_t dispatch_behind_bytes_max = static_cast<int64_t>(limits::kDispatchBehindBytesMax);
  Duration retention = std::chrono::hours(72);  // fileReservedTime
  int64_t retention_bytes = 0;                  // retentionBytes, of log files; 0 = no limit
  std::string delete_when = "04";               // deleteWhen, hours "04;16"
  double disk_ratio_max = 0.75;                 // diskMaxUsedSpaceRatio: delete at once above it
  double disk_ratio_refuse = 0.90;              // diskSpaceWarningLevelRatio: refuse writes above it
  double disk_ratio_force = 0.85;  // diskSpaceCleanForciblyRatio: delete the oldest even if not expired
  bool delete_unexpired = true;    // cleanFileForciblyEnable: may that be?
  int64_t hot_bytes =
      int64_t{1} << 30;  // Records this near the end count as in memory (...InMemoryMaxRatio).
  // The newest bytes of the log that leave by reference: they are in the page cache, having just been
  // written.
  int64_t reference_bytes = int64_t{256} << 20;
  Duration queue_flush_interval = std::chrono::seconds(1);  // flushIntervalConsumeQueue
  Duration checkpoint_interval = std::chrono::seconds(5);   // Between exact checkpoints; bounds recovery.
  Duration clean_interval = std::chrono::seconds(10);       // cleanResourceInterval
  // Replication (message_store.h, store/replication.h). A follower's log is written by AppendReplica alone.
  bool follower = false;                               // brokerRole SLAVE
  int32_t in_sync_replicas = 1;                        // inSyncReplicas, this store among them
  int32_t in_sync_replicas_min = 1;                    // minInSyncReplicas
  bool in_sync_replicas_adapt = false;                 // enableAutoInSyncReplicas
  Duration replica_timeout = std::chrono::seconds(3);  // slaveTimeout
  HostAddress store_host;              // brokerIP1:listenPort, for records the store makes itself
  std::vector<Duration> delay_levels;  // messageDelayLevel; deliver times of the schedule topic
};

}  // namespace orbitmq::store
