// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "orbitmq/received_message.h"
#include "test/sim/facts.h"
#include "test/sim/store_image.h"

namespace orbitmq::sim {

// Every acknowledged message reaches every group that subscribed to it: its listener succeeds with it at
// least once, or it lies in the group's dead letter queue after the last try. Nothing arrives that was not
// sent, that was promised not to be stored, or that nobody subscribed to; nothing arrives changed.
class DeliveryChecker final {
 public:
  explicit DeliveryChecker(Facts& facts);

  // What the message is, when it is intact; a violation otherwise.
  const SentMessage* OnDelivered(size_t group, const ReceivedMessage& message);
  // The listener's verdict. `last_try`: the broker puts it into the dead letter queue if it comes back.
  enum class Verdict : uint8_t { kSuccess, kLater, kLaterForTheLastTime };
  void OnVerdict(size_t group, uint32_t number, Verdict verdict);

  // How many (message, group) pairs are still owed; what ought to lie in a dead letter queue is not.
  size_t Owed() const;
  // The first acknowledged message that a group has not seen at all yet; empty if there is none.
  std::string DescribeUnseen() const;
  // "3 owed, the first to audit: 17 orders acknowledged at ..." for the liveness report.
  std::string DescribeOwed() const;
  uint64_t delivered_count() const { return delivered_count_; }

  // The final state of every broker.
  void AtEnd(const std::vector<StoreImage>& images);

 private:
  enum class Progress : uint8_t { kNothing, kDelivered, kGivenUp, kSucceeded };
  Progress ProgressOf(size_t group, uint32_t number) const;

  Facts& facts_;
  std::vector<std::vector<Progress>> progress_;  // By group, by number.
  uint64_t delivered_count_ = 0;
};

}  // namespace orbitmq::sim
