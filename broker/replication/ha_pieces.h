// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

#include "common/ids.h"

namespace orbitmq::broker {

// Where the pieces of the log end that one slave gets: where records end, if possible. An Apache slave that
// is killed between two pieces recovers what it has as records, and takes one that was cut within its
// properties for a whole one (the CRC that it checks covers the body only): its log then differs from the
// master's for good, and it never notices. Behind an Apache master it has that risk.
//
// Pure; owned by whoever ships. `at` is where the next piece begins. A stream that does not begin with a
// record (a slave that asks for the middle of one) goes out as it is until it meets a record's begin.
class HaPieces {
 public:
  // A longer record is shipped in parts: a slave's buffer is bounded (ha_frames.h), and so is what waits for
  // its connection.
  static constexpr size_t kWholeRecordBytesMax = 256 * 1024;

  // Bytes to read from `at`; 0 = the slave has all below `end`. `batch` is haTransferBatchSize.
  size_t Read(LogOffset at, LogOffset end, size_t batch) const;
  // How much of the `bytes` read from `at` to ship; 0 = read again: it takes more than a batch. `end` as it
  // was when Read was asked; records end there, and where a file of the log does.
  size_t Ship(LogOffset at, LogOffset end, size_t asked, std::string_view bytes);

 private:
  LogOffset record_end_;  // Of a record longer than a batch, while it is under way.
};

}  // namespace orbitmq::broker
