// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "orbitmq/message_queue.h"

namespace orbitmq {

// The message is stored on the master in all four cases; the last three tell that something beyond that which
// the broker was configured to wait for did not happen in time.
enum class SendStatus : uint8_t {
  kOk,
  kFlushDiskTimeout,   // Synchronous flush did not finish in time.
  kFlushSlaveTimeout,  // The replica did not confirm in time.
  kSlaveNotAvailable,  // Synchronous replication is configured, but no replica is connected or near enough.
};

struct SendResult {
  SendStatus status = SendStatus::kOk;
  // Made by this producer, stable over retries: the id to log and to search for. For a batch the members' ids
  // joined by commas.
  std::string message_id;
  // Made by the broker: its address and the log offset. For a batch joined by commas.
  std::string offset_message_id;
  MessageQueue queue;
  // Position in the queue; of a batch, that of its first message.
  int64_t queue_offset = 0;
  std::string region_id;
  std::string transaction_id;
  std::string recall_handle;
};

}  // namespace orbitmq
