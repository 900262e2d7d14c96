// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "orbitmq/result.h"

namespace orbitmq {

inline constexpr std::string_view kSubscribeAll = "*";
inline constexpr std::string_view kExpressionTypeTag = "TAG";
inline constexpr std::string_view kExpressionTypeSql92 = "SQL92";

// What a consumer group wants of one topic: a value, as heartbeats and pulls carry it (Apache's class of the
// same name; remoting.md 6.1).
struct SubscriptionData {
  bool class_filter_mode = false;  // Obsolete; true means that the broker filters nothing.
  std::string topic;
  std::string sub_string{kSubscribeAll};  // The expression as the user wrote it.
  std::set<std::string> tags_set;         // Empty for "*" and for SQL92.
  std::set<int32_t> code_set;             // Java hashes of tags_set.
  int64_t sub_version = 0;                // Epoch milliseconds; raised by the client on every change.
  std::string expression_type{kExpressionTypeTag};
  friend bool operator==(const SubscriptionData&, const SubscriptionData&) = default;
};

// TAG is also meant by an empty expression type (old peers).
inline bool IsTagExpression(std::string_view expression_type) {
  return expression_type.empty() || expression_type == kExpressionTypeTag;
}

// "a || b" becomes tags and codes; "" and "*" mean all. Empty parts are dropped, as in Java, and an
// expression of bars only is kInvalidArgument. sub_version stays 0: the caller has the clock.
Result<SubscriptionData> BuildSubscription(std::string_view topic, std::string_view expression);
// The same for any expression type; one that is no tag type must have a non-empty expression
// (kInvalidArgument).
Result<SubscriptionData> BuildSubscription(std::string_view topic, std::string_view expression,
                                           std::string_view expression_type);

}  // namespace orbitmq
