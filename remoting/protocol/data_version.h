// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "remoting/protocol/body_codec.h"
#include "remoting/protocol/field_table.h"

namespace orbitmq::proto {

// The version of a table (topics, groups, offsets). Two tables are the same version when all three are equal.
struct DataVersion {
  int64_t counter = 0;        // Raised by every change.
  int64_t state_version = 0;  // The epoch of an elected broker; since 5.0.
  int64_t timestamp = 0;      // Epoch milliseconds of the last change.
  ORBITMQ_FIELDS(DataVersion, ORBITMQ_OPTIONAL(counter), ORBITMQ_OPTIONAL(state_version),
                 ORBITMQ_OPTIONAL(timestamp))
};

}  // namespace orbitmq::proto
