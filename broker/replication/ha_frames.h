// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/bytes.h"
#include "common/ids.h"
#include "orbitmq/time.h"

namespace orbitmq::broker {

// Apache's classic HA protocol (store.md 10.1; docs/WIRE_FORMAT.md), on a connection of its own without
// authentication. Big-endian.
//
//   slave -> master   i64 offset: "begin here" the first time, "I have everything below" from then on
//   master -> slave   i64 offset, i32 size, then so many bytes of the log from there; size 0 = heartbeat
inline constexpr size_t kHaReportBytes = 8;
inline constexpr size_t kHaHeaderBytes = 12;
// Apache's slave reads into a buffer of 4 MiB: a frame has to fit.
inline constexpr int32_t kHaBodyBytesMax = (4 << 20) - static_cast<int32_t>(kHaHeaderBytes);
// Within so long a slave that is near and does not sync answers, and whoever waited for the answer sends the
// next message: what both ends look for before they sleep (decision 0066).
inline constexpr Duration kHaAnswersWithin = std::chrono::microseconds(60);

struct HaHeader {
  LogOffset offset;
  int32_t body_bytes = 0;
};

inline std::string EncodeHaReport(LogOffset offset) {
  std::string out(kHaReportBytes, '\0');
  StoreBig<int64_t>(out.data(), offset.value);
  return out;
}

inline std::string EncodeHaHeader(const HaHeader& header) {
  std::string out(kHaHeaderBytes, '\0');
  StoreBig<int64_t>(out.data(), header.offset.value);
  StoreBig<int32_t>(out.data() + 8, header.body_bytes);
  return out;
}

// `bytes` has at least kHaHeaderBytes. Nullopt when no master of this protocol sends that.
inline std::optional<HaHeader> DecodeHaHeader(std::string_view bytes) {
  const HaHeader header{{LoadBig<int64_t>(bytes.data())}, LoadBig<int32_t>(bytes.data() + 8)};
  const bool plausible =
      header.offset.value >= 0 && header.body_bytes >= 0 && header.body_bytes <= kHaBodyBytesMax;
  return plausible ? std::optional(header) : std::nullopt;
}

// The newest whole report in what came; nullopt when there is none. A master looks at no older one.
inline std::optional<LogOffset> NewestHaReport(std::string_view bytes) {
  const size_t count = bytes.size() / kHaReportBytes;
  if (count == 0) return std::nullopt;
  return LogOffset{LoadBig<int64_t>(bytes.data() + (count - 1) * kHaReportBytes)};
}

}  // namespace orbitmq::broker
