// SPDX-License-Identifier: Apache-2.0
#include "client/consumer_options.h"

#include <cstdint>
#include <string_view>

#include "client/option_ranges.h"
#include "common/names.h"

namespace orbitmq::client {

Status CheckConsumerOptions(const PushConsumerOptions& options) {
  const Status group = CheckGroupName(options.group);
  if (!group.ok()) return group.Annotate("PushConsumerOptions::group");
  if (options.group == names::kDefaultConsumerGroup) {
    return {StatusCode::kInvalidArgument,
            "PushConsumerOptions::group must not be DEFAULT_CONSUMER; choose a name of your own"};
  }
  if (options.subscriptions.empty()) {
    return {StatusCode::kInvalidArgument,
            "PushConsumerOptions::subscriptions is empty; name at least one topic"};
  }
  constexpr int64_t kDayMillis = int64_t{24} * 3600 * 1000;
  return CheckRanges("PushConsumerOptions",
                     {{"consume_threads", options.consume_threads, 1, 1000},
                      {"consume_batch_size", options.consume_batch_size, 1, 1024},
                      {"pull_batch_size", options.pull_batch_size, 1, 1024},
                      {"queue_messages_max", options.queue_messages_max, 1, 65535},
                      {"queue_mebibytes_max", options.queue_mebibytes_max, 1, 1024},
                      {"queue_span_max", options.queue_span_max, 1, 65535},
                      {"reconsume_times_max", options.reconsume_times_max, -1, INT32_MAX},
                      {"consume_timeout (ms)", options.consume_timeout.count(), 1, 7 * kDayMillis},
                      {"rebalance_interval (ms)", options.rebalance_interval.count(), 1000, kDayMillis},
                      {"shutdown_drain (ms)", options.shutdown_drain.count(), 0, kDayMillis}});
}

Result<SubscriptionData> ParseSubscription(const Subscription& subscription) {
  const Status topic = CheckTopicName(subscription.topic);
  if (!topic.ok()) return topic.Annotate("Subscription::topic");
  auto parsed = BuildSubscription(subscription.topic, subscription.expression);
  if (!parsed.ok()) return parsed.status().Annotate("Subscription::expression");
  return parsed;
}

}  // namespace orbitmq::client
