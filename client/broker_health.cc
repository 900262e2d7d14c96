// SPDX-License-Identifier: Apache-2.0
#include "client/broker_health.h"

#include <algorithm>
#include <iterator>

namespace orbitmq::client {
namespace {

struct Step {
  Millis latency_min;
  Millis quarantine;
};
constexpr Step kSteps[] = {{Millis(50), Millis(0)},       {Millis(100), Millis(0)},
                           {Millis(550), Millis(2000)},   {Millis(1800), Millis(5000)},
                           {Millis(3000), Millis(6000)},  {Millis(5000), Millis(10000)},
                           {Millis(15000), Millis(30000)}};

}  // namespace

Duration QuarantineFor(Duration latency) {
  for (auto step = std::rbegin(kSteps); step != std::rend(kSteps); ++step) {
    if (latency >= step->latency_min) return step->quarantine;
  }
  return Duration::zero();
}

void BrokerHealth::Record(const std::string& broker_name, Duration latency, MonoTime now) {
  const Duration quarantine = QuarantineFor(latency);
  if (quarantine == Duration::zero()) return;
  MonoTime& until = avoid_until_.try_emplace(broker_name, now).first->second;
  until = std::max(until, now + quarantine);
}

bool BrokerHealth::Available(const std::string& broker_name, MonoTime now) const {
  const auto found = avoid_until_.find(broker_name);
  return found == avoid_until_.end() || found->second <= now;
}

}  // namespace orbitmq::client
