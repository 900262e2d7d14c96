// SPDX-License-Identifier: Apache-2.0
// A slave makes sure whether its master lives, before it takes the master's place.
#include <utility>

#include "broker/replication/ha_slave.h"

namespace orbitmq::broker {
namespace {

// A master that sends is heard all the time. An idle one speaks every haSendHeartbeatInterval only.
constexpr Duration kHeardNow = std::chrono::seconds(1);

}  // namespace

void HaSlave::AskMaster(Duration patience, UniqueFunction<void(MasterAnswer)> done) {
  if (connection_ == nullptr) return done(MasterAnswer::kSilent);
  const MonoTime now = parts_.env.clock().Monotonic();
  // That it does not read is its own doing.
  if (paused_ || probe_ != nullptr || (said_something_ && now - heard_ < kHeardNow))
    return done(MasterAnswer::kAlive);
  probe_ = std::make_unique<Probe>(Probe{now + patience, std::move(done)});
  AskAnew();
  Again(Duration(0));
}

// What this slave did not come to say, because its own disk is slow, the master need not answer.
void HaSlave::ProbeIsOver() {
  const bool said = connecting_ || (connection_ != nullptr && asked_);
  EndProbe(said ? MasterAnswer::kSilent : MasterAnswer::kAlive);
}

void HaSlave::EndProbe(MasterAnswer answer) {
  if (probe_ != nullptr) std::exchange(probe_, nullptr)->done(answer);
}

}  // namespace orbitmq::broker
