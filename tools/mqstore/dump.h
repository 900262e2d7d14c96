// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>
#include <limits>
#include <optional>
#include <string>

#include "tools/mqstore/store_directory.h"

namespace orbitmq::tools {

enum class BodyForm : uint8_t {
  kBase64,  // As it lies in the log, possibly compressed.
  kText,    // Decompressed; base64 all the same where it is no UTF-8.
  kNone,
};

// Which records to print; what is not set does not filter.
struct DumpFilter {
  std::optional<std::string> topic{};
  std::optional<QueueId> queue{};
  std::optional<WallTime> from{};  // Store times; `to` is not included.
  std::optional<WallTime> to{};
  std::optional<LogOffset> from_offset{};  // Log offsets; `to_offset` is not included.
  std::optional<LogOffset> to_offset{};
  std::optional<std::string> key{};  // UNIQ_KEY or one of KEYS.
  int64_t limit = std::numeric_limits<int64_t>::max();
};

struct DumpResult {
  int64_t printed = 0;
  int64_t damaged_ranges = 0;
};

// One record as a JSON object on one line.
std::string RecordJson(const MessageView& record, BodyForm form);

// Prints the records to `out`, one line each, in the order of the log. Damaged ranges are told on standard
// error and stepped over. kIoError when the disk or `out` refuses.
Result<DumpResult> DumpStore(StoreDirectory& store, const DumpFilter& filter, BodyForm form, std::FILE* out);

// Epoch milliseconds, or UTC as "2026-01-31", "2026-01-31 13:45" or "2026-01-31T13:45:10", or with a
// zone: what ParseTimeText takes.
Result<WallTime> ParseDumpTime(std::string_view text);

}  // namespace orbitmq::tools
