// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/ids.h"
#include "orbitmq/result.h"
#include "store/message_store.h"
#include "test/sim/sim_disk.h"

namespace orbitmq::sim {

// One record of a CommitLog, read from the segment files without the store's code.
struct ImageRecord {
  int64_t log_offset = 0;
  int32_t bytes = 0;
  QueueKey queue;
  int64_t queue_offset = 0;
  int32_t reconsume_times = 0;
  std::optional<uint32_t> number;  // Of the message, when the body is one of ours and whole.
  std::string unique_key;
  std::vector<std::string> keys;
  std::string tag;
  int64_t store_ms = 0;
};

struct ImageQueue {
  int64_t min = 0;
  int64_t max = 0;
  std::vector<store::QueueUnit> units;  // From min on.
};

// What a stopped broker has on its disk: the log as it lies there, and what a recovered store makes of it.
// Taken from a copy, in a simulation of its own, so that taking it changes nothing for the broker.
struct StoreImage {
  std::string broker;

  std::vector<ImageRecord> records;  // In log order.
  int64_t log_begin = 0;
  int64_t log_end = 0;  // Behind the last whole record (and behind a filler that follows it).

  Status opened;  // Whether the store could open it; the rest is empty if not.
  store::Watermarks watermarks;
  // Where bytes stand behind the end of the log after recovery, which must have cleared them; -1 = nowhere.
  int64_t bytes_behind_end = -1;
  std::map<QueueKey, ImageQueue> queues;
  // Of the records whose message id, and first key, the store's index does not find: their indexes in
  // records.
  std::vector<size_t> missing_in_index;
  // Of the records that ReadAt does not give back as they lie in the log.
  std::vector<size_t> unreadable;

  // consumerOffset.json: group to topic to queue to offset.
  std::map<std::string, std::map<QueueKey, int64_t>> committed;
};

struct ImageOptions {
  std::string broker;
  store::StoreOptions store;
  std::string config_dir;
  uint64_t seed = 0;  // Of the simulation whose bodies are to be recognised.
  // The last records may be torn in a way that only the store sees: no checksum covers properties. What it
  // cuts off is not taken for part of the log then (if it was acknowledged, that is found out all the same).
  bool power_lost = false;
};

StoreImage TakeStoreImage(const SimDisk& disk, const ImageOptions& options);

}  // namespace orbitmq::sim
