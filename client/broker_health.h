// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <unordered_map>

#include "common/clock.h"

namespace orbitmq::client {

// How long a broker is kept away from after an answer that took this long: Java's tables (client.md 2.8).
Duration QuarantineFor(Duration latency);

// What the latency of a send that failed counts as: 10 s of quarantine.
inline constexpr Duration kFailedSendLatency = std::chrono::seconds(10);

// Remembers which brokers failed or were slow. Pure: time comes in as an argument.
// Threads: owned by the client's loop.
class BrokerHealth final {
 public:
  // The end of a quarantine only moves forward; a quick answer does not shorten it.
  void Record(const std::string& broker_name, Duration latency, MonoTime now);
  bool Available(const std::string& broker_name, MonoTime now) const;

 private:
  std::unordered_map<std::string, MonoTime> avoid_until_;
};

}  // namespace orbitmq::client
