// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "common/java_hash.h"
#include "common/subscription.h"

namespace orbitmq {

// Decides by tag hash whether a ConsumeQueue entry is wanted: what the broker can tell without reading the
// record. Hash collisions pass; the consumer rechecks with MatchesTag. A value; thread-safe when const.
class TagFilter final {
 public:
  // Matches everything.
  TagFilter() = default;
  // Follows Apache's broker: "*", class filters and expressions that are no tags match everything; otherwise
  // exactly the codes of code_set (so none if it is empty).
  explicit TagFilter(const SubscriptionData& subscription);

  bool matches_all() const noexcept { return all_; }
  bool MatchesCode(int64_t tags_code) const noexcept;

 private:
  bool all_ = true;
  std::vector<int32_t> codes_;  // Sorted.
};

// The consumer's exact recheck of a message's TAGS property (empty = the message has none). True when the
// subscription has no tags.
bool MatchesTag(const SubscriptionData& subscription, std::string_view tag);

}  // namespace orbitmq
