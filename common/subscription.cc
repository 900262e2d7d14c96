// SPDX-License-Identifier: Apache-2.0
#include "common/subscription.h"

#include "common/java_hash.h"
#include "common/limits.h"
#include "common/strings.h"

namespace orbitmq {
namespace {

Status Bad(std::string_view topic, std::string_view expression, std::string_view why) {
  return {StatusCode::kInvalidArgument, StrCat("subscription of topic ", Printable(topic), ", expression \"",
                                               Printable(expression), "\": ", why)};
}

// Java's String.trim: everything up to and including the blank, at both ends.
std::string_view JavaTrim(std::string_view text) {
  const auto white = [](char c) { return static_cast<unsigned char>(c) <= ' '; };
  while (!text.empty() && white(text.front())) text.remove_prefix(1);
  while (!text.empty() && white(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace

Result<SubscriptionData> BuildSubscription(std::string_view topic, std::string_view expression) {
  SubscriptionData out;
  out.topic = topic;
  if (expression.empty() || expression == kSubscribeAll) return out;
  if (expression.size() > limits::kExpressionBytesMax) return Bad(topic, expression, "longer than 64 KiB");
  out.sub_string = expression;
  bool only_bars = true;
  for (const std::string_view piece : Split(expression, "||")) {
    only_bars = only_bars && piece.empty();
    const std::string_view tag = JavaTrim(piece);
    if (tag.empty()) continue;
    if (out.tags_set.size() == limits::kTagsPerSubscriptionMax)
      return Bad(topic, expression, "more than 1024 tags");
    out.tags_set.emplace(tag);
    out.code_set.insert(JavaStringHash(tag));
  }
  if (only_bars) return Bad(topic, expression, "no tag between the bars; expected \"tagA || tagB\" or \"*\"");
  return out;
}

Result<SubscriptionData> BuildSubscription(std::string_view topic, std::string_view expression,
                                           std::string_view expression_type) {
  if (IsTagExpression(expression_type)) return BuildSubscription(topic, expression);
  if (expression.empty()) {
    return Bad(topic, expression,
               StrCat("empty, but type ", Printable(expression_type), " needs an expression"));
  }
  if (expression.size() > limits::kExpressionBytesMax) return Bad(topic, expression, "longer than 64 KiB");
  SubscriptionData out;
  out.topic = topic;
  out.sub_string = expression;
  out.expression_type = expression_type;
  return out;
}

}  // namespace orbitmq
