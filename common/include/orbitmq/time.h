// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>

namespace orbitmq {

// A span of time. Milliseconds are the protocol's unit; finer spans are used inside.
using Duration = std::chrono::nanoseconds;
using Millis = std::chrono::milliseconds;

// The wall clock as the protocol and the store carry it: milliseconds since 1970-01-01T00:00:00Z.
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

constexpr int64_t ToEpochMillis(WallTime t) { return t.time_since_epoch().count(); }
constexpr WallTime FromEpochMillis(int64_t ms) { return WallTime(std::chrono::milliseconds(ms)); }

}  // namespace orbitmq
