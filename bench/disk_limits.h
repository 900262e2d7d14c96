// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "common/latency_histogram.h"
#include "common/clock.h"
#include "common/file_system.h"

namespace orbitmq::bench {

// How the bytes ahead of an append look before it comes.
enum class Prepared : uint8_t {
  kSparse,     // ftruncate only.
  kAllocated,  // Blocks reserved, unwritten.
  kZeroed,     // Zeros written and synced.
};
const char* NameOf(Prepared prepared);

struct SyncCost {
  LatencyHistogram write_us;
  LatencyHistogram sync_us;
  int64_t rounds = 0;
  double both_us = 0;
  double both_us_mean() const { return rounds > 0 ? both_us / static_cast<double>(rounds) : 0; }
  void Merge(const SyncCost& other);
};

// What this machine's disk and memory can do, measured with the calls that the store uses.
// Threads: one; blocks.
class DiskLimits final {
 public:
  // `directory` exists; files are made in it and removed.
  DiskLimits(FileSystem& files, Clock& clock, std::string directory)
      : files_(files), clock_(clock), directory_(std::move(directory)) {}

  // `rounds` times: write `bytes` behind the last ones, then fdatasync.
  Result<SyncCost> MeasureSync(Prepared prepared, int64_t bytes, int rounds);
  // MB/s of writing `bytes` in pieces of 1 MiB into a sparse file, the last fdatasync included.
  Result<double> SequentialWrite(int64_t bytes);
  // MB/s of memcpy between buffers larger than the caches.
  double MemoryCopy(int64_t bytes);

 private:
  double Micros(MonoTime since) const;

  FileSystem& files_;
  Clock& clock_;
  const std::string directory_;
};

}  // namespace orbitmq::bench
