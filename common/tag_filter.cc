// SPDX-License-Identifier: Apache-2.0
#include "common/tag_filter.h"

#include <algorithm>

namespace orbitmq {

TagFilter::TagFilter(const SubscriptionData& subscription) {
  all_ = subscription.class_filter_mode || !IsTagExpression(subscription.expression_type) ||
         subscription.sub_string == kSubscribeAll;
  if (!all_) codes_.assign(subscription.code_set.begin(), subscription.code_set.end());
}

bool TagFilter::MatchesCode(int64_t tags_code) const noexcept {
  // Java compares the low 32 bits only (Long.intValue).
  return all_ || std::binary_search(codes_.begin(), codes_.end(), static_cast<int32_t>(tags_code));
}

bool MatchesTag(const SubscriptionData& subscription, std::string_view tag) {
  if (subscription.class_filter_mode || subscription.tags_set.empty()) return true;
  if (tag.empty()) return false;
  return subscription.tags_set.contains(std::string(tag));
}

}  // namespace orbitmq
