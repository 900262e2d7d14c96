// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "common/ids.h"

namespace orbitmq::broker {

// One slave as its master sees it.
struct HaReplica {
  uint64_t connection = 0;  // Counts connections of this process.
  std::string address;      // "ip:port" that it connects from.
  LogOffset requested;      // Where it asked the stream to begin.
  LogOffset sent;           // Handed to the connection up to here.
  LogOffset acked;          // It says that it has everything below.
  int64_t lag_bytes = 0;    // From `acked` to the end of the master's log.
  int64_t lag_ms = 0;       // For how long it has not had what the log held then; 0 = it has caught up.
  int64_t bytes_per_second = 0;
  bool in_sync = false;  // Counts for SYNC_MASTER: behind by no more than haMaxGapNotInSync, maybe for long.
  bool caught_up = false;  // allAckInSyncStateSet waits for it.
};

// What a slave does about its log.
enum class HaSlaveState : uint8_t {
  kWaitingForAddress,  // Neither haMasterAddress nor a NameServer says where the master is.
  kConnecting,
  kComparing,  // Its own newest bytes with those of the master.
  kHealing,    // It drops what the master does not have.
  kFollowing,  // It appends what comes.
};

inline std::string_view NameOf(HaSlaveState state) {
  switch (state) {
    case HaSlaveState::kWaitingForAddress:
      return "waiting for an address";
    case HaSlaveState::kConnecting:
      return "connecting";
    case HaSlaveState::kComparing:
      return "comparing";
    case HaSlaveState::kHealing:
      return "healing";
    case HaSlaveState::kFollowing:
      return "following";
  }
  return "";
}

// What a slave finds out when it asks its master whether it lives.
enum class MasterAnswer : uint8_t { kAlive, kSilent };

struct HaSlaveStatus {
  HaSlaveState state = HaSlaveState::kWaitingForAddress;
  std::string master;  // "ip:port" of the master's haListenPort; empty = not known.
  LogOffset reported;  // What the master was told last.
  int64_t bytes_per_second = 0;
  WallTime last_read;
  WallTime last_write;
  int64_t heal_count = 0;  // How often this process truncated or dropped its log.
};

// Replication as runtime info, GET_BROKER_HA_STATUS and metrics show it. A value.
struct HaStatus {
  bool master = true;
  LogOffset log_end;
  LogOffset replicated;             // Enough slaves have everything below; of no meaning on a slave.
  int32_t in_sync_count = 1;        // Brokers that count for SYNC_MASTER, the master among them.
  std::vector<HaReplica> replicas;  // A master's.
  HaSlaveStatus slave;              // A slave's.
};

}  // namespace orbitmq::broker
