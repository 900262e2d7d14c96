// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace orbitmq {

// A number with a meaning: values of different tags neither compare nor mix.
template <class Tag>
struct StrongOffset {
  int64_t value = 0;
  friend constexpr auto operator<=>(StrongOffset, StrongOffset) = default;
  constexpr StrongOffset operator+(int64_t n) const { return {value + n}; }
  constexpr StrongOffset& operator+=(int64_t n) {
    value += n;
    return *this;
  }
  constexpr int64_t operator-(StrongOffset other) const { return value - other.value; }
};

using LogOffset = StrongOffset<struct LogOffsetTag>;  // Byte position in the CommitLog ("physical offset").
using QueueOffset =
    StrongOffset<struct QueueOffsetTag>;  // Index of a message in a ConsumeQueue ("logical offset").

using QueueId = int32_t;
using BrokerId = int64_t;
using Opaque = int32_t;
inline constexpr BrokerId kMasterId = 0;

struct QueueKey {
  std::string topic;
  QueueId queue_id = 0;
  friend auto operator<=>(const QueueKey&, const QueueKey&) = default;
};

struct QueueKeyHash {
  size_t operator()(const QueueKey& key) const noexcept {
    return std::hash<std::string>()(key.topic) * 31 +
           static_cast<size_t>(static_cast<uint32_t>(key.queue_id));
  }
};

}  // namespace orbitmq
